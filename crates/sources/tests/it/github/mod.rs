//! GitHub's webhooks.

pub(crate) mod any;
mod code;
mod deployments;
mod issues;
mod pull_requests;
mod shared;
mod shared_pages;
mod workflows;

use domain::event::{Entity, Event};
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

pub(crate) const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";
pub(crate) const BEFORE: &str = "0f2e3d4c5b6a79880123456789abcdef01234567";

pub(crate) fn send(event: &str, body: &str) -> Result<Parsed, Problem> {
    let headers = vec![("x-github-event".to_owned(), event.to_owned())];
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery =
        Delivery { source: "github", event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
    (find("github").unwrap().parse)(&delivery)
}

/// A body with the repository in it.
pub(crate) fn body(mut fields: Value) -> Value {
    fields["repository"] =
        json!({"id": 7, "full_name": "acme/cart", "default_branch": "main", "pushed_at": 1_735_900_000});
    fields["sender"] = json!({"login": "ada", "type": "User"});
    fields
}

/// All events, fields in alphabetical order.
pub(crate) fn told(event: &str, fields: Value) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match send(event, &body(fields).to_string()) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

/// The one entity that several deliveries tell of, the same in whatever order they come.
pub(crate) fn merged(deliveries: &[(&str, Value)]) -> Entity {
    let events: Vec<Event> = deliveries
        .iter()
        .flat_map(|(event, fields)| send(event, &body(fields.clone()).to_string()).unwrap().events)
        .map(Result::unwrap)
        .collect();
    assert!(events.iter().all(|event| event.key == events[0].key));
    let mut entity = Entity::default();
    for event in &events {
        entity.merge(event);
    }
    let mut reversed = Entity::default();
    for event in events.iter().rev() {
        reversed.merge(event);
    }
    assert_eq!(entity, reversed);
    entity
}

#[test]
fn what_says_nothing_about_delivery_is_ignored() {
    for (event, why) in [
        ("ping", "a ping"),
        ("installation", "the app was installed, changed or removed"),
        ("star", "the event `star` says nothing about delivery"),
        ("create", "a branch or tag was made: the push of it tells its commit"),
        ("delete", "a branch or tag was deleted: what it was deployed as stays"),
    ] {
        assert_eq!(told(event, json!({})), format!("ignored: {why}"));
    }
}

#[test]
fn a_hook_that_sends_a_form_is_told_what_to_change() {
    let headers: Vec<_> = [("x-github-event", "push"), ("content-type", "application/x-www-form-urlencoded")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery =
        Delivery { source: "github", event: "webhook", headers: &headers, body: b"payload=%7B%7D", received_at };
    let problem = (find("github").unwrap().parse)(&delivery).unwrap_err();
    assert_eq!(problem.message, "the hook sends a form; set its content type to application/json");
}

#[test]
fn the_signature_by_sha_1_alone_is_refused() {
    let headers = [("X-Hub-Signature".to_owned(), format!("sha1={}", "0".repeat(40)))];
    let problem =
        sources::verify(find("github").unwrap(), &headers, b"{}", b"secret", Timestamp::from_micros(0)).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "only `x-hub-signature` was sent, by SHA-1, which is not taken; `x-hub-signature-256` is needed (signature_invalid)"
    );
}
