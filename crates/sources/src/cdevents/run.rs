//! Pipeline runs, and task runs as stages of them.

use domain::event::EventKind;
use domain::{Code, Problem};
use serde_json::{Value, json};

use super::Told;
use super::event::{CdEvent, ID};
use crate::json::{clip, missing};

const KIND: EventKind = EventKind::PipelineRun;

/// `pipelinerun.started`, `pipelinerun.finished`
pub(super) fn pipeline(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let draft = event
        .started(KIND)
        .copy("id", ID)
        .at("started_at", event.at())
        .copy("name", "/subject/content/pipelineName")
        .mark("pipeline", event.text("/subject/content/pipelineName"))
        .copy("url", "/subject/content/url")
        .copy("url", "/subject/content/uri");
    if event.predicate() == "started" {
        let draft = draft.set("status", "in_progress");
        return Ok(event.finish(draft, KIND, &[])?.into());
    }
    let draft = draft
        .set("status", outcome(event)?)
        .copy("status_reason", "/subject/content/errors")
        .at("finished_at", event.at());
    Ok(event.finish(draft, KIND, &["started_at"])?.into())
}

/// `taskrun.started`, `taskrun.finished`: beginning and end are told by themselves, and neither says how its run goes.
pub(super) fn task(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let Some(run) = event.text("/subject/content/pipelineRun/id") else {
        return Ok(Told::nothing("a task run by itself is no pipeline run"));
    };
    let name = event.text("/subject/content/taskName").unwrap_or(event.id());
    let at = Value::from(event.at().to_string());
    let (field, stage) = if event.predicate() == "started" {
        ("stage", json!({"name": name, "status": "in_progress", "started_at": at}))
    } else {
        ("stage_end", json!({"name": name, "status": outcome(event)?, "finished_at": at}))
    };
    let draft = event
        .started(KIND)
        .set("id", run)
        .at("started_at", event.at())
        .set("status", "in_progress")
        .set(&format!("{field}.{}", event.id()), stage);
    Ok(event.finish(draft, KIND, &["started_at", "status", "marks"])?.into())
}

fn outcome(event: &CdEvent<'_>) -> Result<&'static str, Problem> {
    let Some(word) = event.text("/subject/content/outcome") else {
        return Err(missing("subject.content.outcome", "it says how the run went."));
    };
    match word {
        "success" => Ok("succeeded"),
        // An error is one of the tool, a failure one of what it ran; the run brought nothing either way.
        "failure" | "error" => Ok("failed"),
        "cancel" => Ok("cancelled"),
        other => Err(Problem::new(
            Code::UnknownValue,
            format!("`subject.content.outcome` is `{}`; it takes success, failure, cancel, error", clip(other, 64)),
        )),
    }
}
