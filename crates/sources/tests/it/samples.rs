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
        "/webhooks/gitlab" => json!({"object_kind": "push", "ref": "refs/heads/feature", "before": "0".repeat(40),
            "after": "a".repeat(40), "checkout_sha": "a".repeat(40), "total_commits_count": 1,
            "project": {"path_with_namespace": "acme/cart", "default_branch": "main"},
            "commits": [{"id": "a".repeat(40), "timestamp": "2025-01-01T11:00:00+01:00", "message": "One"}]}),
        "/webhooks/argocd" => json!({"metadata": {"name": "cart", "namespace": "argocd", "uid": "7d0cdc51"},
            "spec": {"project": "shop", "destination": {"namespace": "shop"}},
            "status": {"history": [{"id": 1, "revision": "a".repeat(40), "deployedAt": "2025-01-01T10:00:00Z"}],
            "operationState": {"phase": "Failed", "startedAt": "2025-01-01T11:00:00Z", "finishedAt": "2025-01-01T11:01:00Z"}}}),
        "/webhooks/argo-rollouts" => {
            json!({"kind": "Rollout", "metadata": {"name": "cart", "namespace": "shop", "uid": "aeddde25",
            "annotations": {"rollout.argoproj.io/revision": "2"}},
            "status": {"currentPodHash": "db976bc44", "stableRS": "db976bc44", "conditions": [
            {"type": "Completed", "status": "True", "lastTransitionTime": "2025-01-01T10:00:00Z"}]}})
        }
        "/webhooks/flux" => json!({"involvedObject": {"kind": "Kustomization", "name": "cart", "namespace": "shop"},
            "metadata": {"revision": format!("main@sha1:{}", "a".repeat(40))}, "severity": "info",
            "reason": "ReconciliationSucceeded", "timestamp": "2025-01-01T10:00:00Z"}),
        "/webhook/deploy" => json!({"event": "deployment", "status": "success", "app": "cart", "revision": "abc1234",
            "timestamp": "2025-01-01T10:00:00Z"}),
        other => panic!("write a sample for {other}"),
    }
}
