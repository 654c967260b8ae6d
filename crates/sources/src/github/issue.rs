//! Issues: one with a label that says so is an incident.

use domain::Problem;
use domain::event::EventKind;
use serde_json::Value;

use super::hook::Hook;
use crate::Parsed;
use crate::incident_labels::{is_incident_type, says_incident, valued, worst};

const NUMBER: &str = "it is the issue's number.";

/// `issues`
pub(super) fn issue(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let number = hook.number("/issue/number", NUMBER)?;
    if hook.get("/issue/pull_request").is_some() {
        return Ok(Parsed::ignored("the issue is a pull request"));
    }
    let labels = hook.labels("/issue/labels");
    let action = hook.text("/action").unwrap_or_default();
    let typed = hook.text("/issue/type/name").is_some_and(is_incident_type);
    let is_one = typed || labels.keys().any(|label| says_incident(label));
    let lost = match action {
        "unlabeled" => hook.text("/label/name").is_some_and(says_incident),
        "untyped" => hook.text("/type/name").is_some_and(is_incident_type),
        _ => false,
    };
    // Where it went it is opened again.
    let gone = is_one && matches!(action, "deleted" | "transferred");
    if !is_one && !lost {
        return Ok(Parsed::ignored("the issue has no label that makes it an incident"));
    }
    let updated_at = hook.need_instant("/issue/updated_at", "it says which of two events is newer.")?;
    let open = hook.text("/issue/state") != Some("closed");
    let again = open && (action == "reopened" || hook.text("/issue/state_reason") == Some("reopened"));
    let mut draft = hook
        .draft(EventKind::Incident)
        .set("id", format!("{}#{number}", hook.repo()))
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .copy_instant("opened_at", "/issue/created_at")?
        .copy("title", "/issue/title")
        .copy("url", "/issue/html_url")
        .copy("state_reason", "/issue/state_reason")
        .set("withdrawn", gone || !is_one)
        .at("updated_at", updated_at);
    if !open {
        draft = draft.copy_instant("closed_at", "/issue/closed_at")?;
    }
    if again {
        draft = draft.at("reopened_at", updated_at);
    }
    let (native, original) = worst(&labels);
    draft = draft.set("severity", native).maybe("severity_original", original);
    for name in ["component", "product", "instance", "environment"] {
        draft = draft.maybe(name, labels.keys().find_map(|label| valued(label, name)));
    }
    draft.set("labels", labels).alone()
}

/// Whether an issue of a page is an incident.
pub(super) fn is_incident(issue: &Value) -> bool {
    let labels = issue.get("labels").and_then(Value::as_array).into_iter().flatten();
    let mut names = labels.filter_map(|label| label.get("name").and_then(Value::as_str));
    let typed = issue.pointer("/type/name").and_then(Value::as_str);
    issue.get("pull_request").is_none() && (names.any(says_incident) || typed.is_some_and(is_incident_type))
}
