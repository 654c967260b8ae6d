//! Webhooks of version 3.

use domain::event::{EventKind, Incident, entity_key};
use domain::{Code, Timestamp};
use serde_json::{Value, json};
use sources::{find, verify};

use super::{hook, merged, send, told};
use crate::support::sign;

fn read(bodies: &[Value]) -> Option<Incident> {
    Incident::read(&entity_key(EventKind::Incident, "pagerduty", "Q1"), &merged(bodies))
}

#[test]
fn an_incident_is_told_with_its_service_and_what_is_known_of_it() {
    insta::assert_snapshot!(told(&hook("incident.triggered", "2025-01-03T13:00:00.412Z", json!({}))), @r#"
    incident pagerduty/Q1
      component: "Checkout"
      id: "Q1"
      marks: ["pagerduty_service:Checkout","pagerduty_service:PSHOP1","team:Payments"]
      opened_at: "2025-01-03T13:00:00Z"
      severity: "high"
      severity_original: "high"
      title: "Nobody can pay"
      updated_at: "2025-01-03T13:00:00.412Z"
      url: "https://acme.pagerduty.com/incidents/Q1"
      withdrawn: false
    "#);
}

#[test]
fn its_course_is_told_by_the_times_of_the_events() {
    let triggered = hook("incident.triggered", "2025-01-03T13:00:00.412Z", json!({}));
    let acknowledged = hook("incident.acknowledged", "2025-01-03T13:04:10.900Z", json!({"status": "acknowledged"}));
    let resolved = hook("incident.resolved", "2025-01-03T14:30:00.001Z", json!({"status": "resolved"}));
    let reopened = hook("incident.reopened", "2025-01-03T15:00:00Z", json!({}));
    let at = |text: &str| Some(Timestamp::parse(text).unwrap());
    let known = read(&[triggered.clone(), acknowledged.clone(), resolved.clone()]).unwrap();
    assert_eq!(known.acknowledged_at, at("2025-01-03T13:04:10Z"));
    assert_eq!(known.resolved_at, at("2025-01-03T14:30:00Z"));
    assert_eq!(read(&[triggered.clone(), resolved.clone(), reopened.clone()]).unwrap().resolved_at, None);
    let again = hook("incident.resolved", "2025-01-03T16:00:00Z", json!({"status": "resolved"}));
    assert_eq!(read(&[triggered, resolved, reopened, again]).unwrap().resolved_at, at("2025-01-03T16:00:00Z"));
}

#[test]
fn an_older_webhook_does_not_say_when_the_incident_was_made() {
    let mut triggered = hook("incident.triggered", "2025-01-03T13:00:00.412Z", json!({}));
    let mut resolved = hook("incident.resolved", "2025-01-03T14:00:00Z", json!({"status": "resolved"}));
    for body in [&mut triggered, &mut resolved] {
        body["event"]["data"].as_object_mut().unwrap().remove("created_at");
    }
    assert!(read(std::slice::from_ref(&resolved)).is_none(), "nobody has said yet when it was opened");
    let known = read(&[triggered, resolved]).unwrap();
    assert_eq!(known.opened_at.to_string(), "2025-01-03T13:00:00Z");
    assert_eq!(known.resolved_at.unwrap().to_string(), "2025-01-03T14:00:00Z");
}

#[test]
fn severity_is_the_priority_else_the_urgency() {
    for (priority, urgency, severity, original) in [
        (json!({"summary": "P1"}), "high", "critical", "P1"),
        (json!({"summary": "P3"}), "high", "medium", "P3"),
        (json!({"name": "SEV-2", "type": "priority"}), "low", "high", "SEV-2"),
        (json!({"summary": "Whenever"}), "low", "low", "Whenever"),
        (Value::Null, "high", "high", "high"),
        (Value::Null, "low", "low", "low"),
    ] {
        let more = json!({"priority": priority, "urgency": urgency});
        let known = merged(&[hook("incident.priority_updated", "2025-01-03T13:10:00Z", more)]);
        assert_eq!((known.text("severity"), known.text("severity_original")), (Some(severity), Some(original)));
    }
    let later = hook("incident.priority_updated", "2025-01-03T13:10:00Z", json!({"priority": {"summary": "P1"}}));
    let first = hook("incident.triggered", "2025-01-03T13:00:00Z", json!({}));
    assert_eq!(read(&[later, first]).unwrap().severity.text(), "critical");
}

#[test]
fn an_incident_merged_into_another_is_withdrawn() {
    let more =
        json!({"status": "resolved", "resolve_reason": {"type": "merge_resolve_reason", "incident": {"id": "Q2"}}});
    let merged = hook("incident.resolved", "2025-01-03T13:10:00Z", more);
    assert!(read(&[hook("incident.triggered", "2025-01-03T13:00:00Z", json!({})), merged]).is_none());
}

#[test]
fn what_says_nothing_of_an_incident_is_ignored_with_the_reason() {
    let other = |event: &str, kind: &str| {
        json!({"event": {"id": "01", "event_type": event, "occurred_at": "2025-01-03T13:00:00Z",
            "data": {"id": "P1", "type": kind, "incident": {"id": "Q1", "type": "incident_reference"}}}})
    };
    assert_eq!(told(&other("pagey.ping", "ping")), "ignored: a ping");
    for (event, kind) in [("incident.annotated", "incident_note"), ("service.updated", "service")] {
        let why = format!("ignored: the event `{event}` says nothing about the course of an incident");
        assert_eq!(told(&other(event, kind)), why);
    }
    let old = send(&json!({"messages": [{"event": "incident.trigger"}]})).unwrap_err();
    assert_eq!(old.message, "this is a webhook of version 2; make a subscription of version 3");
}

#[test]
fn what_is_missing_is_named() {
    for (missing, said) in [("id", "`id`"), ("service", "`service.id`")] {
        let body = hook("incident.triggered", "2025-01-03T13:00:00Z", json!({ missing: null }));
        let problem = send(&body).unwrap_err();
        assert!(problem.code == Code::MissingField && problem.message.contains(said), "{problem}");
    }
    let problem = send(&hook("incident.triggered", "yesterday", json!({}))).unwrap_err();
    assert!(problem.message.contains("event.occurred_at"), "{problem}");
}

#[test]
fn while_a_secret_is_replaced_one_of_several_signatures_fits() {
    let body = hook("incident.triggered", "2025-01-03T13:00:00Z", json!({})).to_string();
    let (old, new) = (sign(body.as_bytes(), b"old"), sign(body.as_bytes(), b"new"));
    let headers = [("X-PagerDuty-Signature".to_owned(), format!("v1={old},v1={new}"))];
    let now = Timestamp::from_micros(0);
    let source = find("pagerduty").unwrap();
    for (secret, fits) in [(&b"old"[..], true), (b"new", true), (b"other", false)] {
        assert_eq!(verify(source, &headers, body.as_bytes(), secret, now).is_ok(), fits);
    }
}
