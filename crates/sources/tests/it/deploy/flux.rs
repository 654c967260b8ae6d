//! Flux's Provider and Alert.

use serde_json::{Value, json};
use sources::find;

use super::{block, file};
use crate::flux::{event, read};
use crate::told::events;

#[test]
fn an_event_with_the_alerts_metadata_is_read() {
    let file = file("flux/leadline.yaml");
    let flux = find("flux").unwrap();
    let path = flux.routes[0].path;
    assert!(file.contains("type: generic-hmac\n") && file.contains(&format!("{path}\n")), "{file}");
    // Flux adds what the Alert says to the metadata of each event.
    let mut sent = event("Kustomization", "ReconciliationSucceeded", "12:00:00", json!({}));
    for line in block(&file, "eventMetadata:").lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        sent["metadata"][name] = Value::from(value);
    }
    let told = events([read(&sent.to_string())]).remove(0);
    assert_eq!(told.fields["environment"], "production");
    assert!(!told.fields.contains_key("environment_assumed"));
    assert!(told.fields["marks"].to_string().contains("cluster:eu-1"));
    for kind in ["Kustomization", "HelmRelease"] {
        assert!(block(&file, "eventSources:").contains("name: \"*\"") && file.contains(&format!("- kind: {kind}\n")));
    }
}
