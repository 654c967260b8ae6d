//! Several deliveries about one thing are one thing, in whatever order they come.

use std::fs;

use domain::event::{Entity, Event};
use serde_json::Value;

use super::fixtures::{headers, source};
use super::send;

/// The one entity that fixtures of a tool tell of; of several things told, the first of each.
fn merged(tool: &str, fixtures: &[&str]) -> Entity {
    let source = source(tool);
    let events: Vec<Event> = fixtures
        .iter()
        .map(|name| {
            let file = format!("{}/mapped/{tool}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let fixture: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
            send(&source, &headers(&fixture), &fixture["body"].to_string()).unwrap().events.remove(0).unwrap()
        })
        .collect();
    assert!(events.iter().all(|event| event.key == events[0].key), "{tool}: {events:?}");
    let of = |events: &mut dyn Iterator<Item = &Event>| {
        let mut entity = Entity::default();
        for event in events {
            entity.merge(event);
        }
        entity
    };
    let entity = of(&mut events.iter());
    assert_eq!(entity, of(&mut events.iter().rev()), "{tool}");
    assert_eq!(entity, of(&mut events.iter().chain(&events)), "{tool}");
    entity
}

fn text(entity: &Entity, field: &str) -> String {
    entity.get(field).and_then(Value::as_str).unwrap_or("none").to_owned()
}

#[test]
fn a_run_has_its_end_and_its_stages() {
    let run = merged("jenkins", &["started", "sample"]);
    assert_eq!(
        (text(&run, "status"), text(&run, "finished_at")),
        ("succeeded".to_owned(), "2025-01-01T10:11:00Z".to_owned())
    );
    let run = merged("circleci", &["sample", "job"]);
    assert_eq!(
        (text(&run, "status"), text(&run, "started_at")),
        ("succeeded".to_owned(), "2025-01-01T10:09:00Z".to_owned())
    );
    assert_eq!(run.get("stage.8bd71c28").unwrap()["status"], "failed");
    let run = merged("azuredevops", &["sample", "stage"]);
    assert_eq!(
        (text(&run, "status"), text(&run, "started_at")),
        ("succeeded".to_owned(), "2025-01-01T10:00:05.620572Z".to_owned())
    );
    assert!(run.get("stage.d4a9-2").is_some());
    let run = merged("tekton", &["task", "sample"]);
    assert_eq!(
        (text(&run, "status"), text(&run, "finished_at")),
        ("succeeded".to_owned(), "2025-01-01T10:05:00Z".to_owned())
    );
}

#[test]
fn an_incident_has_its_whole_course() {
    let incident = merged("opsgenie", &["sample", "acknowledged", "closed"]);
    assert_eq!(text(&incident, "opened_at"), "2025-01-01T10:00:00.288Z");
    assert_eq!(text(&incident, "acknowledged_at"), "2025-01-01T10:01:00.288Z");
    assert_eq!(text(&incident, "resolved_at"), "2025-01-01T11:00:00.288Z");
    let incident = merged("datadog", &["recovered", "sample"]);
    assert_eq!(text(&incident, "opened_at"), "2025-01-01T10:00:00Z");
    assert_eq!(text(&incident, "resolved_at"), "2025-01-01T11:00:00Z");
    let incident = merged("sentry", &["metric", "metric-resolved"]);
    assert_eq!(text(&incident, "opened_at"), "2025-01-01T10:00:00Z");
    assert_eq!(text(&incident, "resolved_at"), "2025-01-01T11:00:00Z");
    for (tool, fixtures) in [
        ("grafana", ["sample", "sample"]),
        ("incidentio", ["sample", "resolved"]),
        ("rootly", ["sample", "resolved"]),
        ("statuspage", ["sample", "resolved"]),
        ("squadcast", ["sample", "listed"]),
        ("zendesk", ["sample", "solved"]),
        ("pelorus", ["failure", "resolved"]),
    ] {
        let incident = merged(tool, &fixtures);
        assert_eq!(incident.get("resolved_at").is_some(), tool != "grafana", "{tool}");
        assert!(incident.get("opened_at").is_some() && incident.get("component").is_some(), "{tool}");
    }
}

#[test]
fn a_deployment_has_what_each_tells_of_it() {
    let deployment = merged("octopus", &["started", "sample"]);
    assert_eq!(text(&deployment, "started_at"), "2025-01-01T09:55:00.761Z");
    assert_eq!(
        (text(&deployment, "status"), text(&deployment, "component")),
        ("succeeded".to_owned(), "Cart".to_owned())
    );
    let deployment = merged("pelorus", &["sample", "committime"]);
    assert_eq!(
        (text(&deployment, "status"), text(&deployment, "commit_at")),
        ("succeeded".to_owned(), "2025-01-01T10:00:00Z".to_owned())
    );
    assert_eq!(text(&deployment, "sha"), "1f2e3d4c5b6a79880123456789abcdef01234567");
    let pull_request = merged("bitbucket", &["approved", "merged"]);
    assert_eq!(text(&pull_request, "approved_at"), "2025-01-01T09:30:00Z");
    assert_eq!(text(&pull_request, "merged_at"), "2025-01-01T10:00:00Z");
}
