//! `evidence`: one row a link or verdict of a deployment or incident, with what it rests on.

use std::borrow::Cow;
use std::sync::Arc;

use domain::catalogue::{ComponentId, PlacedBy};
use domain::fact::{CauseRule, CommitLink, DeploymentFact, IncidentFact, SignalKind};
use domain::{DeploymentKey, Timestamp};

use super::{Column, Table, count, instant, lent, number, places, seconds, text};

/// Whose evidence it is.
#[derive(Debug)]
struct Of {
    fact: &'static str,
    key: DeploymentKey,
    product: String,
    component: Option<ComponentId>,
    instance: Option<String>,
    at: Option<Timestamp>,
}

/// One link or verdict.
#[derive(Debug)]
pub(crate) struct Row {
    of: Arc<Of>,
    position: i64,
    says: Says,
}

/// What a row says.
#[derive(Debug, Default)]
struct Says {
    link: &'static str,
    rule: Option<&'static str>,
    value: Option<String>,
    told_at: Option<Timestamp>,
    delay: Option<i64>,
    by: Option<DeploymentKey>,
    why: Option<String>,
}

/// The id under which the rows of a fact are replaced: a deployment and an incident may have the same.
pub(crate) fn key(fact: &str, id: &str) -> String {
    format!("{fact}:{id}")
}

/// The word for deployments.
pub(crate) const DEPLOYMENT: &str = "deployment";
/// The word for incidents.
pub(crate) const INCIDENT: &str = "incident";

const fn placed(by: PlacedBy) -> &'static str {
    match by {
        PlacedBy::Rule => "rule",
        PlacedBy::Catalogue => "catalogue",
        PlacedBy::Event => "event",
        PlacedBy::Repository => "repository",
        PlacedBy::OtherEvents => "other_events",
        PlacedBy::Ambiguous => "ambiguous",
        PlacedBy::Unassigned => "unassigned",
    }
}

/// What a deployment rests on.
pub(crate) fn of_deployment(fact: &DeploymentFact) -> Vec<Row> {
    let of = Of {
        fact: DEPLOYMENT,
        key: fact.key.clone(),
        product: fact.lane.component.product().to_owned(),
        component: Some(fact.lane.component.clone()),
        instance: Some(fact.lane.instance.to_string()),
        at: fact.finished_at,
    };
    let mut all = vec![Says {
        link: "place",
        rule: Some(placed(fact.placed_by)),
        value: Some(fact.lane.component.to_string()),
        why: fact.placed_why.clone(),
        ..Says::default()
    }];
    if fact.sha.is_some() || fact.sha_why.is_some() {
        all.push(Says { link: "commit", value: fact.sha.clone(), why: fact.sha_why.clone(), ..Says::default() });
    }
    if fact.link != CommitLink::None || !fact.range_why.is_empty() {
        all.push(Says {
            link: "commits",
            rule: Some(fact.link.text()),
            value: Some(fact.commits.to_string()),
            told_at: fact.first_commit_at,
            why: words(&fact.range_why),
            ..Says::default()
        });
    }
    if let Some(why) = &fact.range_incomplete {
        all.push(Says { link: "commits_doubted", why: words(why), ..Says::default() });
    }
    all.push(Says {
        link: "kind",
        value: Some(fact.kind.text().to_owned()),
        why: words(&fact.kind_why),
        ..Says::default()
    });
    if let Some(replaced) = &fact.replaces {
        all.push(Says { link: "replaces", by: Some(replaced.clone()), ..Says::default() });
    }
    if let Some(blame) = &fact.blames {
        let by = Some(blame.deployment.clone());
        all.push(Says { link: "blames", by, why: words(&blame.why), ..Says::default() });
    }
    all.extend(failures(fact));
    for incident in &fact.fixes {
        all.push(Says { link: "fixes", value: Some(incident.clone()), ..Says::default() });
    }
    all.extend(assumptions(fact));
    rows(of, all)
}

fn failures(fact: &DeploymentFact) -> Vec<Says> {
    let mut all: Vec<Says> = fact
        .signals
        .iter()
        .map(|signal| Says {
            link: "signal",
            rule: Some(signal.kind.text()),
            told_at: Some(signal.at),
            delay: Some(signal.delay),
            why: words(&signal.by),
            ..Says::default()
        })
        .collect();
    if let Some(delay) = fact.incident_within {
        all.push(Says {
            link: "signal",
            rule: Some(SignalKind::IncidentWithin.text()),
            told_at: fact.finished_at.map(|at| at.plus(delay)),
            delay: Some(delay),
            ..Says::default()
        });
    }
    if let Some(failed) = fact.manual_failed {
        let person = fact.signals.iter().find(|signal| signal.kind == SignalKind::Manual);
        all.push(Says {
            link: "verdict",
            rule: Some(SignalKind::Manual.text()),
            value: Some(if failed { "failed" } else { "not failed" }.to_owned()),
            told_at: person.map(|person| person.at),
            why: person.and_then(|person| words(&person.by)),
            ..Says::default()
        });
    }
    if let Some(remedy) = &fact.remediation {
        all.push(Says {
            link: "remediation",
            told_at: Some(remedy.at),
            delay: fact.finished_at.map(|at| remedy.at.since(at)),
            by: Some(remedy.deployment.clone()),
            why: words(&remedy.why),
            ..Says::default()
        });
    }
    all
}

fn assumptions(fact: &DeploymentFact) -> Vec<Says> {
    let mut all = Vec::new();
    if let Some(from) = &fact.assumed {
        all.push(Says { link: "assumed", rule: Some("deployment"), why: words(from), ..Says::default() });
    }
    if fact.status_assumed {
        let value = Some(fact.status.text().to_owned());
        all.push(Says { link: "assumed", rule: Some("status"), value, ..Says::default() });
    }
    if fact.environment_assumed {
        let value = Some(fact.lane.environment.to_string());
        all.push(Says { link: "assumed", rule: Some("environment"), value, ..Says::default() });
    }
    all
}

/// What an incident rests on.
pub(crate) fn of_incident(fact: &IncidentFact) -> Vec<Row> {
    let of = Of {
        fact: INCIDENT,
        key: fact.key.clone(),
        product: fact.product.clone(),
        component: fact.component.clone(),
        instance: fact.instance.clone(),
        at: Some(fact.started_at),
    };
    let value = fact.component.as_ref().map_or_else(|| fact.product.clone(), ComponentId::to_string);
    let mut all = vec![Says {
        link: "place",
        rule: Some(placed(fact.placed_by)),
        value: Some(value),
        why: fact.placed_why.clone(),
        ..Says::default()
    }];
    for rule in CauseRule::ALL {
        if let Some(cause) = &fact.causes[rule.index()] {
            all.push(Says {
                link: "cause",
                rule: Some(rule.text()),
                value: Some(cause.component.to_string()),
                told_at: Some(cause.finished_at),
                delay: Some(cause.delay),
                by: Some(cause.deployment.clone()),
                why: words(&cause.why),
            });
        }
    }
    rows(of, all)
}

fn words(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn rows(of: Of, all: Vec<Says>) -> Vec<Row> {
    let of = Arc::new(of);
    (1..).zip(all).map(|(position, says)| Row { of: of.clone(), position, says }).collect()
}

fn names(row: &Row) -> [Option<&str>; 3] {
    [Some(&row.of.product), row.of.component.as_ref().map(ComponentId::as_str), row.of.instance.as_deref()]
}

pub(crate) fn table() -> Table<Row> {
    let mut columns = whose();
    columns.extend(what());
    Table::new("evidence", "One link or verdict of one deployment or incident, with what it rests on.", "at", columns)
        .keyed_by("fact_key")
}

fn whose() -> Vec<Column<Row>> {
    vec![
        text("source", "Who reports the fact.", |row: &Row| lent(&row.of.key.source)),
        text("id", "The reporter's own id of the fact.", |row: &Row| lent(&row.of.key.id)),
        text("fact", "`deployment` or `incident`.", |row: &Row| lent(row.of.fact)),
        text("fact_key", "Both in one word, `FACT:ID`.", |row: &Row| {
            Some(Cow::Owned(key(row.of.fact, &row.of.key.id)))
        }),
        text("product", "Product of the fact.", |row: &Row| lent(&row.of.product)),
        text("component", "Component of the fact by its full name.", |row: &Row| {
            row.of.component.as_ref().and_then(|id| lent(id.as_str()))
        }),
        text("instance", "Instance of the fact.", |row: &Row| row.of.instance.as_deref().and_then(lent)),
        places::place(names),
        instant("at", "When the deployment ended, when the incident began.", |row: &Row| row.of.at),
    ]
}

fn what() -> Vec<Column<Row>> {
    vec![
        count("position", "Its place among the rows of the fact, from 1.", |row: &Row| Some(row.position)),
        text(
            "link",
            "Of a deployment `place`, `commit`, `commits`, `commits_doubted`, `kind`, `replaces`, `blames`, `signal`, \
             `verdict`, `remediation`, `fixes` or `assumed`; of an incident `place` or `cause`.",
            |row: &Row| lent(row.says.link),
        ),
        text(
            "rule",
            "Which rule: who placed it, how commits were found, the kind of a signal, the rule of a cause, what was \
             assumed.",
            |row: &Row| row.says.rule.and_then(lent),
        ),
        text(
            "value",
            "What it gave: a component, a commit, how many commits, a kind, a verdict, the id of an incident.",
            |row: &Row| row.says.value.as_deref().and_then(lent),
        ),
        instant("told_at", "When what it rests on happened.", |row: &Row| row.says.told_at),
        number("delay_s", "Seconds from the end of the deployment concerned to that.", |row: &Row| {
            row.says.delay.map(seconds)
        }),
        text("deployment_source", "Source of the deployment it points to.", |row: &Row| {
            row.says.by.as_ref().and_then(|by| lent(&by.source))
        }),
        text("deployment_id", "Id of the deployment it points to.", |row: &Row| {
            row.says.by.as_ref().and_then(|by| lent(&by.id))
        }),
        text("why", "The evidence in words; of a correction who made it and why.", |row: &Row| {
            row.says.why.as_deref().and_then(lent)
        }),
    ]
}
