//! Issues: one with a label that says so is an incident.

use domain::Problem;
use domain::event::{EventKind, SEVERITIES};
use serde_json::{Map, Value};

use super::hook::Hook;
use crate::json::clip;
use crate::{Parsed, severity};

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

fn is_incident_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("incident")
}

/// `incident`, `outage`, `type: incident`, `kind/incident`, and severities that are given to nothing else: `sev1` to
/// `sev5`, `P0` and `P1`. Lower priorities are given to wishes too.
fn says_incident(label: &str) -> bool {
    let says = |word: &str| ["incident", "outage"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let plain = plain(label);
    says(label)
        || ["type", "kind"].iter().any(|name| valued(label, name).is_some_and(says))
        || plain.strip_prefix("sev").is_some_and(is_grade)
        || matches!(&*plain, "p0" | "p1")
}

/// The worst severity among the labels, and the label.
fn worst(labels: &Map<String, Value>) -> (&'static str, Option<&str>) {
    let told = labels.keys().filter_map(|label| {
        let plain = plain(label);
        let short = ["sev", "p", "s"].iter().any(|prefix| plain.strip_prefix(prefix).is_some_and(is_grade));
        let word = ["severity", "sev", "priority", "prio"].iter().find_map(|name| valued(label, name));
        let native = severity(if short { Some(&*plain) } else { word }?);
        let rank = SEVERITIES.iter().position(|known| *known == native)?;
        Some((rank, native, clip(label, 512)))
    });
    let worst = told.min_by_key(|(rank, ..)| *rank);
    worst.map_or(("unknown", None), |(_, native, label)| (native, Some(label)))
}

/// The value of a label such as `product: shop` or `product/shop`.
fn valued<'a>(label: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = label.split_once([':', '/'])?;
    Some(value.trim()).filter(|value| !value.is_empty() && key.trim().eq_ignore_ascii_case(name))
}

/// Letters and digits only, in lower case.
fn plain(label: &str) -> String {
    label.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).collect::<String>().to_ascii_lowercase()
}

fn is_grade(text: &str) -> bool {
    matches!(text, "0" | "1" | "2" | "3" | "4" | "5")
}
