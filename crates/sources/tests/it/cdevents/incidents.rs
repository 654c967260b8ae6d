//! Incidents and tickets.

use serde_json::{Value, json};

use super::{event, merged, told};

fn content(more: Value) -> Value {
    let mut content = json!({"environment": {"id": "production"}, "service": {"id": "cart"}});
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    content
}

fn detected() -> Value {
    let more = json!({"description": "Slow", "artifactId": "pkg:oci/cart@sha256%3A0b31?tag=1.2.3"});
    event("incident.detected", "inc-1", 0, content(more))
}

fn resolved() -> Value {
    let more = json!({"description": "Fast again", "artifactId": "pkg:oci/cart@sha256%3A0c42?tag=1.2.4"});
    event("incident.resolved", "inc-1", 30, content(more))
}

#[test]
fn an_incident_is_detected() {
    insta::assert_snapshot!(told(&detected()), @r#"
    incident tekton/inc-1
      component: "cart"
      detected_at: "2025-03-01T10:00:00.5Z"
      environment: "production"
      id: "inc-1"
      marks: ["label:source=/ci/7","service:cart","image:cart"]
      opened_at: "2025-03-01T10:00:00.5Z"
      title: "Slow"
      updated_at: "1974-11-01T13:59:59.5Z"
      version: "1.2.3"
    "#);
}

#[test]
fn what_is_resolved_is_what_was_detected() {
    insta::assert_snapshot!(told(&resolved()), @r#"
    incident tekton/inc-1
      component: "cart"
      environment: "production"
      id: "inc-1"
      marks: ["label:source=/ci/7","service:cart"]
      resolved_at: "2025-03-01T10:30:00.5Z"
      updated_at: "2025-03-01T10:30:00.5Z"
    "#);
    let reported = event(
        "incident.reported",
        "inc-1",
        10,
        content(json!({"description": "Customers say: slow",
        "ticketURI": "https://tickets.example.com/1"})),
    );
    let entity = merged(&[detected(), reported, resolved()]);
    let wanted = [
        ("opened_at", "2025-03-01T10:00:00.5Z"),
        ("detected_at", "2025-03-01T10:00:00.5Z"),
        ("resolved_at", "2025-03-01T10:30:00.5Z"),
        ("title", "Slow"),
        ("version", "1.2.3"),
        ("url", "https://tickets.example.com/1"),
    ];
    for (name, value) in wanted {
        assert_eq!(entity.text(name), Some(value), "{name}");
    }
}

#[test]
fn without_a_service_it_concerns_what_watches() {
    let text = told(&event("incident.detected", "inc-2", 0, json!({"environment": {"id": "production"}})));
    assert!(text.contains("component: \"/ci/7\""), "{text}");
}

#[test]
fn a_ticket_that_says_so_is_an_incident() {
    let ticket = |more: Value| {
        let mut ticket = json!({"summary": "Cart is down", "group": "shop", "creator": "Ada", "priority": "P1",
            "labels": ["cart"], "uri": "https://tickets.example.com/1"});
        ticket.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ticket
    };
    insta::assert_snapshot!(told(&event("ticket.created", "T-1", 0, ticket(json!({"ticketType": "Incident"})))), @r#"
    incident tekton/T-1
      component: "/ci/7"
      id: "T-1"
      labels: {"cart":""}
      marks: ["label:source=/ci/7","team:shop","label:cart"]
      opened_at: "2025-03-01T10:00:00.5Z"
      severity: "critical"
      severity_original: "P1"
      title: "Cart is down"
      updated_at: "2025-03-01T10:00:00.5Z"
      url: "https://tickets.example.com/1"
    "#);
    let closed = json!({"labels": ["kind/incident"], "resolution": "completed", "updatedBy": "Bob"});
    let entity = merged(&[
        event("ticket.created", "T-1", 0, ticket(json!({"labels": ["kind/incident"]}))),
        event("ticket.closed", "T-1", 9, ticket(closed)),
    ]);
    assert_eq!(entity.text("opened_at"), Some("2025-03-01T10:00:00.5Z"));
    assert_eq!(entity.text("closed_at"), Some("2025-03-01T10:09:00.5Z"));
    assert!(told(&event("ticket.created", "T-2", 0, ticket(json!({"ticketType": "task"})))).starts_with("ignored: "));
}
