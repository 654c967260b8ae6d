//! When a rollout is complete, and that nothing but a new pod template makes another deployment.

use serde_json::{Value, json};

use super::{UID, deployment, merged, only, progress, template, told, watched, with};

/// Status, end and reason of what is told, and the id without the uid.
fn short(object: &Value) -> String {
    match watched(&[("leadline-seen-at", "2025-03-01T00:00:00Z")], object) {
        Ok(parsed) if parsed.ignored.is_some() => parsed.ignored.unwrap(),
        parsed => {
            let event = only(parsed);
            let field = |name: &str| event.fields.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            let id = event.key.id.replace(UID, "");
            format!("{id} {} {} {}", field("status"), field("started_at"), field("finished_at"))
        }
    }
}

fn conditions(of: Value) -> (&'static str, Value) {
    ("/status/conditions", json!([of]))
}

#[test]
fn a_rollout_is_in_progress_until_its_controller_calls_it_complete() {
    let began = conditions(progress("True", "NewReplicaSetCreated", "2025-02-03T10:00:00Z"));
    let updated = conditions(progress("True", "ReplicaSetUpdated", "2025-02-03T10:01:00Z"));
    let counts = |updated: u64, available: u64| {
        [("/status/updatedReplicas", json!(updated)), ("/status/availableReplicas", json!(available))]
    };
    let at = |changes: &[(&str, Value)]| with(deployment(), changes);
    assert_eq!(short(&at(std::slice::from_ref(&began))), ":3 in_progress 2025-02-03T10:00:00Z -");
    assert_eq!(short(&at(&[updated.clone(), counts(1, 3)[0].clone()])), ":3 in_progress - -");
    // All pods are new and not all of them answer yet.
    assert_eq!(short(&at(&[updated, counts(3, 2)[1].clone()])), ":3 in_progress - -");
    assert_eq!(short(&deployment()), ":3 succeeded - 2025-02-03T10:02:00Z");
    // Together: began, and ended.
    let together = merged(&[only(watched(&[], &at(&[began]))), only(watched(&[], &deployment()))]);
    assert_eq!(together.text("status"), Some("succeeded"));
    assert_eq!(together.text("started_at"), Some("2025-02-03T10:00:00Z"));
}

#[test]
fn the_first_revision_began_when_it_was_made() {
    let first = with(deployment(), &[("/metadata/annotations/deployment.kubernetes.io~1revision", json!("1"))]);
    assert_eq!(short(&first), ":1 succeeded 2025-01-05T08:00:00Z 2025-02-03T10:02:00Z");
}

#[test]
fn one_that_takes_too_long_has_failed_until_it_gets_there() {
    let late = conditions(progress("False", "ProgressDeadlineExceeded", "2025-02-03T10:12:00Z"));
    let late = with(deployment(), &[late, ("/status/updatedReplicas", json!(1))]);
    assert_eq!(short(&late), ":3 failed - 2025-02-03T10:12:00Z");
    assert_eq!(only(watched(&[], &late)).fields["status_reason"], "ReplicaSet cart: ProgressDeadlineExceeded.");
    let done = with(deployment(), &[conditions(progress("True", "NewReplicaSetAvailable", "2025-02-03T10:20:00Z"))]);
    let together = merged(&[only(watched(&[], &late)), only(watched(&[], &done))]);
    assert_eq!(
        (together.text("status"), together.text("finished_at")),
        (Some("succeeded"), Some("2025-02-03T10:20:00Z"))
    );
}

#[test]
fn to_scale_is_no_deployment_and_takes_nothing_back() {
    // Ten are wanted, five are there, all of the same revision: the condition stays that of the rollout.
    let scaled = with(
        deployment(),
        &[
            ("/spec/replicas", json!(10)),
            ("/metadata/generation", json!(8)),
            ("/status/observedGeneration", json!(8)),
            ("/status/replicas", json!(5)),
            ("/status/updatedReplicas", json!(5)),
        ],
    );
    assert_eq!(only(watched(&[], &scaled)), only(watched(&[], &deployment())));
    // Whatever says that it is in progress never wins against an end, whenever it was seen.
    let moved = with(deployment(), &[("/status/conditions", json!([])), ("/status/availableReplicas", json!(1))]);
    let moved = only(watched(&[("leadline-seen-at", "2025-05-01T00:00:00Z")], &moved));
    assert_eq!(moved.fields["status"], "in_progress");
    let together = merged(&[only(watched(&[], &deployment())), moved]);
    assert_eq!(together.text("status"), Some("succeeded"));
}

#[test]
fn nothing_is_said_before_the_controller_knows() {
    let unseen = with(deployment(), &[("/metadata/generation", json!(8))]);
    let why = "Deployment shop/cart: its controller has not seen the latest change yet: what it says is of the revision \
               before";
    assert_eq!(short(&unseen), why);
    assert_eq!(short(&with(deployment(), &[("/status", json!(null))])), why);
    let none = with(deployment(), &[("/metadata/annotations", json!({}))]);
    assert_eq!(short(&none), "Deployment shop/cart: its controller has not given it a revision yet");
    // While it is paused the template may be newer than the revision.
    let paused = with(deployment(), &[("/spec/paused", json!(true))]);
    assert_eq!(short(&paused), "Deployment shop/cart: it is paused: its revision may be that of an older pod template");
    // Right after a rollback to pods of before, the condition is still that of the revision left.
    let back = with(
        deployment(),
        &[
            ("/metadata/annotations/deployment.kubernetes.io~1revision", json!("4")),
            ("/status/updatedReplicas", json!(0)),
        ],
    );
    assert_eq!(short(&back), ":4 in_progress - -");
}

#[test]
fn without_a_deadline_the_counts_tell_and_the_time_is_when_it_was_seen() {
    let none = ("/status/conditions", json!([]));
    assert_eq!(short(&with(deployment(), std::slice::from_ref(&none))), ":3 succeeded - 2025-03-01T00:00:00Z");
    assert_eq!(short(&with(deployment(), &[none, ("/status/replicas", json!(4))])), ":3 in_progress - -");
}

fn stateful_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "shop", "uid": UID, "generation": 4,
            "creationTimestamp": "2025-01-05T08:00:00Z"},
        "spec": {"replicas": 2, "template": template("r.example/db:15.4", "info")},
        "status": {"observedGeneration": 4, "replicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "updatedReplicas": 2, "currentRevision": "db-6b", "updateRevision": "db-6b"}})
}

#[test]
fn a_stateful_set_is_done_when_all_pods_are_of_the_new_revision() {
    assert_eq!(short(&stateful_set()), ":db-6b succeeded - 2025-03-01T00:00:00Z");
    let half = [("/status/currentRevision", json!("db-5a")), ("/status/updatedReplicas", json!(1))];
    assert_eq!(short(&with(stateful_set(), &half)), ":db-6b in_progress - -");
    // With a partition some pods stay as they were.
    let rest = with(stateful_set(), &[half[0].clone()]);
    assert_eq!(short(&rest), ":db-6b succeeded - 2025-03-01T00:00:00Z");
    let down = with(stateful_set(), &[("/status/readyReplicas", json!(1))]);
    assert_eq!(short(&down), ":db-6b in_progress - -");
    let new = with(
        stateful_set(),
        &[
            ("/metadata/generation", json!(1)),
            ("/status/observedGeneration", json!(1)),
            ("/status/readyReplicas", json!(0)),
        ],
    );
    assert_eq!(short(&new), ":db-6b in_progress 2025-01-05T08:00:00Z -");
}

fn daemon_set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "ops", "uid": UID, "generation": 9,
            "creationTimestamp": "2025-01-05T08:00:00Z",
            "annotations": {"deprecated.daemonset.template.generation": "5"}},
        "spec": {"template": template("r.example/agent:1.9", "info")},
        "status": {"observedGeneration": 9, "currentNumberScheduled": 4, "desiredNumberScheduled": 4, "numberReady": 4,
            "updatedNumberScheduled": 4, "numberAvailable": 4, "numberMisscheduled": 0}})
}

#[test]
fn a_daemon_set_is_done_when_every_node_has_the_new_pod() {
    assert_eq!(short(&daemon_set()), ":5 succeeded - 2025-03-01T00:00:00Z");
    for behind in ["updatedNumberScheduled", "numberAvailable"] {
        let object = with(daemon_set(), &[(&format!("/status/{behind}"), json!(3))]);
        assert_eq!(short(&object), ":5 in_progress - -", "{behind}");
    }
    let plain = with(daemon_set(), &[("/metadata/annotations", json!({}))]);
    assert_eq!(short(&plain), ":9 succeeded - 2025-03-01T00:00:00Z");
}

fn argo_rollout() -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "cart", "namespace": "shop", "uid": UID, "generation": 12,
            "creationTimestamp": "2025-01-05T08:00:00Z",
            "annotations": {"rollout.argoproj.io/revision": "31"}},
        "spec": {"replicas": 3, "template": template("r.example/cart:4.0.0", "info")},
        "status": {"observedGeneration": "12", "phase": "Healthy", "currentPodHash": "7d9", "stableRS": "7d9",
            "conditions": [progress("True", "NewReplicaSetAvailable", "2025-02-03T10:02:00Z"),
                {"type": "Completed", "status": "True", "reason": "RolloutCompleted",
                    "lastUpdateTime": "2025-02-03T11:00:00Z", "lastTransitionTime": "2025-02-03T10:05:00Z"}]}})
}

#[test]
fn an_argo_rollout_is_done_when_the_new_pods_are_the_stable_ones() {
    assert_eq!(short(&argo_rollout()), ":31 succeeded - 2025-02-03T10:05:00Z");
    let canary = [("/status/stableRS", json!("6c8")), ("/status/phase", json!("Paused"))];
    assert_eq!(short(&with(argo_rollout(), &canary)), ":31 in_progress - -");
    let aborted = [
        canary[0].clone(),
        ("/status/abort", json!(true)),
        ("/status/abortedAt", json!("2025-02-03T10:03:01Z")),
        ("/status/message", json!("RolloutAborted: metric error-rate failed")),
        ("/status/conditions/0", progress("False", "RolloutAborted", "2025-02-03T10:03:00Z")),
    ];
    let object = with(argo_rollout(), &aborted);
    assert_eq!(short(&object), ":31 failed - 2025-02-03T10:03:00Z");
    assert_eq!(only(watched(&[], &object)).fields["status_reason"], "RolloutAborted: metric error-rate failed");
    // The abort is known before the condition says so.
    let soon = with(object, &[("/status/conditions/0", progress("True", "ReplicaSetUpdated", "2025-02-03T10:02:00Z"))]);
    assert_eq!(short(&soon), ":31 failed - 2025-02-03T10:03:01Z");
    let late = [
        canary[0].clone(),
        ("/status/conditions/0", progress("False", "ProgressDeadlineExceeded", "2025-02-03T10:12:00Z")),
    ];
    assert_eq!(short(&with(argo_rollout(), &late)), ":31 failed - 2025-02-03T10:12:00Z");
    let refused = [("/status/conditions/1", json!({"type": "InvalidSpec", "status": "True", "reason": "InvalidSpec"}))];
    assert_eq!(
        short(&with(argo_rollout(), &refused)),
        "Rollout shop/cart: its controller refuses its spec: nothing is rolled out"
    );
}

#[test]
fn a_time_that_cannot_be_read_is_a_problem() {
    let object = with(deployment(), &[conditions(progress("True", "NewReplicaSetAvailable", "yesterday"))]);
    insta::assert_snapshot!(told(&object), @"`status.conditions.lastUpdateTime`: `yesterday` is not an RFC 3339 timestamp; write it as 2025-01-31T12:00:00Z (timestamp_invalid)");
}
