//! PagerDuty: webhooks, and its API on this machine.

mod account;
mod pages;
mod poll;
mod shared;
mod webhooks;

use domain::event::{Entity, Event};
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

pub(crate) fn send(body: &Value) -> Result<Parsed, Problem> {
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let body = body.to_string();
    let delivery = Delivery { source: "pagerduty", event: "webhook", headers: &[], body: body.as_bytes(), received_at };
    (find("pagerduty").unwrap().parse)(&delivery)
}

/// A webhook of version 3 about the incident Q1.
fn hook(event: &str, at: &str, more: Value) -> Value {
    let mut data = json!({"id": "Q1", "type": "incident", "number": 7, "status": "triggered", "title": "Nobody can pay",
        "html_url": "https://acme.pagerduty.com/incidents/Q1", "created_at": "2025-01-03T13:00:00Z",
        "service": {"id": "PSHOP1", "summary": "Checkout", "type": "service_reference"},
        "teams": [{"id": "PTEAM1", "summary": "Payments", "type": "team_reference"}],
        "priority": null, "urgency": "high", "resolve_reason": null});
    for (name, value) in more.as_object().unwrap() {
        data[name] = value.clone();
    }
    json!({"event": {"id": "01", "event_type": event, "resource_type": "incident", "occurred_at": at, "data": data}})
}

fn told(body: &Value) -> String {
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

/// The one entity that several webhooks tell of, the same in whatever order they come.
fn merged(bodies: &[Value]) -> Entity {
    let events: Vec<Event> = bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect();
    let (mut entity, mut reversed) = (Entity::default(), Entity::default());
    for event in &events {
        entity.merge(event);
    }
    for event in events.iter().rev() {
        reversed.merge(event);
    }
    assert_eq!(entity, reversed);
    entity
}
