//! Good bodies bent out of shape anywhere are read or refused, and nothing is dropped in silence.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::github::any::{leaf, places};
use crate::told::send;
use crate::{argo_rollouts, argocd, flux};

/// A source, and a body of it that has everything it reads.
fn bodies() -> Vec<(&'static str, Value)> {
    let degraded = json!({"/status/health": {"status": "Degraded", "lastTransitionTime": "2025-01-03T12:20:00Z"},
        "/status/operationState/phase": "Failed", "/spec/sources": [{"repoURL": "git@git.example:acme/values.git"}]});
    let printed = json!({"event": "deployment", "status": "failed", "app": "cart", "revision": "1", "timestamp": "2025-01-03T12:01:00Z"});
    let aborted = json!({"/status/abort": true, "/status/abortedAt": "2025-01-03T12:12:00Z", "/status/message": "x"});
    let (rollout, analysis) = (argo_rollouts::rollout(aborted), argo_rollouts::analysis("Failed", json!({})));
    let notified =
        json!({"event": "completed", "at": "2025-01-03T12:20:00Z", "rollout": rollout, "analysisRuns": [analysis]});
    vec![
        ("argocd", argocd::application(degraded)),
        ("argocd", printed),
        ("argo-rollouts", json!({"kind": "List", "items": [rollout, analysis]})),
        ("argo-rollouts", rollout),
        ("argo-rollouts", notified),
        ("flux", flux::event("Kustomization", "HealthCheckFailed", "12:00:00", json!({}))),
        ("flux", flux::event("HelmRelease", "info", "12:00:00", json!({"message": "Helm upgrade succeeded"}))),
    ]
}

#[test]
fn as_they_are_they_are_read() {
    for (source, body) in bodies() {
        let parsed = send(source, "webhook", &[], &body.to_string()).unwrap();
        assert!(!parsed.events.is_empty() && parsed.events.iter().all(Result::is_ok), "{source}: {parsed:?}");
    }
}

proptest! {
    #[test]
    fn bent_bodies_are_read_or_refused(
        (source, mut body) in prop::sample::select(bodies()),
        bends in prop::collection::vec((any::<prop::sample::Index>(), leaf()), 1..4),
    ) {
        for (index, value) in bends {
            let mut all = Vec::new();
            places(&body, "", &mut all);
            if !all.is_empty() && let Some(place) = body.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        let read = || send(source, "webhook", &[], &body.to_string());
        let result = read();
        prop_assert_eq!(&result, &read());
        match result {
            Ok(parsed) => prop_assert_ne!(parsed.events.is_empty(), parsed.ignored.is_none(), "nothing is dropped"),
            Err(problem) => prop_assert!(!problem.message.is_empty() && problem.code.status() < 500),
        }
    }
}
