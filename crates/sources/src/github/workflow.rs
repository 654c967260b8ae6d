//! Workflow runs, and their jobs as stages of them.
//!
//! Attempts of a run share its id, so a pipeline run is a run and an attempt. A job is told by itself, in several
//! events that come in any order beside those of its run: each job has a field of its own in the run (`stage.ID`), and
//! fields are merged one by one. A job says nothing of how its run goes.

use domain::event::{Event, EventKind};
use domain::{Code, Problem, Timestamp};
use serde_json::{Value, json};

use super::hook::Hook;
use crate::Parsed;
use crate::json::clip;

/// `workflow_run`
pub(super) fn run(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let id = run_id(hook, "/workflow_run/id", "/workflow_run/run_attempt")?;
    let status = outcome(hook, "workflow_run")?;
    let updated_at = hook.need_instant("/workflow_run/updated_at", "it says which of two events is newer.")?;
    let started = if hook.get("/workflow_run/run_started_at").is_some() { "run_started_at" } else { "created_at" };
    let name = hook.text("/workflow_run/name").or_else(|| hook.text("/workflow/name"));
    let by_hand = hook.text("/workflow_run/event") == Some("workflow_dispatch");
    hook.draft(EventKind::PipelineRun)
        .set("id", id)
        .set("attempt", attempt(hook, "/workflow_run/run_attempt"))
        .set("status", status)
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .copy("sha", "/workflow_run/head_sha")
        .copy("branch", "/workflow_run/head_branch")
        .maybe("name", name)
        .set("trigger", if by_hand { "manual" } else { "automated" })
        .copy("actor", "/workflow_run/actor/login")
        .copy("actor", "/workflow_run/triggering_actor/login")
        .copy("event", "/workflow_run/event")
        .copy("url", "/workflow_run/html_url")
        .copy_instant("started_at", &format!("/workflow_run/{started}"))?
        .maybe("finished_at", (status != "in_progress").then(|| updated_at.to_string()))
        .at("updated_at", updated_at)
        .alone()
}

/// `workflow_job`
pub(super) fn job(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let id = run_id(hook, "/workflow_job/run_id", "/workflow_job/run_attempt")?;
    let job = hook.number("/workflow_job/id", "it is the job's own.")?;
    let status = outcome(hook, "workflow_job")?;
    let created_at = hook.instant("/workflow_job/created_at")?;
    let started_at = hook.need_instant("/workflow_job/started_at", "it says when the job began.")?;
    let finished_at = hook.instant("/workflow_job/completed_at")?.filter(|_| status != "in_progress");
    // Until it runs, `started_at` is when it was queued.
    let runs = status != "in_progress" || hook.text("/workflow_job/status") == Some("in_progress");
    let queued_at = created_at.unwrap_or(started_at);
    let latest = queued_at.max(started_at).max(finished_at.unwrap_or(Timestamp::MIN));
    let later = if finished_at.is_some() { 2 } else { i64::from(runs) };
    let text = |at: Timestamp| Value::from(at.to_string());
    let stage = json!({
        "name": hook.need("/workflow_job/name", "it names the job.")?,
        "status": status,
        "queued_at": text(queued_at),
        "started_at": if runs { text(started_at) } else { Value::Null },
        "finished_at": finished_at.map_or(Value::Null, text),
    });
    let event = hook
        .draft(EventKind::PipelineRun)
        .set("id", id)
        .set("attempt", attempt(hook, "/workflow_job/run_attempt"))
        .set("status", "in_progress")
        .at("started_at", started_at)
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .copy("sha", "/workflow_job/head_sha")
        .copy("branch", "/workflow_job/head_branch")
        .copy("name", "/workflow_job/workflow_name")
        .set(&format!("stage.{job}"), stage)
        // Of two states of the same second the later in life is newer.
        .at("updated_at", latest.plus(later))
        .event()?;
    Ok(Parsed { events: vec![Ok(only_the_job(event))], ignored: None })
}

/// Beginning and outcome are the run's to tell.
fn only_the_job(mut event: Event) -> Event {
    event.fields.retain(|name, _| name != "status" && name != "started_at");
    event
}

fn run_id(hook: &Hook<'_>, id: &str, attempt_of: &str) -> Result<String, Problem> {
    Ok(format!("{}-{}", hook.number(id, "it is the run.")?, attempt(hook, attempt_of)))
}

fn attempt(hook: &Hook<'_>, pointer: &str) -> u64 {
    hook.get(pointer).and_then(Value::as_u64).unwrap_or(1)
}

/// The native status of a run or job.
fn outcome(hook: &Hook<'_>, of: &str) -> Result<&'static str, Problem> {
    let status = hook.need(&format!("/{of}/status"), "it says how it goes.")?;
    if status != "completed" {
        return Ok("in_progress");
    }
    let conclusion = hook.need(&format!("/{of}/conclusion"), "it says how it went.")?;
    match conclusion {
        "success" | "neutral" => Ok("succeeded"),
        "failure" | "timed_out" | "startup_failure" => Ok("failed"),
        "cancelled" | "stale" => Ok("cancelled"),
        "skipped" => Ok("skipped"),
        // Somebody has to allow it first; it goes on afterwards.
        "action_required" => Ok("in_progress"),
        other => Err(Problem::new(
            Code::UnknownValue,
            format!(
                "`{of}.conclusion` is `{}`; it takes success, neutral, failure, timed_out, startup_failure, cancelled, \
                 stale, skipped, action_required",
                clip(other, 64)
            ),
        )),
    }
}
