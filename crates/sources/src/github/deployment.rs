//! A deployment and its statuses: one deployment by GitHub's id, each status an update of it.

use domain::event::EventKind;
use domain::{Code, Problem, Timestamp, version};
use serde_json::{Map, Value};

use super::hook::Hook;
use crate::Parsed;
use crate::body::Draft;
use crate::json::clip;

const WHY: &str = "it is what is deployed.";

/// Native fields a deployment's payload may set, in an object named `leadline`: a repository of several components
/// names the one deployed here.
const FROM_PAYLOAD: &[&str] =
    &["component", "product", "domain", "platform", "team", "instance", "version", "change_kind", "fixes"];

/// `deployment`: it was asked for, nothing has happened yet.
pub(super) fn created(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let created_at = hook.need_instant("/deployment/created_at", "it says when the deployment began.")?;
    told(hook, "/deployment/environment")?.set("status", "in_progress").at("updated_at", created_at).alone()
}

/// `deployment_status`
pub(super) fn status(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    // A status may move its deployment to another environment.
    let moved = hook.text("/deployment_status/environment").is_some();
    let environment = if moved { "/deployment_status/environment" } else { "/deployment/environment" };
    let Some(status) = State::read(hook)? else { return Ok(inactive()) };
    status.tell(hook, told(hook, environment)?).alone()
}

/// A status of a page, which says nothing of its deployment but the id: the page of deployments tells the rest.
pub(super) fn status_alone(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    /// What a status tells by itself.
    const OWN: &[&str] =
        &["id", "status", "finished_at", "updated_at", "status_reason", "url", "environment", "trigger"];
    let Some(status) = State::read(hook)? else { return Ok(inactive()) };
    let environment = hook.text("/deployment_status/environment");
    let draft = hook
        .draft(EventKind::Deployment)
        .set("id", hook.need("/deployment/id", "the status belongs to it.")?)
        .set("component", hook.repo())
        .set("environment", environment.unwrap_or("unknown"))
        .copy("trigger", "/deployment/trigger");
    let mut event = status.tell(hook, draft).event()?;
    event.fields.retain(|name, _| OWN.contains(&name.as_str()) && (name != "environment" || environment.is_some()));
    Ok(Parsed { events: vec![Ok(event)], ignored: None })
}

/// A later deployment took its place: how this one went stays as it was.
fn inactive() -> Parsed {
    Parsed::ignored("the status `inactive` says that another deployment took its place")
}

/// How a deployment goes, and since when.
struct State {
    status: &'static str,
    at: Timestamp,
}

impl State {
    /// None for a deployment that another one replaced.
    fn read(hook: &Hook<'_>) -> Result<Option<Self>, Problem> {
        let state = hook.need("/deployment_status/state", "it says how the deployment went.")?;
        let status = match state {
            "queued" | "pending" | "in_progress" | "waiting" => "in_progress",
            "success" => "succeeded",
            "failure" | "error" => "failed",
            "inactive" => return Ok(None),
            other => {
                return Err(Problem::new(
                    Code::UnknownValue,
                    format!(
                        "`deployment_status.state` is `{}`; it takes queued, pending, in_progress, waiting, success, \
                         failure, error, inactive",
                        clip(other, 64)
                    ),
                ));
            }
        };
        let at = hook.need_instant("/deployment_status/created_at", "it says when the status was set.")?;
        Ok(Some(State { status, at }))
    }

    fn tell<'a>(&self, hook: &Hook<'_>, draft: Draft<'a>) -> Draft<'a> {
        let finished = self.status != "in_progress";
        let text = |pointer: &str| hook.text(pointer).map(str::to_owned);
        draft
            .set("status", self.status)
            .maybe("finished_at", finished.then(|| self.at.to_string()))
            .at("updated_at", self.at)
            .maybe("status_reason", text("/deployment_status/description"))
            .maybe("url", text("/deployment_status/log_url").or_else(|| text("/deployment_status/target_url")))
    }
}

/// What every event of a deployment tells.
fn told<'a>(hook: &'a Hook<'a>, environment: &str) -> Result<Draft<'a>, Problem> {
    let mut draft = hook
        .draft(EventKind::Deployment)
        .set("id", hook.number("/deployment/id", "its statuses name it.")?)
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .set("environment", hook.need(environment, "it says where to.")?)
        .set("sha", hook.need("/deployment/sha", WHY)?)
        .copy("actor", "/deployment/creator/login")
        .maybe("trigger", trigger(hook))
        .copy_instant("started_at", "/deployment/created_at")?;
    if let Some((field, name)) = hook.text("/deployment/ref").and_then(|name| code(name, hook)) {
        draft = draft.set(field, name);
    }
    let task = hook.text("/deployment/task").unwrap_or("deploy");
    if task.split(':').any(|word| word.eq_ignore_ascii_case("rollback")) {
        draft = draft.set("change_kind", "rollback");
    }
    draft = draft.set("labels", labels(hook, task));
    for (name, value) in payload(hook) {
        if FROM_PAYLOAD.contains(&&*name) {
            draft = draft.set(&name, value);
        }
    }
    Ok(draft)
}

/// A ref is a version, a branch, or the commit once more.
fn code<'a>(name: &'a str, hook: &Hook<'_>) -> Option<(&'static str, &'a str)> {
    if let Some(tag) = name.strip_prefix("refs/tags/") {
        return Some(("version", tag));
    }
    let name = name.strip_prefix("refs/heads/").unwrap_or(name);
    let sha = hook.text("/deployment/sha").unwrap_or_default();
    if sha.starts_with(name) {
        return None;
    }
    Some((if version::is_semver(name) { "version" } else { "branch" }, name))
}

/// A workflow started by hand is manual, any other and any app is a machine; of the rest nothing is known.
fn trigger(hook: &Hook<'_>) -> Option<&'static str> {
    if let Some(event) = hook.text("/workflow_run/event") {
        return Some(if event == "workflow_dispatch" { "manual" } else { "automated" });
    }
    let app = hook.get("/deployment/performed_via_github_app").is_some();
    let bot = hook.text("/deployment/creator/type") == Some("Bot");
    (app || bot).then_some("automated")
}

fn labels(hook: &Hook<'_>, task: &str) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert("task".to_owned(), Value::from(clip(task, 512)));
    for name in ["production_environment", "transient_environment"] {
        if let Some(Value::Bool(flag)) = hook.get(&format!("/deployment/{name}")) {
            labels.insert(name.to_owned(), Value::from(flag.to_string()));
        }
    }
    labels
}

/// The payload is an object, or one written as a text.
fn payload(hook: &Hook<'_>) -> Map<String, Value> {
    let mut payload = match hook.get("/deployment/payload") {
        Some(Value::Object(payload)) => payload.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Map::new(),
    };
    match payload.remove("leadline") {
        Some(Value::Object(ours)) => ours,
        _ => Map::new(),
    }
}
