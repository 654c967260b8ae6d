//! The shared payload of Alertmanager against the meaning its manifest proposes.

use serde_json::Value;

use super::send;
use crate::support::{manifest, shared};

#[test]
fn the_shared_payload_is_taken_as_proposed() {
    let Some(manifest) = manifest("alertmanager/") else { return };
    assert_eq!(manifest.len(), 1);
    for (file, proposed) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let parsed = send(&body).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let wanted = proposed["alerts"].as_array().unwrap();
        assert_eq!(parsed.events.len(), wanted.len(), "{file}");
        for (event, wanted) in parsed.events.into_iter().map(Result::unwrap).zip(wanted) {
            // The same alert at another time is another incident, so the time is part of the id.
            let key = format!("{}@{}", wanted["key"].as_str().unwrap(), wanted["t_started"].as_str().unwrap());
            assert_eq!(*event.key.id, key, "{file}");
            assert_eq!(event.fields["severity_original"], wanted["severity"], "{file}");
            assert_eq!(event.fields["opened_at"], wanted["t_started"], "{file}");
            assert_eq!(
                event.fields.get("resolved_at"),
                wanted["t_resolved"].as_str().map(|_| &wanted["t_resolved"]),
                "{file}"
            );
            // No label names a service: the alert's own name stands for it.
            assert!(wanted["service"].is_null() && event.fields["component"] == wanted["name"], "{file}");
        }
    }
}
