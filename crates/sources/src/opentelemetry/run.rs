//! Runs of pipelines, and tasks as stages of them.

use domain::Problem;
use domain::event::{Event, EventKind};
use serde_json::{Value, json};

use super::attributes::Span;
use crate::json::missing;

const RESULT: &str = "cicd.pipeline.result";

/// The span of a run.
pub(super) fn run(span: &Span<'_>) -> Result<Event, Problem> {
    let status = span.result(RESULT)?.ok_or_else(|| missing(RESULT, "it says how the run went."))?;
    let (branch, tag) = span.head();
    let name = span.get("cicd.pipeline.name").unwrap_or_else(|| span.span.name.clone());
    let failed = span.span.status.as_ref().map(|status| status.message.clone()).filter(|text| !text.is_empty());
    span.draft(EventKind::PipelineRun)
        .set("id", span.run_id()?)
        .maybe("name", Some(name).filter(|name| !name.trim().is_empty()))
        .set("status", status)
        .maybe("status_reason", failed.or_else(|| span.own("error.type")).filter(|_| status == "failed"))
        .maybe("branch", branch.or(tag))
        .maybe("url", span.get("cicd.pipeline.run.url.full"))
        .at("started_at", span.started_at()?)
        .at("finished_at", span.finished_at()?)
        .at("updated_at", span.finished_at()?)
        .event()
}

/// The span of a task: a stage, which says nothing of how its run goes.
pub(super) fn stage(span: &Span<'_>) -> Result<Event, Problem> {
    let id = span.task_id();
    let status = span.result("cicd.pipeline.task.run.result")?;
    let stage = json!({
        "name": span.own("cicd.pipeline.task.name").unwrap_or_else(|| span.span.name.clone()),
        "status": status,
        "started_at": span.started_at()?.to_string(),
        "finished_at": span.finished_at()?.to_string(),
        "url": span.own("cicd.pipeline.task.run.url.full"),
    });
    let mut event = span
        .draft(EventKind::PipelineRun)
        .set("id", span.run_id()?)
        .maybe("name", span.get("cicd.pipeline.name"))
        .set("status", "in_progress")
        .at("started_at", span.started_at()?)
        .at("updated_at", span.finished_at()?)
        .set(&format!("stage.{id}"), without_nulls(stage))
        .event()?;
    event.fields.retain(|name, _| name != "status" && name != "started_at");
    Ok(event)
}

fn without_nulls(mut stage: Value) -> Value {
    if let Some(fields) = stage.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    stage
}
