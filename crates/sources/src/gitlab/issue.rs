//! Issues: those of the type incident, or with a label that says so, are incidents.

use domain::Problem;
use domain::event::EventKind;
use serde_json::{Map, Value};

use super::hook::Hook;
use crate::incident_labels::{is_incident_type, says_incident, valued, worst};
use crate::json::text;
use crate::{Parsed, severity};

const NUMBER: &str = "it is the issue's number.";

/// `issue` and `work_item`
pub(super) fn issue(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let number = hook.number("/object_attributes/iid", NUMBER)?;
    let own = if hook.get("/labels").is_some() { "/labels" } else { "/object_attributes/labels" };
    let labels = hook.labels(own);
    let typed = hook.text("/object_attributes/type").is_some_and(is_incident_type);
    let is_one = typed || labels.keys().any(|label| says_incident(label));
    let before = hook.labels("/changes/labels/previous");
    let lost = before.keys().any(|label| says_incident(label))
        || ["type", "issue_type"]
            .iter()
            .any(|name| hook.text(&format!("/changes/{name}/previous")).is_some_and(is_incident_type));
    if !is_one && !lost {
        return Ok(Parsed::ignored("the issue is no incident by its type or a label"));
    }
    let updated_at = hook.need_instant("/object_attributes/updated_at", "it says which of two events is newer.")?;
    let opened_at = hook.need_instant("/object_attributes/created_at", "it says when it was opened.")?;
    let closed = hook.text("/object_attributes/state") == Some("closed");
    let closed_at = match hook.instant("/object_attributes/closed_at")? {
        Some(at) if closed => Some(at.max(opened_at)),
        None if hook.text("/object_attributes/action") == Some("close") => Some(updated_at.max(opened_at)),
        _ => None,
    };
    let again = !closed && hook.text("/object_attributes/action") == Some("reopen");
    let (native, original) = told(hook, &labels);
    let original = original.map(str::to_owned);
    let mut draft = hook
        .draft(EventKind::Incident)
        .set("id", format!("{}#{number}", hook.repo()))
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .at("opened_at", opened_at)
        .copy("title", "/object_attributes/title")
        .copy("url", "/object_attributes/url")
        .set("withdrawn", !is_one)
        .maybe("closed_at", closed_at.map(|at| at.to_string()))
        .maybe("reopened_at", again.then(|| updated_at.to_string()))
        .set("severity", native)
        .maybe("severity_original", original)
        .mark("repository", Some(hook.repo()))
        .mark("project", Some(hook.repo()))
        .at("updated_at", updated_at);
    for name in ["component", "product", "instance", "environment"] {
        draft = draft.maybe(name, labels.keys().find_map(|label| valued(label, name)));
    }
    for label in labels.keys() {
        draft = draft.mark("label", Some(label));
    }
    draft.set("labels", labels).alone()
}

/// How bad it is: an incident has a severity of its own, and `unknown` until somebody sets it.
fn told<'a>(hook: &'a Hook<'a>, labels: &'a Map<String, Value>) -> (&'static str, Option<&'a str>) {
    match hook.text("/object_attributes/severity").filter(|word| !word.eq_ignore_ascii_case("unknown")) {
        Some(word) => (severity(word), Some(word)),
        None => worst(labels),
    }
}

/// When an issue of a page was opened again: the page tells of its closing and opening, in order.
pub(super) fn state_of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    if hook.text("/state") != Some("reopened") {
        return Ok(Parsed::ignored("the issue itself tells when it was closed"));
    }
    let number = hook.need("/number", NUMBER)?;
    let at = hook.need_instant("/created_at", "it says when it was opened again.")?;
    let mut event = hook
        .draft(EventKind::Incident)
        .set("id", format!("{}#{number}", hook.repo()))
        .set("component", hook.repo())
        .at("opened_at", at)
        .at("reopened_at", at)
        .at("updated_at", at)
        .event()?;
    event.fields.retain(|name, _| matches!(&**name, "id" | "reopened_at" | "updated_at"));
    Ok(Parsed { events: vec![Ok(event)], ignored: None })
}

/// Whether an issue of a page is an incident.
pub(super) fn is_incident(issue: &Value) -> bool {
    let labels = issue.get("labels").and_then(Value::as_array).into_iter().flatten();
    let mut names = labels.filter_map(|label| text(label.get("name").or(Some(label))));
    names.any(says_incident) || text(issue.get("issue_type")).is_some_and(is_incident_type)
}
