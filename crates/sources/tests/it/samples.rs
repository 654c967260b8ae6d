//! A good delivery for every route of every source: a new route without one fails the tests that run over all of them.

use serde_json::{Value, json};

/// Headers without which a body at this address cannot be read.
pub(crate) fn headers(path: &str) -> Vec<(String, String)> {
    match path {
        "/webhooks/github" => vec![("X-GitHub-Event".to_owned(), "push".to_owned())],
        _ => mapped(path).map(|sample| pairs(&sample["headers"])).unwrap_or_default(),
    }
}

/// The sample in the folder of a tool that is read by a program.
fn mapped(path: &str) -> Option<Value> {
    let name = path.strip_prefix("/webhooks/")?;
    // From this crate and from the others that run tests over all sources.
    let file = format!("{}/../sources/mapped/{name}/fixtures/sample.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// Texts by name.
fn pairs(object: &Value) -> Vec<(String, String)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
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
        other => match mapped(other) {
            Some(sample) => sample["body"].clone(),
            None => panic!("write a sample for {other}"),
        },
    }
}
