//! One alert of a group.

use domain::event::{Event, EventKind};
use domain::time::DAY;
use domain::{Code, Problem, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::body::{Body, Draft};
use crate::json::clip;
use crate::severity;
use crate::table::hex;

/// Alerts that fire all the time, so that their silence is noticed, or that only hold back others.
const ALWAYS: &[&str] = &["Watchdog", "DeadMansSwitch", "InfoInhibitor"];
/// Labels that may name what suffers, the nearest first. Those of a workload come before the service, which for alerts
/// about Kubernetes is the one that measured it.
const COMPONENTS: &[&str] = &[
    "component",
    "deployment",
    "statefulset",
    "daemonset",
    "rollout",
    "app_kubernetes_io_name",
    "app",
    "application",
    "service",
    "service_name",
    "job",
];
const WORKLOADS: &[&str] = &["deployment", "statefulset", "daemonset", "rollout"];
/// Labels that change with every restart: no rule can be about them.
const FLEETING: &[&str] = &["pod", "instance", "uid", "container_id", "id"];

/// Why an alert is none to act on.
pub(super) fn no_incident(alert: &Body<'_>) -> Option<String> {
    let name = alert.text("/labels/alertname");
    if let Some(name) = name.filter(|name| ALWAYS.contains(name)) {
        return Some(format!("the alert `{name}` fires all the time, so that its silence is noticed"));
    }
    let none = alert.text("/labels/severity").is_some_and(|word| word.eq_ignore_ascii_case("none"));
    none.then(|| {
        let name = clip(name.unwrap_or("without a name"), 128).escape_debug();
        format!("the alert `{name}` has the severity `none`, by which nobody is to act")
    })
}

/// An alert has the status of its group unless it has one itself.
pub(super) fn incident(alert: &Body<'_>, status: Option<&str>) -> Result<Event, Problem> {
    let name = alert.need("/labels/alertname", "it names the alert.")?;
    let unset = |at: &Timestamp| *at < Timestamp::from_micros(DAY);
    let started_at = alert.instant("/startsAt")?.filter(|at| !unset(at));
    let started_at = started_at.map_or_else(
        || Err(Problem::new(Code::MissingField, "`startsAt` is not set: it says since when the alert fires")),
        Ok,
    )?;
    let resolved_at = match alert.text("/status").or(status) {
        Some("resolved") => Some(alert.instant("/endsAt")?.filter(|at| !unset(at)).ok_or_else(|| {
            let why =
                format!("the alert `{}` is resolved, but its `endsAt` is not set", clip(name, 128).escape_debug());
            Problem::new(Code::MissingField, why)
        })?),
        // Of an alert that fires, it is when Alertmanager would give it up.
        Some("firing") | None => None,
        Some(other) => {
            let other = clip(other, 64).escape_debug();
            return Err(Problem::new(Code::UnknownValue, format!("`status` is `{other}`; it takes firing, resolved")));
        }
    };
    let component = COMPONENTS.iter().find_map(|label| alert.text(&format!("/labels/{label}")));
    let word = alert.text("/labels/severity").or_else(|| alert.text("/labels/priority"));
    let title = ["summary", "title", "message", "description"].into_iter();
    let title = title.filter_map(|name| alert.text(&format!("/annotations/{name}"))).next();
    let environment = ["environment", "env"].into_iter().find_map(|label| alert.text(&format!("/labels/{label}")));
    let draft = alert
        .draft(EventKind::Incident)
        .set("id", format!("{}@{started_at}", fingerprint(alert)))
        .set("component", component.unwrap_or(name))
        .copy("product", "/labels/product")
        .maybe("environment", environment)
        .copy("version", "/labels/version")
        .at("opened_at", started_at)
        .maybe("resolved_at", resolved_at.map(|at| at.to_string()))
        .at("updated_at", resolved_at.unwrap_or(started_at))
        .set("title", title.unwrap_or(name))
        .copy("url", "/generatorURL")
        .set("severity", word.map_or("unknown", grade))
        .maybe("severity_original", word)
        .set("labels", labels(alert));
    marks(alert, draft).event()
}

/// Alertmanager's own, which older ones do not send: then one of the labels, as theirs is.
fn fingerprint(alert: &Body<'_>) -> String {
    alert.text("/fingerprint").map_or_else(
        || {
            let mut hash = Sha256::new();
            let labels: std::collections::BTreeMap<_, _> = labels(alert).into_iter().collect();
            for (name, value) in labels {
                hash.update(format!("{name:?}={value},"));
            }
            hex(&hash.finalize())[..16].to_owned()
        },
        |known| clip(known, 128).to_owned(),
    )
}

/// The words in use, and those of alerts: one that pages is urgent, one that makes a ticket is not.
fn grade(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "page" | "paging" => "critical",
        "ticket" => "low",
        _ => severity(word),
    }
}

fn labels(alert: &Body<'_>) -> Map<String, Value> {
    let labels = alert.get("/labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter(|(_, value)| value.is_string()).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn marks<'a>(alert: &Body<'_>, mut draft: Draft<'a>) -> Draft<'a> {
    let of = |label: &str| alert.text(&format!("/labels/{label}"));
    for (kind, label) in [
        ("service", "service"),
        ("service", "service_name"),
        ("application", "app"),
        ("application", "app_kubernetes_io_name"),
        ("namespace", "namespace"),
        ("namespace", "exported_namespace"),
        ("cluster", "cluster"),
        ("team", "team"),
    ] {
        draft = draft.mark(kind, of(label));
    }
    for label in WORKLOADS {
        draft = draft.mark("workload", of(label));
    }
    for (name, value) in labels(alert) {
        if let Some(value) =
            value.as_str().filter(|value| !FLEETING.contains(&&*name) && value.len() + name.len() < 500)
        {
            draft = draft.mark("label", Some(&format!("{name}={value}")));
        }
    }
    draft
}
