//! The benchmark at its smallest, end to end: what it measures gives the numbers that everything else gives.

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::fact::DeploymentFact;
use domain::metric::Metric;
use metrics::statistics::{mean, percentile, sort};
use store::{Delivery, Location, Store};

use super::backfill::Following;
use super::generate::{catalogue, history};
use super::link::{Linked, link_all};
use super::queries::{definition, last_90_days};
use super::{Setup, Size, Stage, base};
use crate::cli::BenchArgs;
use crate::clock;

fn setup(data: PathBuf) -> Setup {
    Setup::new(&BenchArgs { size: Size::Tiny, seed: 3, threads: 2, data, only: Vec::new(), again: false, output: None })
}

fn linked(setup: &Setup) -> Vec<Linked> {
    let mut all = Vec::new();
    link_all(&setup.plan, setup.seed, setup.threads, |index, linked| {
        assert_eq!(index, all.len(), "in the order of names");
        all.push(linked);
        Ok(())
    })
    .expect("linked");
    all
}

#[test]
fn one_pass_gives_the_facts_of_one_event_after_the_other_through_the_store() {
    let setup = setup(PathBuf::new());
    let store = Store::open(Location::Memory, server::interpreter()).expect("a store");
    let taken = Delivery::Catalogue(catalogue(&setup.plan), "test".to_owned());
    store.append(vec![taken], clock::now()).expect("taken");
    for product in &setup.plan {
        let mut events = history(product, setup.seed).events;
        // In an order of its own, and each in a transaction of its own.
        events.reverse();
        for event in events {
            store.append(vec![Delivery::Event(event)], clock::now()).expect("taken");
        }
    }
    store.settle().expect("applied");
    let (mut deployments, mut incidents) = (BTreeMap::new(), BTreeMap::new());
    let mut change = 0;
    loop {
        let page = store.changes_since(change, 1_000).expect("a page");
        change = page.upto;
        deployments.extend(page.deployments.into_iter().map(|both| (both.0.key.clone(), both)));
        incidents.extend(page.incidents.into_iter().map(|fact| (fact.key.clone(), fact)));
        if !page.more {
            break;
        }
    }
    let mut counts = (0, 0);
    for product in linked(&setup) {
        for both in product.facts.deployments {
            assert_eq!(deployments.get(&both.0.key), Some(&both));
            counts.0 += 1;
        }
        for fact in product.facts.incidents {
            assert_eq!(incidents.get(&fact.key), Some(&fact));
            counts.1 += 1;
        }
    }
    assert_eq!(counts, (deployments.len(), incidents.len()));
    assert!(counts.0 > 900 && counts.1 > 50, "{counts:?}");
}

#[test]
fn rows_without_links_say_of_themselves_what_the_rules_find() {
    let setup = setup(PathBuf::new());
    for (product, plan) in linked(&setup).into_iter().zip(&setup.plan) {
        let raw = history(plan, setup.seed).raw;
        let raw: BTreeMap<&str, _> = raw.deployments.iter().map(|row| (row.id.as_str(), row)).collect();
        assert_eq!(raw.len(), product.facts.deployments.len());
        for (fact, _) in &product.facts.deployments {
            let row = raw[&*fact.key.id];
            let kinds = [row.config_only, row.rollback, row.hotfix];
            assert_eq!(kinds, ["config", "rollback", "hotfix"].map(|kind| fact.kind.text() == kind), "{fact:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_facts_on_any_number_of_threads() {
    let two = setup(PathBuf::new());
    let one = Setup { threads: 1, ..setup(PathBuf::new()) };
    let facts = |setup: &Setup| linked(setup).into_iter().map(|linked| linked.facts).collect::<Vec<_>>();
    assert_eq!(facts(&one), facts(&two));
}

/// The five metrics of the group under `dora`, from the facts, by the words of the specification.
fn slowly(linked: &[Linked]) -> BTreeMap<Metric, (f64, u64)> {
    let window = last_90_days();
    let within = |fact: &&DeploymentFact| fact.finished_at.is_some_and(|at| at >= window.from && at < window.to);
    let deployments = linked.iter().flat_map(|product| &product.facts.deployments);
    let counted: Vec<_> = deployments.filter(|(fact, _)| fact.counted && within(&fact)).collect();
    let mut leads = Vec::new();
    let (mut failed, mut rework, mut recoveries) = (0.0, 0.0, Vec::new());
    for (fact, commits) in &counted {
        let finished = fact.finished_at.expect("it is counted");
        for commit in commits.iter().filter(|commit| commit.role.used() && commit.first_arrival) {
            leads.push(finished.since(commit.committed_at) as f64 / 1e6);
        }
        let week = 7 * domain::time::DAY;
        let signals = ["rollback", "hotfix", "revert"];
        let signal = |signal: &domain::fact::Signal| signals.contains(&signal.kind.text()) && signal.delay <= week;
        let tally = &fact.incidents[0];
        if tally.count > 0 || fact.signals.iter().any(signal) {
            failed += 1.0;
            let resolved = tally.resolved_at.filter(|_| tally.count > 0 && tally.open == 0);
            let recovered = resolved.or(fact.remediation.as_ref().map(|remedy| remedy.at));
            recoveries.extend(recovered.map(|at| at.since(finished) as f64 / 1e6).filter(|seconds| *seconds >= 0.0));
        }
        if ["rollback", "hotfix"].contains(&fact.kind.text()) || !fact.fixes.is_empty() {
            rework += 1.0;
        }
    }
    sort(&mut leads);
    sort(&mut recoveries);
    let n = counted.len() as u64;
    let median = |values: &[f64]| (percentile(values, 50).expect("there are some"), values.len() as u64);
    BTreeMap::from([
        (Metric::DeploymentFrequency, (n as f64 / 90.0, n)),
        (Metric::LeadTime, median(&leads)),
        (Metric::ChangeFailureRate, (failed / n as f64, n)),
        (Metric::FailedDeploymentRecoveryTime, median(&recoveries)),
        (Metric::ReworkRate, (rework / n as f64, n)),
    ])
}

#[test]
fn the_answers_measured_are_those_of_a_slow_reading_of_the_facts() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = setup(folder.path().to_owned());
    let linked = linked(&setup);
    let expected = slowly(&linked);
    let runtime = base::runtime(&setup).expect("a runtime");
    let filled = base::fill(&setup, &runtime).expect("filled");
    let warehouse = base::open(&setup, &runtime).expect("opened");
    assert_eq!(filled.rows[0], linked.iter().map(|product| product.facts.deployments.len() as u64).sum::<u64>());
    let dora = definition("dora").expect("it is shipped");
    let metrics = metrics::headline(&dora);
    let nodes = runtime.block_on(warehouse.tree_anew(&dora, last_90_days(), &metrics, true)).expect("an answer");
    let group = nodes.iter().find(|node| node.node == domain::catalogue::Node::Group).expect("the group");
    for (metric, (value, n)) in expected {
        let found = group.metrics.get(metric).expect("it was asked for");
        assert_eq!(found.n, n, "{metric}");
        let value_found = found.value.expect("a value");
        assert!((value_found - value).abs() <= 1e-9 * value.abs(), "{metric}: {value_found} / {value}");
        if let Some(stats) = &found.stats {
            assert_eq!(stats.p50, value_found, "{metric}");
            assert!(stats.min <= stats.mean && stats.mean <= stats.max, "{metric}");
        }
    }
    // A component's statistics are those of its own rows.
    let (product, component) = (&setup.plan[0], &setup.plan[0].components[0]);
    let id = domain::catalogue::ComponentId::new(&product.name, &component.name);
    let node = nodes.iter().find(|node| node.node == domain::catalogue::Node::Component(id.clone()));
    let stats = node.and_then(|node| node.metrics.get(Metric::LeadTime)?.stats.as_deref());
    let window = last_90_days();
    let mut leads: Vec<f64> = linked[0]
        .facts
        .deployments
        .iter()
        .filter(|(fact, _)| fact.counted && fact.lane.component == id)
        .flat_map(|(fact, commits)| commits.iter().map(move |commit| (fact.finished_at, commit)))
        .filter_map(|(at, commit)| Some((at.filter(|at| *at >= window.from && *at < window.to)?, commit)))
        .filter(|(_, commit)| commit.role.used() && commit.first_arrival)
        .map(|(at, commit)| at.since(commit.committed_at) as f64 / 1e6)
        .collect();
    sort(&mut leads);
    assert_eq!(stats.map(|stats| (stats.mean, stats.p99)), mean(&leads).zip(percentile(&leads, 99)));
}

#[test]
fn a_past_taken_page_by_page_and_sealed_on_the_way_is_whole_and_memory_holds_no_more_than_its_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = setup(folder.path().to_owned());
    let runtime = base::runtime(&setup).expect("a runtime");
    let filled = base::fill(&setup, &runtime).expect("filled");
    let lake = folder.path().join("page by page");
    let warehouse = runtime.block_on(warehouse::Warehouse::open(&lake)).expect("opened");
    let bound = 1 << 20;
    let mut following = Following::new(&runtime, warehouse, bound);
    let mut page = 0;
    for product in linked(&setup) {
        let before = following.held;
        following.product(product.facts.deployments, product.facts.incidents, product.facts.others).expect("taken");
        page = page.max(following.held.saturating_sub(before));
    }
    assert!(following.seals > 1, "{} seals", following.seals);
    assert!(following.held <= bound + page, "{} bytes", following.held);
    following.seal().expect("sealed");
    let rows = following.rows();
    let counts = [rows.deployments, rows.commits, rows.incidents].map(|count| count as u64);
    assert_eq!(counts, filled.rows);
}

#[test]
fn every_stage_runs_at_the_smallest_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = setup(folder.path().to_owned());
    for stage in [Stage::Facts, Stage::Fill, Stage::Backfill, Stage::Queries, Stage::Ingest, Stage::Apply, Stage::Raw] {
        let report = super::run_here(&setup, stage).expect("it runs");
        assert!(!report.measures.is_empty());
        let failed = report.measures.iter().find(|measure| measure.value.is_none() && measure.times.is_none());
        assert_eq!(failed, None);
        // What was measured is not measured again; another seed is something else.
        assert_eq!(super::known(&setup, stage).as_ref(), Some(&report));
        assert_eq!(super::known(&Setup { seed: 4, ..self::setup(folder.path().to_owned()) }, stage), None);
    }
    for file in ["raw/deployments.csv", "raw/git_commits.csv", "raw/incidents.csv", "answers/headline.csv"] {
        let text = std::fs::read_to_string(folder.path().join(file)).expect("it was written");
        assert!(text.lines().count() > 50, "{file}");
    }
}
