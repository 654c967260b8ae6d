//! The trait, method by method: see the modules beside for what each does.

use std::sync::Arc;

use correlate::{Arrived, CommitNode, Ledger, Reach, Result, Wait, Which};
use domain::catalogue::ComponentId;
use domain::event::{Entity, EventKind};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, Lane, OtherFact};
use domain::key::IncidentKey;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};
use roaring::RoaringBitmap;

use super::SqliteLedger;

fn shared<T>(found: Vec<T>) -> Vec<Arc<T>> {
    found.into_iter().map(Arc::new).collect()
}

impl Ledger for SqliteLedger<'_> {
    fn entity(&mut self, key: &EntityKey) -> Result<Option<Arc<Entity>>> {
        Ok(self.read_entity(key)?.map(Arc::new))
    }

    fn put_entity(&mut self, key: &EntityKey, entity: Arc<Entity>) -> Result<()> {
        Ok(self.write_entity(key, &entity)?)
    }

    fn entity_keys(&mut self, kind: EventKind) -> Result<Vec<EntityKey>> {
        Ok(self.read_entity_keys(kind)?)
    }

    fn deployment(&mut self, key: &DeploymentKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_deployment(key)?.map(Arc::new))
    }

    fn put_deployment(&mut self, fact: Arc<DeploymentFact>) -> Result<()> {
        Ok(self.write_deployment(&fact)?)
    }

    fn remove_deployment(&mut self, key: &DeploymentKey) -> Result<()> {
        Ok(self.delete_deployment(key)?)
    }

    fn deployments_from(&mut self, component: &ComponentId, from: &OrderKey) -> Result<Vec<Arc<DeploymentFact>>> {
        Ok(shared(self.read_deployments_from(component, from)?))
    }

    fn last_in_lane(&mut self, lane: &Lane, which: Which, before: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_last_in_lane(lane, which, before)?.map(Arc::new))
    }

    fn next_counted_in_lane(&mut self, lane: &Lane, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_next_counted_in_lane(lane, after)?.map(Arc::new))
    }

    fn last_with_code(
        &mut self,
        lane: &Lane,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_last_with_code(lane, sha, version, before)?.map(Arc::new))
    }

    fn last_counted_other(
        &mut self,
        component: &ComponentId,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_last_counted_other(component, sha, version, before)?.map(Arc::new))
    }

    fn last_counted_in_scope(
        &mut self,
        product: &str,
        component: Option<&ComponentId>,
        instance: Option<&str>,
        before: Timestamp,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_last_counted_in_scope(product, component, instance, before)?.map(Arc::new))
    }

    fn first_remedy_after(&mut self, component: &ComponentId, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_first_remedy_after(component, after)?.map(Arc::new))
    }

    fn last_remedy_before(
        &mut self,
        component: &ComponentId,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.read_last_remedy_before(component, before)?.map(Arc::new))
    }

    fn suspects(&mut self, component: &ComponentId, from: &OrderKey, before: &OrderKey) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_suspects(component, from, before)?)
    }

    fn blamers(&mut self, of: &DeploymentKey) -> Result<Vec<Arc<DeploymentFact>>> {
        Ok(shared(self.read_blamers(of)?))
    }

    fn deployments_by_id(&mut self, id: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_deployments_by_id(id)?)
    }

    fn deployments_by_sha(&mut self, sha: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_deployments_by_sha(sha)?)
    }

    fn production_between(&mut self, product: &str, from: Timestamp, before: Timestamp) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_production_between(product, from, before)?)
    }

    fn fixers(&mut self, incident_id: &str) -> Result<Vec<Arc<DeploymentFact>>> {
        Ok(shared(self.read_fixers(incident_id)?))
    }

    fn incident(&mut self, key: &IncidentKey) -> Result<Option<IncidentFact>> {
        Ok(self.read_incident(key)?)
    }

    fn put_incident(&mut self, fact: &IncidentFact) -> Result<()> {
        Ok(self.write_incident(fact)?)
    }

    fn remove_incident(&mut self, key: &IncidentKey) -> Result<()> {
        Ok(self.delete_incident(key)?)
    }

    fn incidents_between(&mut self, product: &str, after: Timestamp, until: Timestamp) -> Result<Vec<IncidentKey>> {
        Ok(self.read_incidents_between(product, after, until)?)
    }

    fn incidents_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<IncidentFact>> {
        Ok(self.read_incidents_of(deployment)?)
    }

    fn incidents_naming(&mut self, deployment_id: &str) -> Result<Vec<IncidentKey>> {
        Ok(self.read_incidents_naming(deployment_id)?)
    }

    fn put_incident_names(&mut self, key: &IncidentKey, deployment_ids: &[String]) -> Result<()> {
        Ok(self.write_incident_names(key, deployment_ids)?)
    }

    fn incidents_by_id(&mut self, id: &str) -> Result<Vec<IncidentKey>> {
        Ok(self.read_incidents_by_id(id)?)
    }

    fn first_opened_after(&mut self, product: &str, after: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.read_first_opened_after(product, after)?)
    }

    fn last_opened_before(&mut self, product: &str, before: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.read_last_opened_before(product, before)?)
    }

    fn put_other(&mut self, fact: &OtherFact) -> Result<()> {
        Ok(self.write_other(fact)?)
    }

    fn others_named(&mut self, name: &str) -> Result<Vec<EntityKey>> {
        Ok(self.read_others_named(name)?)
    }

    fn named(&mut self, name: &str) -> Result<(Vec<DeploymentKey>, Vec<IncidentKey>)> {
        Ok((self.read_deployments_named(name)?, self.read_incidents_named(name)?))
    }

    fn implied(&mut self) -> Result<Vec<ComponentId>> {
        Ok(self.read_implied()?)
    }

    fn implied_by_other(&mut self, component: &ComponentId, than: &DeploymentKey) -> Result<bool> {
        Ok(self.read_implied_by_other(component, than)?)
    }

    fn repo_id(&mut self, repo: &str) -> Result<u32> {
        Ok(self.repo(repo)?)
    }

    fn commit_id(&mut self, repo: u32, sha: &str) -> Result<u32> {
        Ok(self.take_commit(repo, sha)?)
    }

    fn commit_node(&mut self, repo: u32, id: u32) -> Result<Option<Arc<CommitNode>>> {
        Ok(self.read_commit_node(repo, id)?.map(Arc::new))
    }

    fn put_commit_node(&mut self, repo: u32, id: u32, node: Arc<CommitNode>) -> Result<()> {
        Ok(self.write_commit_node(repo, id, &node)?)
    }

    fn find_commit(&mut self, repo: &str, prefix: &str) -> Result<Vec<String>> {
        Ok(self.read_find_commit(repo, prefix)?)
    }

    fn find_commit_anywhere(&mut self, prefix: &str) -> Result<Vec<(String, String)>> {
        Ok(self.read_find_commit_anywhere(prefix)?)
    }

    fn tags(&mut self, repo: &str, normalised: &str) -> Result<Vec<(String, String)>> {
        Ok(self.read_tags(repo, normalised)?)
    }

    fn put_tag(&mut self, repo: &str, name: &str, normalised: &str, sha: &str) -> Result<()> {
        Ok(self.write_tag(repo, name, normalised, sha)?)
    }

    fn pull_request_of(&mut self, repo: &str, merge_sha: &str) -> Result<Option<EntityKey>> {
        Ok(self.read_pull_request_of(repo, merge_sha)?)
    }

    fn put_pull_request(&mut self, key: &EntityKey, repo: &str, merge_sha: &str) -> Result<()> {
        Ok(self.write_pull_request(key, repo, merge_sha)?)
    }

    fn set_waits(&mut self, deployment: &DeploymentKey, waits: &[Wait]) -> Result<()> {
        Ok(self.write_waits(deployment, waits)?)
    }

    fn waiting(&mut self, wait: &Wait) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_waiting(wait)?)
    }

    fn reached(&mut self, reach: &Reach, repo: u32) -> Result<RoaringBitmap> {
        Ok(self.read_reached(reach, repo)?)
    }

    fn reaching(&mut self, repo: u32) -> Result<Vec<ComponentId>> {
        Ok(self.read_reaching(repo)?)
    }

    fn put_reached(&mut self, reach: &Reach, repo: u32, commits: &RoaringBitmap) -> Result<()> {
        Ok(self.write_reached(reach, repo, commits)?)
    }

    fn arrived(&mut self, deployment: &DeploymentKey) -> Result<Option<Arrived>> {
        Ok(self.read_arrived(deployment)?)
    }

    fn put_arrived(&mut self, deployment: &DeploymentKey, arrived: Option<Arrived>) -> Result<()> {
        Ok(self.write_arrived(deployment, arrived.as_ref())?)
    }

    fn commits(&mut self, deployment: &DeploymentKey) -> Result<Vec<CommitFact>> {
        Ok(self.read_commits(deployment)?)
    }

    fn put_commits(&mut self, deployment: &DeploymentKey, commits: Vec<CommitFact>) -> Result<()> {
        Ok(self.write_commits(deployment, &commits)?)
    }

    fn deployments_with(&mut self, repo: &str, sha: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_deployments_with(repo, sha)?)
    }

    fn reverts_by(&mut self, deployment: &DeploymentKey) -> Result<Vec<DeploymentKey>> {
        Ok(self.read_reverts_by(deployment)?)
    }

    fn put_reverts(&mut self, by: &DeploymentKey, reverted: &[(DeploymentKey, String)]) -> Result<()> {
        Ok(self.write_reverts(by, reverted)?)
    }

    fn reverts_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<(DeploymentKey, String)>> {
        Ok(self.read_reverts_of(deployment)?)
    }
}
