//! Argo CD: applications as notifications send them and as the API lists them.

mod backfill;
mod shared;

use domain::Problem;
use serde_json::{Value, json};
use sources::Parsed;

use crate::told::{events, merged, tell, values};

pub(crate) const REVISION: &str = "53e28ff20cc530b9ada2173fbbd64d48338583ba";

pub(crate) fn read(body: &str) -> Result<Parsed, Problem> {
    crate::told::send("argocd", "webhook", &[], body)
}

/// An application of two deployments, with changes by place.
pub(crate) fn application(changes: Value) -> Value {
    let mut application = json!({
        "metadata": {"name": "cart", "namespace": "argocd", "uid": "7d0cdc51", "labels": {"environment": "staging"}},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/acme/manifests.git", "path": "cart", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
        "status": {
            "history": [
                {"id": 0, "revision": "a".repeat(40), "deployStartedAt": "2025-01-02T12:00:00Z", "deployedAt": "2025-01-02T12:01:00Z"},
                {"id": 1, "revision": REVISION, "deployStartedAt": "2025-01-03T12:00:00Z", "deployedAt": "2025-01-03T12:01:00Z",
                    "initiatedBy": {"automated": true}}],
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)", "startedAt": "2025-01-03T12:00:00Z",
                "finishedAt": "2025-01-03T12:01:00Z", "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": REVISION}},
                "syncResult": {"revision": REVISION}},
            "sync": {"status": "Synced", "revision": REVISION},
            "health": {"status": "Progressing"},
            "summary": {"images": ["registry.example/shop/cart:1.2.0", "registry.example/shop/proxy@sha256:00"]}
        }
    });
    for (place, value) in changes.as_object().unwrap() {
        let (parent, name) = place.rsplit_once('/').unwrap();
        application.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    application
}

fn told(changes: Value) -> String {
    tell(read(&application(changes).to_string()))
}

#[test]
fn each_entry_of_the_history_is_a_deployment() {
    insta::assert_snapshot!(told(json!({})), @r#"
    deployment argocd/7d0cdc51/0
      component: "cart"
      environment: "staging"
      finished_at: "2025-01-02T12:01:00Z"
      id: "7d0cdc51/0"
      marks: ["application:cart","project:shop","namespace:shop","cluster:https://kubernetes.default.svc","repository:acme/manifests","image:registry.example/shop/cart","image:registry.example/shop/proxy"]
      revision: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      started_at: "2025-01-02T12:00:00Z"
      status: "succeeded"
      updated_at: "2025-01-02T12:01:00Z"
    deployment argocd/7d0cdc51/1
      component: "cart"
      environment: "staging"
      finished_at: "2025-01-03T12:01:00Z"
      id: "7d0cdc51/1"
      images: ["registry.example/shop/cart:1.2.0","registry.example/shop/proxy@sha256:00"]
      marks: ["application:cart","project:shop","namespace:shop","cluster:https://kubernetes.default.svc","repository:acme/manifests","image:registry.example/shop/cart","image:registry.example/shop/proxy"]
      revision: "53e28ff20cc530b9ada2173fbbd64d48338583ba"
      started_at: "2025-01-03T12:00:00Z"
      status: "succeeded"
      trigger: "automated"
      updated_at: "2025-01-03T12:01:00Z"
    "#);
}

#[test]
fn a_sync_that_failed_is_one_too() {
    let failed = json!({"/status/history": [], "/status/operationState/phase": "Failed", "/status/operationState/message": "one or more objects failed to apply",
        "/status/operationState/operation/initiatedBy": {"username": "ada"}, "/metadata/labels": null});
    insta::assert_snapshot!(told(failed), @r#"
    deployment argocd/7d0cdc51@2025-01-03T12:00:00Z
      actor: "ada"
      component: "cart"
      environment: "production"
      environment_assumed: true
      finished_at: "2025-01-03T12:01:00Z"
      id: "7d0cdc51@2025-01-03T12:00:00Z"
      marks: ["application:cart","project:shop","namespace:shop","cluster:https://kubernetes.default.svc","repository:acme/manifests","image:registry.example/shop/cart","image:registry.example/shop/proxy"]
      revision: "53e28ff20cc530b9ada2173fbbd64d48338583ba"
      started_at: "2025-01-03T12:00:00Z"
      status: "failed"
      status_reason: "one or more objects failed to apply"
      trigger: "manual"
      updated_at: "2025-01-03T12:01:00Z"
    "#);
}

#[test]
fn a_sync_that_goes_on_is_none_yet() {
    for phase in ["Running", "Terminating"] {
        let going_on = json!({"/status/history": [], "/status/operationState/phase": phase, "/status/operationState/finishedAt": null});
        assert_eq!(told(going_on), "ignored: the sync is still going on");
    }
    let new = json!({"/status/history": null, "/status/operationState": null});
    assert_eq!(told(new), "ignored: the application has not been synced yet");
}

#[test]
fn images_are_those_of_the_last_deployment_when_nothing_is_on_its_way() {
    let images = |changes: Value| {
        let all = events([read(&application(changes).to_string())]);
        all.iter().map(|event| event.fields.contains_key("images")).collect::<Vec<_>>()
    };
    assert_eq!(images(json!({})), [false, true]);
    assert_eq!(images(json!({"/status/sync/status": "OutOfSync"})), [false, false]);
    assert_eq!(images(json!({"/status/operationState/phase": "Running"})), [false, false]);
}

fn health(status: &str, at: &str) -> Value {
    json!({"/status/health": {"status": status, "lastTransitionTime": at}})
}

#[test]
fn the_first_bad_health_after_a_deployment_stays() {
    let told = [
        health("Progressing", "2025-01-03T12:01:00Z"),
        health("Healthy", "2025-01-03T12:02:00Z"),
        health("Degraded", "2025-01-03T12:20:00Z"),
        health("Healthy", "2025-01-03T12:30:00Z"),
        health("Degraded", "2025-01-05T12:20:00Z"),
    ];
    let all = events(told.map(|changes| read(&application(changes).to_string())));
    let last: Vec<_> = all.into_iter().filter(|event| event.key.id.ends_with("/1")).collect();
    assert_eq!(
        values(&merged(&last), &["status", "health", "health_at"]),
        r#"status="succeeded" health="degraded" health_at="2025-01-03T12:20:00Z""#
    );
    assert_eq!(
        values(&merged(&last[..2]), &["health", "health_at"]),
        r#"health="healthy" health_at="2025-01-03T12:02:00Z""#
    );
}

#[test]
fn bad_health_of_before_is_not_the_deployments() {
    let all = events([read(&application(health("Degraded", "2025-01-03T11:00:00Z")).to_string())]);
    assert!(all.iter().all(|event| !event.fields.contains_key("health")));
}

#[test]
fn an_application_of_several_sources_has_several_revisions() {
    let several = json!({"/status/history": [{"id": 4, "revisions": ["1.4.2", REVISION], "deployedAt": "2025-01-03T12:01:00Z"}],
        "/spec/source": null, "/spec/sources": [{"repoURL": "https://charts.example", "chart": "cart"}, {"repoURL": "git@git.example:acme/values.git"}]});
    let all = events([read(&application(several).to_string())]);
    assert_eq!(
        values(&merged(&all), &["revision", "revisions"]),
        format!(r#"revision="1.4.2" revisions=["1.4.2","{REVISION}"]"#)
    );
    assert!(all[0].fields["marks"].to_string().contains("repository:acme/values"));
}

#[test]
fn the_template_of_the_article_is_read_as_printed() {
    let printed = json!({"event": "deployment", "status": "failed", "app": "cart", "revision": REVISION, "timestamp": "2025-01-03T12:01:00Z"});
    insta::assert_snapshot!(tell(read(&printed.to_string())), @r#"
    deployment argocd/cart@2025-01-03T12:01:00Z
      component: "cart"
      environment: "production"
      environment_assumed: true
      finished_at: "2025-01-03T12:01:00Z"
      id: "cart@2025-01-03T12:01:00Z"
      marks: ["application:cart"]
      revision: "53e28ff20cc530b9ada2173fbbd64d48338583ba"
      status: "failed"
    "#);
    for (changed, why) in [
        (json!({"app": "cart", "event": "sync"}), "ignored: the event is `sync`, not `deployment`"),
        (json!({"app": "cart", "status": "odd"}), "`status` is `odd`; it takes success, failed (unknown_value)"),
    ] {
        assert_eq!(tell(read(&changed.to_string())), why);
    }
    let bare = tell(read(r#"{"app": "cart", "timestamp": "<no value>", "revision": "<no value>"}"#));
    assert!(
        bare.contains("status_assumed: true") && bare.contains("time_assumed: true") && !bare.contains("revision"),
        "{bare}"
    );
}

#[test]
fn what_is_no_application_is_a_problem() {
    assert_eq!(
        read("{}").unwrap_err().to_string(),
        "`metadata` is missing or empty: a notification tells the application; see the template in `deploy/argocd`. (missing_field)"
    );
    let parsed = read(&application(json!({"/status/history": [7, {"id": 1}]})).to_string()).unwrap();
    let problems: Vec<_> = parsed.events.iter().map(|event| event.as_ref().unwrap_err().message.clone()).collect();
    assert_eq!(
        problems,
        [
            "`status.history` takes objects, not a number",
            "`deployedAt` is missing or empty: it says when the sync ended."
        ]
    );
}
