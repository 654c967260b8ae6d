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
        "/webhooks/kubernetes" => json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop", "uid": "7f9c24e8", "generation": 7,
                "creationTimestamp": "2025-01-01T09:00:00Z",
                "annotations": {"deployment.kubernetes.io/revision": "3", "info/environment": "prod"}},
            "spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "r.example/cart:2.4.1"}]}}},
            "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "conditions": [
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                    "lastUpdateTime": "2025-01-01T10:00:00Z"}]}}),
        "/webhooks/gke" => json!({"insertId": "0a1b", "timestamp": "2025-01-01T10:00:00Z",
            "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "eu", "project_id": "acme"}},
            "protoPayload": {"methodName": "io.k8s.apps.v1.deployments.patch",
                "resourceName": "apps/v1/namespaces/shop/deployments/cart",
                "authenticationInfo": {"principalEmail": "ada@example.com"},
                "request": {"spec": {"template": {"spec": {"containers": [
                    {"name": "cart", "image": "r.example/cart:2.4.1"}]}}}}}}),
        other => panic!("write a sample for {other}"),
    }
}
