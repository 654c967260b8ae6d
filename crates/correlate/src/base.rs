//! Places a deployment in the tree and finds its code; notes what has to be walked because of it.

use std::sync::Arc;

use domain::catalogue::{ComponentId, PlacedBy, Placer};
use domain::event::{ChangeKind, CommitAt, Deployment};
use domain::fact::{CommitLink, DeploymentFact, Lane, Tally};
use domain::{DeploymentKey, OrderKey};

use crate::code;
use crate::engine::Engine;
use crate::ledger::{Ledger, Reach, Result};
use crate::told;
use crate::work::Work;

impl Engine {
    pub(crate) fn place_deployment(
        &mut self,
        ledger: &mut impl Ledger,
        key: &DeploymentKey,
        work: &mut Work,
    ) -> Result<()> {
        let Some(told) = told::deployment(ledger, &self.placer, key)? else {
            return self.withdraw_deployment(ledger, key, work);
        };
        let placed = self.placer.place_deployment(&told);
        let code = code::resolve(ledger, &self.placer, &told, &placed.component)?;
        ledger.set_waits(key, &code.waits)?;
        let old = ledger.deployment(key)?;
        let rule = self.placer.rule(placed.rule);
        let environment = rule.and_then(|rule| rule.environment.as_deref());
        let instance = rule.and_then(|rule| rule.instance.as_deref());
        let lane = Lane {
            component: placed.component.clone(),
            instance: instance.unwrap_or(&told.instance).into(),
            environment: environment.unwrap_or(&told.environment).into(),
        };
        let mut fact = blank(&told, lane, placed.by);
        fact.placed_why = self.placer.why(placed.rule);
        fact.production = self.placer.rules().is_production(&fact.lane.environment);
        fact.environment_assumed &= environment.is_none();
        fact.link = link_of(code.found, &told);
        fact.version = code.version;
        fact.sha = code.sha;
        fact.config_sha = code.config_sha;
        fact.repo = code.repo;
        fact.sha_why = code.why;
        // A fix that starts, succeeds or is renamed ends other failures, or ends them in other words.
        for incident in old.iter().flat_map(|old| &old.fixes).chain(&fact.fixes) {
            touch_causes(ledger, incident, work)?;
        }
        match &old {
            Some(old) if old.order() == fact.order() && old.lane == fact.lane => {
                keep_links(&mut fact, old);
                if let Some(place) = old.order().filter(|_| old.remedies()) {
                    touch_remedied(ledger, old, &place, work)?;
                }
            }
            Some(old) => unlink(ledger, old, work)?,
            None => {}
        }
        if old.as_ref().is_none_or(|old| old.order() != fact.order() || old.lane.component != fact.lane.component) {
            work.incidents.extend(ledger.incidents_naming(&key.id)?);
        }
        let fact = Arc::new(fact);
        ledger.put_deployment(Arc::clone(&fact))?;
        if let Some(place) = fact.order() {
            work.walk_from(&fact.lane.component, place);
        }
        work.signals.insert(key.clone());
        self.note_implied(ledger, old.as_deref(), Some(&fact), work)
    }

    /// Takes out a deployment that nothing tells of any more.
    fn withdraw_deployment(&mut self, ledger: &mut impl Ledger, key: &DeploymentKey, work: &mut Work) -> Result<()> {
        let Some(old) = ledger.deployment(key)? else { return Ok(()) };
        unlink(ledger, &old, work)?;
        work.incidents.extend(ledger.incidents_naming(&key.id)?);
        ledger.remove_deployment(key)?;
        self.note_implied(ledger, Some(&old), None, work)
    }

    /// A deployment that names its product places that component for everybody who names only the component.
    fn note_implied(
        &mut self,
        ledger: &mut impl Ledger,
        old: Option<&DeploymentFact>,
        fact: Option<&DeploymentFact>,
        work: &mut Work,
    ) -> Result<()> {
        let fact = fact.filter(|fact| fact.placed_by == PlacedBy::Event);
        if let Some(fact) = fact
            && self.placer.imply(&fact.lane.component)
        {
            self.undo.push((true, fact.lane.component.clone()));
            self.place_namesakes_anew(ledger, &fact.lane.component, work)?;
        }
        let Some(old) = old.filter(|old| old.placed_by == PlacedBy::Event) else { return Ok(()) };
        let before = &old.lane.component;
        let still = fact.is_some_and(|fact| fact.lane.component == *before);
        if !still && self.placer.implies(before) && !ledger.implied_by_other(before, &old.key)? {
            self.placer.forget(before);
            self.undo.push((false, before.clone()));
            self.place_namesakes_anew(ledger, before, work)?;
        }
        Ok(())
    }

    fn place_namesakes_anew(&self, ledger: &mut impl Ledger, component: &ComponentId, work: &mut Work) -> Result<()> {
        // Whoever names a component `a/b` may stand under `a` as `b`.
        let within = ComponentId::parse(component.name());
        let within = within.as_ref().map(ComponentId::name);
        for name in [component.name(), component.as_str()].into_iter().chain(within) {
            let (deployments, incidents) = ledger.named(name)?;
            for key in deployments {
                let placed_by = ledger.deployment(&key)?.map(|fact| fact.placed_by);
                if placed_by.is_some_and(depends_on_other_events) {
                    work.base.insert(key);
                }
            }
            for key in incidents {
                let placed_by = ledger.incident(&key)?.map(|fact| fact.placed_by);
                if placed_by.is_some_and(depends_on_other_events) {
                    work.incidents.insert(key);
                }
            }
            work.others.extend(ledger.others_named(name)?);
        }
        Ok(())
    }

    /// Whether a new catalogue changes anything the base of this deployment depends on.
    pub(crate) fn moved_by_catalogue(
        &self,
        ledger: &mut impl Ledger,
        key: &DeploymentKey,
        old: &Placer,
    ) -> Result<bool> {
        if old.rules() != self.placer.rules() {
            return Ok(true);
        }
        let Some(told) = told::deployment(ledger, &self.placer, key)? else { return Ok(false) };
        let (before, after) = (old.place_deployment(&told), self.placer.place_deployment(&told));
        Ok(before != after || old.declared(&before.component) != self.placer.declared(&after.component))
    }
}

const fn depends_on_other_events(by: PlacedBy) -> bool {
    matches!(by, PlacedBy::OtherEvents | PlacedBy::Ambiguous | PlacedBy::Unassigned)
}

/// The deployments that the incidents with this id are attributed to: a fix ends their failure.
pub(crate) fn touch_causes(ledger: &mut impl Ledger, incident_id: &str, work: &mut Work) -> Result<()> {
    for key in ledger.incidents_by_id(incident_id)? {
        if let Some(incident) = ledger.incident(&key)? {
            work.signals.extend(incident.causes.into_iter().flatten().map(|cause| cause.deployment));
        }
    }
    Ok(())
}

/// Takes a deployment out of the place it had: what arrived with it, whom it blamed, what it remedied, what it caused.
fn unlink(ledger: &mut impl Ledger, old: &DeploymentFact, work: &mut Work) -> Result<()> {
    let Some(place) = old.order() else { return Ok(()) };
    if let Some(arrived) = ledger.arrived(&old.key)? {
        let lane = Reach::Lane(old.lane.clone());
        let component = Reach::Component(old.lane.component.clone());
        for (reach, commits) in [(lane, &arrived.lane), (component, &arrived.component)] {
            let reached = ledger.reached(&reach, arrived.repo)? - commits;
            ledger.put_reached(&reach, arrived.repo, &reached)?;
        }
        ledger.put_arrived(&old.key, None)?;
    }
    ledger.put_commits(&old.key, Vec::new())?;
    work.signals.extend(ledger.reverts_by(&old.key)?);
    ledger.put_reverts(&old.key, &[])?;
    work.signals.extend(old.blames.iter().map(|blame| blame.deployment.clone()));
    work.incidents.extend(ledger.incidents_of(&old.key)?.into_iter().map(|incident| incident.key));
    if old.remedies() {
        touch_remedied(ledger, old, &place, work)?;
    }
    work.walk_from(&old.lane.component, place);
    Ok(())
}

/// Failures between the rollback or hotfix before `place` and `place`: the one at `place` does or did end them.
pub(crate) fn touch_remedied(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    place: &OrderKey,
    work: &mut Work,
) -> Result<()> {
    let component = &fact.lane.component;
    let from = ledger.last_remedy_before(component, place)?.and_then(|before| before.order());
    let from = from.unwrap_or_else(|| OrderKey::before(domain::Timestamp::MIN));
    work.signals.extend(ledger.suspects(component, &from, place)?);
    Ok(())
}

fn link_of(found: bool, told: &Deployment) -> CommitLink {
    let timed = |commit: &CommitAt| commit.committed_at.is_some();
    if found {
        CommitLink::Graph
    } else if told.commits.iter().any(timed) {
        CommitLink::EventCommits
    } else if told.commit_at.is_some() {
        CommitLink::CommitAt
    } else {
        CommitLink::None
    }
}

/// A fact of which only what its own event tells is known.
fn blank(told: &Deployment, lane: Lane, placed_by: PlacedBy) -> DeploymentFact {
    DeploymentFact {
        key: told.key.clone(),
        lane,
        placed_by,
        placed_why: None,
        production: false,
        status: told.status,
        started_at: told.started_at,
        finished_at: told.finished_at,
        version: None,
        sha: None,
        config_sha: None,
        repo: None,
        sha_why: None,
        trigger: told.trigger,
        kind: ChangeKind::Unknown,
        kind_why: String::new(),
        counted: false,
        replaces: None,
        previous_counted_at: None,
        link: CommitLink::None,
        commits: 0,
        brings_new_commit: false,
        head_committed_at: None,
        commit_at: told.commit_at,
        first_commit_at: None,
        first_deployment: false,
        range_incomplete: None,
        range_why: String::new(),
        blames: None,
        signals: Vec::new(),
        incidents: std::array::from_fn(|_| Tally::default()),
        incident_within: None,
        manual_failed: None,
        remediation: None,
        fixes: told.fixes.clone(),
        status_assumed: told.status_assumed,
        environment_assumed: told.environment_assumed,
        assumed: told.assumed.clone(),
        url: told.url.clone(),
        labels: told.labels.clone(),
    }
}

/// What the later steps found before; they look again and compare.
fn keep_links(fact: &mut DeploymentFact, old: &DeploymentFact) {
    fact.kind = old.kind;
    fact.kind_why.clone_from(&old.kind_why);
    fact.counted = old.counted;
    fact.replaces.clone_from(&old.replaces);
    fact.previous_counted_at = old.previous_counted_at;
    fact.blames.clone_from(&old.blames);
    fact.signals.clone_from(&old.signals);
    fact.incidents.clone_from(&old.incidents);
    fact.incident_within = old.incident_within;
    fact.manual_failed = old.manual_failed;
    fact.remediation.clone_from(&old.remediation);
}
