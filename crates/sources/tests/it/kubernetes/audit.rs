//! Audit logs: who changed a workload, and everything else in them.

use serde_json::{Value, json};

use super::{deployment, only, send, tell, template, told, with};

/// `kubectl set image` as the API server logs it at the level RequestResponse.
pub(super) fn patched() -> Value {
    let patch =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "r.example/cart:2.5.0"}]}}}});
    // The answer is the object after the change, which its controller has not seen yet.
    let after = with(
        deployment(),
        &[
            ("/metadata/generation", json!(8)),
            ("/metadata/annotations/version", json!(null)),
            ("/metadata/labels/app.kubernetes.io~1version", json!(null)),
            ("/spec/template", template("r.example/cart:2.5.0", "info")),
        ],
    );
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": "6d0d8f6c-9b38-4f9c-9a52-d7a9a1ea5ccd", "stage": "ResponseComplete", "verb": "patch",
        "requestURI": "/apis/apps/v1/namespaces/shop/deployments/cart?fieldManager=kubectl-set",
        "user": {"username": "system:serviceaccount:ci:deployer", "groups": ["system:authenticated"]},
        "objectRef": {"resource": "deployments", "namespace": "shop", "name": "cart", "apiGroup": "apps",
            "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200}, "requestObject": patch, "responseObject": after,
        "requestReceivedTimestamp": "2025-02-03T10:00:00.100000Z", "stageTimestamp": "2025-02-03T10:00:00.200000Z"})
}

fn but(changes: &[(&str, Value)]) -> String {
    told(&with(patched(), changes))
}

#[test]
fn a_change_of_a_pod_template_is_a_deployment_that_is_assumed_to_succeed() {
    insta::assert_snapshot!(told(&patched()), @r#"
    deployment kubernetes/6d0d8f6c-9b38-4f9c-9a52-d7a9a1ea5ccd
      actor: "system:serviceaccount:ci:deployer"
      component: "cart"
      config_hash: "3e97d3c72249fd3e8dcfbc49b862b5b1"
      environment: "prod"
      finished_at: "2025-02-03T10:00:00.2Z"
      id: "6d0d8f6c-9b38-4f9c-9a52-d7a9a1ea5ccd"
      images: ["r.example/cart:2.5.0"]
      instance: "kubernetes/shop"
      labels: {"cluster":"kubernetes","namespace":"shop","kind":"Deployment"}
      marks: ["cluster:kubernetes","namespace:shop","workload:cart","repository:acme/cart","image:r.example/cart","application:shop-eu","label:app.kubernetes.io/name=cart","label:app.kubernetes.io/part-of=shop","label:app.kubernetes.io/instance=shop-eu"]
      product: "shop"
      repo: "acme/cart"
      status: "succeeded"
      status_assumed: true
      trigger: "automated"
      updated_at: "2025-02-03T10:00:00.2Z"
      version: "2.5.0"
    "#);
}

#[test]
fn without_the_answer_what_was_asked_is_told() {
    insta::assert_snapshot!(but(&[("/responseObject", json!(null)), ("/level", json!("Request"))]), @r#"
    deployment kubernetes/6d0d8f6c-9b38-4f9c-9a52-d7a9a1ea5ccd
      actor: "system:serviceaccount:ci:deployer"
      component: "cart"
      config_hash: "6501fb85281e8ec1d9dff0bb7195f82b"
      environment: "shop"
      finished_at: "2025-02-03T10:00:00.2Z"
      id: "6d0d8f6c-9b38-4f9c-9a52-d7a9a1ea5ccd"
      images: ["r.example/cart:2.5.0"]
      instance: "kubernetes/shop"
      labels: {"cluster":"kubernetes","namespace":"shop","kind":"Deployment"}
      marks: ["cluster:kubernetes","namespace:shop","workload:cart","image:r.example/cart"]
      status: "succeeded"
      status_assumed: true
      trigger: "automated"
      updated_at: "2025-02-03T10:00:00.2Z"
      version: "2.5.0"
    "#);
}

#[test]
fn what_creates_or_replaces_a_workload_counts_too() {
    let whole = deployment();
    let created = with(
        patched(),
        &[
            ("/verb", json!("create")),
            ("/responseStatus/code", json!(201)),
            ("/requestObject", whole.clone()),
            ("/responseObject", with(whole.clone(), &[("/status", json!({}))])),
        ],
    );
    assert_eq!(only(send("kubernetes", &[], &created.to_string())).fields["version"], "v2.4.1");
    let replaced = [("/verb", json!("update")), ("/requestObject", whole), ("/responseObject", json!(null))];
    let replaced = only(send("kubernetes", &[], &with(patched(), &replaced).to_string()));
    assert_eq!(replaced.fields["environment"], "prod");
    // What is created is new, whatever the log leaves out.
    let bare = [("/requestObject", json!(null)), ("/responseObject", json!(null))];
    let event = only(send("kubernetes", &[], &with(created, &bare).to_string()));
    assert_eq!((&event.fields["component"], &event.fields["environment"]), (&json!("cart"), &json!("shop")));
}

#[test]
fn a_patch_that_names_no_image_changes_configuration_only() {
    let kind = |patch: Value| {
        let event = only(send("kubernetes", &[], &with(patched(), &[("/requestObject", patch)]).to_string()));
        event.fields.get("change_kind").cloned()
    };
    let container = |more: Value| json!({"spec": {"template": {"spec": {"containers": [more]}}}});
    assert_eq!(kind(container(json!({"name": "cart", "env": [{"name": "A", "value": "1"}]}))), Some(json!("config")));
    let restart = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2025-02-03T10:00:00Z"}}});
    assert_eq!(kind(json!({"spec": {"template": restart}})), Some(json!("config")));
    assert_eq!(kind(container(json!({"name": "cart", "image": "r.example/cart:2.5.0"}))), None);
    let step = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    assert_eq!(kind(step("/spec/template/spec/containers/0/env/0/value", json!("debug"))), Some(json!("config")));
    assert_eq!(kind(step("/spec/template/spec/containers/0/image", json!("r.example/cart:3"))), None);
    assert_eq!(kind(step("/spec/template/spec/containers/0", json!({"image": "r.example/cart:3"}))), None);
}

#[test]
fn what_does_not_touch_the_pod_template_is_no_deployment() {
    let scaled = "ignored: patch of Deployment shop/cart: its pod template was not touched, as when it is scaled";
    assert_eq!(but(&[("/requestObject", json!({"spec": {"replicas": 9}}))]), scaled);
    assert_eq!(but(&[("/requestObject", json!([{"op": "replace", "path": "/spec/replicas", "value": 9}]))]), scaled);
    assert_eq!(
        but(&[("/objectRef/subresource", json!("scale"))]),
        "ignored: patch of Deployment shop/cart: its part `scale` is no pod template"
    );
    assert_eq!(
        but(&[("/objectRef/subresource", json!("status")), ("/verb", json!("update"))]),
        "ignored: update of Deployment shop/cart: its part `status` is no pod template"
    );
    // Who applies everything again changes nothing: the controller has seen this generation.
    assert_eq!(
        but(&[("/responseObject/metadata/generation", json!(7))]),
        "ignored: patch of Deployment shop/cart: its spec did not change"
    );
    assert_eq!(
        but(&[("/requestObject", json!(null)), ("/responseObject", json!(null)), ("/level", json!("Metadata"))]),
        "ignored: patch of Deployment shop/cart: the log leaves the object out, so nobody can tell whether its pod \
         template changed; log it at the level Request or RequestResponse"
    );
}

#[test]
fn what_was_not_done_is_no_deployment() {
    assert_eq!(
        but(&[("/stage", json!("RequestReceived"))]),
        "ignored: the stage `RequestReceived`: ResponseComplete tells how it ended"
    );
    let refused = "ignored: patch of Deployment shop/cart: it was refused";
    assert_eq!(but(&[("/responseStatus/code", json!(409))]), refused);
    assert_eq!(but(&[("/responseStatus", json!(null))]), refused);
    for query in ["dryRun=All", "fieldManager=x&dryRun=All&force=true"] {
        let uri = format!("/apis/apps/v1/namespaces/shop/deployments/cart?{query}");
        assert_eq!(but(&[("/requestURI", json!(uri))]), "ignored: patch of Deployment shop/cart: it was a dry run");
    }
}

#[test]
fn what_the_cluster_writes_by_itself_is_no_deployment() {
    for user in [
        "system:serviceaccount:kube-system:deployment-controller",
        "system:serviceaccount:kube-system:cronjob-controller",
        "system:kube-controller-manager",
        "system:node:worker-1",
    ] {
        let why = but(&[("/user/username", json!(user))]);
        assert_eq!(
            why,
            format!(
                "ignored: patch of Deployment shop/cart: `{user}` is a part of the cluster, which writes what follows \
                 from changes"
            )
        );
    }
    // A controller of one's own deploys, and so does a person, also as somebody else.
    for (user, trigger) in [
        ("system:serviceaccount:argocd:argocd-application-controller", Some("automated")),
        ("deployer@acme.iam.gserviceaccount.com", Some("automated")),
        ("ada@example.com", Some("manual")),
        ("kubernetes-admin", None),
    ] {
        let event = only(send("kubernetes", &[], &with(patched(), &[("/user/username", json!(user))]).to_string()));
        assert_eq!(event.fields["actor"], user);
        assert_eq!(event.fields.get("trigger").and_then(Value::as_str), trigger);
    }
    let posing = with(patched(), &[("/impersonatedUser", json!({"username": "ada@example.com"}))]);
    assert_eq!(only(send("kubernetes", &[], &posing.to_string())).fields["actor"], "ada@example.com");
}

#[test]
fn most_of_a_log_says_nothing_about_delivery() {
    assert_eq!(but(&[("/verb", json!("get"))]), "ignored: `get` only reads");
    assert_eq!(but(&[("/verb", json!("delete"))]), "ignored: something was deleted: what it was deployed as stays");
    assert_eq!(but(&[("/verb", json!("connect"))]), "ignored: `connect` changes no workload");
    assert_eq!(
        but(&[("/objectRef/resource", json!("cronjobs")), ("/objectRef/apiGroup", json!("batch"))]),
        "ignored: cronjobs are no workloads that are rolled out"
    );
    assert_eq!(
        but(&[("/objectRef/apiGroup", json!("example.com"))]),
        "ignored: deployments are no workloads that are rolled out"
    );
    assert_eq!(
        but(&[("/objectRef", json!(null))]),
        "ignored: requests without a resource are no workloads that are rolled out"
    );
}

#[test]
fn a_batch_and_lines_are_read_each_by_itself() {
    let read = with(patched(), &[("/verb", json!("list"))]);
    let bad = with(patched(), &[("/auditID", json!(null))]);
    let batch = |items: &[&Value]| json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items});
    let all = send("kubernetes", &[], &batch(&[&read, &patched(), &bad, &read]).to_string()).unwrap();
    let found: Vec<bool> = all.events.iter().map(Result::is_ok).collect();
    assert_eq!(found, [true, false]);
    let reads =
        send("kubernetes", &[], &batch(&[&read, &read, &with(read.clone(), &[("/verb", json!("get"))])]).to_string());
    assert_eq!(tell(reads), "ignored: `list` only reads (2 times); `get` only reads");
    // Items of a list need not say what they are.
    let plain = with(patched(), &[("/kind", json!(null)), ("/apiVersion", json!(null))]);
    assert_eq!(tell(send("kubernetes", &[], &batch(&[&plain]).to_string())), told(&patched()));
    let lines = format!("{read}\n\n{}\n{{\"kind\": \n", patched());
    let lines = send("kubernetes", &[], &lines).unwrap();
    assert_eq!(lines.events.len(), 2);
    let problem = lines.events[1].as_ref().unwrap_err();
    assert_eq!(problem.message, "not JSON: EOF while parsing a value at line 4 column 9");
}

#[test]
fn before_v1_there_was_one_time() {
    let old = [("/stageTimestamp", json!(null)), ("/timestamp", json!("2017-09-11T19:55:05Z"))];
    assert_eq!(
        only(send("kubernetes", &[], &with(patched(), &old).to_string())).fields["finished_at"],
        "2017-09-11T19:55:05Z"
    );
    let none = but(&[("/stageTimestamp", json!(null))]);
    insta::assert_snapshot!(none, @"`stageTimestamp` is missing or empty: it says when the workload was changed. (missing_field)");
}
