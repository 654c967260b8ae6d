//! CDEvents 0.3 to 0.6: what the CD Foundation's tools say of services, pipelines, changes, incidents and tickets.
//!
//! They come as CloudEvents (structured, binary, in batches) or bare. A subject's id is its identity: what is detected
//! and resolved is one incident, what is started and finished is one run. Of a service each event is a deployment.

mod change;
mod envelope;
mod event;
mod incident;
mod purl;
mod run;
mod service;
mod ticket;

use domain::Problem;
use domain::event::Event;

use crate::{Answer, Delivery, Parsed, Route, Source, Verification};
use envelope::Item;
use event::CdEvent;

pub(crate) use envelope::is_sent_as_one;

/// What of a CloudEvent stands in headers, where its body is the data alone.
pub(crate) const HEADERS: &[&str] =
    &["content-type", "ce-specversion", "ce-type", "ce-id", "ce-source", "ce-subject", "ce-time"];

pub(crate) const SOURCE: Source = Source {
    name: "cdevents",
    title: "CDEvents",
    doc: "Services deployed, upgraded and rolled back, pipeline and task runs, changes, incidents and tickets.",
    routes: &[Route {
        path: "/webhooks/cdevents",
        event: "webhook",
        doc: "A CDEvent, bare or as a CloudEvent: structured, binary or in a batch.",
        headers: HEADERS,
        id_header: None,
        answer: Answer::Recorded,
    }],
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

/// Reads a delivery of CDEvents. What says nothing about delivery is ignored where nothing else is in the batch.
pub(crate) fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let mut parsed = Parsed::default();
    let mut why = Vec::new();
    for item in envelope::items(delivery)? {
        match item.and_then(|item| told(delivery, item)) {
            Ok(Told::Event(event)) => parsed.events.push(Ok(*event)),
            Ok(Told::Nothing(reason)) if !why.contains(&reason) => why.push(reason),
            Ok(Told::Nothing(_)) => {}
            Err(problem) => parsed.events.push(Err(problem)),
        }
    }
    if parsed.events.is_empty() {
        // A batch says many things; the first few tell what kind of batch it is.
        why.truncate(5);
        parsed.ignored = Some(why.join("; "));
    }
    match parsed.events.as_slice() {
        // A delivery of one event is wrong as a whole when the event is.
        [Err(problem)] => Err(problem.clone()),
        _ => Ok(parsed),
    }
}

/// What one event comes to.
enum Told {
    Event(Box<Event>),
    Nothing(String),
}

impl Told {
    fn nothing(why: impl Into<String>) -> Self {
        Told::Nothing(why.into())
    }
}

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        Told::Event(Box::new(event))
    }
}

fn told(delivery: &Delivery<'_>, item: Item) -> Result<Told, Problem> {
    let fields = match item {
        Item::CdEvent(fields) => fields,
        Item::Other(kind) => return Ok(Told::Nothing(format!("the CloudEvent `{}` is no CDEvent", shown(&kind)))),
    };
    let event = CdEvent::read(delivery, fields)?;
    match (event.subject(), event.predicate()) {
        ("service", "deployed" | "upgraded" | "rolledback") => service::put(&event),
        ("incident", "detected" | "reported" | "resolved") => incident::told(&event),
        ("pipelinerun", "started" | "finished") => run::pipeline(&event),
        ("taskrun", "started" | "finished") => run::task(&event),
        ("change", "created" | "reviewed" | "merged" | "abandoned") => change::told(&event),
        ("ticket", "created" | "updated" | "closed") => ticket::told(&event),
        (subject, predicate) => Ok(Told::Nothing(why_ignored(subject, predicate))),
    }
}

fn why_ignored(subject: &str, predicate: &str) -> String {
    let why = match (subject, predicate) {
        ("service", "published") => "a service became reachable: what was deployed is told by itself",
        ("service", "removed") => "a service was removed: nothing was delivered",
        ("environment", _) => "an environment is where things are delivered to, not a delivery",
        ("pipelinerun", "queued") => "a pipeline run waits: it is told when it starts",
        ("build" | "artifact", _) => "an artifact is what can be deployed: that it was, its service tells",
        ("testcaserun" | "testsuiterun" | "testoutput", _) => "a test is told by the run it is part of",
        ("repository" | "branch", _) => "a repository or branch was made, changed or deleted",
        ("change", "updated") => "a change was updated: what it became is told when it is merged",
        ("approval", _) => "an approval is no delivery yet",
        _ => return format!("the event `{}.{}` says nothing about delivery", shown(subject), shown(predicate)),
    };
    why.to_owned()
}

/// A stranger's word, short and without control characters.
fn shown(word: &str) -> String {
    crate::json::clip(word, 64).escape_debug().to_string()
}
