//! Any JSON, and good pages bent out of shape, are read or refused.

use domain::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, find};

use crate::github::any::{leaf, places};

const RESOURCES: &[&str] = &[
    "commits",
    "tags",
    "tag_object",
    "releases",
    "deployments",
    "deployment_statuses",
    "pull_requests",
    "pull_request_commits",
    "pull_request_reviews",
    "runs",
    "run_attempt",
    "issues",
];

/// Everything that any of them reads, in one thing.
fn thing() -> Value {
    let (at, sha) = ("2025-01-03T12:00:00Z", "a".repeat(40));
    let user = json!({"login": "ada", "type": "User"});
    let who = json!({"name": "Ada", "date": at});
    json!({
        "id": 1, "number": 1, "name": "v1", "tag": "v1", "tag_name": "v1", "sha": sha, "ref": "main", "environment": "production",
        "commit": {"sha": sha, "message": "One", "author": who, "committer": who}, "parents": [{"sha": sha}],
        "object": {"type": "commit", "sha": sha}, "tagger": {"date": at}, "published_at": at, "draft": false,
        "created_at": at, "updated_at": at, "submitted_at": at, "merged_at": at, "merge_commit_sha": sha,
        "state": "success", "status": "completed", "conclusion": "success", "head_sha": sha, "run_attempt": 1,
        "labels": [{"name": "incident"}], "creator": user, "user": user, "payload": {"leadline": {"component": "cart"}},
    })
}

fn page(resource: &str) -> Value {
    match resource {
        "tag_object" | "run_attempt" => thing(),
        "runs" => json!({"total_count": 1, "workflow_runs": [thing()]}),
        "pull_request_reviews" => {
            let mut review = thing();
            review["state"] = json!("APPROVED");
            json!([review])
        }
        _ => json!([thing(), thing()]),
    }
}

fn read(resource: &str, body: &Value) -> Result<Parsed, domain::Problem> {
    let headers: Vec<(String, String)> = [
        (Page::RESOURCE, resource),
        (Page::REPOSITORY, "acme/cart"),
        ("leadline-number", "1"),
        ("leadline-author", "bob"),
        ("leadline-updated-at", "2025-01-03T12:00:00Z"),
        ("leadline-lost", "1,2"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let body = body.to_string();
    let delivery =
        Delivery { source: "github", event: Page::EVENT, headers: &headers, body: body.as_bytes(), received_at };
    (find("github").unwrap().parse)(&delivery)
}

#[test]
fn a_whole_page_is_read_by_every_resource() {
    for resource in RESOURCES {
        let parsed = read(resource, &page(resource)).unwrap();
        assert!(!parsed.events.is_empty() && parsed.events.iter().all(Result::is_ok), "{resource}: {parsed:?}");
    }
}

proptest! {
    #[test]
    fn bent_pages_are_read_or_refused(
        resource in prop::sample::select(RESOURCES.to_vec()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..4),
    ) {
        let mut body = page(resource);
        for (index, value) in bends {
            let mut all = Vec::new();
            places(&body, "", &mut all);
            if !all.is_empty() && let Some(place) = body.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        let result = read(resource, &body);
        prop_assert_eq!(&result, &read(resource, &body));
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
