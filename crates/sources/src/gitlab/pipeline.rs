//! Pipelines, and their jobs as stages of them.
//!
//! A job is told by itself and in every event of its pipeline: each has a field of its own in the run (`stage.ID`), and
//! fields are merged one by one. A job says nothing of how its pipeline goes.

use domain::event::{Event, EventKind};
use domain::{Code, Problem, Timestamp};
use serde_json::{Map, Value, json};

use super::hook::Hook;
use crate::Parsed;
use crate::body::Draft;
use crate::json::{clip, wrong};

/// What a person does on a page of GitLab; everything else is a machine's.
const BY_HAND: &[&str] = &["web", "webide", "chat"];

/// `pipeline`: the pipeline and all of its jobs.
pub(super) fn changed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let mut events = vec![Ok(run(hook)?)];
    let Some(jobs) = hook.get("/builds") else { return Ok(Parsed { events, ignored: None }) };
    for item in jobs.as_array().ok_or_else(|| wrong("builds", "a list", jobs))? {
        let Value::Object(item) = item else {
            events.push(Err(wrong("builds", "objects", item)));
            continue;
        };
        events.push(job_of(hook, item, "/object_attributes/id", "/object_attributes"));
    }
    Ok(Parsed { events, ignored: None })
}

/// The pipeline alone, in `object_attributes`, which is also where a page puts it.
fn run(hook: &Hook<'_>) -> Result<Event, Problem> {
    let status = outcome(hook.need("/object_attributes/status", "it says how it goes.")?, "object_attributes.status")?;
    let created_at = hook.need_instant("/object_attributes/created_at", "it says when the pipeline was made.")?;
    let finished_at = hook.instant("/object_attributes/finished_at")?.filter(|_| status != "in_progress");
    let updated_at = match hook.instant("/object_attributes/updated_at")? {
        Some(at) => at,
        // Webhooks do not say: it is as new as the newest that they tell of.
        None => newest(hook, created_at.max(finished_at.unwrap_or(Timestamp::MIN)))?,
    };
    let source = hook.text("/object_attributes/source");
    let by_hand = source.map(|source| if BY_HAND.contains(&source) { "manual" } else { "automated" });
    let address =
        || Some(format!("{}/-/pipelines/{}", hook.text("/project/web_url")?, hook.get("/object_attributes/id")?));
    of_project(hook)
        .set("id", hook.number("/object_attributes/id", "it is the pipeline's own.")?)
        .set("status", status)
        .copy("sha", "/object_attributes/sha")
        .copy("branch", "/object_attributes/ref")
        .copy("name", "/object_attributes/name")
        .maybe("trigger", by_hand)
        .maybe("event", source)
        .copy("actor", "/user/username")
        .maybe("url", hook.text("/object_attributes/url").map(str::to_owned).or_else(address))
        // Jobs tell no marks: those of the newest content are the run's.
        .mark("repository", Some(hook.repo()))
        .mark("project", Some(hook.repo()))
        .mark("pipeline", hook.text("/object_attributes/name"))
        .at("started_at", created_at)
        .maybe("finished_at", finished_at.map(|at| at.max(created_at).to_string()))
        .at("updated_at", updated_at)
        .event()
}

/// The latest time that a pipeline's webhook has.
fn newest(hook: &Hook<'_>, known: Timestamp) -> Result<Timestamp, Problem> {
    let jobs = hook.get("/builds").and_then(Value::as_array).map_or(0, Vec::len);
    let mut newest = known;
    for index in 0..jobs {
        for name in ["created_at", "started_at", "finished_at"] {
            newest = newest.max(hook.instant(&format!("/builds/{index}/{name}"))?.unwrap_or(known));
        }
    }
    Ok(newest)
}

/// A pipeline of a page.
pub(super) fn of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    Ok(Parsed { events: vec![Ok(run(hook)?)], ignored: None })
}

/// `build`: a job alone.
pub(super) fn job_changed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let named = ["id", "name", "status", "created_at", "started_at", "finished_at"];
    let job: Map<String, Value> = named
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), hook.get(&format!("/build_{name}"))?.clone())))
        .collect();
    Ok(Parsed { events: vec![Ok(job_of(hook, &job, "/pipeline_id", "")?)], ignored: None })
}

/// A job of a page.
pub(super) fn job_of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    Ok(Parsed { events: vec![Ok(job_of(hook, hook.fields(), "/pipeline/id", "/pipeline")?)], ignored: None })
}

/// A job as a stage of its pipeline; `of` is where the commit and the branch stand.
fn job_of(hook: &Hook<'_>, job: &Map<String, Value>, pipeline: &str, of: &str) -> Result<Event, Problem> {
    let job = Hook::of_page(hook.delivery(), hook.repo(), job.clone());
    let id = job.number("/id", "it is the job's own.")?;
    let status = match job.need("/status", "it says how the job goes.")? {
        // Nobody has started it, and nobody needs to.
        "manual" => "skipped",
        word => outcome(word, "the status of a job")?,
    };
    let created_at = job.instant("/created_at")?;
    let started_at = job.instant("/started_at")?;
    let finished_at = job.instant("/finished_at")?.filter(|_| status != "in_progress");
    let newest = [created_at, started_at, finished_at].into_iter().flatten().max();
    // A job of an old version that has not begun says nothing of when.
    let newest = newest.unwrap_or_else(|| hook.received_at());
    let later = if status == "in_progress" { i64::from(started_at.is_some()) } else { 2 };
    let text = |at: Option<Timestamp>| at.map_or(Value::Null, |at| Value::from(at.to_string()));
    let stage = json!({
        "name": clip(job.need("/name", "it names the job.")?, 512),
        "status": status,
        "queued_at": text(created_at),
        "started_at": text(started_at),
        "finished_at": text(finished_at),
    });
    let mut event = of_project(hook)
        .set("id", hook.number(pipeline, "it is the pipeline of the job.")?)
        .set("status", "in_progress")
        .at("started_at", newest)
        .copy("sha", &format!("{of}/sha"))
        .copy("branch", &format!("{of}/ref"))
        .set(&format!("stage.{id}"), stage)
        // Of two states of the same second the later in life is newer.
        .at("updated_at", newest.plus(later))
        .event()?;
    // Beginning and outcome are the pipeline's to tell.
    event.fields.retain(|name, _| name != "status" && name != "started_at");
    Ok(event)
}

fn of_project<'a>(hook: &'a Hook<'a>) -> Draft<'a> {
    hook.draft(EventKind::PipelineRun).set("component", hook.repo()).set("repo", hook.repo())
}

/// The native status of a pipeline or job.
fn outcome(word: &str, name: &str) -> Result<&'static str, Problem> {
    match word {
        "success" => Ok("succeeded"),
        "failed" => Ok("failed"),
        "canceled" => Ok("cancelled"),
        "skipped" => Ok("skipped"),
        "created"
        | "waiting_for_resource"
        | "preparing"
        | "waiting_for_callback"
        | "pending"
        | "running"
        | "canceling"
        | "manual"
        | "scheduled" => Ok("in_progress"),
        other => Err(Problem::new(
            Code::UnknownValue,
            format!(
                "`{name}` is `{}`; it takes created, waiting_for_resource, preparing, waiting_for_callback, pending, \
                 running, success, failed, canceling, canceled, skipped, manual, scheduled",
                clip(other, 64).escape_debug()
            ),
        )),
    }
}
