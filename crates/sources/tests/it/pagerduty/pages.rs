//! What a page of the REST API says.

use domain::Timestamp;
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, find};

fn told(resource: &'static str, context: &[(&'static str, &str)], items: Value) -> String {
    let body = json!({ resource: items }).to_string().into_bytes();
    let context = context.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let headers = Page { resource, repository: "account".to_owned(), context, body: body.clone() }.headers();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery = Delivery { source: "pagerduty", event: Page::EVENT, headers: &headers, body: &body, received_at };
    let parsed = (find("pagerduty").unwrap().parse)(&delivery).unwrap();
    let mut told: Vec<String> = Vec::new();
    for event in parsed.events {
        match event {
            Ok(event) => {
                let times = ["opened_at", "acknowledged_at", "resolved_at", "reopened_at", "updated_at"];
                let known =
                    times.iter().filter_map(|name| Some(format!(" {name}={}", event.fields.get(*name)?.as_str()?)));
                told.push(format!("{}{}", event.key, known.collect::<String>()));
            }
            Err(problem) => told.push(problem.to_string()),
        }
    }
    told.extend(parsed.ignored);
    told.join("\n")
}

fn incident(more: Value) -> Value {
    let mut incident = json!({"id": "Q1", "title": "Slow", "urgency": "high", "created_at": "2025-01-03T13:00:00Z",
        "service": {"id": "PSHOP", "summary": "Checkout"}});
    for (name, value) in more.as_object().unwrap() {
        incident[name] = value.clone();
    }
    incident
}

/// The fields that examples of the API print: what lies between the two times is the time to recover.
#[test]
fn an_incident_as_it_is_printed_is_over_when_it_says_so() {
    let resolved = incident(json!({"resolved_at": "2025-01-03T14:30:00Z"}));
    insta::assert_snapshot!(told("incidents", &[], json!([resolved])), @"incident pagerduty/Q1 opened_at=2025-01-03T13:00:00Z resolved_at=2025-01-03T14:30:00Z updated_at=2025-01-03T13:00:00Z");
}

#[test]
fn the_status_says_which_times_count() {
    let one = |status: &str, more: Value| {
        let mut one = incident(more);
        one["status"] = json!(status);
        one["last_status_change_at"] = json!("2025-01-03T15:00:00Z");
        one
    };
    let page = json!([
        one("triggered", json!({"resolved_at": "2025-01-03T14:30:00Z"})),
        one(
            "acknowledged",
            json!({"acknowledgements": [{"at": "2025-01-03T13:05:00Z"}, {"at": "2025-01-03T13:02:00Z"}]})
        ),
        one("resolved", json!({"updated_at": "2025-01-04T09:00:00Z"})),
        one("resolved", json!({"created_at": null})),
        7,
    ]);
    insta::assert_snapshot!(told("incidents", &[], page), @r"
    incident pagerduty/Q1 opened_at=2025-01-03T13:00:00Z reopened_at=2025-01-03T15:00:00Z updated_at=2025-01-03T15:00:00Z
    incident pagerduty/Q1 opened_at=2025-01-03T13:00:00Z acknowledged_at=2025-01-03T13:05:00Z reopened_at=2025-01-03T15:00:00Z updated_at=2025-01-03T15:00:00Z
    incident pagerduty/Q1 opened_at=2025-01-03T13:00:00Z resolved_at=2025-01-03T15:00:00Z updated_at=2025-01-04T09:00:00Z
    `created_at` is missing or empty: it says when the incident was triggered. (missing_field)
    `incidents` takes objects, not a number (wrong_type)
    ");
}

#[test]
fn log_entries_tell_what_happened_and_the_incident_they_hold() {
    let entry = |kind: &str, at: &str, incident: Value| json!({"id": "R1", "type": kind, "created_at": at, "service": {"id": "PSHOP", "summary": "Checkout"}, "incident": incident});
    let reference = json!({"id": "Q1", "type": "incident_reference"});
    let whole = incident(
        json!({"status": "resolved", "resolved_at": "2025-01-03T14:30:00Z", "updated_at": "2025-01-03T14:30:00Z"}),
    );
    let page = json!([
        entry("acknowledge_log_entry", "2025-01-03T13:04:00Z", reference.clone()),
        entry("resolve_log_entry_reference", "2025-01-03T14:30:00Z", whole.clone()),
        entry("notify_log_entry", "2025-01-03T13:01:00Z", reference),
        entry("acknowledge_log_entry", "2025-01-03T13:04:00Z", json!({"id": "Q2", "service": {"id": "POTHER"}})),
    ]);
    insta::assert_snapshot!(told("log_entries", &[("leadline-services", "PX,PSHOP")], page), @r"
    incident pagerduty/Q1 acknowledged_at=2025-01-03T13:04:00Z updated_at=2025-01-03T13:04:00Z
    incident pagerduty/Q1 opened_at=2025-01-03T13:00:00Z resolved_at=2025-01-03T14:30:00Z updated_at=2025-01-03T14:30:00Z
    incident pagerduty/Q1 resolved_at=2025-01-03T14:30:00Z updated_at=2025-01-03T14:30:00Z
    ");
    let others = told(
        "log_entries",
        &[("leadline-services", "PX")],
        json!([entry("trigger_log_entry", "2025-01-03T13:00:00Z", whole)]),
    );
    assert_eq!(others, "nothing on the page says anything about an incident that is read");
}
