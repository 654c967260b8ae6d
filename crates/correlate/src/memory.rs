//! The ledger in memory: maps and plain scans. For tests, and small enough to be read as the meaning of the trait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::catalogue::{ComponentId, PlacedBy};
use domain::event::{Entity, EventKind, Status};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, Lane, OtherFact};
use domain::key::IncidentKey;
use domain::version::normalise;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};
use roaring::RoaringBitmap;

use crate::ledger::{Arrived, CommitNode, Ledger, Reach, Result, Wait, Which, same_code};

/// Everything in maps.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    entities: BTreeMap<EntityKey, Arc<Entity>>,
    deployments: BTreeMap<DeploymentKey, Arc<DeploymentFact>>,
    incidents: BTreeMap<IncidentKey, IncidentFact>,
    incident_names: BTreeMap<IncidentKey, Vec<String>>,
    others: BTreeMap<EntityKey, OtherFact>,
    repos: BTreeMap<String, u32>,
    commit_ids: BTreeMap<(u32, String), u32>,
    nodes: BTreeMap<(u32, u32), Arc<CommitNode>>,
    tags: BTreeMap<(String, String), (String, String)>,
    pull_requests: BTreeMap<(String, String), EntityKey>,
    waits: BTreeMap<DeploymentKey, BTreeSet<Wait>>,
    reached: BTreeMap<(Reach, u32), RoaringBitmap>,
    arrived: BTreeMap<DeploymentKey, Arrived>,
    commits: BTreeMap<DeploymentKey, Vec<CommitFact>>,
    reverts: BTreeMap<DeploymentKey, Vec<(DeploymentKey, String)>>,
}

impl MemoryLedger {
    /// Every deployment by identity.
    #[must_use]
    pub fn all_deployments(&self) -> &BTreeMap<DeploymentKey, Arc<DeploymentFact>> {
        &self.deployments
    }

    /// Every incident by identity.
    #[must_use]
    pub fn all_incidents(&self) -> &BTreeMap<IncidentKey, IncidentFact> {
        &self.incidents
    }

    /// The commits of every deployment that has any.
    #[must_use]
    pub fn all_commits(&self) -> BTreeMap<&DeploymentKey, &[CommitFact]> {
        self.commits.iter().filter(|(_, rows)| !rows.is_empty()).map(|(key, rows)| (key, rows.as_slice())).collect()
    }

    /// Every merged entity by identity.
    #[must_use]
    pub fn all_entities(&self) -> &BTreeMap<EntityKey, Arc<Entity>> {
        &self.entities
    }

    /// Every other fact by identity.
    #[must_use]
    pub fn all_others(&self) -> &BTreeMap<EntityKey, OtherFact> {
        &self.others
    }

    fn ordered(&self, keep: impl Fn(&DeploymentFact) -> bool) -> Vec<(OrderKey, &Arc<DeploymentFact>)> {
        let kept = self.deployments.values().filter(|fact| keep(fact));
        let mut found: Vec<_> = kept.filter_map(|fact| Some((fact.order()?, fact))).collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }

    fn last(&self, before: &OrderKey, keep: impl Fn(&DeploymentFact) -> bool) -> Option<Arc<DeploymentFact>> {
        let found = self.ordered(keep).into_iter().rev();
        found.filter(|(order, _)| order < before).map(|(_, fact)| Arc::clone(fact)).next()
    }

    fn next(&self, after: &OrderKey, keep: impl Fn(&DeploymentFact) -> bool) -> Option<Arc<DeploymentFact>> {
        let found = self.ordered(keep).into_iter();
        found.filter(|(order, _)| order > after).map(|(_, fact)| Arc::clone(fact)).next()
    }
}

fn code(fact: &DeploymentFact) -> (Option<&str>, Option<&str>) {
    (fact.sha.as_deref(), fact.version.as_deref())
}

fn next_id<K: Ord>(ids: &mut BTreeMap<K, u32>, key: K, used: u32) -> u32 {
    *ids.entry(key).or_insert(used)
}

impl Ledger for MemoryLedger {
    fn entity(&mut self, key: &EntityKey) -> Result<Option<Arc<Entity>>> {
        Ok(self.entities.get(key).cloned())
    }

    fn put_entity(&mut self, key: &EntityKey, entity: Arc<Entity>) -> Result<()> {
        self.entities.insert(key.clone(), entity);
        Ok(())
    }

    fn entity_keys(&mut self, kind: EventKind) -> Result<Vec<EntityKey>> {
        Ok(self.entities.keys().filter(|key| key.kind == kind).cloned().collect())
    }

    fn deployment(&mut self, key: &DeploymentKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.deployments.get(key).cloned())
    }

    fn put_deployment(&mut self, fact: Arc<DeploymentFact>) -> Result<()> {
        self.deployments.insert(fact.key.clone(), fact);
        Ok(())
    }

    fn remove_deployment(&mut self, key: &DeploymentKey) -> Result<()> {
        self.deployments.remove(key);
        self.waits.remove(key);
        self.arrived.remove(key);
        self.commits.remove(key);
        self.reverts.remove(key);
        Ok(())
    }

    fn deployments_from(&mut self, component: &ComponentId, from: &OrderKey) -> Result<Vec<Arc<DeploymentFact>>> {
        let found = self.ordered(|fact| fact.lane.component == *component).into_iter();
        Ok(found.filter(|(order, _)| order >= from).map(|(_, fact)| Arc::clone(fact)).collect())
    }

    fn last_in_lane(&mut self, lane: &Lane, which: Which, before: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.last(before, |fact| {
            fact.lane == *lane
                && match which {
                    Which::Succeeded => fact.status == Status::Succeeded,
                    Which::Counted => fact.counted,
                }
        }))
    }

    fn next_counted_in_lane(&mut self, lane: &Lane, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.next(after, |fact| fact.lane == *lane && fact.counted))
    }

    fn last_with_code(
        &mut self,
        lane: &Lane,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.last(before, |fact| {
            fact.lane == *lane && fact.status == Status::Succeeded && same_code(code(fact), (sha, version))
        }))
    }

    fn last_counted_other(
        &mut self,
        component: &ComponentId,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.last(before, |fact| {
            fact.lane.component == *component && fact.counted && !same_code(code(fact), (sha, version))
        }))
    }

    fn last_counted_in_scope(
        &mut self,
        product: &str,
        component: Option<&ComponentId>,
        instance: Option<&str>,
        before: Timestamp,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.last(&OrderKey::before(before), |fact| {
            fact.counted
                && fact.lane.component.product() == product
                && component.is_none_or(|component| fact.lane.component == *component)
                && instance.is_none_or(|instance| &*fact.lane.instance == instance)
        }))
    }

    fn first_remedy_after(&mut self, component: &ComponentId, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.next(after, |fact| fact.lane.component == *component && fact.remedies()))
    }

    fn last_remedy_before(
        &mut self,
        component: &ComponentId,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.last(before, |fact| fact.lane.component == *component && fact.remedies()))
    }

    fn suspects(&mut self, component: &ComponentId, from: &OrderKey, before: &OrderKey) -> Result<Vec<DeploymentKey>> {
        let found = self.ordered(|fact| fact.lane.component == *component && fact.suspect()).into_iter();
        Ok(found.filter(|(order, _)| order >= from && order < before).map(|(order, _)| order.key).collect())
    }

    fn blamers(&mut self, of: &DeploymentKey) -> Result<Vec<Arc<DeploymentFact>>> {
        let blames = |fact: &&Arc<DeploymentFact>| fact.blames.as_ref().is_some_and(|blame| blame.deployment == *of);
        Ok(self.deployments.values().filter(blames).cloned().collect())
    }

    fn deployments_by_id(&mut self, id: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.deployments.keys().filter(|key| &*key.id == id).cloned().collect())
    }

    fn deployments_by_sha(&mut self, sha: &str) -> Result<Vec<DeploymentKey>> {
        let found = self.deployments.values().filter(|fact| fact.sha.as_deref() == Some(sha));
        Ok(found.map(|fact| fact.key.clone()).collect())
    }

    fn production_between(&mut self, product: &str, from: Timestamp, before: Timestamp) -> Result<Vec<DeploymentKey>> {
        let found = self.ordered(|fact| fact.production && fact.lane.component.product() == product).into_iter();
        Ok(found.filter(|(order, _)| order.at >= from && order.at < before).map(|(order, _)| order.key).collect())
    }

    fn fixers(&mut self, incident_id: &str) -> Result<Vec<Arc<DeploymentFact>>> {
        let found = self.ordered(|fact| fact.fixes.iter().any(|fix| fix == incident_id));
        Ok(found.into_iter().map(|(_, fact)| Arc::clone(fact)).collect())
    }

    fn incident(&mut self, key: &IncidentKey) -> Result<Option<IncidentFact>> {
        Ok(self.incidents.get(key).cloned())
    }

    fn put_incident(&mut self, fact: &IncidentFact) -> Result<()> {
        self.incidents.insert(fact.key.clone(), fact.clone());
        Ok(())
    }

    fn remove_incident(&mut self, key: &IncidentKey) -> Result<()> {
        self.incidents.remove(key);
        self.incident_names.remove(key);
        Ok(())
    }

    fn incidents_between(&mut self, product: &str, after: Timestamp, until: Timestamp) -> Result<Vec<IncidentKey>> {
        let within = |at: Timestamp| at > after && at <= until;
        let found = self.incidents.values().filter(|incident| {
            incident.product == product && (within(incident.started_at) || within(incident.opened_at))
        });
        Ok(found.map(|incident| incident.key.clone()).collect())
    }

    fn incidents_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<IncidentFact>> {
        let of =
            |incident: &&IncidentFact| incident.causes.iter().flatten().any(|cause| cause.deployment == *deployment);
        Ok(self.incidents.values().filter(of).cloned().collect())
    }

    fn incidents_naming(&mut self, deployment_id: &str) -> Result<Vec<IncidentKey>> {
        let found = self.incident_names.iter().filter(|(_, ids)| ids.iter().any(|id| id == deployment_id));
        Ok(found.map(|(key, _)| key.clone()).collect())
    }

    fn put_incident_names(&mut self, key: &IncidentKey, deployment_ids: &[String]) -> Result<()> {
        self.incident_names.insert(key.clone(), deployment_ids.to_vec());
        Ok(())
    }

    fn incidents_by_id(&mut self, id: &str) -> Result<Vec<IncidentKey>> {
        Ok(self.incidents.keys().filter(|key| &*key.id == id).cloned().collect())
    }

    fn first_opened_after(&mut self, product: &str, after: Timestamp) -> Result<Option<Timestamp>> {
        let opened = self.incidents.values().filter(|incident| incident.product == product);
        Ok(opened.map(|incident| incident.opened_at).filter(|at| *at > after).min())
    }

    fn last_opened_before(&mut self, product: &str, before: Timestamp) -> Result<Option<Timestamp>> {
        let opened = self.incidents.values().filter(|incident| incident.product == product);
        Ok(opened.map(|incident| incident.opened_at).filter(|at| *at < before).max())
    }

    fn put_other(&mut self, fact: &OtherFact) -> Result<()> {
        self.others.insert(fact.key.clone(), fact.clone());
        Ok(())
    }

    fn others_named(&mut self, name: &str) -> Result<Vec<EntityKey>> {
        let named = |fact: &&OtherFact| fact.component.as_ref().is_some_and(|component| component.name() == name);
        Ok(self.others.values().filter(named).map(|fact| fact.key.clone()).collect())
    }

    fn named(&mut self, name: &str) -> Result<(Vec<DeploymentKey>, Vec<IncidentKey>)> {
        let deployments = self.deployments.values().filter(|fact| fact.lane.component.name() == name);
        let incidents =
            self.incidents.values().filter(|fact| fact.component.as_ref().is_some_and(|c| c.name() == name));
        Ok((deployments.map(|fact| fact.key.clone()).collect(), incidents.map(|fact| fact.key.clone()).collect()))
    }

    fn implied(&mut self) -> Result<Vec<ComponentId>> {
        let implied = self.deployments.values().filter(|fact| fact.placed_by == PlacedBy::Event);
        let unique: BTreeSet<ComponentId> = implied.map(|fact| fact.lane.component.clone()).collect();
        Ok(unique.into_iter().collect())
    }

    fn implied_by_other(&mut self, component: &ComponentId, than: &DeploymentKey) -> Result<bool> {
        Ok(self
            .deployments
            .values()
            .any(|fact| fact.placed_by == PlacedBy::Event && fact.lane.component == *component && fact.key != *than))
    }

    fn repo_id(&mut self, repo: &str) -> Result<u32> {
        let used = u32::try_from(self.repos.len()).unwrap_or(u32::MAX);
        Ok(next_id(&mut self.repos, repo.to_owned(), used))
    }

    fn commit_id(&mut self, repo: u32, sha: &str) -> Result<u32> {
        let used = self.commit_ids.range((repo, String::new())..(repo + 1, String::new())).count();
        let id = next_id(&mut self.commit_ids, (repo, sha.to_owned()), u32::try_from(used).unwrap_or(u32::MAX));
        let node = CommitNode { sha: sha.into(), committed_at: None, parents: None };
        self.nodes.entry((repo, id)).or_insert_with(|| Arc::new(node));
        Ok(id)
    }

    fn commit_node(&mut self, repo: u32, id: u32) -> Result<Option<Arc<CommitNode>>> {
        Ok(self.nodes.get(&(repo, id)).cloned())
    }

    fn put_commit_node(&mut self, repo: u32, id: u32, node: Arc<CommitNode>) -> Result<()> {
        self.nodes.insert((repo, id), node);
        Ok(())
    }

    fn find_commit(&mut self, repo: &str, prefix: &str) -> Result<Vec<String>> {
        let Some(repo) = self.repos.get(repo) else { return Ok(Vec::new()) };
        let of = self.nodes.range((*repo, 0)..(repo + 1, 0)).map(|(_, node)| node);
        let told = of.filter(|node| node.committed_at.is_some() && node.sha.starts_with(prefix));
        let mut found: Vec<String> = told.map(|node| node.sha.as_ref().to_owned()).collect();
        found.sort_unstable();
        found.truncate(2);
        Ok(found)
    }

    fn find_commit_anywhere(&mut self, prefix: &str) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        for (name, repo) in &self.repos {
            let of = self.nodes.range((*repo, 0)..(repo + 1, 0)).map(|(_, node)| node);
            let told = of.filter(|node| node.committed_at.is_some() && node.sha.starts_with(prefix));
            found.extend(told.map(|node| (name.clone(), node.sha.as_ref().to_owned())));
        }
        found.sort_unstable();
        found.truncate(100);
        Ok(found)
    }

    fn tags(&mut self, repo: &str, normalised: &str) -> Result<Vec<(String, String)>> {
        let of = self.tags.iter().filter(|((of, _), (name, _))| of == repo && name == normalised);
        Ok(of.map(|((_, tag), (_, sha))| (tag.clone(), sha.clone())).collect())
    }

    fn put_tag(&mut self, repo: &str, name: &str, normalised: &str, sha: &str) -> Result<()> {
        debug_assert_eq!(normalise(name), normalised);
        self.tags.insert((repo.to_owned(), name.to_owned()), (normalised.to_owned(), sha.to_owned()));
        Ok(())
    }

    fn pull_request_of(&mut self, repo: &str, merge_sha: &str) -> Result<Option<EntityKey>> {
        Ok(self.pull_requests.get(&(repo.to_owned(), merge_sha.to_owned())).cloned())
    }

    fn put_pull_request(&mut self, key: &EntityKey, repo: &str, merge_sha: &str) -> Result<()> {
        let place = (repo.to_owned(), merge_sha.to_owned());
        let smallest = self.pull_requests.get(&place).filter(|known| *known < key).cloned();
        self.pull_requests.insert(place, smallest.unwrap_or_else(|| key.clone()));
        Ok(())
    }

    fn set_waits(&mut self, deployment: &DeploymentKey, waits: &[Wait]) -> Result<()> {
        self.waits.insert(deployment.clone(), waits.iter().cloned().collect());
        Ok(())
    }

    fn waiting(&mut self, wait: &Wait) -> Result<Vec<DeploymentKey>> {
        let waiting = self.waits.iter().filter(|(_, waits)| waits.contains(wait));
        Ok(waiting.map(|(key, _)| key.clone()).collect())
    }

    fn reached(&mut self, reach: &Reach, repo: u32) -> Result<RoaringBitmap> {
        Ok(self.reached.get(&(reach.clone(), repo)).cloned().unwrap_or_default())
    }

    fn reaching(&mut self, repo: u32) -> Result<Vec<ComponentId>> {
        let of = self.reached.iter().filter(|((_, of), commits)| *of == repo && !commits.is_empty());
        let component = |reach: &Reach| match reach {
            Reach::Component(component) => Some(component.clone()),
            Reach::Lane(_) => None,
        };
        Ok(of.filter_map(|((reach, _), _)| component(reach)).collect())
    }

    fn put_reached(&mut self, reach: &Reach, repo: u32, commits: &RoaringBitmap) -> Result<()> {
        self.reached.insert((reach.clone(), repo), commits.clone());
        Ok(())
    }

    fn arrived(&mut self, deployment: &DeploymentKey) -> Result<Option<Arrived>> {
        Ok(self.arrived.get(deployment).cloned())
    }

    fn put_arrived(&mut self, deployment: &DeploymentKey, arrived: Option<Arrived>) -> Result<()> {
        match arrived {
            Some(arrived) => self.arrived.insert(deployment.clone(), arrived),
            None => self.arrived.remove(deployment),
        };
        Ok(())
    }

    fn commits(&mut self, deployment: &DeploymentKey) -> Result<Vec<CommitFact>> {
        Ok(self.commits.get(deployment).cloned().unwrap_or_default())
    }

    fn put_commits(&mut self, deployment: &DeploymentKey, commits: Vec<CommitFact>) -> Result<()> {
        self.commits.insert(deployment.clone(), commits);
        Ok(())
    }

    fn deployments_with(&mut self, repo: &str, sha: &str) -> Result<Vec<DeploymentKey>> {
        let has = |rows: &Vec<CommitFact>| rows.iter().any(|row| row.repo.as_deref() == Some(repo) && *row.sha == *sha);
        Ok(self.commits.iter().filter(|(_, rows)| has(rows)).map(|(key, _)| key.clone()).collect())
    }

    fn reverts_by(&mut self, deployment: &DeploymentKey) -> Result<Vec<DeploymentKey>> {
        Ok(self.reverts.get(deployment).into_iter().flatten().map(|(target, _)| target.clone()).collect())
    }

    fn put_reverts(&mut self, by: &DeploymentKey, reverted: &[(DeploymentKey, String)]) -> Result<()> {
        self.reverts.insert(by.clone(), reverted.to_vec());
        Ok(())
    }

    fn reverts_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<(DeploymentKey, String)>> {
        let mut found: Vec<(DeploymentKey, String)> = Vec::new();
        for (by, targets) in &self.reverts {
            found.extend(targets.iter().filter(|(of, _)| of == deployment).map(|(_, sha)| (by.clone(), sha.clone())));
        }
        found.sort_unstable();
        Ok(found)
    }
}
