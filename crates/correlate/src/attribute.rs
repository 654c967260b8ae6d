//! Which deployment an incident is attributed to (METRICS.md section 2, "Incident to deployment").

use std::sync::Arc;

use domain::catalogue::Named;
use domain::event::{EventKind, Incident, Override};
use domain::fact::{Cause, CauseRule, CauseScope, DeploymentFact, IncidentFact};
use domain::key::IncidentKey;
use domain::{DeploymentKey, Timestamp};

use crate::engine::{Engine, as_entity, override_key};
use crate::ledger::{Ledger, Result};
use crate::work::Work;

/// A link that a person or the source made; it stands above the rules.
enum Explicit {
    /// To this deployment, for the reason in words.
    To(Arc<DeploymentFact>, String),
    /// To none at all.
    Nowhere,
}

impl Engine {
    pub(crate) fn attribute_incidents(&self, ledger: &mut impl Ledger, work: &mut Work) -> Result<()> {
        for (lane, place) in std::mem::take(&mut work.counted) {
            // Until the next one of the same lane every scope that includes this deployment may look to it.
            let until = ledger.next_counted_in_lane(&lane, &place)?.and_then(|next| next.finished_at);
            let until = until.unwrap_or(Timestamp::MAX);
            let product = lane.component.product();
            work.incidents.extend(ledger.incidents_between(product, place.at, until)?);
        }
        for key in std::mem::take(&mut work.incidents) {
            self.attribute(ledger, &key, work)?;
        }
        Ok(())
    }

    fn attribute(&self, ledger: &mut impl Ledger, key: &IncidentKey, work: &mut Work) -> Result<()> {
        let entity_key = as_entity(EventKind::Incident, key);
        let entity = ledger.entity(&entity_key)?;
        let Some(told) = entity.and_then(|entity| Incident::read(&entity_key, &entity)) else {
            return withdraw(ledger, key, work);
        };
        let Some(mut fact) = self.place_incident(&told) else { return Ok(()) };
        let person = ledger.entity(&override_key(EventKind::Incident, key))?;
        let person = person.as_deref().and_then(Override::read);
        let corrected = person.as_ref().and_then(|person| person.cause.clone().flatten());
        let mut names: Vec<String> =
            told.deployment_id.iter().cloned().chain(corrected.map(|deployment| deployment.id.to_string())).collect();
        // It may be named as `source/id`.
        names.extend(told.deployment_id.as_deref().and_then(|id| id.split_once('/')).map(|(_, id)| id.to_owned()));
        ledger.put_incident_names(key, &names)?;
        let explicit = explicit(ledger, &told, &fact, person.as_ref())?;
        for rule in CauseRule::ALL {
            let at = fact.at(rule.at);
            fact.causes[rule.index()] = match &explicit {
                Some(Explicit::Nowhere) => None,
                Some(Explicit::To(deployment, why)) => cause_of(deployment, at, why.clone()),
                None => by_rule(ledger, &fact, rule, at)?,
            };
        }
        let old = ledger.incident(key)?;
        if old.as_ref() == Some(&fact) {
            return Ok(());
        }
        note(ledger, old.as_ref(), Some(&fact), work)?;
        ledger.put_incident(&fact)
    }

    fn place_incident(&self, told: &Incident) -> Option<IncidentFact> {
        let place = self.placer.locate(&Named::from(told))?;
        let instance = self.placer.rule(place.rule).and_then(|rule| rule.instance.clone());
        Some(IncidentFact {
            key: told.key.clone(),
            product: place.product,
            component: place.component,
            instance: instance.or_else(|| told.instance.clone()),
            placed_by: place.by,
            placed_why: self.placer.why(place.rule),
            severity: told.severity,
            title: told.title.clone(),
            opened_at: told.opened_at,
            started_at: told.started_at,
            detected_at: told.detected_at,
            acknowledged_at: told.acknowledged_at,
            mitigated_at: told.mitigated_at,
            resolved_at: told.resolved_at,
            causes: [None, None, None, None],
            url: told.url.clone(),
            labels: told.labels.clone(),
        })
    }
}

fn explicit(
    ledger: &mut impl Ledger,
    told: &Incident,
    fact: &IncidentFact,
    person: Option<&Override>,
) -> Result<Option<Explicit>> {
    if let Some(person) = person
        && let Some(cause) = &person.cause
    {
        let Some(key) = cause else { return Ok(Some(Explicit::Nowhere)) };
        if let Some(deployment) = ledger.deployment(key)?.filter(|deployment| deployment.finished_at.is_some()) {
            return Ok(Some(Explicit::To(deployment, format!("set by {}: {}", person.actor, person.reason))));
        }
    }
    let Some(id) = &told.deployment_id else { return Ok(None) };
    let named = named_deployment(ledger, told, fact, id)?;
    Ok(named.map(|deployment| Explicit::To(deployment, format!("the incident names deployment {id}"))))
}

/// The finished deployment with this id: of the incident's own source, else of its product, else the last of any.
fn named_deployment(
    ledger: &mut impl Ledger,
    told: &Incident,
    fact: &IncidentFact,
    id: &str,
) -> Result<Option<Arc<DeploymentFact>>> {
    let mut keys = ledger.deployments_by_id(id)?;
    if let Some((source, id)) = id.split_once('/') {
        keys.push(DeploymentKey::new(source, id));
    }
    let mut found = Vec::new();
    for key in keys {
        if let Some(deployment) = ledger.deployment(&key)?.filter(|deployment| deployment.finished_at.is_some()) {
            let near = (
                deployment.key.source == told.key.source,
                deployment.lane.component.product() == fact.product,
                deployment.order(),
            );
            found.push((near, deployment));
        }
    }
    Ok(found.into_iter().max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, deployment)| deployment))
}

/// The latest counted deployment that finished strictly before the incident, in scope.
fn by_rule(ledger: &mut impl Ledger, fact: &IncidentFact, rule: CauseRule, at: Timestamp) -> Result<Option<Cause>> {
    let (component, instance) = match rule.scope {
        CauseScope::Narrowest => (fact.component.as_ref(), fact.instance.as_deref()),
        CauseScope::Product => (None, None),
    };
    let Some(deployment) = ledger.last_counted_in_scope(&fact.product, component, instance, at)? else {
        return Ok(None);
    };
    let scope = component.map_or(fact.product.as_str(), |component| component.as_str());
    let place = instance.map(|instance| format!(" on {instance}")).unwrap_or_default();
    let why = format!("the latest counted deployment of {scope}{place} that finished before {at}");
    Ok(cause_of(&deployment, at, why))
}

fn cause_of(deployment: &DeploymentFact, at: Timestamp, why: String) -> Option<Cause> {
    let finished_at = deployment.finished_at?;
    Some(Cause {
        deployment: deployment.key.clone(),
        component: deployment.lane.component.clone(),
        finished_at,
        delay: at.since(finished_at),
        why,
    })
}

/// Notes for the later steps what changed.
fn note(
    ledger: &mut impl Ledger,
    old: Option<&IncidentFact>,
    fact: Option<&IncidentFact>,
    work: &mut Work,
) -> Result<()> {
    let causes = old.into_iter().chain(fact).flat_map(|incident| incident.causes.iter().flatten());
    work.signals.extend(causes.map(|cause| cause.deployment.clone()));
    let opened = |incident: &IncidentFact| (incident.product.clone(), incident.opened_at);
    if old.map(opened) != fact.map(opened) {
        work.opened.extend(old.map(opened));
        work.opened.extend(fact.map(opened));
    }
    if let Some(incident) = fact.or(old) {
        for fixer in ledger.fixers(&incident.key.id)? {
            work.blame.insert(fixer.key.clone());
        }
    }
    Ok(())
}

/// Takes out what was no incident after all.
fn withdraw(ledger: &mut impl Ledger, key: &IncidentKey, work: &mut Work) -> Result<()> {
    let Some(old) = ledger.incident(key)? else { return Ok(()) };
    note(ledger, Some(&old), None, work)?;
    ledger.remove_incident(key)
}
