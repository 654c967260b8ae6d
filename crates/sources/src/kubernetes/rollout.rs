//! How far the rollout of a workload's present revision is, by what its controller says.

use domain::{Problem, Timestamp};
use serde_json::Value;

use super::conditions::condition;
use super::names::annotation;
use crate::body::Body;

/// Reason of the condition `Progressing` of a rollout that is complete.
const COMPLETE: &str = "NewReplicaSetAvailable";
/// … of one that took too long.
const TOO_LONG: &str = "ProgressDeadlineExceeded";
/// … of one that began.
const BEGAN: &str = "NewReplicaSetCreated";

/// The rollout of one revision.
pub(super) struct Rollout {
    pub(super) revision: String,
    /// When it began, where the workload tells.
    pub(super) began: Option<Timestamp>,
    pub(super) state: State,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    InProgress,
    /// Since when, where the workload tells.
    Succeeded(Option<Timestamp>),
    Failed(Option<Timestamp>, Option<String>),
}

/// A rollout, or why there is none to tell of yet.
type Found = Result<Result<Rollout, &'static str>, Problem>;

const UNSEEN: &str = "its controller has not seen the latest change yet: what it says is of the revision before";
const NO_REVISION: &str = "its controller has not given it a revision yet";

pub(super) fn rollout(kind: &str, body: &Body<'_>) -> Found {
    // A controller writes the generation it has seen; Argo Rollouts writes it as a text.
    let observed = match body.get("/status/observedGeneration") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    if observed.is_none_or(|observed| observed < count(body, "/metadata/generation").unwrap_or_default()) {
        return Ok(Err(UNSEEN));
    }
    match kind {
        "StatefulSet" => stateful_set(body),
        "DaemonSet" => Ok(daemon_set(body)),
        "Rollout" => argo_rollout(body),
        _ => deployment(body),
    }
}

/// Complete is what the controller calls so: counts alone also change when somebody scales, and when a pod is moved.
fn deployment(body: &Body<'_>) -> Found {
    let Some(revision) = annotation(body, "deployment.kubernetes.io/revision") else { return Ok(Err(NO_REVISION)) };
    // The revision is not raised while it is paused, whatever became of the template.
    if body.get("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Ok(Err("it is paused: its revision may be that of an older pod template"));
    }
    let of = |name: &str| count(body, &format!("/status/{name}")).unwrap_or_default();
    let updated = of("updatedReplicas");
    let progressing = condition(body, "Progressing");
    let state = match &progressing {
        Some(progress) if !progress.is_true() && progress.reason() == TOO_LONG => {
            State::Failed(progress.at()?, progress.message().map(str::to_owned))
        }
        // Right after a rollback the condition is still that of the revision before; its pods are counted by then.
        Some(progress) if progress.reason() == COMPLETE && of("replicas") == updated => {
            State::Succeeded(progress.at()?)
        }
        Some(_) => State::InProgress,
        // Without a deadline there is no such condition.
        None => {
            let wanted = count(body, "/spec/replicas").unwrap_or(1);
            let complete = updated >= wanted && of("replicas") == updated && of("availableReplicas") >= updated;
            if complete { State::Succeeded(None) } else { State::InProgress }
        }
    };
    let began = match &progressing {
        _ if revision == "1" => body.instant("/metadata/creationTimestamp")?,
        Some(progress) if progress.reason() == BEGAN => progress.at()?,
        _ => None,
    };
    Ok(Ok(Rollout { revision: revision.to_owned(), began, state }))
}

/// A StatefulSet tells no times at all.
fn stateful_set(body: &Body<'_>) -> Found {
    let Some(revision) = body.text("/status/updateRevision") else { return Ok(Err(NO_REVISION)) };
    let of = |name: &str| count(body, &format!("/status/{name}"));
    let wanted = count(body, "/spec/replicas").unwrap_or(1);
    let ready = of("readyReplicas").unwrap_or_default();
    let up = ready >= wanted && of("availableReplicas").unwrap_or(ready) >= wanted;
    let all_new = body.text("/status/currentRevision") == Some(revision)
        || of("updatedReplicas").is_some_and(|updated| updated >= wanted);
    let state = if up && all_new { State::Succeeded(None) } else { State::InProgress };
    let first = count(body, "/metadata/generation") == Some(1);
    let began = if first { body.instant("/metadata/creationTimestamp")? } else { None };
    Ok(Ok(Rollout { revision: revision.to_owned(), began, state }))
}

/// A DaemonSet tells no times either. Its generation counts changes of everything, the annotation those of the template.
fn daemon_set(body: &Body<'_>) -> Result<Rollout, &'static str> {
    let of = |name: &str| count(body, &format!("/status/{name}")).unwrap_or_default();
    let generation = count(body, "/metadata/generation").map(|generation| generation.to_string());
    let template = annotation(body, "deprecated.daemonset.template.generation").map(str::to_owned);
    let revision = template.or(generation).ok_or(NO_REVISION)?;
    let wanted = of("desiredNumberScheduled");
    let complete = of("updatedNumberScheduled") >= wanted && of("numberAvailable") >= wanted;
    let state = if complete { State::Succeeded(None) } else { State::InProgress };
    Ok(Rollout { revision, began: None, state })
}

fn argo_rollout(body: &Body<'_>) -> Found {
    let Some(revision) = annotation(body, "rollout.argoproj.io/revision") else { return Ok(Err(NO_REVISION)) };
    let progressing = condition(body, "Progressing");
    let reason = progressing.as_ref().map(|progress| progress.reason()).unwrap_or_default();
    if condition(body, "InvalidSpec").is_some_and(|invalid| invalid.is_true()) {
        return Ok(Err("its controller refuses its spec: nothing is rolled out"));
    }
    let stable = body.text("/status/stableRS");
    let complete = stable.is_some() && stable == body.text("/status/currentPodHash");
    let aborted = body.get("/status/abort").and_then(Value::as_bool) == Some(true) || reason == "RolloutAborted";
    let state = if aborted || reason == TOO_LONG {
        let told = progressing.as_ref().filter(|progress| !progress.is_true());
        let at = match told {
            Some(progress) => progress.at()?,
            None => body.instant("/status/abortedAt")?,
        };
        let why = body.text("/status/message").or_else(|| told.and_then(|progress| progress.message()));
        State::Failed(at, why.map(str::to_owned))
    } else if complete {
        // `Completed` stays when somebody scales; `Healthy` and progress move.
        let done = condition(body, "Completed").filter(|done| done.is_true());
        let at = match (done, &progressing) {
            (Some(done), _) => done.turned_at()?,
            (None, Some(progress)) => progress.at()?,
            (None, None) => None,
        };
        State::Succeeded(at)
    } else {
        State::InProgress
    };
    let began = match &progressing {
        _ if revision == "1" => body.instant("/metadata/creationTimestamp")?,
        Some(progress) if reason == BEGAN => progress.at()?,
        _ => None,
    };
    Ok(Ok(Rollout { revision: revision.to_owned(), began, state }))
}

fn count(body: &Body<'_>, pointer: &str) -> Option<u64> {
    body.get(pointer)?.as_u64()
}
