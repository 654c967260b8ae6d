//! A slow, obvious reading of METRICS.md straight over the facts, against the SQL and the roll-up.

use std::collections::BTreeSet;

use domain::catalogue::{ComponentId, Level, Node};
use domain::definition::{
    Children, Definition, Frequency, LeadTime, LeadTimeOf, LeadTimeStart, Population, RestoreFrom, RestoreTo, Rollup,
    Statistic, shipped,
};
use domain::event::{ChangeKind, Status};
use domain::fact::{CauseRule, CommitFact, CommitLink, CommitRole, DeploymentFact, IncidentFact, SignalKind};
use domain::metric::Metric;
use domain::time::{DAY, HOUR};
use domain::{Timestamp, version};
use metrics::{Question, Window};
use proptest::prelude::*;

use crate::support::{at, blame, commit, deployment, empty_warehouse, incident, remedied, signal, tree};

/// Platform, domain, product, team.
type Path = (&'static str, &'static str, &'static str, Option<&'static str>);

const PLACES: [Path; 4] = [
    ("p1", "d1", "a", Some("t1")),
    ("p1", "d1", "b", Some("t2")),
    ("p1", "d2", "c", Some("t1")),
    ("p2", "d3", "d", None),
];
const FIVE: [Metric; 6] = [
    Metric::DeploymentFrequency,
    Metric::LeadTime,
    Metric::ChangeFailureRate,
    Metric::FailedDeploymentRecoveryTime,
    Metric::ReworkRate,
    Metric::TimeToRestore,
];

#[derive(Debug, Default)]
struct World {
    deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    incidents: Vec<IncidentFact>,
}

fn start() -> Timestamp {
    at("2025-01-01T00:00:00Z")
}

/// Days 5 to 15 of the 20 in which things happen.
fn window() -> Window {
    Window { from: start().plus(5 * DAY), to: start().plus(15 * DAY) }
}

/// Any evidence beside any other: what correlation would never give must still be counted as the page says.
fn one_deployment(index: usize, raw: [u8; 20]) -> (DeploymentFact, Vec<CommitFact>) {
    let bit = |place: usize, mask: u8| raw[place] & mask != 0;
    let component = format!("{}/{}", PLACES[usize::from(raw[0] % 4)].2, ["x", "y"][usize::from(raw[1] % 2)]);
    let finished = start().plus(i64::from(raw[2]) * 20 * DAY / 256 / HOUR * HOUR);
    let mut fact = deployment(&format!("d{index}"), &component, ["i1", "i2"][usize::from(raw[3] % 2)], finished);
    fact.production = !raw[4].is_multiple_of(8);
    fact.status = [Status::Succeeded, Status::Succeeded, Status::Succeeded, Status::Failed, Status::Cancelled]
        [usize::from(raw[5] % 5)];
    fact.kind = [ChangeKind::Code, ChangeKind::Code, ChangeKind::Config, ChangeKind::Rollback, ChangeKind::Hotfix]
        [usize::from(raw[6] % 5)];
    fact.counted = fact.production && fact.status == Status::Succeeded && fact.kind != ChangeKind::Config;
    fact.version = [None, Some("1.2.3"), Some("v2.0.0"), Some("latest")][usize::from(raw[7] % 4)].map(str::to_owned);
    fact.link =
        [CommitLink::Graph, CommitLink::EventCommits, CommitLink::CommitAt, CommitLink::None][usize::from(raw[8] % 4)];
    fact.brings_new_commit = bit(8, 0x60);
    if bit(8, 0x80) {
        fact.labels.insert("tier".to_owned(), "gold".into());
    }
    fact.head_committed_at = bit(9, 1).then(|| finished.plus((4 - i64::from(raw[9] / 4)) * HOUR));
    fact.commit_at = bit(9, 2).then(|| finished.plus((2 - i64::from(raw[10] / 4)) * HOUR));
    fact.manual_failed = [None, None, None, None, None, None, Some(true), Some(false)][usize::from(raw[11] % 8)];
    fact.incident_within = bit(11, 0x80).then(|| i64::from(raw[12]) * HOUR);
    if bit(13, 1) {
        fact.fixes = vec!["i".to_owned()];
    }
    let kinds = [SignalKind::Rollback, SignalKind::Hotfix, SignalKind::Revert, SignalKind::HealthCheck];
    for (place, kind) in kinds.into_iter().enumerate() {
        if raw[13] >> 1 & 7 == place as u8 {
            signal(&mut fact, kind, i64::from(raw[14]) * 3_600);
            signal(&mut fact, kind, i64::from(raw[15]) * 3_600);
        }
    }
    if bit(16, 1) {
        remedied(&mut fact, "other", finished.plus((i64::from(raw[16] / 2) - 3) * HOUR));
    }
    let commits = (0..raw[17] % 4).map(|n| {
        let mut commit =
            commit(&fact, &format!("{index}-{n}"), finished.plus((3 - i64::from(raw[18]) * i64::from(n + 1)) * HOUR));
        commit.first_arrival = raw[19] >> n & 1 == 0;
        commit.role = [CommitRole::New, CommitRole::Head, CommitRole::Merge, CommitRole::Squashed]
            [usize::from(raw[19] >> 4 >> n & 3)];
        commit
    });
    let commits: Vec<_> = commits.collect();
    fact.first_commit_at = commits.iter().filter(|commit| commit.role.used()).map(|commit| commit.committed_at).min();
    (fact, commits)
}

fn one_incident(index: usize, raw: [u8; 12], deployments: &mut [(DeploymentFact, Vec<CommitFact>)]) -> IncidentFact {
    let product = PLACES[usize::from(raw[0] % 4)].2;
    let opened = start().plus(i64::from(raw[1]) * 20 * DAY / 256 / HOUR * HOUR);
    let later = |raw: u8| (!raw.is_multiple_of(3)).then(|| opened.plus((i64::from(raw / 4) - 2) * HOUR));
    let mut fact = incident(&format!("i{index}"), product, opened, later(raw[2]));
    fact.started_at = opened.plus(-i64::from(raw[3] % 4) * HOUR);
    (fact.detected_at, fact.mitigated_at) = (later(raw[4]), later(raw[5]));
    if raw[6].is_multiple_of(2) {
        fact.component = Some(ComponentId::new(product, ["x", "y"][usize::from(raw[6] / 2 % 2)]));
        fact.instance = (raw[6] / 4).is_multiple_of(2).then(|| "i1".to_owned());
    }
    if raw[11].is_multiple_of(2) {
        fact.labels.insert("tier".to_owned(), "gold".into());
    }
    for (place, rule) in CauseRule::ALL.into_iter().enumerate() {
        let pick = usize::from(raw[7 + place]);
        if let Some((deployment, _)) = deployments.get_mut(pick) {
            blame(&mut fact, deployment, rule);
        }
    }
    fact
}

fn world(deployments: Vec<[u8; 20]>, incidents: Vec<[u8; 12]>) -> World {
    let mut facts: Vec<_> =
        deployments.into_iter().enumerate().map(|(index, raw)| one_deployment(index, raw)).collect();
    for index in 0..facts.len() {
        let fact = &facts[index].0;
        let earlier = facts.iter().map(|(other, _)| other).filter(|other| {
            other.counted && other.lane == fact.lane && (other.finished_at, &other.key) < (fact.finished_at, &fact.key)
        });
        facts[index].0.previous_counted_at = earlier.filter_map(|other| other.finished_at).max();
    }
    let incidents =
        incidents.into_iter().enumerate().map(|(index, raw)| one_incident(index, raw, &mut facts)).collect();
    World { deployments: facts, incidents }
}

/// Rows: a value when used, nothing when left out.
type Rows = Vec<Option<f64>>;

struct Reading<'a> {
    world: &'a World,
    definition: &'a Definition,
}

fn below(node: &Node, product: &str, component: Option<&ComponentId>, instance: Option<&str>) -> bool {
    let place = PLACES.iter().find(|place| place.2 == product).unwrap();
    match node {
        Node::Group => true,
        Node::Platform(name) => place.0 == name,
        Node::Domain(name) => place.1 == name,
        Node::Team(name) => place.3 == Some(name),
        Node::Product(name) => product == name,
        Node::Component(id) => component == Some(id),
        Node::Instance(id, name) => component == Some(id) && instance == Some(name),
    }
}

impl Reading<'_> {
    fn in_population(&self, fact: &DeploymentFact) -> bool {
        let label = |key: &str| fact.labels.get(key).and_then(|value| value.as_str());
        if self.definition.filter.iter().any(|(key, value)| label(key) != Some(value)) {
            return false;
        }
        match self.definition.population {
            Population::Counted => fact.counted,
            Population::Attempts => {
                fact.production
                    && matches!(fact.status, Status::Succeeded | Status::Failed)
                    && fact.kind != ChangeKind::Config
            }
            Population::EveryProduction => fact.production,
        }
    }

    fn deployments(&self, node: &Node) -> Vec<&(DeploymentFact, Vec<CommitFact>)> {
        let here = |fact: &DeploymentFact| {
            below(node, fact.lane.component.product(), Some(&fact.lane.component), Some(&fact.lane.instance))
        };
        self.world.deployments.iter().filter(|(fact, _)| here(fact) && self.in_population(fact)).collect()
    }

    fn of_window(&self, node: &Node) -> Vec<&(DeploymentFact, Vec<CommitFact>)> {
        let inside = |at: Timestamp| window().from <= at && at < window().to;
        self.deployments(node).into_iter().filter(|(fact, _)| inside(fact.finished_at.unwrap())).collect()
    }

    fn failed(&self, fact: &DeploymentFact) -> bool {
        let failure = &self.definition.failure;
        let limit = failure.window_s * 1_000_000;
        if let (true, Some(verdict)) = (failure.counts(SignalKind::Manual), fact.manual_failed) {
            return verdict;
        }
        failure.signals.iter().any(|kind| match kind {
            SignalKind::Incident => {
                let tally = &fact.incidents[failure.cause().index()];
                if failure.closed_incidents_only { tally.count > tally.open } else { tally.count > 0 }
            }
            SignalKind::IncidentWithin => fact.incident_within.is_some_and(|delay| delay <= limit),
            SignalKind::DeployFailed => fact.status == Status::Failed,
            SignalKind::IsRemediation => matches!(fact.kind, ChangeKind::Rollback | ChangeKind::Hotfix),
            SignalKind::Manual => false,
            kind => fact.signals.iter().any(|signal| signal.kind == *kind && signal.delay <= limit),
        })
    }

    fn lead_times(&self, node: &Node) -> Rows {
        let lead = self.definition.lead_time;
        let mut rows = Rows::new();
        for (fact, commits) in self.of_window(node) {
            let finished = fact.finished_at.unwrap();
            let seconds = |from: Timestamp| Some(finished.since(from) as f64 / 1e6).filter(|seconds| *seconds >= 0.0);
            let semver = !lead.semver_only || fact.version.as_deref().is_some_and(version::is_semver);
            if lead.of == LeadTimeOf::NewCommits {
                let used: Vec<_> = commits.iter().filter(|commit| commit.role.used() && commit.first_arrival).collect();
                if lead.start == LeadTimeStart::FirstCommit {
                    let first = used.iter().map(|commit| commit.committed_at).min();
                    rows.push(first.filter(|_| semver).and_then(seconds));
                    continue;
                }
                rows.extend(used.iter().map(|commit| seconds(commit.committed_at)));
                rows.extend(used.is_empty().then_some(None));
                continue;
            }
            let from = if lead.of == LeadTimeOf::CommitAt {
                fact.commit_at
            } else if lead.start == LeadTimeStart::FirstCommit {
                fact.first_commit_at.or(fact.commit_at)
            } else {
                fact.head_committed_at.or(fact.commit_at)
            };
            let brings = semver && fact.kind != ChangeKind::Rollback && fact.brings_new_commit;
            rows.push(from.filter(|_| brings).and_then(seconds));
        }
        rows
    }

    fn restores(&self, node: &Node) -> Rows {
        let recovery = self.definition.recovery;
        let here = self.world.incidents.iter().filter(|incident| {
            // No component and no product of this world has a label.
            let label = |key: &str| incident.labels.get(key).and_then(|value| value.as_str());
            self.definition.filter.iter().all(|(key, value)| label(key) == Some(value))
                && below(node, &incident.product, incident.component.as_ref(), incident.instance.as_deref())
                && window().from <= incident.started_at
                && incident.started_at < window().to
        });
        here.map(|incident| {
            let from = match recovery.from {
                RestoreFrom::StartedAt => incident.started_at,
                RestoreFrom::DetectedAt => incident.detected_at.unwrap_or(incident.started_at),
            };
            let to = match recovery.to {
                RestoreTo::ResolvedAt => incident.resolved_at,
                RestoreTo::MitigatedAt => incident.mitigated_at.or(incident.resolved_at),
            };
            Some(to?.since(from) as f64 / 1e6).filter(|seconds| *seconds >= 0.0)
        })
        .collect()
    }

    fn rows(&self, metric: Metric, node: &Node) -> Rows {
        let deployments = self.of_window(node);
        let zero_or_one = |holds: &dyn Fn(&DeploymentFact) -> bool| {
            deployments.iter().map(|(fact, _)| Some(f64::from(u8::from(holds(fact))))).collect()
        };
        match metric {
            Metric::DeploymentFrequency
                if matches!(self.definition.frequency, Frequency::PerDay | Frequency::DeployDays) =>
            {
                zero_or_one(&|_| true)
            }
            Metric::DeploymentFrequency => deployments
                .iter()
                .map(|(fact, _)| {
                    let interval = fact.finished_at.unwrap().since(fact.previous_counted_at?);
                    (interval > 0).then(|| 86_400.0 / (interval as f64 / 1e6))
                })
                .collect(),
            Metric::LeadTime => self.lead_times(node),
            Metric::ChangeFailureRate => zero_or_one(&|fact| self.failed(fact)),
            Metric::ReworkRate => zero_or_one(&|fact| {
                matches!(fact.kind, ChangeKind::Rollback | ChangeKind::Hotfix) || !fact.fixes.is_empty()
            }),
            Metric::FailedDeploymentRecoveryTime => deployments
                .iter()
                .filter(|(fact, _)| self.failed(fact))
                .map(|(fact, _)| {
                    let tally = &fact.incidents[self.definition.failure.cause().index()];
                    let resolved = tally.resolved_at.filter(|_| tally.count > 0 && tally.open == 0);
                    let ended = resolved.or(fact.remediation.as_ref().map(|remedy| remedy.at))?;
                    Some(ended.since(fact.finished_at.unwrap()) as f64 / 1e6).filter(|seconds| *seconds >= 0.0)
                })
                .collect(),
            _ => self.restores(node),
        }
    }

    fn of_rows(&self, metric: Metric, node: &Node) -> Option<f64> {
        let mut values: Vec<f64> = self.rows(metric, node).into_iter().flatten().collect();
        values.sort_by(f64::total_cmp);
        let statistic = match metric {
            Metric::DeploymentFrequency if self.definition.frequency == Frequency::PerDay => {
                let ever = self.deployments(node).iter().any(|(fact, _)| fact.finished_at.unwrap() < window().to);
                return ever.then(|| values.len() as f64 / 10.0);
            }
            Metric::DeploymentFrequency if self.definition.frequency == Frequency::DeployDays => {
                let ever = self.deployments(node).iter().any(|(fact, _)| fact.finished_at.unwrap() < window().to);
                let day = |fact: &DeploymentFact| fact.finished_at.unwrap().micros().div_euclid(DAY);
                let days: BTreeSet<i64> = self.of_window(node).iter().map(|(fact, _)| day(fact)).collect();
                return ever.then(|| days.len() as f64 / 10.0);
            }
            Metric::LeadTime => self.definition.lead_time.statistic,
            Metric::FailedDeploymentRecoveryTime | Metric::TimeToRestore => self.definition.recovery.statistic,
            _ => Statistic::Mean,
        };
        let n = values.len();
        if n == 0 {
            return None;
        }
        if metric == Metric::DeploymentFrequency && self.definition.frequency == Frequency::MeanInterval {
            return Some(n as f64 / values.iter().map(|rate| 1.0 / rate).sum::<f64>());
        }
        Some(match statistic {
            Statistic::Mean => values.iter().sum::<f64>() / n as f64,
            Statistic::Median => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
        })
    }

    fn children(node: &Node) -> Vec<Node> {
        let names =
            |of: &dyn Fn(&Path) -> Option<String>| PLACES.iter().filter_map(of).collect::<BTreeSet<_>>().into_iter();
        match node {
            Node::Group => names(&|place| Some(place.0.to_owned())).map(Node::Platform).collect(),
            Node::Platform(name) => {
                names(&|place| (place.0 == name).then(|| place.1.to_owned())).map(Node::Domain).collect()
            }
            Node::Domain(name) => {
                names(&|place| (place.1 == name).then(|| place.2.to_owned())).map(Node::Product).collect()
            }
            Node::Team(name) => {
                names(&|place| (place.3 == Some(name)).then(|| place.2.to_owned())).map(Node::Product).collect()
            }
            Node::Product(name) => ["x", "y"].map(|part| Node::Component(ComponentId::new(name, part))).to_vec(),
            Node::Component(id) => ["i1", "i2"].map(|name| Node::Instance(id.clone(), name.to_owned())).to_vec(),
            Node::Instance(..) => Vec::new(),
        }
    }

    fn value(&self, metric: Metric, node: &Node) -> Option<f64> {
        let level = node.to_ref().level();
        let low = matches!(level, Level::Component | Level::Instance);
        let by_product =
            matches!(metric, Metric::ChangeFailureRate | Metric::FailedDeploymentRecoveryTime | Metric::TimeToRestore);
        let pooled_frequency =
            metric == Metric::DeploymentFrequency && self.definition.frequency == Frequency::MeanRatePooled;
        if self.definition.rollup == Rollup::Pooled {
            return self.of_rows(metric, node);
        }
        if low && by_product {
            return None;
        }
        if low || (level == Level::Product && (by_product || pooled_frequency)) {
            return self.of_rows(metric, node);
        }
        if self.definition.children == Children::Weighted {
            let children = Self::children(node);
            let weighed =
                children.iter().filter_map(|child| Some((self.value(metric, child)?, self.of_window(child).len())));
            // Each as often as it deployed.
            let values: Vec<f64> = weighed.flat_map(|(value, times)| vec![value; times]).collect();
            return (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        }
        let values: Vec<f64> = Self::children(node).iter().filter_map(|child| self.value(metric, child)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn defined(&self, metric: Metric, node: &Node) -> bool {
        let incidents = !matches!(metric, Metric::DeploymentFrequency | Metric::LeadTime | Metric::ReworkRate);
        let low = matches!(node, Node::Component(_) | Node::Instance(..));
        !(self.definition.rollup == Rollup::MeanOfChildren && incidents && low)
    }
}

fn same(ours: Option<f64>, theirs: Option<f64>, exactly: bool) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if !exactly => (ours - theirs).abs() <= 1e-12 * theirs.abs(),
        (ours, theirs) => ours == theirs,
    }
}

/// Those that come with Leadline, and some of the options a definition can set besides: others in each world.
fn definitions(pick: usize) -> Vec<Definition> {
    let named = |id: &str| shipped().into_iter().find(|definition| definition.id == id).unwrap();
    let (dora, rex) = (named("dora"), named("rex"));
    let first = |of: &Definition| LeadTime { start: LeadTimeStart::FirstCommit, ..of.lead_time };
    let variant = |id: &str, definition: Definition| Definition { id: id.to_owned(), ..definition };
    let variants = [
        variant("rex weighted", Definition { children: Children::Weighted, ..rex.clone() }),
        variant("rex-pooled weighted", Definition { children: Children::Weighted, ..named("rex-pooled") }),
        variant("dora first commit", Definition { lead_time: first(&dora), ..dora.clone() }),
        variant("rex first commit", Definition { lead_time: first(&rex), ..rex.clone() }),
        variant("dora deploy days", Definition { frequency: Frequency::DeployDays, ..dora.clone() }),
        variant(
            "rex deploy days weighted",
            Definition { frequency: Frequency::DeployDays, children: Children::Weighted, ..rex },
        ),
        variant("dora gold", Definition { filter: [("tier".to_owned(), "gold".to_owned())].into(), ..dora }),
    ];
    let picked = (0..3).map(|nth| variants[(pick % variants.len() + nth) % variants.len()].clone());
    shipped().into_iter().chain(picked).collect()
}

fn every_node() -> Vec<Node> {
    let mut nodes = vec![Node::Group, Node::Team("t1".to_owned()), Node::Team("t2".to_owned())];
    let mut next = 0;
    while next < nodes.len() {
        let children = Reading::children(&nodes[next]);
        nodes.extend(children);
        next += 1;
    }
    nodes.sort();
    nodes.dedup();
    nodes
}

async fn compare(world: &World, pick: usize) {
    let warehouse = empty_warehouse(world.deployments.len());
    let paths: Vec<String> = PLACES
        .iter()
        .map(|(platform, domain, product, team)| {
            format!("{platform}/{domain}/{product}{}", team.map_or_else(String::new, |team| format!("@{team}")))
        })
        .collect();
    let products: Vec<(&str, &[&str])> = paths.iter().map(|path| (path.as_str(), &["x", "y"][..])).collect();
    warehouse.set_tree(tree(&products));
    // Every other deployment is first told wrongly, elsewhere and at another time.
    let wrong = world.deployments.iter().step_by(2).map(|(fact, commits)| {
        let mut fact = fact.clone();
        fact.lane.component = ComponentId::parse("elsewhere/z").unwrap();
        fact.finished_at = Some(window().from);
        (fact, commits.clone())
    });
    warehouse.apply(wrong.collect(), world.incidents.clone(), vec![]).unwrap();
    let (first, second) = world.deployments.split_at(world.deployments.len() / 2);
    warehouse.apply(second.to_vec(), vec![], vec![]).unwrap();
    warehouse.apply(first.to_vec(), world.incidents.clone(), vec![]).unwrap();

    for definition in definitions(pick) {
        let reading = Reading { world, definition: &definition };
        let nodes = warehouse.tree(&definition, window(), &[], Some(&FIVE)).await.unwrap();
        for node in every_node() {
            let found = nodes.iter().find(|values| values.node == node);
            for metric in FIVE {
                let theirs = reading.value(metric, &node);
                let Some(values) = found else {
                    assert_eq!(theirs, None, "{} is missing", node.to_ref());
                    continue;
                };
                let ours = values.metrics.get(metric).unwrap();
                let exactly = definition.rollup == Rollup::Pooled;
                let place = format!("{} {} {metric}", definition.id, node.to_ref());
                assert!(same(ours.value, theirs, exactly), "{place}: {:?} is not {theirs:?}", ours.value);
                assert_eq!(ours.reason.is_none(), ours.value.is_some(), "{place}");
                if reading.defined(metric, &node) {
                    let rows = reading.rows(metric, &node);
                    let used = rows.iter().flatten().count();
                    assert_eq!(ours.n, used as u64, "{place}");
                    let coverage = (!rows.is_empty()).then(|| used as f64 / rows.len() as f64);
                    assert_eq!(ours.coverage, coverage, "{place}");
                }
            }
        }
    }
    let nodes = every_node();
    let (node, definitions) = (nodes[pick % nodes.len()].clone(), definitions(pick));
    let definition = definitions[pick % definitions.len()].clone();
    let tree = warehouse.tree(&definition, window(), &[], Some(&FIVE)).await.unwrap();
    let question = Question { metrics: FIVE.to_vec(), ..Question::new(node.clone(), definition, window()) };
    let answer = warehouse.answer(&question).await.unwrap();
    if let Some(values) = tree.iter().find(|values| values.node == node) {
        for metric in FIVE {
            let (one, of_tree) = (&answer.metrics[&metric], values.metrics.get(metric).unwrap());
            assert_eq!(
                (one.value, one.n, one.coverage, one.reason),
                (of_tree.value, of_tree.n, of_tree.coverage, of_tree.reason),
                "{} {metric}",
                node.to_ref()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_sql_and_the_roll_up_say_what_the_page_says(
        deployments in proptest::collection::vec(any::<[u8; 20]>(), 0..90),
        incidents in proptest::collection::vec(any::<[u8; 12]>(), 0..30),
        pick in any::<usize>(),
    ) {
        let world = world(deployments, incidents);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&world, pick));
    }
}
