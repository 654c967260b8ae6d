//! Every shared payload of CDEvents against the meaning its manifest proposes. Where this disagrees, it says why.

use domain::event::{Event, EventKind};
use serde_json::{Value, json};

use super::send;
use crate::support::shared;

/// Files that are ignored although the manifest proposes something, and why.
fn ignored_here(class: &str) -> Option<&'static str> {
    match class {
        "ignore" => Some("a service was removed: nothing was delivered"),
        "other (service reachable)" => Some("a service became reachable: what was deployed is told by itself"),
        // The manifest makes it depend on the ticket's type or labels; these are a task with the label `bug`.
        "incident open (only when ticketType/label is configured)" | "incident close (idem)" => {
            Some("the ticket has no type or label that makes it an incident")
        }
        _ => None,
    }
}

fn check(file: &str, proposed: &Value, event: &Event) {
    let same = |native: &str, name: &str| {
        let wanted = proposed.get(name).unwrap_or_else(|| panic!("{file}: the manifest has no {name}"));
        assert_eq!(event.fields.get(native), Some(wanted), "{file}: {native}");
    };
    let kind = event.key.kind;
    match proposed["cls"].as_str().unwrap() {
        class @ ("deployment" | "deployment (rollback)") => {
            assert_eq!(kind, EventKind::Deployment, "{file}");
            same("id", "event_id");
            same("component", "service");
            same("environment", "env");
            same("artifact", "artifact");
            same("finished_at", "t");
            assert_eq!(event.fields["status"], "succeeded", "{file}");
            let rollback = event.fields.get("change_kind").is_some_and(|kind| kind == "rollback");
            assert_eq!(rollback, class.ends_with("(rollback)"), "{file}");
            let digest = proposed["artifact"].as_str().unwrap().rsplit_once("%3A").unwrap().1;
            assert_eq!(event.fields["version"], format!("sha256:{digest}"), "{file}");
            assert_eq!(event.fields["images"], json!([format!("myapp@sha256:{digest}")]), "{file}");
        }
        class @ ("incident open" | "incident close") => {
            assert_eq!(kind, EventKind::Incident, "{file}");
            same("id", "subject_id");
            same("component", "service");
            same("environment", "env");
            let (at, not) =
                if class.ends_with("open") { ("opened_at", "resolved_at") } else { ("resolved_at", "opened_at") };
            same(at, "t");
            assert!(!event.fields.contains_key(not), "{file}");
        }
        "ci_run" => {
            assert_eq!(kind, EventKind::PipelineRun, "{file}");
            same("id", "subject_id");
            let finished = proposed["outcome"] == "failure";
            same(if finished { "finished_at" } else { "started_at" }, "t");
            assert_eq!(event.fields["status"], if finished { "failed" } else { "in_progress" }, "{file}");
        }
        "ci_job" => {
            assert_eq!(kind, EventKind::PipelineRun, "{file}");
            let stage = &event.fields[&format!("stage_end.{}", proposed["subject_id"].as_str().unwrap())];
            assert_eq!((&stage["status"], &stage["finished_at"]), (&json!("failed"), &proposed["t"]), "{file}");
        }
        class => {
            assert_eq!(kind, EventKind::PullRequest, "{file}");
            same("repo", "repo");
            same("number", "subject_id");
            let at = match class {
                "change (opened, not yet merged)" => "opened_at",
                "change (merged)" => "merged_at",
                "review" => "first_review_at",
                other => panic!("{file}: what is a {other}?"),
            };
            same(at, "t");
        }
    }
}

#[test]
fn every_shared_payload_is_taken_or_ignored_as_proposed() {
    let Some(manifest) = shared("fixtures/MANIFEST.tsv") else { return };
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut rows = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows: Vec<_> = rows.records().map(Result::unwrap).filter(|row| row[0].starts_with("cdevents/")).collect();
    assert!(rows.len() > 15, "{}", rows.len());
    for row in rows {
        let (file, proposed): (_, Value) = (&row[0], serde_json::from_str(&row[6]).unwrap());
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let parsed = send(&body).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let class = proposed["cls"].as_str().unwrap();
        if let Some(why) = ignored_here(class) {
            assert_eq!(parsed.ignored.as_deref(), Some(why), "{file}");
        } else if class == "other" {
            assert!(parsed.ignored.is_some() && parsed.events.is_empty(), "{file}: {parsed:?}");
        } else {
            assert_eq!(parsed.events.len(), 1, "{file}");
            check(file, &proposed, parsed.events[0].as_ref().unwrap());
        }
    }
}
