//! A deployment: one by GitLab's id, each change of its status an update of it.

use domain::event::EventKind;
use domain::{Code, Problem, Timestamp, version};
use serde_json::{Map, Value};

use super::hook::Hook;
use crate::Parsed;
use crate::body::Draft;
use crate::json::clip;

const ID: &str = "it is the deployment's own.";
const ENVIRONMENT: &str = "it says where to.";

/// `deployment`
pub(super) fn changed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    if matches!(hook.text("/status"), Some("approved" | "rejected")) {
        return Ok(Parsed::ignored("somebody approved or rejected a deployment: its own events tell how it goes"));
    }
    let status = status(hook, "/status")?;
    let at = hook.need_instant("/status_changed_at", "it says when the status was set.")?;
    let draft = told(hook, "/deployment_id", "/environment", status)?.set("sha", sha(hook)?);
    // It is told when its job begins; before, it waits for its turn.
    let runs = hook.text("/status") == Some("running");
    draft
        .maybe("started_at", runs.then(|| at.to_string()))
        .maybe("finished_at", (status != "in_progress").then(|| at.to_string()))
        .at("updated_at", at)
        .maybe("labels", labels(hook.text("/environment_tier")))
        .copy("url", "/deployable_url")
        .alone()
}

/// A deployment of a page.
pub(super) fn of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let status = status(hook, "/status")?;
    let created_at = hook.need_instant("/created_at", "it says when the deployment was made.")?;
    let updated_at = hook.instant("/updated_at")?.unwrap_or(created_at);
    let started_at = match hook.get("/deployable") {
        Some(_) => hook.instant("/deployable/started_at")?,
        // Made through the API: no job waits for a runner.
        None => Some(created_at),
    };
    let ended_at = hook.instant("/deployable/finished_at")?.unwrap_or(updated_at);
    let ended_at = ended_at.max(started_at.unwrap_or(Timestamp::MIN));
    told(hook, "/id", "/environment/name", status)?
        .set("sha", hook.need("/sha", "it is what is deployed.")?)
        .maybe("started_at", started_at.map(|at| at.to_string()))
        .maybe("finished_at", (status != "in_progress").then(|| ended_at.to_string()))
        .at("updated_at", updated_at)
        .maybe("labels", labels(hook.text("/environment/tier")))
        .copy("url", "/deployable/web_url")
        .alone()
}

fn told<'a>(hook: &'a Hook<'a>, id: &str, environment: &str, status: &str) -> Result<Draft<'a>, Problem> {
    let draft = hook
        .draft(EventKind::Deployment)
        .set("id", hook.number(id, ID)?)
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .set("environment", hook.need(environment, ENVIRONMENT)?)
        .set("status", status)
        .copy("actor", "/user/username")
        .mark("repository", Some(hook.repo()))
        .mark("project", Some(hook.repo()));
    let tag = hook.get("/deployable/tag") == Some(&Value::Bool(true));
    Ok(match hook.text("/ref") {
        Some(name) if tag || version::is_semver(name) => draft.set("version", name),
        Some(name) => draft.set("branch", name),
        None => draft,
    })
}

fn status(hook: &Hook<'_>, pointer: &str) -> Result<&'static str, Problem> {
    match hook.need(pointer, "it says how the deployment went.")? {
        "created" | "pending" | "running" | "blocked" => Ok("in_progress"),
        "success" => Ok("succeeded"),
        "failed" | "failure" => Ok("failed"),
        "canceled" | "cancelled" | "skipped" => Ok("cancelled"),
        other => Err(Problem::new(
            Code::UnknownValue,
            format!(
                "`status` is `{}`; it takes created, pending, running, blocked, success, failed, canceled, skipped",
                clip(other, 64).escape_debug()
            ),
        )),
    }
}

/// The webhook has the whole hash only in an address.
fn sha<'a>(hook: &'a Hook<'a>) -> Result<&'a str, Problem> {
    let short = hook.need("/short_sha", "it is what is deployed.")?;
    let last = hook.text("/commit_url").and_then(|url| url.rsplit('/').next());
    let whole = last.filter(|sha| sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Ok(whole.filter(|sha| sha.starts_with(short)).unwrap_or(short))
}

fn labels(tier: Option<&str>) -> Option<Map<String, Value>> {
    tier.map(|tier| [("tier".to_owned(), Value::from(clip(tier, 512)))].into_iter().collect())
}
