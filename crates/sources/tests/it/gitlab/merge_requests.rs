//! Merge requests, remarks and approvals.

use serde_json::{Value, json};

use super::{SHA, body, send, told};
use crate::told::{events, merged, values};

fn request(action: &str, state: &str, updated_at: &str) -> Value {
    json!({"object_attributes": {"iid": 4, "author_id": 51, "title": "Faster carts", "state": state, "action": action,
        "created_at": "2025-01-03 12:00:00 UTC", "updated_at": updated_at, "source_branch": "faster", "target_branch": "main",
        "merge_commit_sha": if state == "merged" { json!("3".repeat(40)) } else { Value::Null },
        "last_commit": {"id": SHA, "timestamp": "2025-01-03T11:00:00Z"}, "url": "https://gitlab.example/acme/shop/cart/-/merge_requests/4"},
        "labels": [{"id": 1, "title": "hotfix"}]})
}

fn by(mut fields: Value, id: u64, name: &str) -> Value {
    fields["user"] = json!({"id": id, "username": name});
    fields
}

fn remark(id: u64, name: &str, at: &str) -> Value {
    by(
        json!({"object_attributes": {"id": 9, "noteable_type": "MergeRequest", "author_id": id, "note": "Why?", "created_at": at, "system": false},
            "merge_request": {"iid": 4, "author_id": 51, "created_at": "2025-01-03 12:00:00 UTC"}}),
        id,
        name,
    )
}

#[test]
fn a_merge_request_that_was_merged() {
    insta::assert_snapshot!(told("merge_request", request("merge", "merged", "2025-01-03 15:00:00 UTC")), @r#"
    pull_request git/acme/shop/cart#4
      author: "ada"
      branch: "faster"
      head_sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      labels: {"hotfix":""}
      merge_sha: "3333333333333333333333333333333333333333"
      merged_at: "2025-01-03T15:00:00Z"
      number: "4"
      opened_at: "2025-01-03T12:00:00Z"
      repo: "acme/shop/cart"
      target: "main"
      title: "Faster carts"
      updated_at: "2025-01-03T15:00:00Z"
      url: "https://gitlab.example/acme/shop/cart/-/merge_requests/4"
    "#);
}

#[test]
fn what_happens_after_the_merge_does_not_move_it() {
    let deliveries = [
        body("merge_request", request("open", "opened", "2025-01-03 12:00:00 UTC")),
        body("merge_request", by(request("merge", "merged", "2025-01-03 15:00:00 UTC"), 52, "bob")),
        body("merge_request", request("update", "merged", "2025-01-04 09:00:00 UTC")),
    ];
    let all = events(deliveries.iter().map(|body| send(&body.to_string())));
    assert_eq!(values(&merged(&all), &["merged_at", "author"]), r#"merged_at="2025-01-03T15:00:00Z" author="ada""#);
}

#[test]
fn closed_is_not_merged() {
    let closed = told("merge_request", request("close", "closed", "2025-01-03 15:00:00 UTC"));
    assert!(closed.contains("closed_at: \"2025-01-03T15:00:00Z\""), "{closed}");
    assert!(!closed.contains("merged_at") && !closed.contains("merge_sha"), "{closed}");
}

#[test]
fn the_first_look_by_somebody_else_counts() {
    let deliveries = [
        body("merge_request", request("open", "opened", "2025-01-03 12:00:00 UTC")),
        body("note", remark(53, "eve", "2025-01-03 14:00:00 UTC")),
        body("note", remark(52, "bob", "2025-01-03 13:00:00 UTC")),
    ];
    let all = events(deliveries.iter().map(|body| send(&body.to_string())));
    assert_eq!(
        values(&merged(&all), &["first_review_at", "opened_at"]),
        r#"first_review_at="2025-01-03T13:00:00Z" opened_at="2025-01-03T12:00:00Z""#
    );
    for own in [remark(51, "ada", "2025-01-03 13:00:00 UTC"), remark(60, "project_7_bot_x1", "2025-01-03 13:00:00 UTC")]
    {
        assert_eq!(told("note", own), "ignored: a remark of the merge request's own author, or of a robot");
    }
    let mut commit = remark(52, "bob", "2025-01-03 13:00:00 UTC");
    commit["object_attributes"]["noteable_type"] = json!("Commit");
    assert_eq!(told("note", commit), "ignored: a remark that is on no merge request");
}

#[test]
fn an_approval_is_when_it_came() {
    for action in ["approved", "approval"] {
        let approved = body("merge_request", by(request(action, "opened", "2025-01-03 12:30:00 UTC"), 52, "bob"));
        let all = events([send(&approved.to_string())]);
        assert_eq!(values(&merged(&all), &["approved_at"]), r#"approved_at="2026-11-01T00:00:00Z""#);
    }
    let own = told("merge_request", request("approved", "opened", "2025-01-03 12:30:00 UTC"));
    assert!(!own.contains("approved_at"), "{own}");
}
