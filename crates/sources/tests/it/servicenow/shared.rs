//! Every shared payload of ServiceNow against the meaning its manifest proposes.

use domain::Timestamp;
use domain::event::{Event, Incident};
use serde_json::{Value, json};

use super::send;
use crate::support::{manifest, shared};
use crate::vendor::{Entities, merge};

fn check(file: &str, proposed: &Value, event: &Event) {
    let text = |name: &str| proposed.get(name).and_then(Value::as_str);
    let marks: Vec<&str> = event.fields["marks"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(*event.key.id, *text("id").unwrap(), "{file}");
    assert_eq!(event.fields["labels"]["number"], proposed["number"], "{file}");
    // What it calls the service is a mark; the component is the configuration item, which is nearer to what is deployed.
    assert!(marks.contains(&&*format!("business_service:{}", text("service").unwrap())), "{file}: {marks:?}");
    if let Some(item) = text("ci") {
        assert!(marks.contains(&&*format!("configuration_item:{item}")), "{file}: {marks:?}");
        assert_eq!(event.fields["component"], item, "{file}");
    }
    if let Some(priority) = text("priority") {
        assert_eq!(event.fields["severity"], sources::severity(priority), "{file}");
    }
    let utc = |text: &str| Timestamp::parse_assuming_utc(text).unwrap().0;
    let mut entities = Entities::new();
    merge(&mut entities, [event.clone()]);
    let known = Incident::read(&event.key, &entities[&event.key]).unwrap();
    assert_eq!(known.opened_at, utc(text("t_opened").unwrap()), "{file}");
    assert_eq!(known.resolved_at, text("t_resolved").map(utc), "{file}");
    let closed = event.fields.get("closed_at").map(|at| utc(at.as_str().unwrap()));
    assert!(text("t_closed").is_none_or(|at| closed == Some(utc(at))), "{file}");
}

#[test]
fn every_shared_payload_is_taken_as_proposed() {
    let Some(manifest) = manifest("servicenow/") else { return };
    assert_eq!(manifest.len(), 3);
    for (file, proposed) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let body = if body.is_array() { json!({ "result": body }) } else { body };
        let parsed = send(&body).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let events: Vec<Event> = parsed.events.into_iter().map(Result::unwrap).collect();
        let proposed = match proposed {
            Value::Array(all) => all,
            one => vec![one],
        };
        assert_eq!(events.len(), proposed.len(), "{file}");
        for one in &proposed {
            check(&file, one, events.iter().find(|event| one["id"] == *event.key.id).unwrap());
        }
    }
}
