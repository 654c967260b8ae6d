//! Facts by hand, and questions by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::catalogue::{Catalogue, Component, ComponentId, Domain, Node, PlacedBy, Platform, Product, Tree};
use domain::definition::{Definition, shipped};
use domain::event::{ChangeKind, Severity, Status, Trigger};
use domain::fact::{
    Cause, CauseRule, CommitFact, CommitLink, CommitRole, DeploymentFact, IncidentFact, Lane, Remediation, Signal,
    SignalKind, Tally,
};
use domain::{DeploymentKey, Timestamp};
use metrics::{Answer, MetricAnswer, Question, Window};
use warehouse::Warehouse;

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn definition(id: &str) -> Definition {
    shipped().into_iter().find(|definition| definition.id == id).unwrap()
}

pub(crate) fn key(id: &str) -> DeploymentKey {
    DeploymentKey::new("ci", id)
}

/// A succeeded production deployment of new code, its commits not known.
pub(crate) fn deployment(id: &str, component: &str, instance: &str, finished_at: Timestamp) -> DeploymentFact {
    DeploymentFact {
        key: key(id),
        lane: Lane {
            component: ComponentId::parse(component).unwrap(),
            instance: Arc::from(instance),
            environment: Arc::from("production"),
        },
        placed_by: PlacedBy::Catalogue,
        placed_why: None,
        production: true,
        status: Status::Succeeded,
        started_at: None,
        finished_at: Some(finished_at),
        version: None,
        sha: None,
        config_sha: None,
        repo: None,
        sha_why: None,
        trigger: Trigger::Unknown,
        kind: ChangeKind::Code,
        kind_why: String::new(),
        counted: true,
        replaces: None,
        previous_counted_at: None,
        link: CommitLink::None,
        commits: 0,
        brings_new_commit: false,
        head_committed_at: None,
        commit_at: None,
        first_commit_at: None,
        first_deployment: false,
        range_incomplete: None,
        range_why: String::new(),
        blames: None,
        signals: Vec::new(),
        incidents: Default::default(),
        incident_within: None,
        manual_failed: None,
        remediation: None,
        fixes: Vec::new(),
        status_assumed: false,
        environment_assumed: false,
        assumed: None,
        url: None,
        labels: serde_json::Map::new(),
    }
}

pub(crate) fn commit(of: &DeploymentFact, sha: &str, committed_at: Timestamp) -> CommitFact {
    CommitFact {
        deployment: of.key.clone(),
        repo: Some("acme/code".into()),
        sha: sha.into(),
        authored_at: None,
        committed_at,
        first_arrival: true,
        role: CommitRole::New,
        pull_request: None,
    }
}

pub(crate) fn incident(id: &str, product: &str, opened_at: Timestamp, resolved_at: Option<Timestamp>) -> IncidentFact {
    IncidentFact {
        key: key(id),
        product: product.to_owned(),
        component: None,
        instance: None,
        placed_by: PlacedBy::Catalogue,
        placed_why: None,
        severity: Severity::Unknown,
        title: None,
        opened_at,
        started_at: opened_at,
        detected_at: None,
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at,
        causes: Default::default(),
        url: None,
        labels: Default::default(),
    }
}

/// Links an incident to a deployment under one rule, on both sides.
pub(crate) fn blame(incident: &mut IncidentFact, deployment: &mut DeploymentFact, rule: CauseRule) {
    let finished_at = deployment.finished_at.unwrap();
    let delay = incident.at(rule.at).since(finished_at);
    incident.causes[rule.index()] = Some(Cause {
        deployment: deployment.key.clone(),
        component: deployment.lane.component.clone(),
        finished_at,
        delay,
        why: String::new(),
    });
    let tally: &mut Tally = &mut deployment.incidents[rule.index()];
    let least = |known: Option<i64>| Some(known.map_or(delay, |known| known.min(delay)));
    tally.count += 1;
    tally.first_delay = least(tally.first_delay);
    match incident.resolved_at {
        None => tally.open += 1,
        Some(resolved) => {
            tally.first_resolved_delay = least(tally.first_resolved_delay);
            tally.resolved_at = Some(tally.resolved_at.map_or(resolved, |known| known.max(resolved)));
        }
    }
}

pub(crate) fn signal(deployment: &mut DeploymentFact, kind: SignalKind, delay_s: i64) {
    let delay = delay_s * domain::time::SECOND;
    let at = deployment.finished_at.unwrap().plus(delay);
    deployment.signals.push(Signal { kind, at, delay, by: String::new() });
}

pub(crate) fn remedied(deployment: &mut DeploymentFact, by: &str, at: Timestamp) {
    deployment.remediation = Some(Remediation { deployment: key(by), at, why: String::new() });
}

/// An empty warehouse. One of two asks what groups rows for one product after the other, as the other does when there
/// are very many of them.
pub(crate) fn empty_warehouse(turn: usize) -> Warehouse {
    let mut warehouse = Warehouse::new().unwrap();
    if turn.is_multiple_of(2) {
        warehouse.group_at_once(1);
    }
    warehouse
}

/// Products as `platform/domain/product@team` with components.
pub(crate) fn tree(products: &[(&str, &[&str])]) -> Tree {
    let mut platforms: BTreeMap<String, BTreeMap<String, Vec<Product>>> = BTreeMap::new();
    for (path, components) in products {
        let (path, team) = path.split_once('@').map_or((*path, None), |(path, team)| (path, Some(team.to_owned())));
        let [platform, domain, name] = path.split('/').collect::<Vec<_>>().try_into().unwrap();
        let components =
            components.iter().map(|name| Component { name: (*name).to_owned(), ..Component::default() }).collect();
        let product = Product { name: name.to_owned(), team, components, ..Product::default() };
        platforms.entry(platform.to_owned()).or_default().entry(domain.to_owned()).or_default().push(product);
    }
    let platforms = platforms.into_iter().map(|(name, domains)| Platform {
        name,
        domains: domains.into_iter().map(|(name, products)| Domain { name, products, ..Domain::default() }).collect(),
        ..Platform::default()
    });
    let catalogue = Catalogue { platforms: platforms.collect(), ..Catalogue::default() };
    Tree::build(&catalogue, &BTreeMap::new(), [], [])
}

pub(crate) fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to) }
}

pub(crate) async fn ask(warehouse: &Warehouse, node: &str, definition_id: &str, window: Window) -> Arc<Answer> {
    let node = node_named(warehouse, node);
    warehouse.answer(&Question::new(node, definition(definition_id), window)).await.unwrap()
}

pub(crate) fn node_named(warehouse: &Warehouse, node: &str) -> Node {
    warehouse.tree_now().resolve(&node.parse().unwrap()).unwrap()
}

pub(crate) fn metric(answer: &Answer, name: &str) -> MetricAnswer {
    answer.metrics[&name.parse().unwrap()].clone()
}
