//! An AnalysisRun: a canary analysis of the revision of a Rollout.

use domain::event::EventKind;
use domain::{Problem, Timestamp};
use serde_json::Value;

use super::{Told, deployment_id, name, revision};
use crate::body::Body;
use crate::json::{clip, text};

pub(super) fn read(body: &Body<'_>) -> Told {
    let name = name(body)?;
    let phase = body.text("/status/phase").unwrap_or("Pending");
    let passed = match phase {
        "Successful" => true,
        "Failed" | "Error" => false,
        "Inconclusive" => return Ok(Err("the analysis is inconclusive: a person decides".to_owned())),
        "Pending" | "Running" => return Ok(Err("the analysis has not ended".to_owned())),
        other => return Ok(Err(format!("the analysis is `{}`, which is no verdict", clip(other, 64).escape_debug()))),
    };
    let owners = body.get("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    let owner = owners.into_iter().find(|owner| text(owner.get("kind")) == Some("Rollout"));
    let Some(component) = owner.and_then(|owner| text(owner.get("name"))) else {
        return Ok(Err("the analysis is of no Rollout: an experiment, or somebody's own".to_owned()));
    };
    let Some(at) = ended_at(body)? else { return Ok(Err("the analysis does not say when it ended".to_owned())) };
    let namespace = body.text("/metadata/namespace").unwrap_or("default");
    let of = owner.and_then(|owner| text(owner.get("uid"))).zip(revision(body));
    body.draft(EventKind::CanaryAnalysis)
        .set("id", format!("{namespace}/{name}"))
        .set("component", component)
        .set("passed", passed)
        .at("at", at)
        .at("updated_at", at)
        .maybe("deployment_id", of.map(|(uid, revision)| deployment_id(uid, revision)))
        .copy_text("status_reason", body.text("/status/message"))
        .mark("workload", Some(component))
        .mark("namespace", Some(namespace))
        .event()
        .map(Ok)
}

/// When it ended; older versions tell only of their measurements.
fn ended_at(body: &Body<'_>) -> Result<Option<Timestamp>, Problem> {
    if let Some(at) = body.instant("/status/completedAt")? {
        return Ok(Some(at));
    }
    let results = body.get("/status/metricResults").and_then(Value::as_array).into_iter().flatten();
    let measured = results.filter_map(|result| result.get("measurements")?.as_array()).flatten();
    Ok(measured.filter_map(|one| Timestamp::parse(text(one.get("finishedAt"))?).ok()).max())
}
