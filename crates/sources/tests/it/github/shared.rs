//! Every shared payload of GitHub against the meaning its manifest proposes. Where this disagrees, it says why.

use std::collections::BTreeMap;

use domain::event::Event;
use domain::time::Timestamp;
use serde_json::Value;
use sources::{find, verify};

use super::send;
use crate::support::{shared, sign};

/// `file: (event, proposed fields)`.
fn manifest() -> Option<BTreeMap<String, (String, Value)>> {
    let text = std::fs::read_to_string(shared("fixtures/MANIFEST.tsv")?).unwrap();
    let mut tables = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows = tables.records().map(Result::unwrap).filter(|row| row[0].starts_with("github/webhook/"));
    Some(rows.map(|row| (row[0].to_owned(), (row[2].to_owned(), serde_json::from_str(&row[6]).unwrap()))).collect())
}

/// Files that are ignored although the manifest proposes an event, and why.
fn ignored_here(file: &str, class: &str) -> Option<&'static str> {
    match file {
        // A `create` has neither commit nor time. The push of the same tag has both and comes with every tag.
        _ if class == "tag" => Some("a branch or tag was made: the push of it tells its commit"),
        // Its only label is `bug`, which makes no incident by the rules shipped.
        _ if class.starts_with("incident only if") => Some("the issue has no label that makes it an incident"),
        _ => None,
    }
}

/// A native field against what is proposed for it.
fn same(event: &Event, native: &str, wanted: &Value) -> bool {
    let Some(found) = event.fields.get(native) else { return wanted.is_null() };
    let instant = |value: &Value| value.as_str().and_then(|text| Timestamp::parse(text).ok());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (instant(found), instant(wanted)) {
        (Some(found), Some(wanted)) => found == wanted,
        _ => text(found) == text(wanted),
    }
}

fn status_of(word: &str) -> &str {
    match word {
        // Waiting for its turn is in progress to us.
        "pending" | "in_progress" => "in_progress",
        "success" => "succeeded",
        "failure" => "failed",
        other => other,
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
            ("started_at", "t_created"),
        ],
        "change" => &[("repo", "service"), ("sha", "sha"), ("committed_at", "t")],
        "pull request" => &[
            ("repo", "service"),
            ("opened_at", "t_created"),
            ("closed_at", "t_closed"),
            ("head_sha", "head_sha"),
            ("target", "base"),
        ],
        "ci_run" => &[
            ("repo", "service"),
            ("sha", "sha"),
            ("branch", "ref"),
            ("attempt", "attempt"),
            ("started_at", "t_started"),
            ("finished_at", "t_finished"),
        ],
        "ci_job" => &[("repo", "service"), ("sha", "sha"), ("branch", "ref"), ("attempt", "attempt")],
        "release" => &[("component", "service"), ("version", "version"), ("finished_at", "t_published")],
        "review" => &[("repo", "service"), ("head_sha", "sha")],
        _ => &[],
    }
}

fn check(file: &str, proposed: &Value, events: &[Event]) {
    let class = proposed["cls"].as_str().unwrap();
    let class = if class == "change" && proposed.get("merged").is_some() { "pull request" } else { class };
    let event = &events[0];
    for (native, name) in fields(class) {
        if let Some(wanted) = proposed.get(name) {
            assert!(same(event, native, wanted), "{file}: {native} of {:?}, proposed {wanted}", event.fields);
        }
    }
    match class {
        "deployment" => {
            let wanted = status_of(proposed["status"].as_str().unwrap());
            assert_eq!(event.fields["status"], wanted, "{file}");
            // A deployment whose ref is its version or its commit has no branch; all of these have one.
            assert!(same(event, "branch", &proposed["ref"]), "{file}");
            if wanted == "succeeded" {
                assert!(same(event, "finished_at", &proposed["t_status"]), "{file}");
            }
        }
        "change" => {
            let shas: Vec<_> = events.iter().map(|event| event.fields["sha"].clone()).collect();
            assert_eq!(Value::from(shas), proposed["commit_shas"], "{file}");
            let before = proposed["before"].as_str().filter(|before| !before.starts_with("0000000"));
            let follows = event.fields.get("parents_assumed").and_then(|parents| parents[0].as_str());
            assert_eq!(follows, before, "{file}");
        }
        "pull request" => {
            assert_eq!(
                format!("git/{}", proposed["id"].as_str().unwrap()),
                format!("{}/{}", event.key.source, event.key.id)
            );
            assert_eq!(event.fields.contains_key("merge_sha"), proposed["merged"] == true, "{file}");
        }
        "review" => {
            assert_eq!(proposed["pr"], &*event.key.id, "{file}");
            // All of these are remarks of the author on the own pull request: nobody has reviewed it yet. What the
            // body tells of the pull request is taken.
            assert_eq!(events.len(), 1, "{file}");
            assert!(!event.fields.contains_key("first_review_at"), "{file}");
        }
        "ci_run" => {
            // Attempts share the id. The name proposed for these is empty; the workflow's own is taken then.
            assert_eq!(*event.key.id, format!("{}-{}", proposed["id"], proposed["attempt"]), "{file}");
            assert_eq!(event.fields["name"], "test", "{file}");
            assert_eq!(event.fields["status"], status_of(proposed["status"].as_str().unwrap()), "{file}");
        }
        "ci_job" => {
            assert_eq!(*event.key.id, format!("{}-{}", proposed["run_id"], proposed["attempt"]), "{file}");
            let stage = &event.fields[&format!("stage.{}", proposed["id"])];
            assert_eq!(
                (&stage["name"], &stage["status"]),
                (&proposed["name"], &Value::from(status_of(proposed["status"].as_str().unwrap()))),
                "{file}"
            );
            // What waits has not begun: its `started_at` is when it was queued.
            let began = if proposed["status"] == "pending" { "queued_at" } else { "started_at" };
            assert_eq!(stage[began], proposed["t_started"], "{file}");
            assert_eq!(stage.get("finished_at"), proposed.get("t_finished"), "{file}");
        }
        "release" => {
            // A release says that something was published, not where it runs: it is an attempt on the environment
            // `release`, one for all the events of a release.
            assert_eq!(*event.key.id, format!("release-{}", proposed["id"]), "{file}");
            let environment = if proposed["prerelease"] == true { "prerelease" } else { "release" };
            assert_eq!(event.fields["environment"], environment, "{file}");
        }
        other => panic!("{file}: what is a {other}?"),
    }
}

#[test]
fn every_shared_payload_is_taken_or_ignored_as_proposed() {
    let Some(manifest) = manifest() else { return };
    assert!(manifest.len() > 30, "{}", manifest.len());
    for (file, (event, proposed)) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let text = std::fs::read_to_string(path).unwrap();
        let parsed = send(&event, &text).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let class = proposed["cls"].as_str().unwrap();
        if let Some(why) = ignored_here(&file, class) {
            assert_eq!(parsed.ignored.as_deref(), Some(why), "{file}");
        } else if class == "ignore" {
            assert!(parsed.ignored.is_some() && parsed.events.is_empty(), "{file}: {parsed:?}");
        } else {
            let events: Vec<Event> = parsed.events.into_iter().map(Result::unwrap).collect();
            check(&file, &proposed, &events);
        }
    }
}

#[test]
fn the_published_vector_fits() {
    let Some(path) = shared("fixtures/signatures.json") else { return };
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vector = |name: &str| vectors["github"][name].as_str().unwrap();
    let (secret, body) = (vector("secret").as_bytes(), vector("body").as_bytes());
    assert_eq!(vector("expected"), format!("sha256={}", sign(body, secret)));
    let headers = [(vector("header").to_owned(), vector("expected").to_owned())];
    assert_eq!(verify(find("github").unwrap(), &headers, body, secret, Timestamp::from_micros(0)), Ok(()));
    assert!(verify(find("github").unwrap(), &headers, b"Hello, World", secret, Timestamp::from_micros(0)).is_err());
}

/// From RFC 4231, so that the signing of these tests is not only checked against itself.
#[test]
fn the_standards_vectors_fit() {
    for (secret, body, signature) in [
        ("Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}\u{b}",
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
    ] {
        assert_eq!(sign(body.as_bytes(), secret.as_bytes()), signature);
        let headers = [("x-hub-signature-256".to_owned(), format!("sha256={signature}"))];
        assert_eq!(
            verify(find("github").unwrap(), &headers, body.as_bytes(), secret.as_bytes(), Timestamp::from_micros(0)),
            Ok(())
        );
    }
}
