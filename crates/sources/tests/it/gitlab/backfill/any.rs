//! Any JSON, and good pages bent out of shape, are read or refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use sources::Parsed;
use sources::poll::Page;

use crate::github::any::{leaf, places};
use crate::told::{events, merged, values};

const RESOURCES: &[&str] = &[
    "commits",
    "tags",
    "releases",
    "deployments",
    "merge_requests",
    "merge_request_commits",
    "merge_request_notes",
    "pipeline",
    "pipeline_jobs",
    "issues",
    "issue_state_events",
];

/// Everything that any of them reads, in one thing.
fn thing(resource: &str) -> Value {
    let (at, sha) = ("2025-01-03T12:00:00.123Z", "a".repeat(40));
    json!({
        "id": if resource.ends_with("commits") { json!(sha) } else { json!(1) }, "iid": 1, "name": "v1", "tag_name": "v1", "sha": sha, "ref": "main",
        "commit": {"id": sha}, "parent_ids": [sha], "committed_date": at, "authored_date": at, "author_name": "Ada", "message": "One",
        "environment": {"name": "production", "tier": "production"}, "status": "success", "created_at": at, "updated_at": at,
        "started_at": at, "finished_at": at, "released_at": at, "merged_at": at, "merge_commit_sha": sha, "pipeline": {"id": 1},
        "state": match resource { "merge_requests" => "merged", "issue_state_events" => "reopened", _ => "closed" },
        "closed_at": at, "issue_type": "incident", "severity": "HIGH", "labels": ["sev1"], "author": {"username": "bob"}, "body": "Why?",
    })
}

fn page(resource: &str) -> Value {
    if resource == "pipeline" { thing(resource) } else { json!([thing(resource), thing(resource)]) }
}

pub(super) fn read(resource: &str, body: &str) -> Result<Parsed, domain::Problem> {
    let headers = [
        (Page::RESOURCE, resource),
        (Page::REPOSITORY, "acme/shop/cart"),
        ("leadline-number", "1"),
        ("leadline-author", "ada"),
        ("leadline-updated-at", "2025-01-03T12:00:00Z"),
        ("leadline-lost", "1,2"),
    ];
    crate::told::send("gitlab", Page::EVENT, &headers, body)
}

#[test]
fn a_whole_page_is_read_by_every_resource() {
    for resource in RESOURCES {
        let parsed = read(resource, &page(resource).to_string()).unwrap();
        assert!(!parsed.events.is_empty() && parsed.events.iter().all(Result::is_ok), "{resource}: {parsed:?}");
    }
}

#[test]
fn a_deployment_made_through_the_api_has_no_job() {
    let deployment = json!([{"id": 7, "sha": "a".repeat(40), "ref": "v1.2.0", "status": "success", "created_at": "2025-01-03T12:00:00.000Z",
        "updated_at": "2025-01-03T12:05:00.000Z", "environment": {"name": "production"}, "deployable": null}]);
    let all = events([read("deployments", &deployment.to_string())]);
    assert_eq!(
        values(&merged(&all), &["started_at", "finished_at", "version"]),
        r#"started_at="2025-01-03T12:00:00Z" finished_at="2025-01-03T12:05:00Z" version="v1.2.0""#
    );
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
        let result = read(resource, &body.to_string());
        prop_assert_eq!(&result, &read(resource, &body.to_string()));
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
