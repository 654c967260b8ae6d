//! Pages read: what each gives, and what is no page.

use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, SOURCES, find};

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

fn read(resource: &'static str, context: &[(&'static str, &str)], body: &Value) -> Result<Parsed, Problem> {
    let context = context.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let page = Page { resource, repository: "acme/cart".to_owned(), context, body: body.to_string().into_bytes() };
    let headers = page.headers();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery = Delivery { source: "acme", event: Page::EVENT, headers: &headers, body: &page.body, received_at };
    (find("github").unwrap().parse)(&delivery)
}

fn told(resource: &'static str, context: &[(&'static str, &str)], body: Value) -> String {
    let tell = |event: Result<domain::event::Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match read(resource, context, &body) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn no_address_takes_pages() {
    // The event of a delivery is its route's: with no route of that event nothing sent is read as a page, whatever its
    // headers say.
    for source in SOURCES.iter() {
        for route in source.routes {
            assert_ne!(route.event, Page::EVENT, "{}", route.path);
            let ours = |name: &&str| name.starts_with("leadline-");
            assert!(!route.headers.iter().chain(&route.id_header).any(ours), "{}", route.path);
        }
    }
}

#[test]
fn commits_have_parents_and_both_times() {
    let who = |name: &str, date: &str| json!({"name": name, "email": "x@example.org", "date": date});
    let commit = json!({"message": "One\n\nMore", "author": who("Ada", "2025-01-01T10:00:00Z"), "committer": who("Bob", "2025-01-02T10:00:00Z")});
    insta::assert_snapshot!(
        told("commits", &[], json!([{"sha": SHA, "commit": commit, "parents": [{"sha": "a".repeat(40)}, {"sha": "b".repeat(40)}]}, {"sha": SHA}, 7])),
        @r#"
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ada"
      authored_at: "2025-01-01T10:00:00Z"
      committed_at: "2025-01-02T10:00:00Z"
      message: "One\n\nMore"
      parents: ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    `timestamp` is missing or empty: it is the time of the commit. (missing_field)
    `commits` takes objects, not a number (wrong_type)
    "#
    );
}

#[test]
fn a_status_tells_only_what_is_its_own() {
    let page = json!([
        {"id": 2, "state": "inactive", "created_at": "2025-01-01T11:00:00Z"},
        {"id": 1, "state": "success", "created_at": "2025-01-01T10:00:00Z", "environment": "production", "description": "fine",
            "log_url": "", "target_url": "https://ci.example.org/1"},
        {"id": 0, "state": "queued", "created_at": "2025-01-01T09:00:00Z"},
    ]);
    insta::assert_snapshot!(told("deployment_statuses", &[("leadline-number", "4711")], page), @r#"
    deployment acme/4711
      environment: "production"
      finished_at: "2025-01-01T10:00:00Z"
      id: "4711"
      status: "succeeded"
      status_reason: "fine"
      updated_at: "2025-01-01T10:00:00Z"
      url: "https://ci.example.org/1"
    deployment acme/4711
      id: "4711"
      status: "in_progress"
      updated_at: "2025-01-01T09:00:00Z"
    "#);
}

#[test]
fn commits_of_a_pull_request_are_changes_and_what_its_squash_brought() {
    let commit = |sha: &str, at: &str| {
        let who = json!({"name": "Ada", "date": at});
        json!({"sha": sha.repeat(40), "commit": {"message": "One", "author": who, "committer": who}, "parents": []})
    };
    let page = json!([commit("a", "2025-01-02T10:00:00Z"), commit("b", "2025-01-01T10:00:00Z")]);
    let context = [("leadline-number", "12"), ("leadline-updated-at", "2025-01-03T10:00:00Z")];
    insta::assert_snapshot!(told("pull_request_commits", &context, page), @r#"
    change git/acme/cart@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      author: "Ada"
      authored_at: "2025-01-02T10:00:00Z"
      committed_at: "2025-01-02T10:00:00Z"
      message: "One"
      parents: []
      repo: "acme/cart"
      sha: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    change git/acme/cart@bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
      author: "Ada"
      authored_at: "2025-01-01T10:00:00Z"
      committed_at: "2025-01-01T10:00:00Z"
      message: "One"
      parents: []
      repo: "acme/cart"
      sha: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    pull_request git/acme/cart#12
      commits: [{"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","authored_at":"2025-01-02T10:00:00Z","committed_at":"2025-01-02T10:00:00Z"},{"sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","authored_at":"2025-01-01T10:00:00Z","committed_at":"2025-01-01T10:00:00Z"}]
      first_commit_at: "2025-01-01T10:00:00Z"
      number: "12"
      repo: "acme/cart"
      updated_at: "2025-01-03T10:00:00Z"
    "#);
    assert_eq!(
        told("pull_request_commits", &context, json!([])),
        "ignored: the pull request has no commits of its own"
    );
}

#[test]
fn the_first_review_of_somebody_else_counts() {
    let review = |login: &str, kind: &str, state: &str, hour: u8| json!({"state": state, "submitted_at": format!("2025-01-01T{hour:02}:00:00Z"), "user": {"login": login, "type": kind}});
    let page = json!([
        review("ada", "User", "COMMENTED", 9),
        review("robot", "Bot", "COMMENTED", 10),
        review("bob", "User", "COMMENTED", 11),
        {"state": "PENDING", "user": {"login": "eve", "type": "User"}},
    ]);
    let context = [("leadline-number", "12"), ("leadline-author", "ada")];
    insta::assert_snapshot!(told("pull_request_reviews", &context, page), @r#"
    pull_request git/acme/cart#12
      first_review_at: "2025-01-01T11:00:00Z"
      number: "12"
      repo: "acme/cart"
      updated_at: "1974-12-30T13:00:00Z"
    "#);
}

#[test]
fn tags_are_what_they_were_when_the_page_came() {
    insta::assert_snapshot!(told("tags", &[], json!([{"name": "v1.0.0", "commit": {"sha": SHA}}])), @r#"
    tag git/acme/cart:v1.0.0
      name: "v1.0.0"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      updated_at: "2026-11-01T00:00:00Z"
    "#);
    let object = json!({"tag": "v1.0.0", "sha": "c".repeat(40), "tagger": {"date": "2025-01-01T10:00:00+02:00"}, "object": {"type": "commit", "sha": SHA}});
    insta::assert_snapshot!(told("tag_object", &[], object), @r#"
    tag git/acme/cart:v1.0.0
      name: "v1.0.0"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      tagged_at: "2025-01-01T08:00:00Z"
      updated_at: "2025-01-01T08:00:00Z"
    "#);
    let other =
        json!({"tag": "v1.0.0", "tagger": {"date": "2025-01-01T10:00:00Z"}, "object": {"type": "tree", "sha": SHA}});
    assert_eq!(told("tag_object", &[], other), "ignored: nothing on the page says anything about delivery");
}

#[test]
fn what_is_no_page_is_refused_with_a_reason() {
    for (resource, body, said) in [
        ("stars", json!([]), "`stars` is no resource of GitHub that is read (unknown_value)"),
        ("runs", json!({"runs": []}), "a page of `runs` is a list, not null (wrong_type)"),
        ("tags", json!({}), "a page of `tags` is a list, not an object (wrong_type)"),
        (
            "pull_request_commits",
            json!([]),
            "`leadline-number` is missing or empty: it says what the page is about. (missing_field)",
        ),
    ] {
        assert_eq!(told(resource, &[], body), said);
    }
    let delivery = Delivery {
        source: "acme",
        event: Page::EVENT,
        headers: &[],
        body: b"[]",
        received_at: Timestamp::from_micros(0),
    };
    let problem = (find("github").unwrap().parse)(&delivery).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`leadline-repository` is missing or empty: a page is kept with it. (missing_field)"
    );
}
