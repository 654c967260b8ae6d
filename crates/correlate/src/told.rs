//! What a deployment is read from: its own events, else a pipeline run that a rule calls a deployment.

use domain::DeploymentKey;
use domain::catalogue::Placer;
use domain::event::{Deployment, EventKind, PipelineRun};

use crate::engine::as_entity;
use crate::ledger::{Ledger, Result};

/// The deployment by this identity; none when nothing makes one of it, or no longer does.
pub(crate) fn deployment(ledger: &mut impl Ledger, placer: &Placer, key: &DeploymentKey) -> Result<Option<Deployment>> {
    let entity_key = as_entity(EventKind::Deployment, key);
    let entity = ledger.entity(&entity_key)?;
    if let Some(told) = entity.and_then(|entity| Deployment::read(&entity_key, &entity)) {
        return Ok(Some(told));
    }
    if placer.rules().workflow_deployments.is_empty() {
        return Ok(None);
    }
    let run_key = as_entity(EventKind::PipelineRun, key);
    let run = ledger.entity(&run_key)?.and_then(|entity| PipelineRun::read(&run_key, &entity));
    Ok(run.and_then(|run| placer.rules().deployment_of(&run)))
}
