//! A good delivery for every route of every source: a new route without one fails the tests that run over all of them.

use serde_json::{Value, json};

/// Headers without which a body at this address cannot be read.
pub(crate) fn headers(path: &str) -> Vec<(String, String)> {
    match path {
        "/webhooks/github" => vec![("X-GitHub-Event".to_owned(), "push".to_owned())],
        _ => Vec::new(),
    }
}

/// A good body.
pub(crate) fn sample(path: &str) -> Value {
    match path {
        "/api/v1/events" => {
            json!([{"type": "change", "repo": "shop", "sha": "a".repeat(40), "committed_at": "2025-01-01T10:00:00Z",
            "message": "é \u{1F600} \"quoted\"", "paths": ["a/b"]}])
        }
        "/deployments" => json!({"service": "acme/cart", "environment": "production", "commit_sha": "abc1234",
            "deployed_at": "2025-01-01T10:00:00Z", "status": "failed"}),
        "/events/deployment" => json!({"service": "cart", "environment": "production", "commit_sha": "abc1234",
            "commit_timestamp": "2025-01-01T09:00:00Z", "deployed_at": "2025-01-01T10:00:00Z", "is_hotfix": true}),
        "/events/incident" => json!({"incident_id": "7", "service": "cart", "severity": "P1",
            "detected_at": "2025-01-01T10:00:00Z", "resolved_at": null}),
        "/webhook/commit" | "/webhooks/github" => {
            json!({"ref": "refs/heads/main", "before": "0".repeat(40), "after": "a".repeat(40),
            "repository": {"full_name": "acme/cart"},
            "commits": [{"id": "a".repeat(40), "timestamp": "2025-01-01T10:00:00Z", "message": "One"}],
            "head_commit": {"id": "a".repeat(40), "timestamp": "2025-01-01T10:00:00Z", "message": "One"}})
        }
        "/webhook/deploy" => json!({"event": "deployment", "status": "success", "app": "cart", "revision": "abc1234",
            "timestamp": "2025-01-01T10:00:00Z"}),
        "/webhooks/pagerduty" => json!({"event": {"id": "01", "event_type": "incident.resolved",
            "occurred_at": "2025-01-01T11:00:00.5Z", "data": {"id": "Q1", "type": "incident", "status": "resolved",
            "title": "Nobody can pay", "created_at": "2025-01-01T10:00:00Z", "urgency": "high",
            "service": {"id": "PSHOP1", "summary": "Checkout"}}}}),
        "/webhooks/servicenow" => json!({"sys_id": "9d385017c611228701d22104cc95c371", "number": "INC0010007",
            "short_description": "Nobody can pay", "state": "6", "priority": "2", "opened_at": "2025-01-01 10:00:00",
            "resolved_at": "2025-01-01 11:00:00", "sys_updated_on": "2025-01-01 11:00:00",
            "cmdb_ci": {"value": "1", "display_value": "cart-prod"}}),
        "/webhooks/alertmanager" => json!({"version": "4", "status": "firing", "alerts": [{"status": "resolved",
            "labels": {"alertname": "HighErrorRate", "service": "cart", "severity": "critical"},
            "annotations": {"summary": "Nobody can pay"}, "startsAt": "2025-01-01T10:00:00Z",
            "endsAt": "2025-01-01T11:00:00Z", "fingerprint": "aac3b474e2c0658c"}]}),
        "/webhooks/jira" => {
            json!({"timestamp": 1_735_729_200_000_u64, "webhookEvent": "jira:issue_updated", "issue": {"id": "1",
            "key": "OPS-7", "fields": {"summary": "Nobody can pay", "issuetype": {"name": "Incident"},
            "status": {"name": "Done", "statusCategory": {"key": "done"}}, "project": {"key": "OPS"}, "labels": [],
            "created": "2025-01-01T11:00:00.000+0100", "updated": "2025-01-01T12:00:00.000+0100",
            "resolutiondate": "2025-01-01T12:00:00.000+0100"}}})
        }
        other => panic!("write a sample for {other}"),
    }
}
