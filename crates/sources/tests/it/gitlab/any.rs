//! Any JSON, and good bodies bent out of shape, are read or refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SHA, body, send};
use crate::github::any::{leaf, places};

const KINDS: &[&str] = &[
    "push",
    "tag_push",
    "release",
    "deployment",
    "pipeline",
    "build",
    "merge_request",
    "note",
    "issue",
    "work_item",
    "unheard",
];

/// A body that every event can be read from.
fn whole(kind: &str) -> Value {
    let at = "2025-01-03 12:00:00 UTC";
    let mut fields = json!({
        "ref": "refs/heads/main", "before": SHA, "after": SHA, "checkout_sha": SHA, "total_commits_count": 1,
        "commits": [{"id": SHA, "timestamp": "2025-01-03T12:00:00Z", "message": "One", "author": {"name": "Ada"},
            "added": ["a"], "removed": [], "modified": []}],
        "tag": "v1", "created_at": at, "released_at": at, "action": "create", "status": "success",
        "status_changed_at": at, "deployment_id": 1, "environment": "production", "environment_tier": "production",
        "short_sha": &SHA[..8], "commit_url": format!("https://gitlab.example/x/{SHA}"), "sha": SHA,
        "object_attributes": {"id": 1, "iid": 1, "created_at": at, "updated_at": at, "finished_at": at, "status": "success",
            "state": if kind == "merge_request" { "merged" } else { "closed" }, "closed_at": at, "merged_at": at,
            "action": "approved", "type": "Incident", "severity": "high", "noteable_type": "MergeRequest", "author_id": 9,
            "last_commit": {"id": SHA}, "merge_commit_sha": SHA, "source": "push", "name": "Deploy", "sha": SHA},
        "merge_request": {"iid": 1, "author_id": 8, "created_at": at},
        "labels": [{"title": "sev1"}], "changes": {"labels": {"previous": [{"title": "incident"}]}},
        "builds": [{"id": 1, "name": "job", "status": "success", "created_at": at, "started_at": at, "finished_at": at}],
    });
    let job = json!({
            "build_id": 1, "build_name": "job", "build_status": "success", "build_created_at": at, "build_started_at": at,
            "build_finished_at": at, "pipeline_id": 1
    });
    fields.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    body(kind, fields)
}

#[test]
fn the_whole_body_is_read_by_every_event() {
    for kind in KINDS {
        let parsed = send(&whole(kind).to_string()).unwrap();
        assert!(parsed.events.iter().all(Result::is_ok), "{kind}: {parsed:?}");
        assert_eq!(parsed.events.is_empty(), *kind == "unheard", "{kind}");
        assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "{kind}");
    }
}

proptest! {
    #[test]
    fn bent_bodies_are_read_or_refused(
        kind in prop::sample::select(KINDS.to_vec()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..4),
    ) {
        let mut body = whole(kind);
        for (index, value) in bends {
            let mut all = Vec::new();
            places(&body, "", &mut all);
            if !all.is_empty() && let Some(place) = body.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        let result = send(&body.to_string());
        prop_assert_eq!(&result, &send(&body.to_string()));
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
