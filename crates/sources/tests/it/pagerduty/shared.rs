//! Every shared payload of PagerDuty against the meaning its manifest proposes.

use domain::event::{Event, Incident};
use domain::{EntityKey, Timestamp};
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{find, verify};

use super::send;
use crate::support::{manifest, shared};
use crate::vendor::{Entities, events_of, merge};

fn page(incidents: Value) -> Vec<Event> {
    let body = json!({ "incidents": incidents }).to_string().into_bytes();
    let page = Page { resource: "incidents", repository: "account".to_owned(), context: Vec::new(), body };
    events_of("pagerduty", &page, Timestamp::parse("2026-11-01T00:00:00Z").unwrap())
}

fn second(text: &Value) -> Timestamp {
    let micros = Timestamp::parse(text.as_str().unwrap()).unwrap().micros();
    Timestamp::from_micros(micros.div_euclid(1_000_000) * 1_000_000)
}

fn check(file: &str, proposed: &Value, event: &Event) {
    let marks = event.fields["marks"].as_array().unwrap();
    assert_eq!(*event.key.id, *proposed["id"].as_str().unwrap(), "{file}");
    assert_eq!(event.fields["component"], proposed["service"], "{file}");
    let mark = format!("pagerduty_service:{}", proposed["service_id"].as_str().unwrap());
    assert!(marks.contains(&json!(mark)), "{file}: {marks:?}");
    let word = proposed["severity"].as_str().or(proposed["urgency"].as_str()).unwrap();
    assert_eq!(event.fields["severity"], sources::severity(word), "{file}");
    assert_eq!(event.fields["severity_original"], word, "{file}");
    if let Some(created) = proposed.get("t_created") {
        assert_eq!(event.fields["opened_at"], second(created).to_string(), "{file}");
    }
    let mut entities = Entities::new();
    merge(&mut entities, [event.clone()]);
    let read = |key: &EntityKey| Incident::read(key, &entities[key]);
    match proposed["status"].as_str().unwrap() {
        // A webhook of before PagerDuty told when the incident was made: the one that triggered it tells.
        "resolved" => {
            assert!(read(&event.key).is_none() && !event.fields.contains_key("opened_at"), "{file}");
            assert_eq!(event.fields["resolved_at"], second(&proposed["t_event"]).to_string(), "{file}");
        }
        "acknowledged" => assert!(read(&event.key).unwrap().acknowledged_at.is_some(), "{file}"),
        _ if proposed["event_type"] == "incident.priority_updated" => {
            assert!(read(&event.key).is_none() && !event.fields.contains_key("opened_at"), "{file}");
        }
        _ => assert!(read(&event.key).unwrap().resolved_at.is_none(), "{file}"),
    }
    if let Some(at) = proposed.get("t_event") {
        assert_eq!(event.fields["updated_at"], at.as_str().unwrap(), "{file}");
    }
}

#[test]
fn every_shared_payload_is_taken_as_proposed() {
    let Some(manifest) = manifest("pagerduty/") else { return };
    assert_eq!(manifest.len(), 6);
    for (file, proposed) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let events: Vec<Event> = match &body {
            Value::Array(_) => page(body.clone()),
            _ if body.get("event").is_some() => send(&body)
                .unwrap_or_else(|problem| panic!("{file}: {problem}"))
                .events
                .into_iter()
                .map(Result::unwrap)
                .collect(),
            _ => page(json!([body])),
        };
        let proposed = match proposed {
            Value::Array(all) => all,
            one => vec![one],
        };
        for one in &proposed {
            let event = events.iter().find(|event| one["id"] == *event.key.id).unwrap();
            check(&file, one, event);
        }
    }
}

#[test]
fn the_published_vector_fits() {
    let Some(path) = shared("fixtures/signatures.json") else { return };
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vector = &vectors["pagerduty"];
    let text = |name: &str| vector[name].as_str().unwrap();
    let file = text("body_file").trim_start_matches("dev/");
    let Some(path) = shared(&format!("fixtures/{file}")) else { return };
    let body = std::fs::read(path).unwrap();
    let source = find("pagerduty").unwrap();
    let check = |signature: &str| {
        let headers = [(text("header").to_owned(), signature.to_owned())];
        verify(source, &headers, &body, text("secret").as_bytes(), Timestamp::from_micros(0)).is_ok()
    };
    assert!(check(text("valid")) && !check(text("invalid")));
    assert!(check(&format!("{},{}", text("invalid"), text("valid"))));
}
