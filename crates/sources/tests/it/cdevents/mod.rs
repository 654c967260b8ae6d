//! CDEvents, bare and as CloudEvents.

mod deployments;
mod envelopes;
mod incidents;
mod runs;
mod shared;

use domain::event::{Entity, Event};
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

/// An event of the given type about `id`, at `minute` past ten.
pub(crate) fn event(kind: &str, id: &str, minute: u8, content: Value) -> Value {
    json!({
        "context": {"specversion": "0.5.1", "id": format!("{kind}-{id}-{minute}"), "source": "/ci/7",
            "type": format!("dev.cdevents.{kind}.0.2.0"), "timestamp": format!("2025-03-01T10:{minute:02}:00.5Z")},
        "subject": {"id": id, "source": "/ci/7", "content": content},
    })
}

pub(crate) fn send_to(source: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let source = find(source).unwrap();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let event = source.routes[0].event;
    (source.parse)(&Delivery { source: "tekton", event, headers: &headers, body, received_at })
}

pub(crate) fn send(body: &Value) -> Result<Parsed, Problem> {
    send_to("cdevents", &[], body.to_string().as_bytes())
}

/// All events, fields in alphabetical order; or why there are none.
pub(crate) fn told(body: &Value) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match send(body) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

/// The one entity that several events tell of, the same in whatever order they come.
pub(crate) fn merged(bodies: &[Value]) -> Entity {
    let events: Vec<Event> = bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect();
    assert!(events.iter().all(|event| event.key == events[0].key));
    let merge = |events: &mut dyn Iterator<Item = &Event>| {
        let mut entity = Entity::default();
        events.for_each(|event| _ = entity.merge(event));
        entity
    };
    let entity = merge(&mut events.iter());
    assert_eq!(entity, merge(&mut events.iter().rev()));
    entity
}

#[test]
fn what_says_nothing_about_delivery_is_ignored_with_the_reason() {
    for (kind, why) in [
        ("service.published", "a service became reachable: what was deployed is told by itself"),
        ("service.removed", "a service was removed: nothing was delivered"),
        ("environment.created", "an environment is where things are delivered to, not a delivery"),
        ("pipelinerun.queued", "a pipeline run waits: it is told when it starts"),
        ("build.finished", "an artifact is what can be deployed: that it was, its service tells"),
        ("artifact.packaged", "an artifact is what can be deployed: that it was, its service tells"),
        ("testsuiterun.finished", "a test is told by the run it is part of"),
        ("branch.created", "a repository or branch was made, changed or deleted"),
        ("change.updated", "a change was updated: what it became is told when it is merged"),
        ("approval.closed", "an approval is no delivery yet"),
        ("service.\u{1b}[31mpainted", "the event `service.\\u{1b}[31mpainted` says nothing about delivery"),
        ("taskrun.started", "a task run by itself is no pipeline run"),
        ("change.created", "the change says no repository, and is known by it"),
        ("ticket.created", "the ticket has no type or label that makes it an incident"),
    ] {
        assert_eq!(told(&event(kind, "x", 0, json!({}))), format!("ignored: {why}"), "{kind}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let whole = event("service.deployed", "cart", 0, json!({"environment": {"id": "production"}}));
    assert!(send(&whole).is_ok());
    for (pointer, problem) in [
        ("/context/type", "`context.type` is missing or empty: a CDEvent says there what happened. (missing_field)"),
        ("/context/timestamp", "`context.timestamp` is missing or empty: it says when it happened. (missing_field)"),
        ("/context/id", "`context.id` is missing or empty: it names the event. (missing_field)"),
        ("/subject/id", "`subject.id` is missing or empty: it names what the event is about. (missing_field)"),
        (
            "/subject/content/environment/id",
            "`subject.content.environment.id` is missing or empty: it says where to. (missing_field)",
        ),
    ] {
        let mut body = whole.clone();
        *body.pointer_mut(pointer).unwrap() = Value::Null;
        assert_eq!(told(&body), problem);
    }
    let mut body = whole.clone();
    body["context"]["timestamp"] = json!("yesterday");
    assert!(told(&body).ends_with("(timestamp_invalid)"), "{}", told(&body));
    body["context"]["type"] = json!("dev.cdevents.service");
    assert_eq!(
        told(&body),
        "`context.type` is `dev.cdevents.service`; a CDEvent's is `dev.cdevents.SUBJECT.PREDICATE.VERSION` (unknown_value)"
    );
}
