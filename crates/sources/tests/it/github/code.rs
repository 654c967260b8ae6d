//! Pushes and releases.

use serde_json::json;

use super::{BEFORE, SHA, merged, told};

const OTHER: &str = "2f2e3d4c5b6a79880123456789abcdef01234567";

fn commit(sha: &str, at: &str) -> serde_json::Value {
    json!({"id": sha, "timestamp": at, "message": "Sell faster", "distinct": true,
        "author": {"name": "Ada", "email": "ada@example.com"}, "added": ["src/a.rs"], "removed": [], "modified": []})
}

#[test]
fn a_push_to_the_default_branch_says_how_its_commits_follow() {
    let push = json!({"ref": "refs/heads/main", "before": BEFORE, "after": OTHER, "created": false, "forced": false,
        "commits": [commit(SHA, "2025-01-03T10:00:00+01:00"), commit(OTHER, "2025-01-03T11:00:00+01:00")],
        "head_commit": commit(OTHER, "2025-01-03T11:00:00+01:00")});
    insta::assert_snapshot!(told("push", push), @r#"
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      committed_at: "2025-01-03T09:00:00Z"
      message: "Sell faster"
      parents_assumed: ["0f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["src/a.rs"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      updated_at: "2025-01-03T10:26:40Z"
    change git/acme/cart@2f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      committed_at: "2025-01-03T10:00:00Z"
      message: "Sell faster"
      parents_assumed: ["1f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["src/a.rs"]
      repo: "acme/cart"
      sha: "2f2e3d4c5b6a79880123456789abcdef01234567"
      updated_at: "2025-01-03T10:26:40Z"
    "#);
}

#[test]
fn a_forced_push_and_a_new_branch_follow_nothing() {
    let mut push = json!({"ref": "refs/heads/topic", "before": BEFORE, "after": SHA, "forced": true,
        "commits": [commit(SHA, "2025-01-03T10:00:00Z")], "head_commit": commit(SHA, "2025-01-03T10:00:00Z")});
    let forced = told("push", push.clone());
    assert!(!forced.contains("parents_assumed") && !forced.contains("updated_at"), "{forced}");
    push["forced"] = json!(false);
    push["before"] = json!("0".repeat(40));
    assert_eq!(told("push", push.clone()), forced);
    push["after"] = json!("0".repeat(40));
    assert_eq!(told("push", push), "ignored: a branch or tag was deleted");
}

/// A branch into which the default branch was merged lists the same commits behind its own.
#[test]
fn the_default_branch_knows_best_how_commits_follow() {
    let push = |branch: &str, before: &str| {
        json!({"ref": format!("refs/heads/{branch}"), "before": before, "after": SHA,
        "commits": [commit(SHA, "2025-01-03T10:00:00Z")], "head_commit": commit(SHA, "2025-01-03T10:00:00Z")})
    };
    let entity = merged(&[("push", push("main", BEFORE)), ("push", push("topic", OTHER))]);
    assert_eq!(entity.names("parents_assumed"), [BEFORE]);
}

#[test]
fn a_push_of_a_tag_names_its_commit() {
    // `after` is the tag's own object when it is annotated.
    let push = json!({"ref": "refs/tags/v1.2.0", "before": "0".repeat(40), "after": OTHER, "created": true,
        "base_ref": "refs/heads/main", "commits": [], "head_commit": commit(SHA, "2025-01-03T10:00:00Z")});
    insta::assert_snapshot!(told("push", push), @r#"
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      committed_at: "2025-01-03T10:00:00Z"
      message: "Sell faster"
      paths: ["src/a.rs"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    tag git/acme/cart:v1.2.0
      name: "v1.2.0"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      updated_at: "2025-01-03T10:26:40Z"
    "#);
}

fn release(action: &str) -> serde_json::Value {
    json!({"action": action, "release": {"id": 17, "tag_name": "v1.2.0", "target_commitish": "main", "draft": false,
        "prerelease": false, "created_at": "2025-01-03T10:00:00Z", "published_at": "2025-01-03T12:00:00Z",
        "html_url": "https://github.com/acme/cart/releases/tag/v1.2.0", "author": {"login": "ada"}}})
}

#[test]
fn a_release_is_an_attempt_on_the_environment_release() {
    insta::assert_snapshot!(told("release", release("published")), @r#"
    deployment github/release-17
      actor: "ada"
      assumed: "release"
      component: "acme/cart"
      environment: "release"
      finished_at: "2025-01-03T12:00:00Z"
      id: "release-17"
      repo: "acme/cart"
      status: "succeeded"
      updated_at: "2025-01-03T12:00:00Z"
      url: "https://github.com/acme/cart/releases/tag/v1.2.0"
      version: "v1.2.0"
    "#);
    let published = merged(&[("release", release("published"))]);
    let thrice = merged(&["created", "published", "released"].map(|action| ("release", release(action))));
    assert_eq!(published, thrice, "three events, one release");
}

#[test]
fn drafts_and_releases_taken_back_are_ignored() {
    let mut draft = release("created");
    draft["release"]["draft"] = json!(true);
    assert_eq!(told("release", draft), "ignored: a draft of a release");
    assert!(told("release", release("unpublished")).starts_with("ignored: a release was taken back"));
}
