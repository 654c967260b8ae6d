//! One batch of events, from merged entities to facts.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::{Catalogue, ComponentId, Named, Placer};
use domain::event::{Change, Entity, Event, EventKind, GIT, PipelineRun, PullRequest, Tag, entity_key};
use domain::fact::OtherFact;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};

use crate::ledger::{CommitNode, Ledger, Result, Wait};
use crate::work::Work;

/// What becomes an [`OtherFact`].
const OTHERS: [EventKind; 5] = [
    EventKind::PullRequest,
    EventKind::PipelineRun,
    EventKind::CanaryAnalysis,
    EventKind::FlagChange,
    EventKind::SloSample,
];

/// Source of corrections made by people.
pub(crate) const PEOPLE: &str = "people";

/// Applies events to a ledger.
#[derive(Debug)]
pub struct Engine {
    pub(crate) placer: Placer,
    /// Components that became implied (`true`) or ceased to be in the batch under way, to be taken back if it fails.
    pub(crate) undo: Vec<(bool, ComponentId)>,
}

/// What one batch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Entities whose content changed.
    pub entities: usize,
    /// Whether what events tell of the tree changed.
    pub tree: bool,
}

impl Engine {
    /// For a catalogue, with what events of this ledger have told of the tree.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn new(catalogue: &Catalogue, ledger: &mut impl Ledger) -> Result<Self> {
        let mut placer = Placer::new(catalogue);
        for component in ledger.implied()? {
            placer.imply(&component);
        }
        Ok(Engine { placer, undo: Vec::new() })
    }

    /// Applies a batch: merges entities, then links anew what they touch.
    ///
    /// # Errors
    /// When the ledger fails; the caller rolls its transaction back and may go on with this engine.
    pub fn apply(&mut self, ledger: &mut impl Ledger, events: &[Event]) -> Result<Applied> {
        let done = self.merge_and_link(ledger, events);
        self.finish(done)
    }

    /// Links everything a ledger has entities of, in one pass: for one that has entities and no facts.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub(crate) fn link_all(&mut self, ledger: &mut impl Ledger) -> Result<Applied> {
        let done = self.link_every_entity(ledger);
        self.finish(done)
    }

    /// Takes another catalogue and places and links anew what it changes.
    ///
    /// # Errors
    /// When the ledger fails; the caller rolls its transaction back and may go on with this engine, whose catalogue is
    /// then the old one.
    pub fn change_catalogue(&mut self, ledger: &mut impl Ledger, catalogue: &Catalogue) -> Result<Applied> {
        let mut placer = Placer::new(catalogue);
        for component in ledger.implied()? {
            placer.imply(&component);
        }
        let old = std::mem::replace(&mut self.placer, placer);
        let done = self.place_all_anew(ledger, &old);
        if done.is_err() {
            self.placer = old;
            self.undo.clear();
        }
        self.finish(done)
    }

    fn finish(&mut self, done: Result<Applied>) -> Result<Applied> {
        let undo = std::mem::take(&mut self.undo);
        if done.is_err() {
            for (implied, component) in undo.into_iter().rev() {
                if implied {
                    self.placer.forget(&component);
                } else {
                    self.placer.imply(&component);
                }
            }
        }
        done
    }

    fn merge_and_link(&mut self, ledger: &mut impl Ledger, events: &[Event]) -> Result<Applied> {
        let mut changed = BTreeSet::new();
        let mut work = Work::default();
        for event in events {
            merge(ledger, event, &mut changed, &mut work)?;
            if let Some(hint) = event.product_hint() {
                merge(ledger, &hint, &mut changed, &mut work)?;
            }
        }
        let tree = changed.iter().any(|key| key.kind == EventKind::Product);
        for key in &changed {
            self.touch(ledger, key, &mut work)?;
        }
        self.link(ledger, work)?;
        Ok(Applied { entities: changed.len(), tree })
    }

    fn link_every_entity(&mut self, ledger: &mut impl Ledger) -> Result<Applied> {
        let (mut entities, mut tree) = (0, false);
        let mut work = Work::default();
        for kind in EventKind::ALL {
            for key in ledger.entity_keys(*kind)? {
                self.touch(ledger, &key, &mut work)?;
                entities += 1;
                tree |= *kind == EventKind::Product;
            }
        }
        self.link(ledger, work)?;
        Ok(Applied { entities, tree })
    }

    /// Notes what an entity with another content touches.
    fn touch(&self, ledger: &mut impl Ledger, key: &EntityKey, work: &mut Work) -> Result<()> {
        match key.kind {
            EventKind::Change => commit_told(ledger, key, work)?,
            EventKind::Tag => tag_told(ledger, key, work)?,
            EventKind::PullRequest => {
                pull_request_told(ledger, key, work)?;
                work.others.insert(key.clone());
            }
            EventKind::Deployment => {
                work.base.insert(deployment_key(key));
            }
            EventKind::Incident => {
                work.incidents.insert(deployment_key(key));
            }
            EventKind::Override => overridden(&key.id, work),
            EventKind::Product => {}
            EventKind::PipelineRun => {
                if !self.placer.rules().workflow_deployments.is_empty() {
                    work.base.insert(deployment_key(key));
                }
                work.others.insert(key.clone());
            }
            EventKind::CanaryAnalysis | EventKind::FlagChange | EventKind::SloSample => {
                work.others.insert(key.clone());
            }
        }
        Ok(())
    }

    fn place_all_anew(&mut self, ledger: &mut impl Ledger, old: &Placer) -> Result<Applied> {
        let mut work = Work::default();
        let mut deployments = ledger.entity_keys(EventKind::Deployment)?;
        if [old, &self.placer].iter().any(|placer| !placer.rules().workflow_deployments.is_empty()) {
            deployments.extend(ledger.entity_keys(EventKind::PipelineRun)?);
        }
        for key in deployments {
            let key = deployment_key(&key);
            if self.moved_by_catalogue(ledger, &key, old)? {
                work.base.insert(key);
            }
        }
        work.incidents.extend(ledger.entity_keys(EventKind::Incident)?.iter().map(deployment_key));
        for kind in OTHERS {
            work.others.extend(ledger.entity_keys(kind)?);
        }
        let entities = work.base.len();
        self.link(ledger, work)?;
        Ok(Applied { entities, tree: true })
    }

    /// The steps after merging; each only adds to the lists of later ones.
    fn link(&mut self, ledger: &mut impl Ledger, mut work: Work) -> Result<()> {
        while let Some(key) = work.base.pop_first() {
            self.place_deployment(ledger, &key, &mut work)?;
        }
        while let Some((component, from)) = work.walk.pop_first() {
            self.walk_component(ledger, &component, &from, &mut work)?;
        }
        self.attribute_incidents(ledger, &mut work)?;
        self.blame_by_fixes(ledger, &mut work)?;
        self.collect_signals(ledger, &mut work)?;
        for key in std::mem::take(&mut work.others) {
            self.place_other(ledger, &key)?;
        }
        Ok(())
    }

    fn place_other(&self, ledger: &mut impl Ledger, key: &EntityKey) -> Result<()> {
        let Some(entity) = ledger.entity(key)? else { return Ok(()) };
        let at = ["at", "started_at", "opened_at"].iter().find_map(|name| entity.instant(name));
        let Some(at) = at else { return Ok(()) };
        let place = self.placer.locate(&Named::read(key, &entity));
        let rule = self.placer.rule(place.as_ref().and_then(|place| place.rule));
        let (product, component) = place.map_or((None, None), |place| (Some(place.product), place.component));
        let mut values = match key.kind {
            EventKind::PipelineRun => PipelineRun::values(&entity, self.placer.rules()),
            EventKind::PullRequest => PullRequest::values(&entity),
            _ => entity.values(),
        };
        if let Some(environment) = rule.and_then(|rule| rule.environment.as_deref())
            && key.kind == EventKind::FlagChange
        {
            values.insert("environment".to_owned(), environment.into());
        }
        if key.kind == EventKind::SloSample {
            // The catalogue's to say, not the sender's: the same service level is judged alike wherever it is measured.
            let slo = entity.text("slo").unwrap_or_default();
            match self.placer.objective(slo, product.as_deref(), component.as_ref()) {
                Some(objective) => values.insert("objective".to_owned(), objective.into()),
                None => values.remove("objective"),
            };
        }
        ledger.put_other(&OtherFact { key: key.clone(), product, component, at, values })
    }
}

/// Identity of the deployment or incident an entity is.
pub(crate) fn deployment_key(key: &EntityKey) -> DeploymentKey {
    DeploymentKey { source: key.source.clone(), id: key.id.clone() }
}

/// Identity of the entity a deployment or incident is.
pub(crate) fn as_entity(kind: EventKind, key: &DeploymentKey) -> EntityKey {
    EntityKey { kind, source: key.source.clone(), id: key.id.clone() }
}

/// Identity of the correction of a deployment or incident.
pub(crate) fn override_key(of: EventKind, key: &DeploymentKey) -> EntityKey {
    entity_key(EventKind::Override, PEOPLE, &format!("{of}:{key}"))
}

fn merge(ledger: &mut impl Ledger, event: &Event, changed: &mut BTreeSet<EntityKey>, work: &mut Work) -> Result<()> {
    let before = ledger.entity(&event.key)?.unwrap_or_default();
    let mut entity = Entity::clone(&before);
    let news = entity.merge(event);
    // A newer stamp on the same value must be kept too: it decides against contents that arrive later.
    if entity != *before {
        ledger.put_entity(&event.key, Arc::new(entity))?;
    }
    if news {
        if event.key.kind == EventKind::PullRequest {
            // Its merge may be another one now: the commit it was before is no longer its.
            merge_touched(ledger, &before, work)?;
        }
        changed.insert(event.key.clone());
    }
    Ok(())
}

fn overridden(id: &str, work: &mut Work) {
    let Some((kind, key)) = id.split_once(':') else { return };
    let Some((source, id)) = key.split_once('/') else { return };
    let key = DeploymentKey::new(source, id);
    match kind.parse() {
        Ok(EventKind::Incident) => {
            work.incidents.insert(key);
        }
        Ok(EventKind::Deployment) => {
            work.base.insert(key);
        }
        _ => {}
    }
}

/// Puts a commit into the graph; whoever waited for it or brought it is linked anew.
fn commit_told(ledger: &mut impl Ledger, key: &EntityKey, work: &mut Work) -> Result<()> {
    let Some(change) = ledger.entity(key)?.as_deref().and_then(Change::read) else { return Ok(()) };
    let repo = ledger.repo_id(&change.repo)?;
    let id = ledger.commit_id(repo, &change.sha)?;
    let parents = match &change.parents {
        Some(parents) => {
            Some(parents.iter().map(|parent| ledger.commit_id(repo, parent)).collect::<Result<Vec<u32>>>()?)
        }
        None => None,
    };
    let known = ledger.commit_node(repo, id)?;
    let sha = known.as_ref().map_or_else(|| change.sha.as_str().into(), |known| known.sha.clone());
    let node = CommitNode { sha, committed_at: Some(change.committed_at), parents };
    let told_before = known.as_ref().is_some_and(|known| known.committed_at.is_some());
    if known.as_deref() != Some(&node) {
        let node = Arc::new(node);
        ledger.put_commit_node(repo, id, Arc::clone(&node))?;
        let parents_changed = known.is_some_and(|known| known.parents != node.parents);
        if told_before && parents_changed {
            // The commit may lie in what a first deployment reached without a row for each commit.
            for component in ledger.reaching(repo)? {
                work.walk_from(&component, OrderKey::before(Timestamp::MIN));
            }
        }
    }
    work.base.extend(ledger.waiting(&Wait::commit(&change.sha))?);
    for deployment in ledger.deployments_with(&change.repo, &change.sha)? {
        walk_from_deployment(ledger, &deployment, work)?;
    }
    Ok(())
}

fn tag_told(ledger: &mut impl Ledger, key: &EntityKey, work: &mut Work) -> Result<()> {
    let Some(tag) = ledger.entity(key)?.as_deref().and_then(Tag::read) else { return Ok(()) };
    let normalised = domain::version::normalise(&tag.name).to_owned();
    ledger.put_tag(&tag.repo, &tag.name, &normalised, &tag.sha)?;
    work.base.extend(ledger.waiting(&Wait::Tag(tag.repo, normalised))?);
    Ok(())
}

fn pull_request_told(ledger: &mut impl Ledger, key: &EntityKey, work: &mut Work) -> Result<()> {
    let Some(entity) = ledger.entity(key)? else { return Ok(()) };
    let Some(request) = PullRequest::read(&entity) else { return Ok(()) };
    let Some(merge_sha) = request.merge_sha else { return Ok(()) };
    ledger.put_pull_request(key, &request.repo, &merge_sha)?;
    merge_touched(ledger, &entity, work)
}

/// Deployments in which the merge of a pull request has a part.
fn merge_touched(ledger: &mut impl Ledger, entity: &Entity, work: &mut Work) -> Result<()> {
    let Some(request) = PullRequest::read(entity) else { return Ok(()) };
    let Some(merge_sha) = request.merge_sha else { return Ok(()) };
    // Its title and labels may make a hotfix of the deployment of its commit, its commits stand for a squash.
    let mut touched = ledger.deployments_by_sha(&merge_sha)?;
    touched.extend(ledger.deployments_with(&request.repo, &merge_sha)?);
    for deployment in touched {
        walk_from_deployment(ledger, &deployment, work)?;
    }
    Ok(())
}

fn walk_from_deployment(ledger: &mut impl Ledger, key: &DeploymentKey, work: &mut Work) -> Result<()> {
    if let Some(fact) = ledger.deployment(key)?
        && let Some(place) = fact.order()
    {
        work.walk_from(&fact.lane.component, place);
    }
    Ok(())
}

/// The pull request with this number.
pub(crate) fn pull_request_key(repo: &str, number: &str) -> EntityKey {
    entity_key(EventKind::PullRequest, GIT, &format!("{repo}#{number}"))
}
