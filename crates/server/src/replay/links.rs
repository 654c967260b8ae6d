//! What something was linked to, in words.

use domain::catalogue::Placer;
use domain::event::{Deployment, Entity, EventKind, Incident, PipelineRun};
use domain::fact::{CauseRule, DeploymentFact, IncidentFact};
use domain::{DeploymentKey, EntityKey};
use serde_json::{Value, json};
use store::Store;

use crate::error::ApiError;

struct Links(Vec<Value>);

impl Links {
    fn add(&mut self, link: &str, text: impl Into<String>) {
        self.0.push(json!({"link": link, "text": text.into()}));
    }
}

pub(super) fn links(store: &Store, placer: &Placer, key: &EntityKey, entity: &Entity) -> Result<Vec<Value>, ApiError> {
    let mut links = Links(Vec::new());
    let one = DeploymentKey { source: key.source.clone(), id: key.id.clone() };
    match key.kind {
        EventKind::Deployment => {
            match store.deployment(&one)? {
                Some((fact, _)) => of_deployment(&mut links, &fact),
                None => links.add("deployment", lacking(Deployment::read(key, entity).is_some(), "a deployment")),
            };
        }
        EventKind::Incident => match store.incident(&one)? {
            Some(fact) => of_incident(&mut links, &fact),
            None if entity.flag("withdrawn") == Some(true) => {
                links.add("incident", "it was withdrawn: it was no incident after all");
            }
            None => links.add("incident", lacking(Incident::read(key, entity).is_some(), "an incident")),
        },
        EventKind::PipelineRun => {
            let run = PipelineRun::read(key, entity);
            let rule = run.as_ref().and_then(|run| placer.rules().deployment_of(run));
            match (rule, store.deployment(&one)?) {
                (Some(told), Some((fact, _))) => {
                    links.add(
                        "deployment",
                        format!("a rule of `workflow_deployments` calls it one to {}", told.environment),
                    );
                    of_deployment(&mut links, &fact);
                }
                _ => links.add("deployment", "no rule of `workflow_deployments` calls it a deployment"),
            }
        }
        EventKind::Change => links.add("commits", "deployments find it by its repository and hash"),
        EventKind::Tag => links.add("commits", "deployments of its repository find their commit by its name"),
        EventKind::PullRequest => links.add("commits", "it is linked by the commit of its merge and its own commits"),
        _ => {}
    }
    Ok(links.0)
}

fn lacking(whole: bool, what: &str) -> String {
    if whole {
        format!("it is {what}, and has no place yet")
    } else {
        format!("it is not {what} yet: other deliveries have to tell the rest of its fields")
    }
}

fn of_deployment(links: &mut Links, fact: &DeploymentFact) {
    let environment = if fact.production { "production" } else { "not production" };
    links.add(
        "lane",
        format!("{} on {} in {} ({environment})", fact.lane.component, fact.lane.instance, fact.lane.environment),
    );
    let commit = fact.sha.as_deref().unwrap_or("no commit known");
    let why = fact.sha_why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    links.add("commit", format!("{commit}{why}"));
    links.add("commits", format!("{} by {}: {}", fact.commits, fact.link.text(), fact.range_why));
    links.add("kind", format!("{}: {}", fact.kind.text(), fact.kind_why));
    if let Some(replaced) = &fact.replaces {
        links.add("replaces", replaced.to_string());
    }
    if let Some(blame) = &fact.blames {
        links.add("blames", format!("{}: {}", blame.deployment, blame.why));
    }
    for signal in &fact.signals {
        links.add("failure", format!("{}: {}", signal.kind.text(), signal.by));
    }
    let incidents = fact.incidents.iter().map(|tally| tally.count).max().unwrap_or_default();
    if incidents > 0 {
        links.add("incidents", format!("{incidents} attributed to it"));
    }
}

fn of_incident(links: &mut Links, fact: &IncidentFact) {
    for rule in CauseRule::ALL {
        let cause = fact.causes.get(rule.index()).and_then(Option::as_ref);
        let text = cause.map_or_else(
            || "no deployment".to_owned(),
            |cause| format!("{} of {}: {}", cause.deployment, cause.component, cause.why),
        );
        links.add("cause", format!("{}: {text}", rule.text()));
    }
}
