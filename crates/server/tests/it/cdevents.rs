//! CDEvents at the address of native events: known by their headers, their content type or their body.

use serde_json::{Value, json};

use crate::support::{INGEST, Running, start};

fn deployed(id: &str) -> Value {
    json!({
        "context": {"specversion": "0.5.1", "id": id, "source": "/ci", "timestamp": "2025-01-01T10:00:00Z",
            "type": "dev.cdevents.service.deployed.0.2.0"},
        "subject": {"id": "cart", "content": {"environment": {"id": "production"},
            "artifactId": "pkg:oci/cart@sha256%3A0b31?tag=1.2.3"}},
    })
}

fn post(server: &Running, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    let bearer = format!("Bearer {INGEST}");
    let mut all = vec![("authorization", bearer.as_str())];
    all.extend(headers);
    let answer = server.send("POST", "/api/v1/events", &all, body.to_string().as_bytes());
    (answer.status, answer.json())
}

#[test]
fn every_envelope_is_taken_with_a_receipt() {
    let server = start();
    let structured = json!({"specversion": "1.0", "id": "2", "source": "/ci",
        "type": "dev.cdevents.service.deployed.0.2.0", "data": deployed("2")});
    let batch = json!([{"specversion": "1.0", "id": "4", "source": "/ci", "type": "dev.cdevents.service.deployed.0.2.0",
        "data": deployed("4")}, {"specversion": "1.0"}]);
    let none: &[(&str, &str)] = &[];
    for (headers, body, rejected) in [
        (none, deployed("1"), 0),
        (&[("content-type", "application/cloudevents+json")], structured, 0),
        (&[("ce-specversion", "1.0"), ("ce-type", "dev.cdevents.service.deployed.0.2.0")], deployed("3"), 0),
        (&[("content-type", "application/cloudevents-batch+json")], batch, 1),
    ] {
        let (status, taken) = post(&server, headers, &body);
        assert_eq!(
            (status, taken["accepted"].as_u64(), taken["duplicates"].as_u64()),
            (202, Some(1), Some(0)),
            "{taken}"
        );
        assert_eq!(taken["rejected"].as_array().map(Vec::len), Some(rejected), "{taken}");
        let (status, again) = post(&server, headers, &body);
        assert_eq!(
            (status, again["accepted"].as_u64(), again["duplicates"].as_u64()),
            (202, Some(0), Some(1)),
            "{again}"
        );
    }
    let found = server.get("/api/v1/deployments?node=group").expect(200);
    assert!(found.to_string().contains("cart"), "{found}");
}

#[test]
fn what_says_nothing_about_delivery_is_kept_and_says_why() {
    let server = start();
    let mut removed = deployed("1");
    removed["context"]["type"] = json!("dev.cdevents.service.removed.0.2.0");
    let why = json!({"ignored": "a service was removed: nothing was delivered"});
    assert_eq!(post(&server, &[], &removed), (200, why));
    let rows = server.get("/api/v1/journal").expect(200);
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1), "{rows}");
}
