//! Argo Rollouts: Rollouts, AnalysisRuns and notifications.

use domain::Problem;
use serde_json::{Value, json};
use sources::Parsed;

use crate::gitlab::shared::manifest;
use crate::support::shared;
use crate::told::{events, merged, tell, values};

pub(crate) fn read(body: &str) -> Result<Parsed, Problem> {
    crate::told::send("argo-rollouts", "webhook", &[], body)
}

fn changed(mut object: Value, changes: Value) -> Value {
    for (place, value) in changes.as_object().unwrap() {
        let (parent, name) = place.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[name.replace("~1", "/")] = value.clone();
    }
    object
}

/// A Rollout whose second revision is complete, with changes by place.
pub(crate) fn rollout(changes: Value) -> Value {
    let condition = |kind: &str, reason: &str, at: &str| json!({"type": kind, "status": "True", "reason": reason, "message": format!("{reason}."), "lastTransitionTime": at, "lastUpdateTime": at});
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "cart", "namespace": "shop-prod", "uid": "aeddde25", "generation": 4, "creationTimestamp": "2025-01-01T00:00:00Z",
            "annotations": {"rollout.argoproj.io/revision": "2"}, "labels": {"app.kubernetes.io/instance": "cart"}},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "cart", "image": "registry.example:5000/shop/cart:1.2.0"}]}}},
        "status": {"observedGeneration": "4", "currentPodHash": "db976bc44", "stableRS": "db976bc44", "conditions": [
            condition("Completed", "RolloutCompleted", "2025-01-03T12:20:00Z"),
            condition("Progressing", "NewReplicaSetAvailable", "2025-01-03T12:25:00Z")]}
    });
    changed(rollout, changes)
}

pub(crate) fn analysis(phase: &str, changes: Value) -> Value {
    let measured = |at: &str| json!({"phase": "Successful", "finishedAt": at, "value": "0.99"});
    let run = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
        "metadata": {"name": "cart-db976bc44-2-1", "namespace": "shop-prod", "uid": "5f", "annotations": {"rollout.argoproj.io/revision": "2"},
            "ownerReferences": [{"kind": "Rollout", "name": "cart", "uid": "aeddde25"}]},
        "status": {"phase": phase, "message": "metric \"web\" assessed", "metricResults": [
            {"name": "web", "measurements": [measured("2025-01-03T12:05:00Z"), measured("2025-01-03T12:10:00Z")]}]}
    });
    changed(run, changes)
}

fn told(body: Value) -> String {
    tell(read(&body.to_string()))
}

#[test]
fn a_revision_that_is_complete_is_a_deployment() {
    insta::assert_snapshot!(told(rollout(json!({}))), @r#"
    deployment argo-rollouts/aeddde25:2
      component: "cart"
      config_hash: "db976bc44"
      environment: "shop-prod"
      finished_at: "2025-01-03T12:20:00Z"
      id: "aeddde25:2"
      images: ["registry.example:5000/shop/cart:1.2.0"]
      marks: ["workload:cart","namespace:shop-prod","application:cart","image:registry.example:5000/shop/cart"]
      status: "succeeded"
      updated_at: "2025-01-03T12:20:00Z"
      version: "1.2.0"
    "#);
}

#[test]
fn scaling_changes_nothing_of_it() {
    let scaled = rollout(json!({"/spec/replicas": 9, "/metadata/generation": 5, "/status/observedGeneration": "5",
        "/status/conditions/1/lastUpdateTime": "2025-02-01T00:00:00Z"}));
    assert_eq!(told(scaled), told(rollout(json!({}))));
}

#[test]
fn one_that_was_aborted_failed() {
    let aborted = json!({"/status/stableRS": "7d84d44bb8", "/status/abort": true, "/status/abortedAt": "2025-01-03T12:12:00Z",
        "/status/message": "RolloutAborted: metric \"web\" assessed Failed"});
    insta::assert_snapshot!(told(rollout(aborted)), @r#"
    deployment argo-rollouts/aeddde25:2
      component: "cart"
      config_hash: "db976bc44"
      environment: "shop-prod"
      finished_at: "2025-01-03T12:12:00Z"
      id: "aeddde25:2"
      images: ["registry.example:5000/shop/cart:1.2.0"]
      marks: ["workload:cart","namespace:shop-prod","application:cart","image:registry.example:5000/shop/cart"]
      status: "failed"
      status_reason: "RolloutAborted: metric \"web\" assessed Failed"
      updated_at: "2025-01-03T12:12:00Z"
      version: "1.2.0"
    "#);
    let late = json!({"/status/stableRS": "7d84d44bb8", "/status/conditions": [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out", "lastUpdateTime": "2025-01-03T12:30:00Z"}]});
    let all = events([read(&rollout(late).to_string())]);
    assert_eq!(
        values(&merged(&all), &["status", "finished_at", "status_reason"]),
        r#"status="failed" finished_at="2025-01-03T12:30:00Z" status_reason="timed out""#
    );
}

#[test]
fn what_it_was_before_takes_nothing_back() {
    let going_on = json!({"/status/stableRS": "7d84d44bb8", "/status/conditions": []});
    let all = events([rollout(json!({})), rollout(going_on)].map(|body| read(&body.to_string())));
    assert_eq!(all[1].fields["status"], "in_progress");
    assert_eq!(
        values(&merged(&all), &["status", "finished_at"]),
        r#"status="succeeded" finished_at="2025-01-03T12:20:00Z""#
    );
}

#[test]
fn what_says_nothing_yet_is_ignored_with_the_reason() {
    for (body, why) in [
        (
            rollout(json!({"/metadata/generation": 5})),
            "the Rollout was changed, and its controller has not seen it yet",
        ),
        (rollout(json!({"/metadata/annotations": {}})), "the Rollout has no revision yet"),
        (rollout(json!({"/status/conditions": []})), "the Rollout is complete, and does not say since when"),
        (
            rollout(json!({"/kind": "ReplicaSet"})),
            "a ReplicaSet tells nothing that its Rollout or AnalysisRun does not",
        ),
        (analysis("Running", json!({})), "the analysis has not ended"),
        (analysis("Inconclusive", json!({})), "the analysis is inconclusive: a person decides"),
        (analysis("Failed", json!({"/status/metricResults": []})), "the analysis does not say when it ended"),
        (
            analysis("Failed", json!({"/metadata/ownerReferences": [{"kind": "Experiment", "name": "x"}]})),
            "the analysis is of no Rollout: an experiment, or somebody's own",
        ),
    ] {
        assert_eq!(told(body), format!("ignored: {why}"));
    }
    assert_eq!(told(json!({"kind": "List", "items": []})), "ignored: the list is empty");
}

#[test]
fn an_analysis_run_is_a_canary_analysis_of_its_revision() {
    insta::assert_snapshot!(told(analysis("Failed", json!({}))), @r#"
    canary_analysis argo-rollouts/shop-prod/cart-db976bc44-2-1
      at: "2025-01-03T12:10:00Z"
      component: "cart"
      deployment_id: "aeddde25:2"
      id: "shop-prod/cart-db976bc44-2-1"
      marks: ["workload:cart","namespace:shop-prod"]
      passed: false
      status_reason: "metric \"web\" assessed"
      updated_at: "2025-01-03T12:10:00Z"
    "#);
    let passed =
        events([read(&analysis("Successful", json!({"/status/completedAt": "2025-01-03T12:11:00Z"})).to_string())]);
    assert_eq!(values(&merged(&passed), &["passed", "at"]), r#"passed=true at="2025-01-03T12:11:00Z""#);
    let errors = events([read(&analysis("Error", json!({})).to_string())]);
    assert_eq!(errors[0].fields["passed"], false);
}

#[test]
fn a_list_has_each_of_its_objects_and_one_that_is_wrong_spoils_no_other() {
    let list = json!({"kind": "List", "items": [rollout(json!({})), 7, analysis("Failed", json!({})), {"kind": "Rollout", "metadata": {"annotations": {"rollout.argoproj.io/revision": "1"}}}]});
    let parsed = read(&list.to_string()).unwrap();
    let problems: Vec<_> =
        parsed.events.iter().filter_map(|event| Some(event.as_ref().err()?.message.clone())).collect();
    assert_eq!(parsed.events.len(), 4);
    assert_eq!(
        problems,
        ["`items` takes objects, not a number", "`metadata.name` is missing or empty: it names the object."]
    );
}

#[test]
fn a_notification_says_how_it_went_whatever_the_rollout_still_says() {
    let before = json!({"/status/stableRS": "7d84d44bb8", "/status/conditions": []});
    let body = |event: &str| json!({"event": event, "at": "2025-01-03T12:20:00.123456789Z", "rollout": rollout(before.clone()), "analysisRuns": [analysis("Successful", json!({}))]});
    for (event, status) in [("completed", "succeeded"), ("aborted", "failed")] {
        let all = events([read(&body(event).to_string())]);
        assert_eq!((all.len(), &all[0].fields["status"]), (2, &Value::from(status)));
        assert_eq!(all[0].fields["finished_at"], "2025-01-03T12:20:00.123456Z");
        // The analysis is of the deployment told beside it.
        assert_eq!(all[1].fields["deployment_id"], *all[0].key.id);
    }
    // Only the analysis has news.
    assert_eq!(events([read(&body("analysis").to_string())]).len(), 1);
    let paused = json!({"event": "paused", "rollout": rollout(json!({}))});
    assert_eq!(told(paused), "ignored: the event `paused` does not say how a rollout ended");
}

#[test]
fn every_shared_object_has_the_meaning_proposed() {
    for (file, proposed) in manifest("argo-rollouts/") {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let text = std::fs::read_to_string(path).unwrap();
        match proposed["kind"].as_str() {
            Some("Rollout") => {
                let all = events([read(&text)]);
                let event = &all[0];
                assert_eq!(event.key.id.replace(':', " rev "), proposed["id"].as_str().unwrap(), "{file}");
                let found = [&event.fields["component"], &event.fields["environment"], &event.fields["images"]];
                assert_eq!(found, [&proposed["service"], &proposed["env_hint"], &proposed["images"]], "{file}");
                // One timed out, one was aborted by its analysis.
                assert_eq!(event.fields["status"], "failed", "{file}");
            }
            // A ReplicaSet is how a Rollout does it.
            Some("ReplicaSet") => assert!(read(&text).unwrap().ignored.is_some(), "{file}"),
            // Upstream's own templates are for people: ours is in `deploy/argo-rollouts`.
            _ => assert!(file.ends_with(".yaml"), "{file}"),
        }
    }
}
