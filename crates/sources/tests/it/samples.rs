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
        "/webhooks/cdevents" => {
            json!({"specversion": "1.0", "id": "7", "source": "/ci", "type": "dev.cdevents.service.deployed.0.2.0",
            "data": {"context": {"specversion": "0.5.0", "id": "7", "source": "/ci", "timestamp": "2025-01-01T10:00:00Z",
                "type": "dev.cdevents.service.deployed.0.2.0"},
            "subject": {"id": "cart", "content": {"environment": {"id": "production"},
                "artifactId": "pkg:oci/cart@sha256%3A0b31?tag=1.2.3"}}}})
        }
        "/v1/traces" | "/webhooks/opentelemetry" => json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "RUN Deploy", "kind": 2,
            "startTimeUnixNano": "1735725600000000000", "endTimeUnixNano": "1735725900000000000",
            "attributes": [{"key": "cicd.pipeline.result", "value": {"stringValue": "success"}},
                {"key": "cicd.pipeline.run.id", "value": {"intValue": "7"}}]}]}]}]}),
        other => panic!("write a sample for {other}"),
    }
}
