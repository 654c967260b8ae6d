//! The ways a CDEvent travels, to its own address and to that of native events.

use base64::Engine;
use serde_json::{Value, json};
use sources::Parsed;

use super::{event, send_to};

fn bare() -> Value {
    event("service.deployed", "cart", 5, json!({"environment": {"id": "production"}}))
}

fn structured(more: Value) -> Value {
    let mut envelope = json!({"specversion": "1.0", "id": "7", "source": "/ci/7",
        "type": "dev.cdevents.service.deployed.0.2.0", "subject": "cart"});
    envelope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    envelope
}

const BINARY: &[(&str, &str)] = &[
    ("Ce-Specversion", "1.0"),
    ("Ce-Type", "dev.cdevents.service.deployed.0.2.0"),
    ("Ce-Id", "7"),
    ("Content-Type", "application/json; charset=utf-8"),
];
const STRUCTURED: &[(&str, &str)] = &[("Content-Type", "application/cloudevents+json; charset=utf-8")];
const BATCH: &[(&str, &str)] = &[("Content-Type", "application/cloudevents-batch+json")];

#[test]
fn every_envelope_holds_the_same_event() {
    let wanted = send_to("cdevents", &[], bare().to_string().as_bytes()).unwrap();
    assert_eq!(wanted.events.len(), 1);
    let base64 = base64::engine::general_purpose::STANDARD.encode(bare().to_string());
    let json: &[(&str, &str)] = &[("Content-Type", "application/json")];
    for source in ["cdevents", "native"] {
        for (headers, body) in [
            (json, bare()),
            (BINARY, bare()),
            (STRUCTURED, structured(json!({"data": bare()}))),
            (json, structured(json!({"data": bare()}))),
            (json, structured(json!({"data_base64": base64}))),
            (BATCH, json!([structured(json!({"data": bare()}))])),
            (json, json!([bare()])),
        ] {
            assert_eq!(send_to(source, headers, body.to_string().as_bytes()).unwrap(), wanted, "{source} {body}");
        }
    }
}

#[test]
fn one_bad_event_of_a_batch_concerns_only_itself() {
    let ticket = event("ticket.created", "T-1", 0, json!({}));
    let body = json!([bare(), ticket, structured(json!({})), 1, structured(json!({"type": "com.example.x"}))]);
    let parsed = send_to("cdevents", BATCH, body.to_string().as_bytes()).unwrap();
    let told: Vec<_> =
        parsed.events.iter().map(|event| event.as_ref().map_or_else(ToString::to_string, |_| "taken".into())).collect();
    assert_eq!(
        told,
        [
            "taken",
            "`data` is missing or empty: it holds the CDEvent. (missing_field)",
            "expected an event, found a number (not_an_object)"
        ]
    );
    assert_eq!(parsed.ignored, None);
}

#[test]
fn a_batch_of_nothing_says_why() {
    let ticket = event("ticket.created", "T-1", 0, json!({}));
    let body = json!([ticket, ticket, event("service.removed", "cart", 0, json!({}))]);
    let Parsed { events, ignored } = send_to("cdevents", BATCH, body.to_string().as_bytes()).unwrap();
    assert!(events.is_empty());
    assert_eq!(
        ignored.unwrap(),
        "the ticket has no type or label that makes it an incident; a service was removed: nothing was delivered"
    );
}

#[test]
fn other_cloud_events_are_ignored() {
    for (headers, body) in [
        (&[("ce-type", "com.example.made"), ("ce-specversion", "1.0")][..], json!("anything")),
        (STRUCTURED, json!({"specversion": "1.0", "type": "com.example.made", "data": "x"})),
        (&[], json!({"context": {"type": "com.example.made"}})),
    ] {
        let parsed = send_to("cdevents", headers, body.to_string().as_bytes()).unwrap();
        assert_eq!(parsed.ignored.unwrap(), "the CloudEvent `com.example.made` is no CDEvent");
    }
    // A tool's own event in the clothes of a CDEvent.
    let parsed = send_to("cdevents", &[], br#"{"context": {"type": "dev.cdeventsx.tool-thing.made.0.1.0"}}"#).unwrap();
    assert!(parsed.ignored.unwrap().contains("is no CDEvent"));
}

#[test]
fn what_cannot_be_opened_is_a_problem() {
    for (body, problem) in [
        (json!([]), "the batch has no events (missing_field)"),
        (structured(json!({"data": "x"})), "`data` takes an object, not a text (wrong_type)"),
        (structured(json!({"data_base64": "?"})), "`data_base64` is not written in base64 (wrong_type)"),
        (structured(json!({"data_base64": "MQ=="})), "expected an object, found a number (not_an_object)"),
        (json!({"specversion": "1.0"}), "`type` is missing or empty: it says what the CloudEvent is. (missing_field)"),
        (json!({"context": {"type": 7}}), "`context.type` takes a text, not a number (wrong_type)"),
        (Value::from(vec![0; 10_001]), "10001 events in one batch; at most 10000 are taken (too_many_events)"),
    ] {
        assert_eq!(send_to("cdevents", &[], body.to_string().as_bytes()).unwrap_err().to_string(), problem);
    }
}

#[test]
fn a_native_event_stays_one() {
    let body = json!({"type": "incident", "id": "1", "component": "cart", "opened_at": "2025-03-01T10:00:00Z",
        "title": "\"specversion\" of dev.cdevents.service.deployed is wrong", "specversion": "1.0"});
    let parsed = send_to("native", &[], body.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.events[0].as_ref().unwrap().fields["specversion"], "1.0");
    let parsed = send_to("native", &[], json!([body]).to_string().as_bytes()).unwrap();
    assert!(parsed.events[0].is_ok());
}
