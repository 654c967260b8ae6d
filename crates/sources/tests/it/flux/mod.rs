//! Flux's events.

use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Parsed, find, verify};

use crate::gitlab::shared::manifest;
use crate::support::{shared, sign};
use crate::told::{events, merged, tell, values};

pub(crate) const REVISION: &str = "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1";

pub(crate) fn read(body: &str) -> Result<Parsed, Problem> {
    crate::told::send("flux", "webhook", &[], body)
}

/// An event, with what is not as usual.
pub(crate) fn event(kind: &str, reason: &str, at: &str, more: Value) -> Value {
    let mut event = json!({
        "involvedObject": {"apiVersion": "x/v1", "kind": kind, "name": "cart", "namespace": "shop", "uid": "7d0cdc51"},
        "metadata": {"revision": format!("main@sha1:{REVISION}")},
        "severity": if reason.ends_with("Failed") { "error" } else { "info" },
        "reason": reason, "message": format!("{reason} in 1.2s"), "reportingController": "kustomize-controller",
        "timestamp": format!("2025-01-03T{at}Z")
    });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn kustomization(reason: &str, at: &str) -> Value {
    event("Kustomization", reason, at, json!({}))
}

fn told(event: &Value) -> String {
    tell(read(&event.to_string()))
}

#[test]
fn a_kustomization_that_was_reconciled_is_a_deployment() {
    insta::assert_snapshot!(told(&kustomization("ReconciliationSucceeded", "12:00:00")), @r#"
    deployment flux/7d0cdc51:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1
      component: "cart"
      environment: "production"
      environment_assumed: true
      finished_at: "2025-01-03T12:00:00Z"
      id: "7d0cdc51:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"
      marks: ["application:cart","namespace:shop"]
      revision: "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"
      revision_original: "main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1"
      status: "succeeded"
      trigger: "automated"
      updated_at: "1974-12-28T12:00:00Z"
    "#);
}

#[test]
fn the_first_success_of_a_revision_stays_whatever_fails_before_and_after() {
    let story = [
        kustomization("Progressing", "11:59:00"),
        kustomization("HealthCheckFailed", "12:00:00"),
        kustomization("ReconciliationFailed", "12:05:00"),
        kustomization("ReconciliationSucceeded", "12:10:00"),
        kustomization("ReconciliationFailed", "18:00:00"),
        kustomization("ReconciliationSucceeded", "18:10:00"),
    ];
    let all = events(story.iter().map(|event| read(&event.to_string())));
    assert_eq!(
        values(&merged(&all), &["status", "started_at", "finished_at"]),
        r#"status="succeeded" started_at="2025-01-03T11:59:00Z" finished_at="2025-01-03T12:10:00Z""#
    );
    assert_eq!(
        values(&merged(&all[..3]), &["status", "finished_at", "status_reason"]),
        r#"status="failed" finished_at="2025-01-03T12:00:00Z" status_reason="HealthCheckFailed in 1.2s""#
    );
    assert_eq!(values(&merged(&all[..1]), &["status"]), r#"status="in_progress""#);
}

#[test]
fn every_action_of_helm_is_a_deployment_of_its_own() {
    let release = |reason: &str, at: &str| {
        event(
            "HelmRelease",
            reason,
            at,
            json!({"metadata": {"helm.toolkit.fluxcd.io/revision": "6.5.4", "helm.toolkit.fluxcd.io/app-version": "1.2.0"}}),
        )
    };
    insta::assert_snapshot!(told(&release("UpgradeFailed", "12:00:00")), @r#"
    deployment flux/7d0cdc51:6.5.4@2025-01-03T12:00:00Z
      component: "cart"
      environment: "production"
      environment_assumed: true
      finished_at: "2025-01-03T12:00:00Z"
      id: "7d0cdc51:6.5.4@2025-01-03T12:00:00Z"
      marks: ["application:cart","namespace:shop"]
      revision: "6.5.4"
      status: "failed"
      status_reason: "UpgradeFailed in 1.2s"
      trigger: "automated"
      updated_at: "2025-01-03T12:00:00Z"
      version: "1.2.0"
    "#);
    let of = |reason: &str| events([read(&release(reason, "12:00:00").to_string())]).remove(0);
    for (reason, status) in [
        ("InstallSucceeded", "succeeded"),
        ("UpgradeSucceeded", "succeeded"),
        ("InstallFailed", "failed"),
        ("RollbackFailed", "failed"),
    ] {
        assert_eq!(of(reason).fields["status"], status, "{reason}");
    }
    assert_eq!(of("RollbackSucceeded").fields["change_kind"], "rollback");
    let again = events([read(&release("UpgradeSucceeded", "13:00:00").to_string())]).remove(0);
    assert_ne!(of("UpgradeSucceeded").key, again.key);
    assert_eq!(of("UpgradeSucceeded").key, of("UpgradeSucceeded").key);
}

#[test]
fn older_versions_say_it_in_words() {
    for (message, status) in [
        ("Helm upgrade succeeded", Some("succeeded")),
        ("Helm install failed: timed out", Some("failed")),
        ("reconciliation failed: x", None),
        ("Helm test succeeded", None),
    ] {
        let event = event("HelmRelease", "info", "12:00:00", json!({ "message": message }));
        let parsed = read(&event.to_string()).unwrap();
        let found = parsed.events.first().map(|event| event.as_ref().unwrap().fields["status"].clone());
        assert_eq!(found, status.map(Value::from), "{message}");
    }
}

#[test]
fn what_deploys_nothing_is_ignored_with_the_reason() {
    for (kind, reason, why) in [
        (
            "GitRepository",
            "NewArtifact",
            "a GitRepository deploys nothing: the Kustomizations and Helm releases made of it tell what they do",
        ),
        ("Kustomization", "DependencyNotReady", "it waits for what it depends on: nothing of it has begun"),
        ("Kustomization", "ArtifactFailed", "it waits for what it depends on: nothing of it has begun"),
        (
            "Kustomization",
            "HealthCheckPassed",
            "the event `HealthCheckPassed` does not say that something was deployed",
        ),
        ("HelmRelease", "TestSucceeded", "the event `TestSucceeded` does not say that something was deployed"),
        (
            "HelmRelease",
            "UninstallSucceeded",
            "the event `UninstallSucceeded` does not say that something was deployed",
        ),
    ] {
        assert_eq!(told(&event(kind, reason, "12:00:00", json!({}))), format!("ignored: {why}"));
    }
    let unknown = event("Kustomization", "BuildFailed", "12:00:00", json!({"metadata": {}}));
    assert_eq!(told(&unknown), "ignored: the event does not say which revision it is about");
    assert_eq!(
        told(
            &json!({"involvedObject": {"kind": "Kustomization", "name": "cart"}, "reason": "ReconciliationSucceeded"})
        ),
        "`timestamp` is missing or empty: it says when it happened. (missing_field)"
    );
}

#[test]
fn an_artifact_has_the_commit_it_was_made_of() {
    let pushed = event(
        "Kustomization",
        "ReconciliationSucceeded",
        "12:00:00",
        json!({"metadata": {
        "revision": format!("latest@sha256:{}", "0a".repeat(32)), "event.toolkit.fluxcd.io/originRevision": format!("main@sha1:{REVISION}")}}),
    );
    assert_eq!(events([read(&pushed.to_string())])[0].fields["revision"], REVISION);
}

#[test]
fn every_shared_event_has_the_meaning_proposed() {
    for (file, proposed) in manifest("flux/") {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let all = events([read(&std::fs::read_to_string(path).unwrap())]);
        let event = &all[0];
        assert_eq!((&event.fields["status"], &proposed["status"]), (&"failed".into(), &"failure".into()), "{file}");
        assert_eq!(event.fields["finished_at"], proposed["t"], "{file}");
        // The commit alone: the branch before it is how Flux writes it.
        assert_eq!(event.fields["revision_original"], proposed["revision"], "{file}");
        assert!(proposed["revision"].as_str().unwrap().ends_with(event.fields["revision"].as_str().unwrap()), "{file}");
        let marks = event.fields["marks"].to_string();
        assert!(marks.contains("application:webapp") && marks.contains("namespace:apps"), "{file}: {marks}");
    }
}

#[test]
fn the_signature_of_a_generic_hmac_provider_fits() {
    let body = kustomization("ReconciliationSucceeded", "12:00:00").to_string();
    let signed = |digits: &str| [("X-Signature".to_owned(), format!("sha256={digits}"))];
    let flux = find("flux").unwrap();
    let now = Timestamp::from_micros(0);
    let good = sign(body.as_bytes(), b"s3cret");
    assert_eq!(verify(flux, &signed(&good), body.as_bytes(), b"s3cret", now), Ok(()));
    assert!(verify(flux, &signed(&good), body.as_bytes(), b"other", now).is_err());
    assert!(
        verify(flux, &[("X-Signature".to_owned(), format!("sha512={good}"))], body.as_bytes(), b"s3cret", now).is_err()
    );
}
