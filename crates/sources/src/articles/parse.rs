//! Deployments and incidents.

use domain::event::EventKind;
use domain::{Code, Problem};
use sha2::{Digest, Sha256};

use super::fields::Fields;
use crate::json::missing;
use crate::{Delivery, Parsed, json, severity, table};

const COMPONENT: &str = "it names what is deployed.";

/// What a kind of sender has to say.
#[derive(Clone, Copy)]
pub(super) struct Required {
    /// `commit_timestamp` is required.
    commit_time: bool,
}

/// The CI jobs know the commit, not its time.
pub(super) const CI_JOB: Required = Required { commit_time: false };
/// The FastAPI model has no default for it.
pub(super) const SERVICE: Required = Required { commit_time: true };

pub(super) fn deployment(delivery: &Delivery<'_>, required: Required) -> Result<Parsed, Problem> {
    let mut fields = Fields::new(json::hook(delivery)?);
    let content_id = fields.content_id(EventKind::Deployment);
    let service = fields.rename("service", "component", COMPONENT)?;
    let environment = fields.rename("environment", "environment", "it says where to.")?;
    fields.rename("commit_sha", "sha", "it says which code is deployed.")?;
    fields.instant("deployed_at", "finished_at")?.ok_or_else(|| {
        missing("deployed_at", "it says when the deployment ended; `$(date -Iseconds)` at the end of the job does.")
    })?;
    if fields.instant("commit_timestamp", "commit_at")?.is_none() && required.commit_time {
        return Err(missing("commit_timestamp", "it is the time of the commit deployed."));
    }
    // `${{ github.repository }}` is the repository: it joins the deployment with the commits that are pushed there.
    if service.split('/').count() == 2 && service.split('/').all(|part| !part.is_empty()) {
        fields.set("repo", service.as_str());
    }
    status(&mut fields)?;
    // Both are read in any case: a wrong one is a mistake even beside the other.
    let (rollback, hotfix) = (fields.flag("is_rollback")?, fields.flag("is_hotfix")?);
    if rollback || hotfix {
        fields.set("change_kind", if rollback { "rollback" } else { "hotfix" });
    }
    let id = match (fields.text("id")?, fields.text("pipeline_id")?) {
        (Some(id), pipeline) if !id.is_empty() => {
            keep_pipeline(&mut fields, pipeline);
            id
        }
        (_, Some(pipeline)) if !pipeline.is_empty() => {
            let id = pipeline_deployment(&service, &environment, &pipeline);
            keep_pipeline(&mut fields, Some(pipeline));
            id
        }
        _ => content_id,
    };
    fields.set("id", id);
    one(fields, EventKind::Deployment, delivery)
}

/// One pipeline deploys to several environments, and pipelines of two servers may have the same number.
fn pipeline_deployment(service: &str, environment: &str, pipeline: &str) -> String {
    let id = format!("{service}@{environment}:{pipeline}");
    if id.len() <= 512 { id } else { table::hex(&Sha256::digest(id.as_bytes())) }
}

fn keep_pipeline(fields: &mut Fields, pipeline: Option<String>) {
    if let Some(pipeline) = pipeline {
        fields.set("pipeline_id", pipeline);
    }
}

pub(super) fn incident(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let mut fields = Fields::new(json::hook(delivery)?);
    fields.rename("incident_id", "id", "the same id again updates the incident.")?;
    fields.rename("service", "component", "it names what suffers.")?;
    let original = fields.required("severity", "it says how bad it is, such as P1 or critical.")?;
    fields.set("severity", severity(&original));
    fields.set("severity_original", original);
    let detected = fields
        .instant("detected_at", "detected_at")?
        .ok_or_else(|| missing("detected_at", "it says when the incident began."))?;
    fields.set("opened_at", detected.to_string());
    fields.instant("resolved_at", "resolved_at")?;
    one(fields, EventKind::Incident, delivery)
}

pub(super) fn argo_cd(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let mut fields = Fields::new(json::hook(delivery)?);
    let content_id = fields.content_id(EventKind::Deployment);
    if let Some(event) = fields.text("event")?.filter(|event| !event.is_empty() && event != "deployment") {
        return Ok(Parsed::ignored(format!("the event is `{event}`, not `deployment`")));
    }
    fields.rename("app", "component", COMPONENT)?;
    // The collector reads nothing else. Whether it is code or configuration is found out later (METRICS.md section 2).
    fields.rename("revision", "revision", "it says which commit is deployed.")?;
    status(&mut fields)?;
    if fields.instant("timestamp", "finished_at")?.is_none() {
        // The collector takes its own clock, too.
        fields.set("finished_at", delivery.received_at.to_string());
        fields.assume_time();
    }
    match fields.text("environment")?.filter(|environment| !environment.is_empty()) {
        Some(environment) => fields.set("environment", environment),
        None => {
            fields.set("environment", "production");
            fields.set("environment_assumed", true);
        }
    }
    fields.set("id", content_id);
    one(fields, EventKind::Deployment, delivery)
}

/// The words CI jobs and Argo CD use. A missing status is success: the jobs report only what went well.
fn status(fields: &mut Fields) -> Result<(), Problem> {
    let Some(word) = fields.text("status")? else {
        fields.set("status", "succeeded");
        fields.set("status_assumed", true);
        return Ok(());
    };
    let native = match word.to_ascii_lowercase().as_str() {
        "success" | "succeeded" => "succeeded",
        "failed" | "failure" | "error" => "failed",
        "cancelled" | "canceled" => "cancelled",
        "in_progress" | "running" => "in_progress",
        _ => {
            let short: String = word.chars().take(64).collect();
            return Err(Problem::new(
                Code::UnknownValue,
                format!("`status` is `{short}`; it takes success, failed, cancelled, in_progress"),
            ));
        }
    };
    fields.set("status", native);
    Ok(())
}

/// A body that is one event is wrong as a whole when the event is.
fn one(fields: Fields, kind: EventKind, delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let event = fields.event(kind, delivery.received_at)?;
    Ok(Parsed { events: vec![Ok(event)], ignored: None })
}
