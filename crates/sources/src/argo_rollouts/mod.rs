//! Argo Rollouts: its Rollouts and AnalysisRuns, as notifications send them or as they stand in the cluster.
//!
//! A revision of a Rollout is a deployment; scaling makes no revision. An AnalysisRun is a canary analysis of the revision
//! it belongs to.

mod analysis;
mod rollout;

use domain::Problem;
use domain::event::Event;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::json::{clip, missing, wrong};
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};

pub(crate) const SOURCE: Source = Source {
    name: "argo-rollouts",
    title: "Argo Rollouts",
    doc: "Rollouts that were completed or aborted, and their canary analyses.",
    routes: &[Route {
        path: "/webhooks/argo-rollouts",
        event: "webhook",
        doc: "A notification by the template in `deploy/argo-rollouts`, or a Rollout, an AnalysisRun or a List of them.",
        headers: &["content-type"],
        id_header: None,
        answer: Answer::Recorded,
    }],
    // Notifications are not signed; they carry a token of Leadline's in a header.
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

/// What an object tells: events, or why there is none.
type Told = Result<Result<Event, String>, Problem>;

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = Body::read(delivery)?;
    if let Some(rollout) = body.get("/rollout") {
        return notified(&body, rollout);
    }
    let items = match body.get("/items") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(other) => return Err(wrong("items", "a list", other)),
        None => return gather([object(&body)?].into_iter()),
    };
    gather(items.iter().map(|item| part(&body, "items", item)).collect::<Vec<_>>().into_iter())
}

/// One object of a list; what is wrong with it spoils no other.
fn part(body: &Body<'_>, name: &str, item: &Value) -> Result<Event, Answered> {
    let Value::Object(fields) = item else { return Err(Answered::Wrong(wrong(name, "objects", item))) };
    object(&Body::part(body.delivery(), fields.clone())).unwrap_or_else(|problem| Err(Answered::Wrong(problem)))
}

/// Why something is no event.
enum Answered {
    Ignored(String),
    Wrong(Problem),
}

fn answered(told: Told) -> Result<Result<Event, Answered>, Problem> {
    Ok(told?.map_err(Answered::Ignored))
}

fn object(body: &Body<'_>) -> Result<Result<Event, Answered>, Problem> {
    match body.need("/kind", "it says what the object is.")? {
        "Rollout" => answered(rollout::read(body)),
        "AnalysisRun" => answered(analysis::read(body)),
        other => {
            let other = clip(other, 64).escape_debug();
            Ok(Err(Answered::Ignored(format!("a {other} tells nothing that its Rollout or AnalysisRun does not"))))
        }
    }
}

/// `{"event": …, "at": …, "rollout": …, "analysisRuns": …}`. The Rollout is as it was before what the notification is about,
/// so the event says how it went.
fn notified(body: &Body<'_>, rollout: &Value) -> Result<Parsed, Problem> {
    let event = body.need("/event", "it says what happened to the Rollout.")?;
    let Value::Object(fields) = rollout else { return Err(wrong("rollout", "an object", rollout)) };
    let fields: Map<String, Value> = fields.clone();
    let at = body.instant("/at")?.unwrap_or_else(|| body.received_at());
    let told = rollout::notified(&Body::part(body.delivery(), fields), event, at)?;
    let runs = body.get("/analysisRuns").and_then(Value::as_array).into_iter().flatten();
    let runs = runs.map(|run| match run {
        Value::Object(run) => {
            let run = Body::part(body.delivery(), run.clone());
            answered(analysis::read(&run)).unwrap_or_else(|problem| Err(Answered::Wrong(problem)))
        }
        other => Err(Answered::Wrong(wrong("analysisRuns", "objects", other))),
    });
    gather([told.map_err(Answered::Ignored)].into_iter().chain(runs))
}

fn gather(told: impl Iterator<Item = Result<Event, Answered>>) -> Result<Parsed, Problem> {
    let (mut events, mut why) = (Vec::new(), None);
    for one in told {
        match one {
            Ok(event) => events.push(Ok(event)),
            Err(Answered::Wrong(problem)) => events.push(Err(problem)),
            Err(Answered::Ignored(reason)) => drop(why.get_or_insert(reason)),
        }
    }
    // A delivery of one thing is wrong as a whole when that is.
    if let [Err(problem)] = events.as_slice() {
        return Err(problem.clone());
    }
    let ignored = events.is_empty().then(|| why.unwrap_or_else(|| "the list is empty".to_owned()));
    Ok(Parsed { events, ignored })
}

/// The name in an object's metadata.
fn name<'a>(body: &'a Body<'_>) -> Result<&'a str, Problem> {
    body.need("/metadata/name", "it names the object.")
}

/// An annotation or label, whose names have slashes in them.
fn noted<'a>(body: &'a Body<'_>, place: &str, name: &str) -> Option<&'a str> {
    crate::json::text(body.get(&format!("/metadata/{place}"))?.get(name))
}

/// The revision of the Rollout an object is of.
fn revision<'a>(body: &'a Body<'_>) -> Option<&'a str> {
    noted(body, "annotations", "rollout.argoproj.io/revision")
}

/// How a deployment is known: a revision of a Rollout.
fn deployment_id(uid: &str, revision: &str) -> String {
    format!("{uid}:{revision}")
}

fn need_uid<'a>(body: &'a Body<'_>) -> Result<&'a str, Problem> {
    body.text("/metadata/uid").ok_or_else(|| missing("metadata.uid", "it tells the Rollout from others of its name."))
}
