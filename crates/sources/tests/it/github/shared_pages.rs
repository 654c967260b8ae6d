//! Shared answers of GitHub's REST API, read as pages, against the meaning their manifest proposes.

use domain::event::Event;
use domain::time::Timestamp;
use serde_json::{Value, json};
use sources::{Delivery, find};

use crate::support::{manifest, shared};

/// The events of a page of a resource.
fn events(resource: &str, body: &Value) -> Vec<Event> {
    let headers = [("leadline-resource", resource), ("leadline-repository", "acme/cart")];
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let (body, received_at) = (body.to_string(), Timestamp::parse("2026-11-01T00:00:00Z").unwrap());
    let delivery = Delivery { source: "github", event: "page", headers: &headers, body: body.as_bytes(), received_at };
    let parsed = (find("github").unwrap().parse)(&delivery).unwrap();
    parsed.events.into_iter().map(Result::unwrap).collect()
}

fn at(value: &Value) -> Option<Timestamp> {
    Timestamp::parse(value.as_str()?).ok()
}

fn same(file: &str, event: &Event, native: &str, wanted: &Value) {
    let found = event.fields.get(native).unwrap_or(&Value::Null);
    let fits = if native.ends_with("_at") { at(found) == at(wanted) } else { found == wanted };
    assert!(fits, "{file}: {native} of {:?}, proposed {wanted}", event.fields);
}

/// A run that ended did so when it was updated last; one that is listed as an attempt is told with its number.
fn is_run(file: &str, event: &Event, proposed: &Value) {
    assert_eq!(*event.key.id, format!("{}-{}", proposed["id"], proposed["attempt"]), "{file}");
    for (native, name) in [
        ("name", "name"),
        ("sha", "sha"),
        ("branch", "ref"),
        ("attempt", "attempt"),
        ("started_at", "t_started"),
        ("finished_at", "t_finished"),
    ] {
        same(file, event, native, &proposed[name]);
    }
    let status = match proposed["status"].as_str().unwrap() {
        "success" => "succeeded",
        "failure" => "failed",
        other => other,
    };
    assert_eq!(event.fields["status"], status, "{file}");
}

fn is_pull_request(file: &str, event: &Event, proposed: &Value) {
    assert_eq!(format!("#{}", event.fields["number"].as_str().unwrap()), proposed["id"].as_str().unwrap(), "{file}");
    for (native, name) in [("opened_at", "t_created"), ("merged_at", "t_merged"), ("target", "base")] {
        same(file, event, native, proposed.get(name).unwrap_or(&Value::Null));
    }
    assert_eq!(event.fields.contains_key("merge_sha"), proposed["merged"] == true, "{file}");
    if proposed["merged"] == true {
        same(file, event, "merge_sha", &proposed["sha"]);
    }
}

#[test]
fn every_shared_page_says_what_is_proposed() {
    let Some(manifest) = manifest("github/rest/") else { return };
    assert_eq!(manifest.len(), 4);
    for (file, proposed) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        // One object was asked for by itself; lists of runs come within an object.
        let proposed = if proposed.is_array() { proposed } else { json!([proposed]) };
        let items = if body.is_array() { body } else { json!([body]) };
        let pulls = file.contains("pulls");
        let found =
            if pulls { events("pull_requests", &items) } else { events("runs", &json!({"workflow_runs": items})) };
        let proposed = proposed.as_array().unwrap();
        assert_eq!(found.len(), proposed.len(), "{file}");
        for (event, proposed) in found.iter().zip(proposed) {
            if pulls { is_pull_request(&file, event, proposed) } else { is_run(&file, event, proposed) }
        }
    }
}
