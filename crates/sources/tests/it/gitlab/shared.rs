//! Every shared payload of GitLab's webhooks against the meaning its manifest proposes. Where this disagrees, it says why.

use domain::Timestamp;
use domain::event::Event;
use serde_json::Value;
use sources::{find, verify};

use super::send;
use crate::support::shared;

/// `(file, proposed fields)` below a folder.
pub(crate) fn manifest(folder: &str) -> Vec<(String, Value)> {
    let Some(path) = shared("fixtures/MANIFEST.tsv") else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    let mut table = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows = table.records().map(Result::unwrap).filter(|row| row[0].starts_with(folder));
    rows.map(|row| (row[0].to_owned(), serde_json::from_str(&row[6]).unwrap())).collect()
}

fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    let text = text.replace(" UTC", "Z").replace(" +0200", "+02:00");
    Timestamp::parse(&text).ok()
}

/// A native field against what is proposed for it.
pub(crate) fn same(event: &Event, native: &str, wanted: &Value) -> bool {
    let Some(found) = event.fields.get(native) else { return wanted.is_null() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (instant(found), instant(wanted)) {
        (Some(found), Some(wanted)) => found == wanted,
        _ => text(found) == text(wanted),
    }
}

/// `(native field, proposed field)` of a class.
fn fields(class: &str) -> &'static [(&'static str, &'static str)] {
    match class {
        "deployment" => &[
            ("id", "id"),
            ("component", "service"),
            ("environment", "env"),
            ("sha", "sha"),
            ("finished_at", "t_status"),
        ],
        "change" => &[("repo", "service")],
        "merge request" => &[
            ("repo", "service"),
            ("opened_at", "t_created"),
            ("updated_at", "t_updated"),
            ("head_sha", "head_sha"),
            ("target", "base"),
        ],
        "ci_run" => &[
            ("id", "id"),
            ("component", "service"),
            ("sha", "sha"),
            ("branch", "ref"),
            ("started_at", "t_created"),
            ("finished_at", "t_finished"),
        ],
        "ci_job" => &[("id", "pipeline"), ("component", "service"), ("sha", "sha"), ("branch", "ref")],
        "release" => &[("component", "service"), ("version", "version"), ("finished_at", "t_published")],
        "tag" => &[("repo", "service"), ("name", "version"), ("sha", "sha")],
        _ => &[],
    }
}

fn check(file: &str, proposed: &Value, events: &[Event]) {
    let class = proposed["cls"].as_str().unwrap();
    let class = if class == "change" && proposed.get("merged").is_some() { "merge request" } else { class };
    let event = &events[0];
    for (native, name) in fields(class) {
        if let Some(wanted) = proposed.get(name) {
            assert!(same(event, native, wanted), "{file}: {native} of {:?}, proposed {wanted}", event.fields);
        }
    }
    match class {
        "deployment" => assert_eq!(
            (&event.fields["status"], &proposed["status"]),
            (&"succeeded".into(), &"success".into()),
            "{file}"
        ),
        "change" => {
            let shas: Vec<_> = events.iter().map(|event| event.fields["sha"].clone()).collect();
            assert_eq!(Value::from(shas), proposed["commit_shas"], "{file}");
            assert!(same(events.last().unwrap(), "committed_at", &proposed["t"]), "{file}");
        }
        // A number of a project: its own mark is `#` as everywhere in Leadline, where GitLab writes `!`.
        "merge request" => {
            assert_eq!(proposed["id"].as_str().unwrap().replace('!', "#"), *event.key.id, "{file}");
            assert_eq!(event.fields.contains_key("merged_at"), proposed["merged"] == true, "{file}");
        }
        "ci_run" => {
            assert_eq!(event.fields["status"], "succeeded", "{file}");
            // Jobs that name an environment are stages: whether they deployed is told by the event of the deployment.
            let jobs = proposed.get("deploy_jobs").and_then(Value::as_array).into_iter().flatten();
            for job in jobs {
                let field = format!("stage.{}", job["id"]);
                let stage = events.iter().find_map(|event| event.fields.get(&field)).unwrap();
                assert_eq!((&stage["name"], &stage["status"]), (&job["name"], &job["status"]), "{file}");
            }
        }
        // The manifest calls the job pending, its body `created`: both are in progress to us.
        "ci_job" => assert_eq!(event.fields[&format!("stage.{}", proposed["id"])]["status"], "in_progress", "{file}"),
        // The API knows a release by its tag alone, so the number of the webhook is not its identity.
        "release" => assert_eq!(&*event.key.id, "release-gitlab-org/release-webhook-example-v1.1", "{file}"),
        "tag" => assert_eq!(events.len(), 1, "{file}"),
        other => panic!("{file}: what is a {other}?"),
    }
}

#[test]
fn every_shared_payload_is_taken_or_ignored_as_proposed() {
    let all = manifest("gitlab/webhook/");
    assert!(all.is_empty() || all.len() > 10);
    for (file, proposed) in all {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let parsed =
            send(&std::fs::read_to_string(path).unwrap()).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let class = proposed["cls"].as_str().unwrap();
        if class.starts_with("incident if") {
            // Neither has the type, and `critical` is a severity that says nothing of an incident.
            assert_eq!(parsed.ignored.as_deref(), Some("the issue is no incident by its type or a label"), "{file}");
        } else if class == "ignore" {
            assert!(parsed.ignored.is_some() && parsed.events.is_empty(), "{file}: {parsed:?}");
        } else {
            let events: Vec<Event> = parsed.events.into_iter().map(Result::unwrap).collect();
            check(&file, &proposed, &events);
        }
    }
}

#[test]
fn the_vector_of_the_new_signature_fits() {
    let Some(path) = shared("fixtures/signatures.json") else { return };
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vector = |name: &str| vectors["gitlab"]["self_made_vector"][name].as_str().unwrap().to_owned();
    let (secret, body) = (vector("signing_token"), vector("body"));
    let headers =
        [("webhook-id", "webhook_id"), ("webhook-timestamp", "webhook_timestamp"), ("webhook-signature", "expected")];
    let headers = headers.map(|(name, of)| (name.to_owned(), vector(of)));
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let gitlab = find("gitlab").unwrap();
    assert_eq!(verify(gitlab, &headers, body.as_bytes(), secret.as_bytes(), now), Ok(()));
    assert!(verify(gitlab, &headers, b"{}", secret.as_bytes(), now).is_err());
}
