//! Tasks and runs that deploy to an environment.

use domain::Problem;
use domain::event::{Event, EventKind, image_name};

use super::attributes::Span;
use crate::json::missing;

/// The deployment of a span; none where it was skipped or says no environment.
pub(super) fn told(span: &Span<'_>) -> Result<Option<Event>, Problem> {
    let environment = span.get("deployment.environment.name").or_else(|| span.get("deployment.environment"));
    let (Some(environment), Some(status)) = (environment, status(span)?) else { return Ok(None) };
    let component = span.component().or_else(|| span.get("cicd.pipeline.name"));
    let component = component.ok_or_else(|| missing("service.name", "it says what was deployed."))?;
    let run = span.run_id()?;
    let task = span.is_task().then(|| span.task_id());
    let url = span.own("cicd.pipeline.task.run.url.full").or_else(|| span.get("cicd.pipeline.run.url.full"));
    let (branch, tag) = span.head();
    let image = image(span);
    let reason = span.span.status.as_ref().map(|status| status.message.clone()).filter(|text| !text.is_empty());
    let mut draft = span
        .draft(EventKind::Deployment)
        .set(
            "id",
            span.own("deployment.id").unwrap_or_else(|| task.map_or(run.clone(), |task| format!("{run}/{task}"))),
        )
        .set("component", component)
        .set("environment", environment)
        .set("status", status.unwrap_or("succeeded"))
        .maybe("status_reason", reason.or_else(|| span.own("error.type")).filter(|_| status == Some("failed")))
        .maybe("version", span.version().or(tag))
        .maybe("branch", branch)
        .maybe("name", span.own("deployment.name"))
        .mark("image", image.as_deref().map(image_name))
        .maybe("images", image.map(|image| vec![image]))
        .maybe("url", url)
        .at("started_at", span.started_at()?)
        .at("finished_at", span.finished_at()?)
        .at("updated_at", span.finished_at()?);
    if status.is_none() {
        draft = draft.set("status_assumed", true);
    }
    draft.event().map(Some)
}

/// How it went, and none within where nobody says; none at all for one that was skipped.
fn status(span: &Span<'_>) -> Result<Option<Option<&'static str>>, Problem> {
    let told = match span.own("deployment.status").as_deref() {
        Some("succeeded") => Some("succeeded"),
        Some("failed") => Some("failed"),
        // A word of the sender's own: the result says it in one that is known.
        _ if span.is_task() => span.result("cicd.pipeline.task.run.result")?,
        _ => span.result("cicd.pipeline.result")?,
    };
    Ok(if told == Some("skipped") { None } else { Some(told) })
}

fn image(span: &Span<'_>) -> Option<String> {
    let name = span.get("container.image.name")?;
    let tag = span.first_of("container.image.tags");
    Some(tag.map_or_else(|| name.clone(), |tag| format!("{}:{tag}", image_name(&name))))
}
