//! Pushes, tags and releases.

use serde_json::{Value, json};

use super::{BEFORE, SHA, told};

pub(crate) fn push(more: Value) -> Value {
    let commit = |id: &str, at: &str| {
        json!({"id": id, "message": "Make it so\n", "timestamp": at, "author": {"name": "Ada", "email": "ada@example.org"},
            "added": ["a"], "modified": ["b"], "removed": []})
    };
    let mut push = json!({"before": BEFORE, "after": SHA, "ref": "refs/heads/feature", "checkout_sha": SHA,
        "user_username": "ada", "total_commits_count": 2,
        "commits": [commit("2f2e3d4c5b6a79880123456789abcdef01234567", "2025-01-03T12:00:00+01:00"), commit(SHA, "2025-01-03T11:30:00Z")]});
    for (name, value) in more.as_object().unwrap() {
        push[name] = value.clone();
    }
    push
}

#[test]
fn a_push_tells_its_commits_one_after_another() {
    insta::assert_snapshot!(told("push", push(json!({}))), @r#"
    change git/acme/shop/cart@2f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      committed_at: "2025-01-03T11:00:00Z"
      message: "Make it so"
      parents_assumed: ["0f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["a","b"]
      repo: "acme/shop/cart"
      sha: "2f2e3d4c5b6a79880123456789abcdef01234567"
    change git/acme/shop/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      committed_at: "2025-01-03T11:30:00Z"
      message: "Make it so"
      parents_assumed: ["2f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["a","b"]
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    "#);
}

#[test]
fn a_push_of_the_default_branch_counts_before_others() {
    assert!(!told("push", push(json!({}))).contains("updated_at"));
    let pushed = told("push", push(json!({"ref": "refs/heads/main"})));
    assert_eq!(pushed.matches("updated_at: \"2026-11-01T00:00:00Z\"").count(), 2, "{pushed}");
}

#[test]
fn of_many_commits_the_last_are_listed_and_the_first_of_them_follows_none_that_is_known() {
    let pushed = told("push", push(json!({"total_commits_count": 40})));
    assert_eq!(pushed.matches("parents_assumed").count(), 1, "{pushed}");
    assert!(!pushed.contains(BEFORE));
}

#[test]
fn a_tag_is_the_commit_it_names_and_not_its_own_object() {
    let tag = json!({"ref": "refs/tags/v1.2.0", "before": "0".repeat(40), "after": "9".repeat(40), "commits": [],
        "total_commits_count": 0, "message": "Release"});
    insta::assert_snapshot!(told("tag_push", push(tag)), @r#"
    tag git/acme/shop/cart:v1.2.0
      name: "v1.2.0"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      updated_at: "2026-11-01T00:00:00Z"
    "#);
}

#[test]
fn what_is_deleted_is_no_news() {
    for (kind, name) in [("tag_push", "refs/tags/v1.2.0"), ("push", "refs/heads/main")] {
        let gone = json!({"ref": name, "after": "0".repeat(40), "checkout_sha": null, "commits": []});
        assert_eq!(told(kind, push(gone)), "ignored: a branch or tag was deleted");
    }
}

#[test]
fn a_branch_of_known_commits_is_no_news() {
    let new = json!({"before": "0".repeat(40), "commits": [], "total_commits_count": 0});
    assert_eq!(told("push", push(new)), "ignored: a branch was made of commits that are known already");
}

fn release(more: Value) -> Value {
    let mut release = json!({"id": 3, "action": "create", "tag": "v1.2.0", "name": "Spring", "created_at": "2025-01-03 12:00:00 UTC",
        "released_at": "2025-01-03 13:00:00 +0100", "url": "https://gitlab.example/acme/shop/cart/-/releases/v1.2.0",
        "commit": {"id": SHA, "timestamp": "2025-01-03T11:00:00Z"}});
    for (name, value) in more.as_object().unwrap() {
        release[name] = value.clone();
    }
    release
}

#[test]
fn a_release_is_an_attempt_on_an_environment_of_its_own() {
    insta::assert_snapshot!(told("release", release(json!({}))), @r#"
    deployment gitlab/release-acme/shop/cart-v1.2.0
      assumed: "release"
      component: "acme/shop/cart"
      environment: "release"
      finished_at: "2025-01-03T12:00:00Z"
      id: "release-acme/shop/cart-v1.2.0"
      marks: ["repository:acme/shop/cart","project:acme/shop/cart"]
      repo: "acme/shop/cart"
      status: "succeeded"
      updated_at: "2025-01-03T12:00:00Z"
      url: "https://gitlab.example/acme/shop/cart/-/releases/v1.2.0"
      version: "v1.2.0"
    "#);
    // Changing its words changes nothing.
    assert_eq!(
        told("release", release(json!({"action": "update", "name": "Summer"}))),
        told("release", release(json!({})))
    );
}

#[test]
fn a_release_that_is_deleted_or_to_come_is_none() {
    assert_eq!(
        told("release", release(json!({"action": "delete"}))),
        "ignored: a release was deleted: it was published all the same"
    );
    assert_eq!(
        told("release", release(json!({"released_at": "2027-01-01 00:00:00 UTC"}))),
        "ignored: a release that is still to come"
    );
}
