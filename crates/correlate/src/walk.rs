//! Walks a component's deployments from a place on: kinds, what is counted, what arrived, whom a remedy blames.

use std::collections::HashMap;
use std::sync::Arc;

use domain::catalogue::ComponentId;
use domain::event::{ChangeKind, Deployment, EventKind, Override, Status};
use domain::fact::{Blame, CommitLink, DeploymentFact, Lane};
use domain::{DeploymentKey, OrderKey, Timestamp};

use crate::base::touch_remedied;
use crate::commits::{self, Before, Brought, Changes};
use crate::engine::{Engine, override_key};
use crate::kind::{self, code, name};
use crate::ledger::{Ledger, Reach, Result, Which};
use crate::reached::Reached;
use crate::told;
use crate::work::Work;

/// What a walk has at hand.
#[derive(Default)]
struct Walk {
    /// The last that succeeded before the one the walk is at, by lane.
    succeeded: HashMap<Lane, Option<Arc<DeploymentFact>>>,
    /// The last that is counted.
    counted: HashMap<Lane, Option<Arc<DeploymentFact>>>,
    reached: Reached,
    changes: Changes,
}

impl Engine {
    pub(crate) fn walk_component(
        &mut self,
        ledger: &mut impl Ledger,
        component: &ComponentId,
        from: &OrderKey,
        work: &mut Work,
    ) -> Result<()> {
        let suffix = ledger.deployments_from(component, from)?;
        let mut walk = Walk::default();
        for fact in &suffix {
            take_back(ledger, fact, &mut walk.reached)?;
        }
        for old in suffix {
            let fact = self.walk_one(ledger, &old, &mut walk, work)?;
            if fact.status == Status::Succeeded {
                walk.succeeded.insert(fact.lane.clone(), Some(Arc::clone(&fact)));
            }
            if fact.counted {
                walk.counted.insert(fact.lane.clone(), Some(fact));
            }
        }
        walk.reached.write(ledger)
    }

    fn walk_one(
        &self,
        ledger: &mut impl Ledger,
        old: &Arc<DeploymentFact>,
        walk: &mut Walk,
        work: &mut Work,
    ) -> Result<Arc<DeploymentFact>> {
        let (Some(told), Some(place)) = (told::deployment(ledger, &self.placer, &old.key)?, old.order()) else {
            return Ok(Arc::clone(old));
        };
        let lane = &old.lane;
        if !walk.succeeded.contains_key(lane) {
            walk.succeeded.insert(lane.clone(), ledger.last_in_lane(lane, Which::Succeeded, &place)?);
            walk.counted.insert(lane.clone(), ledger.last_in_lane(lane, Which::Counted, &place)?);
        }
        let replaced = walk.succeeded.get(lane).cloned().flatten();
        let replaced = replaced.as_deref();
        let previous = walk.counted.get(lane).cloned().flatten();
        let previous = previous.as_deref();
        let overridden = ledger.entity(&override_key(EventKind::Deployment, &old.key))?;
        let overridden = overridden.as_deref().and_then(Override::read);
        let mut fact = DeploymentFact::clone(old);
        (fact.kind, fact.kind_why) = kind::decide(
            ledger,
            &kind::Question {
                told: &told,
                fact: old,
                place: &place,
                replaced,
                overridden: overridden.as_ref(),
                rules: &self.placer.rules().hotfix,
            },
        )?;
        fact.counted = fact.production && fact.status == Status::Succeeded && fact.kind != ChangeKind::Config;
        fact.replaces = replaced.map(|replaced| replaced.key.clone());
        fact.previous_counted_at = previous.and_then(|previous| previous.finished_at);
        self.bring_commits(ledger, &told, &mut fact, &place, walk, work)?;
        self.blame(ledger, &told, &mut fact, &place, replaced, previous, work)?;
        note(ledger, old, &fact, &place, work)?;
        if fact == **old {
            return Ok(Arc::clone(old));
        }
        let fact = Arc::new(fact);
        ledger.put_deployment(Arc::clone(&fact))?;
        Ok(fact)
    }

    fn bring_commits(
        &self,
        ledger: &mut impl Ledger,
        told: &Deployment,
        fact: &mut DeploymentFact,
        place: &OrderKey,
        walk: &mut Walk,
        work: &mut Work,
    ) -> Result<()> {
        let repo = commits::repo_of(ledger, fact)?;
        let head = commits::head_of(ledger, repo, told, fact)?;
        fact.head_committed_at = head.as_ref().and_then(|(_, head)| head.committed_at);
        let lane_reach = Reach::Lane(fact.lane.clone());
        let component_reach = Reach::Component(fact.lane.component.clone());
        let component = walk.reached.take(ledger, &component_reach, repo)?;
        let lane = walk.reached.take(ledger, &lane_reach, repo)?;
        let before = Before { lane: &lane, component: &component };
        let mut brought = match &head {
            Some((id, head)) if fact.counted => match fact.link {
                CommitLink::Graph => {
                    let declared = self.placer.declared(&fact.lane.component);
                    let limits = (declared, self.placer.rules().max_range_commits);
                    commits::by_graph(ledger, fact, place, (repo, *id), &before, limits, &mut walk.changes)?
                }
                _ => commits::by_event(ledger, told, fact, repo, head, &before)?,
            },
            Some(_) => Brought { why: "not counted: it brings nothing".to_owned(), ..Brought::default() },
            None => Brought { why: "no commit is known".to_owned(), ..Brought::default() },
        };
        let new_head = head.as_ref().is_some_and(|(id, _)| !before.lane.contains(*id));
        fact.brings_new_commit = new_head && fact.kind != ChangeKind::Rollback;
        if fact.kind == ChangeKind::Rollback || (fact.counted && head.is_some() && !new_head) {
            // What it reaches has arrived, but a rollback or re-deployment has no lead time in any definition.
            brought.rows.clear();
            brought.reverts.clear();
            brought.why = "a rollback or re-deployment: no new commit".to_owned();
        }
        fact.first_deployment = brought.first_deployment && !brought.rows.is_empty();
        fact.range_incomplete = brought.range_incomplete.filter(|_| !brought.rows.is_empty());
        fact.range_why = brought.why;
        let used: Vec<Timestamp> =
            brought.rows.iter().filter(|row| row.role.used()).map(|row| row.committed_at).collect();
        fact.commits = u32::try_from(used.len()).unwrap_or(u32::MAX);
        fact.first_commit_at = used.into_iter().min();
        walk.reached.put(lane_reach, repo, lane, &brought.arrived.lane);
        walk.reached.put(component_reach, repo, component, &brought.arrived.component);
        ledger.put_arrived(&fact.key, fact.counted.then_some(brought.arrived))?;
        if ledger.commits(&fact.key)? != brought.rows {
            ledger.put_commits(&fact.key, brought.rows)?;
        }
        self.note_reverts(ledger, &fact.key, brought.reverts, work)?;
        if !brought.waits.is_empty() {
            let code = crate::code::resolve(ledger, &self.placer, told, &fact.lane.component)?;
            brought.waits.extend(code.waits);
            ledger.set_waits(&fact.key, &brought.waits)?;
        }
        Ok(())
    }

    fn note_reverts(
        &self,
        ledger: &mut impl Ledger,
        by: &DeploymentKey,
        mut reverts: Vec<(DeploymentKey, String)>,
        work: &mut Work,
    ) -> Result<()> {
        reverts.sort_unstable();
        reverts.dedup();
        let before = ledger.reverts_by(by)?;
        work.signals.extend(before.iter().cloned());
        work.signals.extend(reverts.iter().map(|(target, _)| target.clone()));
        if !before.is_empty() || !reverts.is_empty() {
            ledger.put_reverts(by, &reverts)?;
        }
        Ok(())
    }

    /// Whom a rollback or hotfix says was wrong (METRICS.md section 3).
    #[expect(clippy::too_many_arguments, reason = "one deployment between its neighbours")]
    fn blame(
        &self,
        ledger: &mut impl Ledger,
        told: &Deployment,
        fact: &mut DeploymentFact,
        place: &OrderKey,
        replaced: Option<&DeploymentFact>,
        previous: Option<&DeploymentFact>,
        work: &mut Work,
    ) -> Result<()> {
        let before = fact.blames.take();
        fact.blames = match fact.kind {
            ChangeKind::Rollback if fact.counted => self.rolled_back(ledger, told, fact, place, replaced, previous)?,
            ChangeKind::Hotfix if fact.counted && fact.fixes.is_empty() => hotfixed(ledger, fact, place)?,
            ChangeKind::Hotfix if fact.counted => {
                // Follows the cause of the incident it fixes, which is looked for after the walk.
                work.blame.insert(fact.key.clone());
                before.clone()
            }
            _ => None,
        };
        if fact.blames != before {
            work.signals.extend(before.into_iter().chain(fact.blames.clone()).map(|blame| blame.deployment));
        }
        Ok(())
    }

    /// The deployment that directly followed the version gone back to.
    fn rolled_back(
        &self,
        ledger: &mut impl Ledger,
        told: &Deployment,
        fact: &DeploymentFact,
        place: &OrderKey,
        replaced: Option<&DeploymentFact>,
        previous: Option<&DeploymentFact>,
    ) -> Result<Option<Blame>> {
        let (sha, version) = code(fact);
        let went_back = replaced.is_none_or(|replaced| !crate::same_code(code(fact), code(replaced)));
        let earlier = if went_back { ledger.last_with_code(&fact.lane, sha, version, place)? } else { None };
        if let Some(order) = earlier.and_then(|earlier| earlier.order()) {
            let failed =
                ledger.next_counted_in_lane(&fact.lane, &order)?.filter(|next| next.order().as_ref() < Some(place));
            return Ok(failed.map(|failed| Blame {
                why: format!("rolled back to {}, which {} directly followed", name(fact), name(&failed)),
                deployment: failed.key.clone(),
            }));
        }
        if let Some(id) = &told.replaces {
            let named = ledger.deployment(&DeploymentKey::new(fact.key.source.clone(), id.as_str()))?;
            let earlier = |named: &Arc<DeploymentFact>| {
                named.lane.component == fact.lane.component && named.order().is_some_and(|order| order < *place)
            };
            if let Some(named) = named.filter(earlier) {
                let why = format!("a rollback that says it replaces {}", name(&named));
                return Ok(Some(Blame { deployment: named.key.clone(), why }));
            }
        }
        Ok(previous.map(|previous| Blame {
            deployment: previous.key.clone(),
            why: format!("a rollback right after {}", name(previous)),
        }))
    }

    /// Hotfixes that name what they fix blame the cause of that incident.
    pub(crate) fn blame_by_fixes(&self, ledger: &mut impl Ledger, work: &mut Work) -> Result<()> {
        for key in std::mem::take(&mut work.blame) {
            let Some(fact) = ledger.deployment(&key)? else { continue };
            let Some(place) = fact.order() else { continue };
            if !(fact.counted && fact.kind == ChangeKind::Hotfix && !fact.fixes.is_empty()) {
                continue;
            }
            let mut named = Vec::new();
            for fix in &fact.fixes {
                for incident in ledger.incidents_by_id(fix)? {
                    let cause = ledger.incident(&incident)?.and_then(|incident| incident.causes[0].clone());
                    named.extend(cause.map(|cause| (cause.finished_at, cause.deployment, fix.clone())));
                }
            }
            let blames = match named.into_iter().filter(|(_, deployment, _)| *deployment != key).max() {
                Some((_, deployment, fix)) => {
                    Some(Blame { deployment, why: format!("fixes incident {fix}, which this deployment caused") })
                }
                None => hotfixed(ledger, &fact, &place)?,
            };
            if blames != fact.blames {
                let mut fact = Arc::unwrap_or_clone(fact);
                let both = std::mem::replace(&mut fact.blames, blames.clone()).into_iter().chain(blames);
                work.signals.extend(both.map(|blame| blame.deployment));
                ledger.put_deployment(Arc::new(fact))?;
            }
        }
        Ok(())
    }
}

/// The counted deployment just before a hotfix on its component. Other instances that got the same hotfix a moment ago
/// are passed over: they are the cure, not the disease.
fn hotfixed(ledger: &mut impl Ledger, fact: &DeploymentFact, place: &OrderKey) -> Result<Option<Blame>> {
    let (sha, version) = code(fact);
    let failed = ledger.last_counted_other(&fact.lane.component, sha, version, place)?;
    Ok(failed.map(|failed| Blame {
        why: format!("hotfix {} directly followed {}", name(fact), name(&failed)),
        deployment: failed.key.clone(),
    }))
}

/// Takes back what arrived with a deployment, so that the walk starts from what was there before its first one.
fn take_back(ledger: &mut impl Ledger, fact: &DeploymentFact, reached: &mut Reached) -> Result<()> {
    if let Some(arrived) = ledger.arrived(&fact.key)? {
        *reached.get(ledger, &Reach::Lane(fact.lane.clone()), arrived.repo)? -= &arrived.lane;
        *reached.get(ledger, &Reach::Component(fact.lane.component.clone()), arrived.repo)? -= &arrived.component;
        // Its commits must not be found by the reverts of an earlier deployment of this walk.
        ledger.put_arrived(&fact.key, None)?;
    }
    Ok(())
}

/// Notes for the later steps what changed.
fn note(
    ledger: &mut impl Ledger,
    old: &DeploymentFact,
    fact: &DeploymentFact,
    place: &OrderKey,
    work: &mut Work,
) -> Result<()> {
    if old.counted != fact.counted {
        work.incidents.extend(ledger.incidents_of(&fact.key)?.into_iter().map(|incident| incident.key));
        if fact.counted {
            work.counted.insert((fact.lane.clone(), place.clone()));
        }
    }
    if old.remedies() != fact.remedies() || (fact.remedies() && old.kind != fact.kind) {
        touch_remedied(ledger, fact, place, work)?;
    }
    if old.kind != fact.kind || old.blames != fact.blames {
        let blamed = old.blames.iter().chain(&fact.blames).map(|blame| blame.deployment.clone());
        work.signals.extend(blamed);
    }
    work.signals.insert(fact.key.clone());
    Ok(())
}
