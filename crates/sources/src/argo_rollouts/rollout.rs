//! A Rollout: the deployment of its present revision.
//! <https://argo-rollouts.readthedocs.io/en/stable/features/specification/>

use domain::event::{EventKind, image_name};
use domain::{Problem, Timestamp};
use serde_json::Value;

use super::{Told, deployment_id, name, need_uid, noted, revision};
use crate::body::{Body, Draft};
use crate::json::{clip, text};

/// A condition of its status.
struct Condition<'a> {
    holds: bool,
    reason: &'a str,
    message: Option<&'a str>,
    /// When it last became what it is.
    turned_at: Option<Timestamp>,
}

/// As it stands in the cluster.
pub(super) fn read(body: &Body<'_>) -> Told {
    let revision = match revision(body) {
        Some(revision) => revision,
        None => return Ok(Err("the Rollout has no revision yet".to_owned())),
    };
    // What the controller says is of the generation it has seen, which it writes as a text.
    let seen = match body.get("/status/observedGeneration") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    if seen < body.get("/metadata/generation").and_then(Value::as_u64) {
        return Ok(Err("the Rollout was changed, and its controller has not seen it yet".to_owned()));
    }
    let progressing = condition(body, "Progressing")?;
    let reason = progressing.as_ref().map(|progress| progress.reason).unwrap_or_default();
    let stable = body.text("/status/stableRS");
    let complete = stable.is_some() && stable == body.text("/status/currentPodHash");
    let aborted = body.get("/status/abort") == Some(&Value::Bool(true)) || reason == "RolloutAborted";
    let draft = draft(body, revision)?;
    if aborted || reason == "ProgressDeadlineExceeded" {
        let turned_at = progressing.as_ref().and_then(|progress| progress.turned_at);
        let Some(at) = body.instant("/status/abortedAt")?.filter(|_| aborted).or(turned_at) else {
            return Ok(Err("the Rollout failed, and does not say when".to_owned()));
        };
        let told = progressing.as_ref().and_then(|progress| progress.message);
        let why = body.text("/status/message").or(told);
        return ended(draft, "failed", at, why).map(Ok);
    }
    if !complete {
        // Less new than any end: a pod that is moved takes back nothing.
        let began = body.instant("/metadata/creationTimestamp")?.unwrap_or(Timestamp::from_micros(0));
        return draft.set("status", "in_progress").at("updated_at", began).event().map(Ok);
    }
    // Scaling moves other conditions, and not this one.
    let done = condition(body, "Completed")?.filter(|done| done.holds).or(progressing);
    match done.and_then(|done| done.turned_at) {
        Some(at) => ended(draft, "succeeded", at, None).map(Ok),
        None => Ok(Err("the Rollout is complete, and does not say since when".to_owned())),
    }
}

/// As a notification of this event has it: the Rollout itself may still be told as it was before.
pub(super) fn notified(body: &Body<'_>, event: &str, at: Timestamp) -> Told {
    let status = match event {
        "completed" => "succeeded",
        "aborted" => "failed",
        "analysis" => return Ok(Err("none of the Rollout's analyses has ended".to_owned())),
        other => {
            let other = clip(other, 64).escape_debug();
            return Ok(Err(format!("the event `{other}` does not say how a rollout ended")));
        }
    };
    let Some(revision) = revision(body) else { return Ok(Err("the Rollout has no revision yet".to_owned())) };
    let why = body.text("/status/message").filter(|_| status == "failed");
    ended(draft(body, revision)?, status, at, why).map(Ok)
}

fn ended(draft: Draft<'_>, status: &str, at: Timestamp, why: Option<&str>) -> Result<domain::event::Event, Problem> {
    draft.set("status", status).at("finished_at", at).at("updated_at", at).copy_text("status_reason", why).event()
}

fn draft<'a>(body: &'a Body<'a>, revision: &str) -> Result<Draft<'a>, Problem> {
    let name = name(body)?;
    let namespace = body.text("/metadata/namespace").unwrap_or("default");
    let told = |name: &str| noted(body, "annotations", name).or_else(|| noted(body, "labels", name));
    let containers = body.get("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten();
    let images: Vec<&str> = containers.filter_map(|container| text(container.get("image"))).collect();
    let version = ["info/version", "app.kubernetes.io/version"].iter().find_map(|name| told(name));
    let mut draft = body
        .draft(EventKind::Deployment)
        .set("id", deployment_id(need_uid(body)?, revision))
        .set("component", told("info/component").unwrap_or(name))
        // A namespace is where it runs; rules say which of them are production.
        .set("environment", told("info/environment").unwrap_or(namespace))
        .maybe("version", version.or_else(|| tag_of_one(&images)))
        .maybe("config_hash", body.text("/status/currentPodHash"))
        .maybe("repo", told("info/repo"))
        .mark("workload", Some(name))
        .mark("namespace", Some(namespace))
        .mark("application", told("argocd.argoproj.io/instance").or_else(|| told("app.kubernetes.io/instance")))
        .mark("repository", told("info/repo"));
    for image in &images {
        draft = draft.mark("image", Some(image_name(image)));
    }
    Ok(if images.is_empty() { draft } else { draft.set("images", images) })
}

/// The tag of the image where there is only one.
fn tag_of_one<'a>(images: &[&'a str]) -> Option<&'a str> {
    let [image] = images else { return None };
    let named = image.split('@').next().unwrap_or(image);
    named.strip_prefix(image_name(image))?.strip_prefix(':').filter(|tag| !tag.is_empty())
}

fn condition<'a>(body: &'a Body<'_>, kind: &str) -> Result<Option<Condition<'a>>, Problem> {
    let all = body.get("/status/conditions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(place) = all.iter().position(|condition| text(condition.get("type")) == Some(kind)) else {
        return Ok(None);
    };
    let of = |name: &str| format!("/status/conditions/{place}/{name}");
    // Progress turns from one revision to the next without ceasing to be true.
    let time = if kind == "Progressing" { "lastUpdateTime" } else { "lastTransitionTime" };
    Ok(Some(Condition {
        holds: body.text(&of("status")) == Some("True"),
        reason: body.text(&of("reason")).unwrap_or_default(),
        message: body.text(&of("message")),
        turned_at: body.instant(&of(time))?,
    }))
}
