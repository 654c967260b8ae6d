//! Good bodies and pages of tickets, bent out of shape, are read or refused, and nothing is dropped.

use domain::{Problem, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, find};

use crate::github::any::{leaf, places};

/// Source, resource of a page or none for a webhook, and a body in which there is everything that is read.
fn whole() -> Vec<(&'static str, Option<&'static str>, Value)> {
    let at = "2025-01-03T12:00:00Z";
    let service = json!({"id": "P1", "summary": "Checkout"});
    let incident = json!({"id": "Q1", "type": "incident", "status": "acknowledged", "title": "Slow", "created_at": at, "updated_at": at,
        "last_status_change_at": "2025-01-03T12:05:00Z", "resolved_at": null, "acknowledgements": [{"at": at}], "service": service,
        "teams": [{"summary": "Payments"}], "priority": {"summary": "P1"}, "urgency": "high", "resolve_reason": {"type": "x"}});
    let event = json!({"event": {"event_type": "incident.acknowledged", "occurred_at": at, "data": incident}});
    let entry =
        json!({"id": "R1", "type": "resolve_log_entry", "created_at": at, "service": service, "incident": incident});
    let both = json!({"value": "2025-01-03 12:00:00", "display_value": "2025-01-03 04:00:00"});
    let record = json!({"sys_id": "1", "number": "INC1", "sys_class_name": "incident", "state": "6", "priority": {"value": "1", "display_value": "1 - Critical"},
        "opened_at": both, "resolved_at": both, "closed_at": both, "sys_updated_on": both, "sys_mod_count": "3", "reopen_count": "1",
        "cmdb_ci": {"link": "https://x/api/now/table/cmdb_ci/9"}, "business_service": {"value": "2", "display_value": "Checkout"}});
    let issue = json!({"id": "1", "key": "OPS-7", "self": "https://x/rest/api/2/issue/1", "changelog": {"histories": [{"created": at,
        "items": [{"field": "Key", "fromString": "WEB-1"}, {"field": "status", "from": "1"}]}]}, "fields": {"summary": "Slow",
        "issuetype": {"name": "Incident"}, "status": {"statusCategory": {"key": "done"}}, "created": at, "updated": at,
        "resolutiondate": at, "statuscategorychangedate": at, "labels": ["a"], "components": [{"name": "cart"}],
        "versions": [{"name": "1"}], "priority": {"id": "1", "name": "Highest"}}});
    let changed = json!({"timestamp": 1, "webhookEvent": "jira:issue_deleted", "issue": issue, "changelog": {"items": [{"field": "labels"}]}});
    let alert = json!({"status": "resolved", "labels": {"alertname": "Slow", "service": "cart", "severity": "page"}, "annotations": {"summary": "x"},
        "startsAt": at, "endsAt": "2025-01-03T13:00:00Z", "fingerprint": "a"});
    vec![
        ("pagerduty", None, event),
        ("pagerduty", Some("incidents"), json!({ "incidents": [incident] })),
        ("pagerduty", Some("log_entries"), json!({ "log_entries": [entry] })),
        ("servicenow", None, record.clone()),
        ("servicenow", Some("records"), json!({ "result": [record] })),
        ("jira", None, changed),
        ("jira", Some("issues"), json!({ "issues": [issue] })),
        ("alertmanager", None, json!({"version": "4", "status": "firing", "truncatedAlerts": 0, "alerts": [alert]})),
    ]
}

fn read(source: &str, resource: Option<&'static str>, body: &Value) -> Result<Parsed, Problem> {
    let body = body.to_string().into_bytes();
    let context = vec![
        ("leadline-services", "P1".to_owned()),
        ("leadline-site", "https://x".to_owned()),
        ("x-leadline-fields", "started_at=u_began, version=number, severity=labels".to_owned()),
    ];
    let headers = resource.map_or_else(Vec::new, |resource| {
        Page { resource, repository: "x".to_owned(), context, body: body.clone() }.headers()
    });
    let event = if resource.is_some() { Page::EVENT } else { "webhook" };
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    (find(source).unwrap().parse)(&Delivery { source: "ours", event, headers: &headers, body: &body, received_at })
}

#[test]
fn whole_bodies_are_read() {
    for (source, resource, body) in whole() {
        let parsed = read(source, resource, &body).unwrap();
        assert!(
            !parsed.events.is_empty() && parsed.events.iter().all(Result::is_ok),
            "{source} {resource:?}: {parsed:?}"
        );
    }
}

proptest! {
    #[test]
    fn bent_bodies_are_read_or_refused(
        which in prop::sample::select(whole()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..4),
    ) {
        let (source, resource, mut body) = which;
        for (index, value) in bends {
            let mut all = Vec::new();
            places(&body, "", &mut all);
            if !all.is_empty() && let Some(place) = body.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        let result = read(source, resource, &body);
        prop_assert_eq!(&result, &read(source, resource, &body));
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
