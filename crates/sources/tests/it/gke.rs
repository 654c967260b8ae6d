//! Google's Kubernetes Engine: entries of Cloud Logging, pushed by Pub/Sub.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::kubernetes::{deployment, only, send, tell, template, with};

/// A push of one entry.
fn push(entry: &Value) -> Value {
    json!({"message": {"data": BASE64.encode(entry.to_string()), "messageId": "7", "publishTime": "2025-02-03T10:00:01Z",
        "attributes": {"logging.googleapis.com/timestamp": "2025-02-03T10:00:00Z"}},
        "subscription": "projects/acme/subscriptions/leadline"})
}

/// An image changed by a person.
pub(crate) fn entry() -> Value {
    let after = with(
        deployment(),
        &[("/metadata/generation", json!(8)), ("/spec/template", template("r.example/cart:2.5.0", "info"))],
    );
    json!({"insertId": "0a1b2c3d-7e8f", "logName": "projects/acme/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2025-02-03T10:00:00.123456Z", "receiveTimestamp": "2025-02-03T10:00:00.9Z",
        "resource": {"type": "k8s_cluster",
            "labels": {"project_id": "acme", "location": "europe-west1", "cluster_name": "prod-1"}},
        "protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
            "methodName": "io.k8s.apps.v1.deployments.patch",
            "resourceName": "apps/v1/namespaces/shop/deployments/cart",
            "authenticationInfo": {"principalEmail": "ada@example.com"},
            "request": {"@type": "k8s.io/Patch",
                "spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "r.example/cart:2.5.0"}]}}}},
            "response": after}})
}

fn told(entry: &Value) -> String {
    tell(send("gke", &[], &push(entry).to_string()))
}

fn but(changes: &[(&str, Value)]) -> String {
    told(&with(entry(), changes))
}

#[test]
fn a_change_of_a_pod_template_is_a_deployment() {
    insta::assert_snapshot!(told(&entry()), @r#"
    deployment gke/0a1b2c3d-7e8f
      actor: "ada@example.com"
      component: "cart"
      config_hash: "3e97d3c72249fd3e8dcfbc49b862b5b1"
      environment: "prod"
      finished_at: "2025-02-03T10:00:00.123456Z"
      id: "0a1b2c3d-7e8f"
      images: ["r.example/cart:2.5.0"]
      instance: "prod-1/shop"
      labels: {"cluster":"prod-1","namespace":"shop","kind":"Deployment"}
      marks: ["cluster:prod-1","namespace:shop","workload:cart","repository:acme/cart","image:r.example/cart","application:shop-eu","label:app.kubernetes.io/name=cart","label:app.kubernetes.io/part-of=shop","label:app.kubernetes.io/instance=shop-eu","project:acme"]
      product: "shop"
      repo: "acme/cart"
      status: "succeeded"
      status_assumed: true
      trigger: "manual"
      updated_at: "2025-02-03T10:00:00.123456Z"
      version: "v2.4.1"
    "#);
}

#[test]
fn a_message_may_come_unwrapped() {
    assert_eq!(tell(send("gke", &[], &entry().to_string())), told(&entry()));
}

#[test]
fn names_of_annotations_can_be_ones_own() {
    let event = only(send("gke", &[("leadline-names", "environment=app.kubernetes.io/name")], &entry().to_string()));
    assert_eq!(event.fields["environment"], "cart");
}

#[test]
fn what_says_nothing_about_delivery_is_ignored() {
    let method = |name: &str| but(&[("/protoPayload/methodName", json!(name))]);
    assert_eq!(method("io.k8s.batch.v1.cronjobs.create"), "ignored: cronjobs are no workloads that are rolled out");
    assert_eq!(
        method("io.k8s.example.v1.deployments.patch"),
        "ignored: deployments are no workloads that are rolled out"
    );
    assert_eq!(method("io.k8s.apps.v1.deployments.list"), "ignored: `list` only reads");
    assert_eq!(
        method("io.k8s.apps.v1.deployments.scale.update"),
        "ignored: update of Deployment shop/cart: its part `scale` is no pod template"
    );
    let cloud = "ignored: an audit log of Google Cloud, not of a cluster's API";
    assert_eq!(method("google.container.v1.ClusterManager.UpdateCluster"), cloud);
    assert_eq!(method("io."), cloud);
    assert_eq!(
        but(&[("/protoPayload/resourceName", json!("apps/v1/namespaces/shop/deployments/cart/status"))]),
        "ignored: patch of Deployment shop/cart: its part `status` is no pod template"
    );
    assert_eq!(
        but(&[("/protoPayload/status", json!({"code": 7, "message": "Forbidden"}))]),
        "ignored: patch of Deployment shop/cart: it was refused"
    );
    assert_eq!(
        but(&[("/protoPayload/request", json!({"@type": "k8s.io/Patch", "spec": {"replicas": 5}}))]),
        "ignored: patch of Deployment shop/cart: its pod template was not touched, as when it is scaled"
    );
    assert_eq!(
        but(&[(
            "/protoPayload/authenticationInfo/principalEmail",
            json!("system:serviceaccount:kube-system:daemon-set-controller")
        )]),
        "ignored: patch of Deployment shop/cart: `system:serviceaccount:kube-system:daemon-set-controller` is a part of \
         the cluster, which writes what follows from changes"
    );
    let other = json!({"insertId": "1", "jsonPayload": {"message": "hello"}});
    assert_eq!(told(&other), "ignored: an entry of another log than the audit log");
}

#[test]
fn rollouts_of_argo_are_workloads() {
    let changes = [
        ("/protoPayload/methodName", json!("io.argoproj.v1alpha1.rollouts.patch")),
        ("/protoPayload/resourceName", json!("argoproj.io/v1alpha1/namespaces/shop/rollouts/cart")),
    ];
    let event = only(send("gke", &[], &with(entry(), &changes).to_string()));
    assert_eq!(event.fields["labels"]["kind"], "Rollout");
}

#[test]
fn what_cannot_be_read_says_what_is_missing() {
    let push = |data: Value| tell(send("gke", &[], &json!({"message": {"data": data}}).to_string()));
    insta::assert_snapshot!(push(json!(null)), @"`message.data` is missing or empty: it holds the log entry, in base64. (missing_field)");
    insta::assert_snapshot!(push(json!("{}")), @"`message.data` is not base64, as Pub/Sub sends it (wrong_type)");
    insta::assert_snapshot!(push(json!(BASE64.encode("[]"))), @"expected an object, found a list (not_an_object)");
    insta::assert_snapshot!(tell(send("gke", &[], "{}")), @"`protoPayload` is missing or empty: it is the audit log's part of an entry. (missing_field)");
    insta::assert_snapshot!(but(&[("/insertId", json!(null))]), @"`insertId` is missing or empty: it tells one entry from another. (missing_field)");
    insta::assert_snapshot!(but(&[("/resource/labels/cluster_name", json!(null))]), @"`resource.labels.cluster_name` is missing or empty: it names the cluster. (missing_field)");
    insta::assert_snapshot!(but(&[("/timestamp", json!(null))]), @"`timestamp` is missing or empty: it says when the workload was changed. (missing_field)");
}
