//! Flaky runs, time in CI and rollout spread read slowly off the facts, against the SQL and the roll-up.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::catalogue::{ComponentId, Node};
use domain::event::{EventKind, entity_key};
use domain::fact::{CommitFact, DeploymentFact, OtherFact};
use domain::metric::{Metric, Reason};
use domain::time::{DAY, HOUR};
use metrics::{Question, Window};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{at, definition, deployment, empty_warehouse, node_named, tree};

fn start() -> Timestamp {
    at("2025-01-01T00:00:00Z")
}

fn window() -> Window {
    Window { from: start().plus(100 * DAY), to: start().plus(115 * DAY) }
}

const COMPONENTS: [&str; 3] = ["a/x", "a/y", "b/x"];

#[derive(Clone, Debug)]
struct Run {
    id: String,
    component: &'static str,
    name: &'static str,
    sha: Option<&'static str>,
    status: &'static str,
    started: Timestamp,
    finished: Timestamp,
}

/// Mostly around the window, some long before it.
fn hour(raw: u8, far: bool) -> Timestamp {
    start().plus((if far { 5 } else { 95 }) * DAY + i64::from(raw) * 25 * DAY / 256 / HOUR * HOUR)
}

fn run(index: usize, raw: [u8; 7]) -> Run {
    let finished = hour(raw[4], raw[5].is_multiple_of(7));
    Run {
        id: format!("r{index:02}"),
        component: COMPONENTS[usize::from(raw[0] % 3)],
        name: ["CI", "Lint"][usize::from(raw[1] % 2)],
        sha: [Some("s1"), Some("s2"), Some("s3"), Some("s1"), None][usize::from(raw[2] % 5)],
        status: ["succeeded", "failed", "succeeded", "failed", "cancelled"][usize::from(raw[3] % 5)],
        started: finished.plus((1 - i64::from(raw[6] % 16)) * HOUR / 4),
        finished,
    }
}

fn deployed(index: usize, raw: [u8; 6]) -> DeploymentFact {
    let component = COMPONENTS[usize::from(raw[0] % 3)];
    let instance = ["eu", "us", "ap"][usize::from(raw[1] % 3)];
    let mut fact = deployment(&format!("d{index:02}"), component, instance, hour(raw[2], raw[3].is_multiple_of(5)));
    fact.sha = [Some("s1"), Some("s2"), Some("s3"), None][usize::from(raw[4] % 4)].map(str::to_owned);
    fact.version = [None, Some("1.0.0"), Some("1.1.0")][usize::from(raw[5] % 3)].map(str::to_owned);
    fact.counted = !raw[5].is_multiple_of(8);
    fact
}

fn fact(run: &Run) -> OtherFact {
    let id = ComponentId::parse(run.component).unwrap();
    let mut values =
        json!({"status": run.status, "name": run.name, "finished_at": run.finished, "started_at": run.started});
    if let Some(sha) = run.sha {
        values["sha"] = sha.into();
    }
    OtherFact {
        key: entity_key(EventKind::PipelineRun, "ci", &run.id),
        product: Some(id.product().to_owned()),
        component: Some(id),
        at: run.started,
        values: values.as_object().unwrap().clone(),
    }
}

/// Rows used with their value, and how many are left out for which reason.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    used: Vec<f64>,
    left: BTreeMap<Reason, u64>,
}

impl Rows {
    fn leave(&mut self, reason: Reason) {
        *self.left.entry(reason).or_default() += 1;
    }
}

fn inside(at: Timestamp) -> bool {
    (window().from..window().to).contains(&at)
}

fn flaky(runs: &[&Run]) -> Rows {
    let mut rows = Rows::default();
    let known = |run: &&&Run| {
        run.status != "cancelled" && run.finished >= window().from.plus(-30 * DAY) && run.finished < window().to
    };
    let mut commits: BTreeMap<(&str, &str, Option<&str>, &str), Vec<&Run>> = BTreeMap::new();
    for run in runs.iter().filter(known) {
        let alone = if run.sha.is_none() { run.id.as_str() } else { "" };
        commits.entry((run.component, run.name, run.sha, alone)).or_default().push(run);
    }
    for ((_, _, sha, _), runs) in commits {
        if !inside(runs.iter().map(|run| run.finished).max().unwrap()) {
            continue;
        }
        let of = |status: &'static str| runs.iter().filter(move |run| run.status == status);
        let passed_later = |failed: &&Run| of("succeeded").any(|passed| passed.finished > failed.finished);
        match sha {
            Some(_) => rows.used.push(if of("failed").any(passed_later) { 1.0 } else { 0.0 }),
            None => rows.leave(Reason::RunWithoutCommit),
        }
    }
    rows
}

fn time_in_ci(runs: &[&Run], deployments: &[DeploymentFact]) -> Rows {
    let mut rows = Rows::default();
    for run in runs.iter().filter(|run| run.status != "cancelled" && inside(run.finished)) {
        let product = |component: &str| component.split('/').next().unwrap().to_owned();
        let went_out = deployments.iter().any(|fact| {
            fact.counted
                && fact.sha.as_deref() == run.sha
                && fact.lane.component.product() == product(run.component)
                && fact.finished_at.is_some_and(|finished| finished >= run.finished)
        });
        match (run.status, run.sha) {
            ("failed", _) => rows.leave(Reason::RunNotPassed),
            (_, None) => rows.leave(Reason::RunWithoutCommit),
            _ if !went_out => rows.leave(Reason::NotDeployed),
            _ if run.finished < run.started => rows.leave(Reason::NegativeDuration),
            _ => rows.used.push(run.finished.since(run.started) as f64 / 1e6),
        }
    }
    rows
}

fn spread(deployments: &[&DeploymentFact]) -> Rows {
    let mut rows = Rows::default();
    let mut reached: BTreeMap<(&str, String), BTreeMap<&str, Timestamp>> = BTreeMap::new();
    for fact in deployments.iter().filter(|fact| fact.counted) {
        let (Some(code), Some(at)) = (fact.sha.as_ref().or(fact.version.as_ref()), fact.finished_at) else { continue };
        if at >= window().from.plus(-90 * DAY) && at < window().to {
            let instances = reached.entry((fact.lane.component.as_str(), code.clone())).or_default();
            let first = instances.entry(&fact.lane.instance).or_insert(at);
            *first = (*first).min(at);
        }
    }
    for instances in reached.values() {
        let (first, last) = (*instances.values().min().unwrap(), *instances.values().max().unwrap());
        match instances.len() {
            _ if !inside(last) => {}
            1 => rows.leave(Reason::OneInstance),
            _ => rows.used.push(last.since(first) as f64 / 1e6),
        }
    }
    rows
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? as f64 / 2.0;
    let (low, high) = (values[middle.floor() as usize], values[middle.ceil() as usize]);
    Some(low + (high - low) * middle.fract())
}

async fn compare(runs: &[Run], deployments: &[DeploymentFact]) {
    let warehouse = empty_warehouse(deployments.len());
    warehouse.set_tree(tree(&[("p/d/a", &["x", "y"]), ("p/d/b", &["x"])]));
    let facts = deployments.iter().map(|fact| (fact.clone(), Vec::<CommitFact>::new())).collect();
    warehouse.apply(facts, vec![], runs.iter().map(fact).collect()).unwrap();
    for node in ["group", "product:a", "product:b", "component:a/x", "component:b/x"] {
        let (kind, name) = node.split_once(':').unwrap_or((node, ""));
        let below = |component: &str| match kind {
            "group" => true,
            "product" => component.split('/').next() == Some(name),
            _ => component == name,
        };
        let runs: Vec<&Run> = runs.iter().filter(|run| below(run.component)).collect();
        let own: Vec<_> = deployments.iter().filter(|fact| below(fact.lane.component.as_str())).collect();
        // A run of one component may lead to a deployment of another of its product; asked of a component, its own count.
        let reachable: Vec<DeploymentFact> = own.iter().map(|fact| (*fact).clone()).collect();
        let mut question = Question::new(node_named(&warehouse, node), definition("dora"), window());
        question.metrics = vec![Metric::FlakyRunRate, Metric::TimeInCi, Metric::RolloutSpread];
        let answer = warehouse.answer(&question).await.unwrap();
        let expected = [
            (Metric::FlakyRunRate, flaky(&runs)),
            (Metric::TimeInCi, time_in_ci(&runs, &reachable)),
            (Metric::RolloutSpread, spread(&own)),
        ];
        for (metric, rows) in expected {
            let told = &answer.metrics[&metric];
            let left: BTreeMap<Reason, u64> = told.excluded.clone().into_iter().filter(|(_, n)| *n > 0).collect();
            assert_eq!((told.n, &left), (rows.used.len() as u64, &rows.left), "{node} {metric}");
            let value = match metric {
                Metric::FlakyRunRate if rows.used.is_empty() => None,
                Metric::FlakyRunRate => Some(rows.used.iter().sum::<f64>() / rows.used.len() as f64),
                _ => median(rows.used),
            };
            let close = |(one, other): (f64, f64)| (one - other).abs() <= 1e-9 * other.abs();
            assert!(
                told.value.zip(value).map_or(told.value == value, close),
                "{node} {metric}: {:?} {value:?}",
                told.value
            );
        }
    }
    let instance = Node::Instance(ComponentId::new("a", "x"), "eu".to_owned());
    let mut question = Question::new(instance, definition("dora"), window());
    question.metrics = vec![Metric::RolloutSpread];
    let instance = warehouse.answer(&question).await.unwrap();
    let at_instance = &instance.metrics[&Metric::RolloutSpread];
    assert_eq!((at_instance.value, at_instance.n), (None, 0), "an instance alone has no spread");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn runs_and_rollouts_are_judged_as_the_page_says(
        runs in proptest::collection::vec(any::<[u8; 7]>(), 0..50),
        deployments in proptest::collection::vec(any::<[u8; 6]>(), 0..40),
    ) {
        let runs: Vec<Run> = runs.into_iter().enumerate().map(|(index, raw)| run(index, raw)).collect();
        let deployments: Vec<_> =
            deployments.into_iter().enumerate().map(|(index, raw)| deployed(index, raw)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&runs, &deployments));
    }
}
