//! Any JSON, and good bodies bent out of shape, are read or refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SHA, body, send};

const EVENTS: &[&str] = &[
    "push",
    "create",
    "delete",
    "release",
    "deployment",
    "deployment_status",
    "workflow_run",
    "workflow_job",
    "pull_request",
    "pull_request_review",
    "issues",
    "ping",
    "unheard",
];

/// A body that every event can be read from.
fn whole() -> Value {
    let at = "2025-01-03T12:00:00Z";
    let user = json!({"login": "ada", "type": "User"});
    body(json!({
        "action": "submitted", "ref": "refs/heads/main", "before": SHA, "after": SHA, "forced": false,
        "commits": [{"id": SHA, "timestamp": at, "message": "One", "author": {"name": "Ada"}, "added": ["a"], "removed": [], "modified": []}],
        "head_commit": {"id": SHA, "timestamp": at}, "label": {"name": "incident"},
        "release": {"id": 1, "tag_name": "v1", "draft": false, "prerelease": false, "published_at": at, "author": user},
        "deployment": {"id": 1, "sha": SHA, "ref": "main", "environment": "production", "created_at": at, "creator": user,
            "task": "deploy", "payload": {"leadline": {"component": "cart", "fixes": ["7"]}}, "production_environment": true},
        "deployment_status": {"state": "success", "created_at": at, "environment": "production"},
        "workflow_run": {"id": 1, "run_attempt": 1, "status": "completed", "conclusion": "success", "created_at": at,
            "updated_at": at, "name": "Deploy", "head_sha": SHA, "event": "push"},
        "workflow_job": {"id": 1, "run_id": 1, "status": "completed", "conclusion": "success", "started_at": at,
            "completed_at": at, "name": "job"},
        "pull_request": {"number": 1, "created_at": at, "updated_at": at, "merged_at": at, "merge_commit_sha": SHA,
            "user": user, "labels": [{"name": "hotfix"}], "head": {"ref": "x", "sha": SHA}},
        "review": {"state": "approved", "submitted_at": at, "user": {"login": "bob", "type": "User"}},
        "issue": {"number": 1, "created_at": at, "updated_at": at, "state": "open", "labels": [{"name": "sev1"}]},
    }))
}

pub(crate) fn leaf() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        " ",
        "success",
        "closed",
        "1",
        "refs/tags/v1",
        "9999-12-31T23:59:59Z",
        "-009999-01-01T00:00:00Z",
        "é",
        "\u{0}",
    ];
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 1, {"name": 2}])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

/// Every place of a body, from the outside in.
pub(crate) fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                out.push(format!("{at}/{name}"));
                places(value, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                out.push(format!("{at}/{index}"));
                places(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

#[test]
fn the_whole_body_is_read_by_every_event() {
    for event in EVENTS {
        let parsed = send(event, &whole().to_string()).unwrap();
        assert!(parsed.events.iter().all(Result::is_ok), "{event}: {parsed:?}");
        assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "{event}");
    }
}

proptest! {
    #[test]
    fn bent_bodies_are_read_or_refused(
        event in prop::sample::select(EVENTS.to_vec()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..4),
    ) {
        let mut body = whole();
        for (index, value) in bends {
            let mut all = Vec::new();
            places(&body, "", &mut all);
            if !all.is_empty() && let Some(place) = body.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        let result = send(event, &body.to_string());
        prop_assert_eq!(&result, &send(event, &body.to_string()));
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
