//! Deployments and their statuses.

use serde_json::{Value, json};

use super::{SHA, merged, send, told};

fn deployment(more: Value) -> Value {
    let mut deployment = json!({"id": 145, "sha": SHA, "ref": "main", "task": "deploy", "environment": "production",
        "original_environment": "production", "payload": {}, "description": null, "creator": {"login": "ada", "type": "User"},
        "created_at": "2025-01-03T12:00:00Z", "updated_at": "2025-01-03T12:00:00Z",
        "transient_environment": false, "production_environment": true});
    for (name, value) in more.as_object().unwrap() {
        deployment[name] = value.clone();
    }
    deployment
}

fn status(state: &str, at: &str) -> (&'static str, Value) {
    let body = json!({"action": "created", "deployment": deployment(json!({})), "deployment_status": {"id": 9, "state": state,
        "description": "Done.", "environment": "production", "target_url": "", "log_url": "https://ci.example.com/9",
        "created_at": at, "updated_at": at}});
    ("deployment_status", body)
}

fn asked() -> (&'static str, Value) {
    (
        "deployment",
        json!({"action": "created", "deployment": deployment(json!({})),
        "workflow_run": {"id": 5, "event": "push"}}),
    )
}

#[test]
fn a_deployment_is_in_progress() {
    insta::assert_snapshot!(told("deployment", asked().1), @r#"
    deployment github/145
      actor: "ada"
      branch: "main"
      component: "acme/cart"
      environment: "production"
      id: "145"
      labels: {"task":"deploy","production_environment":"true","transient_environment":"false"}
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-03T12:00:00Z"
      status: "in_progress"
      trigger: "automated"
      updated_at: "2025-01-03T12:00:00Z"
    "#);
}

#[test]
fn a_status_ends_it() {
    insta::assert_snapshot!(told("deployment_status", status("success", "2025-01-03T12:05:00Z").1), @r#"
    deployment github/145
      actor: "ada"
      branch: "main"
      component: "acme/cart"
      environment: "production"
      finished_at: "2025-01-03T12:05:00Z"
      id: "145"
      labels: {"task":"deploy","production_environment":"true","transient_environment":"false"}
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-03T12:00:00Z"
      status: "succeeded"
      status_reason: "Done."
      updated_at: "2025-01-03T12:05:00Z"
      url: "https://ci.example.com/9"
    "#);
}

#[test]
fn statuses_are_updates_of_one_deployment() {
    let entity = merged(&[
        asked(),
        status("queued", "2025-01-03T12:00:00Z"),
        status("in_progress", "2025-01-03T12:01:00Z"),
        status("success", "2025-01-03T12:01:00Z"),
    ]);
    assert_eq!((entity.text("status"), entity.text("finished_at")), (Some("succeeded"), Some("2025-01-03T12:01:00Z")));
    assert_eq!(entity.text("trigger"), Some("automated"), "what one of them tells is kept");
    for (state, native) in
        [("pending", "in_progress"), ("waiting", "in_progress"), ("failure", "failed"), ("error", "failed")]
    {
        let entity = merged(&[asked(), status(state, "2025-01-03T12:05:00Z")]);
        assert_eq!(entity.text("status"), Some(native), "{state}");
        assert_eq!(entity.instant("finished_at").is_some(), native == "failed", "{state}");
    }
}

#[test]
fn inactive_says_nothing_of_the_attempt() {
    assert!(told("deployment_status", status("inactive", "2025-01-04T12:05:00Z").1).starts_with("ignored: the status"));
    assert_eq!(
        told("deployment_status", status("exploded", "2025-01-04T12:05:00Z").1),
        "`deployment_status.state` is `exploded`; it takes queued, pending, in_progress, waiting, success, failure, \
         error, inactive (unknown_value)"
    );
}

#[test]
fn the_payload_may_name_component_and_place() {
    let ours =
        json!({"leadline": {"component": "till", "instance": "eu", "sha": "0000000", "status": "failed"}, "x": 1});
    for payload in [ours.clone(), json!(ours.to_string())] {
        let more = json!({"payload": payload, "task": "deploy:rollback", "ref": "v1.2.0"});
        let event = send("deployment", &super::body(json!({"deployment": deployment(more)})).to_string()).unwrap();
        let fields = &event.events[0].as_ref().unwrap().fields;
        assert_eq!((fields["component"].as_str(), fields["instance"].as_str()), (Some("till"), Some("eu")));
        assert_eq!((fields["sha"].as_str(), fields["status"].as_str()), (Some(SHA), Some("in_progress")));
        assert_eq!((fields["change_kind"].as_str(), fields["version"].as_str()), (Some("rollback"), Some("v1.2.0")));
        assert!(!fields.contains_key("branch"));
    }
}

#[test]
fn what_is_missing_is_named_as_github_names_it() {
    let mut body = asked().1;
    body["deployment"]["sha"] = Value::Null;
    assert_eq!(
        told("deployment", body),
        "`deployment.sha` is missing or empty: it is what is deployed. (missing_field)"
    );
    let mut body = asked().1;
    body["deployment"]["id"] = json!("x");
    assert_eq!(told("deployment", body), "`deployment.id` takes a whole number, not a text (wrong_type)");
    let mut body = asked().1;
    body["deployment"]["created_at"] = json!("soon");
    assert!(told("deployment", body).starts_with("`deployment.created_at`: "));
}
