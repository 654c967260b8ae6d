//! Pull requests and reviews.

use serde_json::{Value, json};

use super::{SHA, merged, told};

fn request(updated: &str, more: Value) -> Value {
    let mut request = json!({"number": 12, "state": "open", "title": "Sell faster", "user": {"login": "ada"},
        "created_at": "2025-01-03T10:00:00Z", "updated_at": updated, "closed_at": null, "merged_at": null,
        "merge_commit_sha": "c4295bd74fb0f4fda03689c3df3f2803b658fd85", "labels": [{"id": 1, "name": "hotfix"}],
        "head": {"ref": "hotfix/sell", "sha": SHA}, "base": {"ref": "main"},
        "html_url": "https://github.com/acme/cart/pull/12"});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn changed(action: &str, updated: &str, more: Value) -> (&'static str, Value) {
    ("pull_request", json!({"action": action, "number": 12, "pull_request": request(updated, more)}))
}

fn review(state: &str, by: &str, at: &str) -> (&'static str, Value) {
    let user = json!({"login": by, "type": if by == "lint[bot]" { "Bot" } else { "User" }});
    (
        "pull_request_review",
        json!({"action": "submitted", "pull_request": request(at, json!({})),
        "review": {"id": 5, "state": state, "user": user, "submitted_at": at, "commit_id": SHA}}),
    )
}

fn closed(more: Value) -> (&'static str, Value) {
    changed("closed", "2025-01-03T15:00:00Z", more)
}

#[test]
fn a_pull_request_as_it_is() {
    insta::assert_snapshot!(told("pull_request", changed("opened", "2025-01-03T10:00:00Z", json!({})).1), @r#"
    pull_request git/acme/cart#12
      author: "ada"
      branch: "hotfix/sell"
      head_sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      labels: {"hotfix":""}
      number: "12"
      opened_at: "2025-01-03T10:00:00Z"
      repo: "acme/cart"
      target: "main"
      title: "Sell faster"
      updated_at: "2025-01-03T10:00:00Z"
      url: "https://github.com/acme/cart/pull/12"
    "#);
}

#[test]
fn only_a_merge_has_a_merge_commit() {
    let merge = json!({"state": "closed", "closed_at": "2025-01-03T15:00:00Z", "merged_at": "2025-01-03T15:00:00Z", "labels": []});
    let entity = merged(&[changed("labeled", "2025-01-03T11:00:00Z", json!({})), closed(merge)]);
    assert_eq!(entity.text("merge_sha"), Some("c4295bd74fb0f4fda03689c3df3f2803b658fd85"));
    assert_eq!(entity.get("labels"), Some(&json!({})), "a label taken off is gone");
    let given_up = merged(&[closed(json!({"state": "closed", "closed_at": "2025-01-03T15:00:00Z"}))]);
    assert_eq!((given_up.text("merge_sha"), given_up.instant("closed_at").is_some()), (None, true));
}

#[test]
fn a_review_tells_when_it_was_given() {
    insta::assert_snapshot!(told("pull_request_review", review("approved", "bob", "2025-01-03T12:00:00Z").1), @r#"
    pull_request git/acme/cart#12
      author: "ada"
      branch: "hotfix/sell"
      head_sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      labels: {"hotfix":""}
      number: "12"
      opened_at: "2025-01-03T10:00:00Z"
      repo: "acme/cart"
      target: "main"
      title: "Sell faster"
      updated_at: "2025-01-03T12:00:00Z"
      url: "https://github.com/acme/cart/pull/12"
    pull_request git/acme/cart#12
      approved_at: "2025-01-03T12:00:00Z"
      first_review_at: "2025-01-03T12:00:00Z"
      number: "12"
      opened_at: "2025-01-03T10:00:00Z"
      repo: "acme/cart"
      updated_at: "1974-12-28T12:00:00Z"
    "#);
}

#[test]
fn the_first_review_and_the_first_approval_count_in_whatever_order_they_come() {
    let entity = merged(&[
        changed("opened", "2025-01-03T10:00:00Z", json!({})),
        review("commented", "ada", "2025-01-03T10:30:00Z"),
        review("commented", "lint[bot]", "2025-01-03T10:00:09Z"),
        review("changes_requested", "bob", "2025-01-03T11:00:00Z"),
        review("APPROVED", "bob", "2025-01-03T13:00:00Z"),
        review("approved", "eve", "2025-01-03T14:00:00Z"),
        closed(json!({"state": "closed", "title": "Sell"})),
    ]);
    assert_eq!(entity.text("first_review_at"), Some("2025-01-03T11:00:00Z"));
    assert_eq!(entity.text("approved_at"), Some("2025-01-03T13:00:00Z"));
    assert_eq!((entity.text("title"), entity.text("updated_at")), (Some("Sell"), Some("2025-01-03T15:00:00Z")));
}
