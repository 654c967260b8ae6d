//! The failure signals of a deployment, the incidents it caused, and what ended its failure (METRICS.md section 3).

use std::sync::Arc;

use domain::catalogue::Placer;
use domain::event::{ChangeKind, EventKind, Health, Override, Status};
use domain::fact::{CauseRule, DeploymentFact, IncidentFact, Remediation, SIGNAL_HORIZON, Signal, SignalKind, Tally};
use domain::{DeploymentKey, OrderKey, Timestamp};

use crate::engine::{Engine, as_entity, override_key};
use crate::kind::name;
use crate::ledger::{Ledger, Result};
use crate::told;
use crate::work::Work;

impl Engine {
    pub(crate) fn collect_signals(&self, ledger: &mut impl Ledger, work: &mut Work) -> Result<()> {
        for (product, at) in std::mem::take(&mut work.opened) {
            // Only deployments after the incident before it can have looked to this one as their first.
            let from = ledger.last_opened_before(&product, at)?.unwrap_or(Timestamp::MIN);
            let from = from.max(at.plus(-SIGNAL_HORIZON));
            work.signals.extend(ledger.production_between(&product, from, at)?);
        }
        for key in std::mem::take(&mut work.signals) {
            let Some(old) = ledger.deployment(&key)? else { continue };
            let mut fact = DeploymentFact::clone(&old);
            collect(ledger, &self.placer, &mut fact)?;
            if fact != *old {
                ledger.put_deployment(Arc::new(fact))?;
            }
        }
        Ok(())
    }
}

fn collect(ledger: &mut impl Ledger, placer: &Placer, fact: &mut DeploymentFact) -> Result<()> {
    let person = ledger.entity(&override_key(EventKind::Deployment, &fact.key))?;
    let person = person.as_deref().and_then(Override::read);
    fact.manual_failed = person.as_ref().and_then(|person| person.failed);
    fact.signals.clear();
    fact.incidents = std::array::from_fn(|_| Tally::default());
    fact.incident_within = None;
    fact.remediation = None;
    let Some(place) = fact.order() else { return Ok(()) };
    let incidents = ledger.incidents_of(&fact.key)?;
    for rule in CauseRule::ALL {
        fact.incidents[rule.index()] = tally(&incidents, fact, rule);
    }
    if fact.production {
        let opened = ledger.first_opened_after(fact.lane.component.product(), place.at)?;
        fact.incident_within = opened.map(|opened| opened.since(place.at)).filter(|delay| *delay <= SIGNAL_HORIZON);
    }
    let mut signals = Vec::new();
    let mut add = |kind, at: Timestamp, by: String| {
        let delay = at.since(place.at);
        if delay <= SIGNAL_HORIZON {
            signals.push(Signal { kind, at, delay, by });
        }
    };
    for blamer in ledger.blamers(&fact.key)? {
        let kind = if blamer.kind == ChangeKind::Rollback { SignalKind::Rollback } else { SignalKind::Hotfix };
        let why = blamer.blames.as_ref().map(|blame| blame.why.as_str()).unwrap_or_default();
        add(kind, blamer.finished_at.unwrap_or(place.at), format!("deployment {}: {why}", blamer.key));
    }
    for (by, sha) in ledger.reverts_of(&fact.key)? {
        let at = ledger.deployment(&by)?.and_then(|by| by.finished_at).unwrap_or(place.at);
        add(SignalKind::Revert, at, format!("deployment {by} reverts commit {}", sha.get(..12).unwrap_or(&sha)));
    }
    if fact.status == Status::Failed {
        add(SignalKind::DeployFailed, place.at, "the source says that it failed".to_owned());
    }
    let health = health_of(ledger, placer, &fact.key)?;
    if let Some((health, at)) = health.filter(|(health, _)| *health != Health::Healthy) {
        add(SignalKind::HealthCheck, at, format!("the source reports {} health", health.text()));
    }
    if matches!(fact.kind, ChangeKind::Rollback | ChangeKind::Hotfix) {
        add(SignalKind::IsRemediation, place.at, format!("it is a {}: {}", fact.kind.text(), fact.kind_why));
    }
    if let Some(person) = person.filter(|person| person.failed == Some(true)) {
        // A person's word has no delay: it counts whatever W a definition has.
        signals.push(Signal {
            kind: SignalKind::Manual,
            at: person.at,
            delay: 0,
            by: format!("{}: {}", person.actor, person.reason),
        });
    }
    signals.sort_unstable();
    fact.signals = signals;
    if fact.suspect() {
        fact.remediation = remediation(ledger, fact, &place, &incidents)?;
    }
    Ok(())
}

/// What its source says of its health, and since when. Most say nothing, so that is looked for first.
fn health_of(ledger: &mut impl Ledger, placer: &Placer, key: &DeploymentKey) -> Result<Option<(Health, Timestamp)>> {
    let entity = ledger.entity(&as_entity(EventKind::Deployment, key))?;
    if entity.is_none_or(|entity| entity.get("health").is_none()) {
        return Ok(None);
    }
    Ok(told::deployment(ledger, placer, key)?.and_then(|told| told.health))
}

fn tally(incidents: &[IncidentFact], fact: &DeploymentFact, rule: CauseRule) -> Tally {
    let mut tally = Tally::default();
    for incident in incidents {
        let Some(cause) = incident.causes[rule.index()].as_ref().filter(|cause| cause.deployment == fact.key) else {
            continue;
        };
        let earliest = |known: Option<i64>| Some(known.map_or(cause.delay, |known| known.min(cause.delay)));
        tally.count += 1;
        tally.first_delay = earliest(tally.first_delay);
        match incident.resolved_at {
            Some(resolved) => {
                tally.first_resolved_delay = earliest(tally.first_resolved_delay);
                tally.resolved_at = tally.resolved_at.max(Some(resolved));
            }
            None => tally.open += 1,
        }
    }
    tally
}

/// An explicit fix of an incident it caused, else the first rollback or hotfix on the component after it.
fn remediation(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    place: &OrderKey,
    incidents: &[IncidentFact],
) -> Result<Option<Remediation>> {
    let mut fixes: Vec<(OrderKey, Remediation)> = Vec::new();
    for incident in incidents {
        for fixer in ledger.fixers(&incident.key.id)? {
            let mends = fixer.production && fixer.status == Status::Succeeded;
            if let Some(order) = fixer.order().filter(|order| mends && order > place) {
                let why = format!("{} fixes incident {}", name(&fixer), incident.key.id);
                fixes.push((order.clone(), Remediation { deployment: fixer.key.clone(), at: order.at, why }));
            }
        }
    }
    if let Some((_, fix)) = fixes.into_iter().min_by(|(a, _), (b, _)| a.cmp(b)) {
        return Ok(Some(fix));
    }
    let next = ledger.first_remedy_after(&fact.lane.component, place)?;
    Ok(next.and_then(|next| {
        Some(Remediation {
            at: next.finished_at?,
            why: format!("the first {} on {} after it", next.kind.text(), next.lane.component),
            deployment: next.key.clone(),
        })
    }))
}
