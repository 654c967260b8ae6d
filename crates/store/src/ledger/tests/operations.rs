//! Random writes over a small world, and every question about it.

use std::sync::Arc;

use correlate::{Arrived, CommitNode, Ledger, Reach, Wait, Which};
use domain::catalogue::{ComponentId, PlacedBy};
use domain::event::{ChangeKind, Event, EventKind, Severity, Status, Trigger, entity_key};
use domain::fact::{
    Blame, Cause, CommitFact, CommitLink, CommitRole, DeploymentFact, IncidentFact, Lane, OtherFact, Signal,
    SignalKind, Tally,
};
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};

const SOURCES: [&str; 2] = ["argo", "Jenkins"];
const IDS: [&str; 3] = ["1", "10", "é"];
const COMPONENTS: [&str; 4] = ["shop/cart", "shop/api", "till/cart", "unassigned/org/cart"];
const INSTANCES: [&str; 2] = ["default", "eu"];
const ENVIRONMENTS: [&str; 2] = ["prod", "staging"];
const SHAS: [&str; 4] = ["abcdef1000", "abcdef2000", "abcdef3", "not hex"];
const VERSIONS: [&str; 4] = ["v1.0.0", "1.0.0", "refs/tags/v2", "latest"];
const REPOS: [&str; 2] = ["acme/cart", "Acme/mono"];
const PRODUCTS: [&str; 3] = ["shop", "till", "unassigned"];
const TIMES: i64 = 4;

/// A handful of numbers from which everything is made.
type Dice = [u8; 20];

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Entity(Dice),
    Deployment(Dice),
    Incident(Dice),
    IncidentNames(Dice),
    Other(Dice),
    Commit(Dice),
    Tag(Dice),
    PullRequest(Dice),
    Waits(Dice),
    Reached(Dice),
    Arrived(Dice),
    Commits(Dice),
    Reverts(Dice),
    NoDeployment(Dice),
    NoIncident(Dice),
}

pub(super) fn operation() -> impl Strategy<Value = Operation> {
    let dice = any::<Dice>;
    prop_oneof![
        1 => dice().prop_map(Operation::Entity),
        8 => dice().prop_map(Operation::Deployment),
        3 => dice().prop_map(Operation::Incident),
        1 => dice().prop_map(Operation::IncidentNames),
        1 => dice().prop_map(Operation::Other),
        3 => dice().prop_map(Operation::Commit),
        1 => dice().prop_map(Operation::Tag),
        1 => dice().prop_map(Operation::PullRequest),
        1 => dice().prop_map(Operation::Waits),
        2 => dice().prop_map(Operation::Reached),
        1 => dice().prop_map(Operation::Arrived),
        2 => dice().prop_map(Operation::Commits),
        2 => dice().prop_map(Operation::Reverts),
        2 => dice().prop_map(Operation::NoDeployment),
        1 => dice().prop_map(Operation::NoIncident),
    ]
}

fn pick<T: Copy>(from: &[T], die: u8) -> T {
    from[usize::from(die) % from.len()]
}

fn maybe<T: Copy>(from: &[T], die: u8) -> Option<T> {
    from.get(usize::from(die) % (from.len() + 1)).copied()
}

fn key(die: u8) -> DeploymentKey {
    DeploymentKey::new(pick(&SOURCES, die), pick(&IDS, die / 2))
}

fn keys() -> Vec<DeploymentKey> {
    SOURCES.iter().flat_map(|source| IDS.iter().map(|id| DeploymentKey::new(*source, *id))).collect()
}

fn at(die: u8) -> Timestamp {
    Timestamp::from_micros(i64::from(die) % TIMES * 1_000_000)
}

fn component(name: &str) -> ComponentId {
    ComponentId::parse(name).unwrap()
}

fn lane(component_die: u8, die: u8) -> Lane {
    Lane {
        component: component(pick(&COMPONENTS, component_die)),
        instance: pick(&INSTANCES, die).into(),
        environment: pick(&ENVIRONMENTS, die / 2).into(),
    }
}

fn set(die: u8) -> RoaringBitmap {
    (0..u32::from(die) % 5).collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn other_keys() -> Vec<EntityKey> {
    [EventKind::PipelineRun, EventKind::SloSample]
        .into_iter()
        .flat_map(|kind| IDS.iter().map(move |id| entity_key(kind, "ci", id)))
        .collect()
}

fn deployment(d: Dice) -> DeploymentFact {
    let status = pick(&[Status::Succeeded, Status::Succeeded, Status::Failed, Status::InProgress], d[1]);
    let production = !d[2].is_multiple_of(4);
    let finished_at = (status != Status::InProgress).then(|| at(d[3]));
    let counted = production && status == Status::Succeeded && !d[4].is_multiple_of(3);
    let signal = Signal { kind: SignalKind::Revert, at: at(d[5]), delay: 1, by: text("x") };
    let tally = |die: u8| Tally { count: u32::from(die.is_multiple_of(8)), ..Tally::default() };
    DeploymentFact {
        key: key(d[0]),
        lane: lane(d[6], d[7]),
        placed_by: pick(&[PlacedBy::Event, PlacedBy::Catalogue], d[8]),
        placed_why: None,
        production,
        status,
        started_at: None,
        finished_at,
        version: maybe(&VERSIONS, d[9]).map(text),
        sha: maybe(&SHAS, d[10]).map(text),
        config_sha: None,
        repo: maybe(&REPOS, d[11]).map(text),
        sha_why: None,
        trigger: Trigger::Unknown,
        kind: pick(&[ChangeKind::Code, ChangeKind::Rollback, ChangeKind::Hotfix], d[12]),
        kind_why: "x".repeat(usize::from(d[13]) * 30),
        counted,
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
        blames: d[14].is_multiple_of(3).then(|| Blame { deployment: key(d[15]), why: text("why") }),
        signals: d[16].is_multiple_of(4).then_some(signal).into_iter().collect(),
        incidents: [tally(d[17]), tally(d[18]), Tally::default(), Tally::default()],
        incident_within: None,
        manual_failed: d[19].is_multiple_of(5).then_some(true),
        remediation: None,
        fixes: maybe(&IDS, d[17]).into_iter().chain(maybe(&IDS, d[18])).map(text).collect(),
        status_assumed: false,
        environment_assumed: false,
        assumed: None,
        url: None,
        labels: Map::from_iter([(text("z"), json!("1")), (text("a"), json!(d[19].to_string()))]),
    }
}

fn incident(d: Dice) -> IncidentFact {
    let cause = |die: u8| {
        die.is_multiple_of(2).then(|| Cause {
            deployment: key(die / 2),
            component: component(COMPONENTS[0]),
            finished_at: at(die),
            delay: -3,
            why: text("why"),
        })
    };
    let at_component = maybe(&COMPONENTS, d[1]).map(component);
    IncidentFact {
        key: key(d[0]),
        product: at_component.as_ref().map_or(pick(&PRODUCTS, d[2]), |component| component.product()).to_owned(),
        component: at_component,
        instance: None,
        placed_by: PlacedBy::Event,
        placed_why: None,
        severity: Severity::High,
        title: None,
        opened_at: at(d[3]),
        started_at: at(d[4]),
        detected_at: None,
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at: maybe(&[0, 1], d[9]).map(at),
        causes: [cause(d[5]), cause(d[6]), cause(d[7]), cause(d[8])],
        url: None,
        labels: Map::from_iter([(text("tier"), json!(d[9].to_string()))]),
    }
}

fn commit(deployment: &DeploymentKey, d: &[u8]) -> CommitFact {
    CommitFact {
        deployment: deployment.clone(),
        repo: maybe(&REPOS, d[0]).map(Arc::from),
        sha: pick(&SHAS, d[1]).into(),
        authored_at: maybe(&[1, 2], d[2]).map(at),
        committed_at: at(d[2]),
        first_arrival: d[2].is_multiple_of(2),
        role: pick(&[CommitRole::New, CommitRole::Merge, CommitRole::Squashed], d[0]),
        pull_request: maybe(&["1", "2"], d[1]).map(text),
    }
}

/// A deployment with one commit.
pub(super) fn deployed() -> (DeploymentFact, Vec<CommitFact>) {
    let fact = deployment([1; 20]);
    let commits = vec![commit(&fact.key, &[1, 1, 1])];
    (fact, commits)
}

impl Operation {
    pub(super) fn perform(&self, ledger: &mut impl Ledger) {
        match self {
            Operation::Entity(d) => {
                let key = pick(&[EventKind::Incident, EventKind::Product], d[0]);
                let key = entity_key(key, pick(&SOURCES, d[1]), pick(&IDS, d[2]));
                let fields =
                    Map::from_iter([(text("title"), Value::from(d[3])), (text("score"), json!(0.1 + f64::from(d[4])))]);
                let mut entity = ledger.entity(&key).unwrap().map(Arc::unwrap_or_clone).unwrap_or_default();
                entity.merge(&Event { key: key.clone(), fields });
                ledger.put_entity(&key, Arc::new(entity)).unwrap();
            }
            Operation::Deployment(d) => ledger.put_deployment(Arc::new(deployment(*d))).unwrap(),
            Operation::Incident(d) => ledger.put_incident(&incident(*d)).unwrap(),
            Operation::IncidentNames(d) => {
                let ids: Vec<String> = maybe(&IDS, d[1]).into_iter().chain(maybe(&IDS, d[2])).map(text).collect();
                ledger.put_incident_names(&key(d[0]), &ids).unwrap();
            }
            Operation::Other(d) => {
                let component = maybe(&COMPONENTS, d[1]).map(component);
                let product = component.as_ref().map(|component| text(component.product()));
                let key = other_keys()[usize::from(d[0]) % 6].clone();
                ledger.put_other(&OtherFact { key, product, component, at: at(d[2]), values: Map::new() }).unwrap();
            }
            Operation::Commit(d) => {
                let repo = ledger.repo_id(pick(&REPOS, d[0])).unwrap();
                let id = ledger.commit_id(repo, pick(&SHAS, d[1])).unwrap();
                if d[2].is_multiple_of(3) {
                    return;
                }
                let parents = maybe(&SHAS, d[3]).map(|sha| vec![ledger.commit_id(repo, sha).unwrap()]);
                let node = CommitNode {
                    sha: pick(&SHAS, d[1]).into(),
                    committed_at: d[4].is_multiple_of(2).then(|| at(d[5])),
                    parents,
                };
                ledger.put_commit_node(repo, id, Arc::new(node)).unwrap();
            }
            Operation::Tag(d) => {
                let name = pick(&VERSIONS, d[1]);
                let normalised = domain::version::normalise(name);
                ledger.put_tag(pick(&REPOS, d[0]), name, normalised, pick(&SHAS, d[2])).unwrap();
            }
            Operation::PullRequest(d) => {
                let key = entity_key(EventKind::PullRequest, "git", pick(&IDS, d[0]));
                ledger.put_pull_request(&key, pick(&REPOS, d[1]), pick(&SHAS, d[2])).unwrap();
            }
            Operation::Waits(d) => {
                let commit = maybe(&SHAS, d[1]).map(Wait::commit);
                let tag = maybe(&VERSIONS, d[2]).map(|name| Wait::Tag(text(REPOS[0]), text(name)));
                let waits: Vec<Wait> = commit.into_iter().chain(tag).collect();
                ledger.set_waits(&key(d[0]), &waits).unwrap();
            }
            Operation::Reached(d) => {
                let repo = ledger.repo_id(pick(&REPOS, d[0])).unwrap();
                let lane = lane(d[1], d[2]);
                let reach = if d[3].is_multiple_of(2) { Reach::Component(lane.component) } else { Reach::Lane(lane) };
                ledger.put_reached(&reach, repo, &set(d[4])).unwrap();
            }
            Operation::Arrived(d) => {
                let repo = ledger.repo_id(pick(&REPOS, d[1])).unwrap();
                let arrived = Arrived { repo, lane: set(d[2]), component: set(d[3]) };
                ledger.put_arrived(&key(d[0]), (!d[4].is_multiple_of(4)).then_some(arrived)).unwrap();
            }
            Operation::Commits(d) => {
                let key = key(d[0]);
                let commits: Vec<_> =
                    d[2..].chunks_exact(3).take(usize::from(d[1] % 4)).map(|d| commit(&key, d)).collect();
                ledger.put_commits(&key, commits).unwrap();
            }
            Operation::Reverts(d) => {
                let mut reverted: Vec<_> = d[2..]
                    .chunks_exact(2)
                    .take(usize::from(d[1] % 4))
                    .map(|d| (key(d[0]), text(pick(&SHAS, d[1]))))
                    .collect();
                reverted.sort();
                reverted.dedup();
                ledger.put_reverts(&key(d[0]), &reverted).unwrap();
            }
            Operation::NoDeployment(d) => ledger.remove_deployment(&key(d[0])).unwrap(),
            Operation::NoIncident(d) => ledger.remove_incident(&key(d[0])).unwrap(),
        }
    }
}

/// The answer to every question about the small world, as texts that name the question. Where the trait promises no
/// order it is sorted.
pub(super) fn answers(ledger: &mut impl Ledger) -> Vec<String> {
    let mut out = Vec::new();
    macro_rules! ask {
        ($method:ident($($argument:expr),*)) => {{
            let answer = ledger.$method($($argument),*).unwrap();
            out.push(format!("{} {:?}: {answer:?}", stringify!($method), ($(&$argument,)*)));
        }};
        (any order $method:ident($($argument:expr),*)) => {{
            let mut answer: Vec<String> =
                ledger.$method($($argument),*).unwrap().into_iter().map(|item| format!("{item:?}")).collect();
            answer.sort();
            answer.dedup();
            out.push(format!("{} {:?}: {answer:?}", stringify!($method), ($(&$argument,)*)));
        }};
    }
    let instants: Vec<Timestamp> = (-1..=TIMES).map(|second| Timestamp::from_micros(second * 1_000_000)).collect();
    let mut places: Vec<OrderKey> = instants.iter().map(|at| OrderKey::before(*at)).collect();
    for at in &instants {
        places.extend([keys()[0].clone(), keys()[4].clone()].map(|key| OrderKey::new(*at, key)));
    }
    for kind in [EventKind::Incident, EventKind::Product] {
        ask!(any order entity_keys(kind));
        for (source, id) in SOURCES.iter().flat_map(|source| IDS.iter().map(move |id| (source, id))) {
            ask!(entity(&entity_key(kind, source, id)));
        }
    }
    for key in keys() {
        ask!(deployment(&key));
        ask!(incident(&key));
        ask!(any order blamers(&key));
        ask!(any order incidents_of(&key));
        ask!(commits(&key));
        ask!(any order reverts_by(&key));
        ask!(reverts_of(&key));
        for component in COMPONENTS.map(component) {
            ask!(implied_by_other(&component, &key));
        }
        let names: Vec<u32> = REPOS.iter().map(|repo| ledger.repo_id(repo).unwrap()).collect();
        let arrived = ledger.arrived(&key).unwrap();
        let arrived = arrived.map(|of| (names.iter().position(|repo| *repo == of.repo), of.lane, of.component));
        out.push(format!("arrived {key}: {arrived:?}"));
    }
    for id in IDS {
        ask!(any order deployments_by_id(id));
        ask!(any order incidents_by_id(id));
        ask!(any order incidents_naming(id));
        ask!(any order fixers(id));
    }
    for component in COMPONENTS.map(component) {
        for place in &places {
            ask!(first_remedy_after(&component, place));
            ask!(last_remedy_before(&component, place));
            ask!(deployments_from(&component, place));
            ask!(any order suspects(&component, place, &places[4]));
            for sha in [None, Some(SHAS[0]), Some(SHAS[1])] {
                for version in [None, Some("1.0.0"), Some("2"), Some("v2")] {
                    ask!(last_counted_other(&component, sha, version, place));
                }
            }
        }
        for at in &instants {
            for instance in [None, Some(INSTANCES[0]), Some(INSTANCES[1])] {
                ask!(last_counted_in_scope(component.product(), Some(&component), instance, *at));
                ask!(last_counted_in_scope("shop", None::<&ComponentId>, instance, *at));
            }
        }
    }
    for die in 0..16 {
        let lane = lane(die / 4, die % 4);
        for place in &places {
            ask!(last_in_lane(&lane, Which::Succeeded, place));
            ask!(last_in_lane(&lane, Which::Counted, place));
            ask!(next_counted_in_lane(&lane, place));
            for sha in [None, Some(SHAS[0]), Some(SHAS[1])] {
                for version in [None, Some("1.0.0"), Some("v2")] {
                    ask!(last_with_code(&lane, sha, version, place));
                }
            }
        }
    }
    for product in PRODUCTS {
        for at in &instants {
            ask!(first_opened_after(product, *at));
            ask!(last_opened_before(product, *at));
            for until in &instants {
                ask!(any order incidents_between(product, *at, *until));
                ask!(any order production_between(product, *at, *until));
            }
        }
    }
    for name in ["cart", "api", "org/cart", "nothing"] {
        ask!(any order others_named(name));
        let (mut deployments, mut incidents) = ledger.named(name).unwrap();
        deployments.sort();
        incidents.sort();
        out.push(format!("named {name}: {deployments:?} {incidents:?}"));
    }
    ask!(any order implied());
    for prefix in ["", "abcdef", "abcdef1", "abcdef1000", "not", "ABC"] {
        ask!(find_commit_anywhere(prefix));
        for repo in REPOS {
            ask!(find_commit(repo, prefix));
        }
    }
    for sha in SHAS {
        ask!(any order deployments_by_sha(sha));
        ask!(any order waiting(&Wait::commit(sha)));
        for repo in REPOS {
            ask!(any order deployments_with(repo, sha));
            ask!(pull_request_of(repo, sha));
        }
    }
    for version in VERSIONS {
        ask!(any order waiting(&Wait::Tag(text(REPOS[0]), text(version))));
        for repo in REPOS {
            ask!(tags(repo, domain::version::normalise(version)));
        }
    }
    for repo in REPOS {
        let number = ledger.repo_id(repo).unwrap();
        let reaching = ledger.reaching(number).unwrap();
        out.push(format!("reaching {repo}: {reaching:?}"));
        for id in 0..5 {
            let node = ledger.commit_node(number, id).unwrap();
            out.push(format!("commit_node {repo} {id}: {node:?}"));
        }
        for die in 0..16 {
            let lane = lane(die / 4, die % 4);
            for reach in [Reach::Component(lane.component.clone()), Reach::Lane(lane)] {
                let reached = ledger.reached(&reach, number).unwrap();
                out.push(format!("reached {repo} {reach:?}: {reached:?}"));
            }
        }
    }
    out
}
