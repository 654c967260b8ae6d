//! Retention: months that are past it leave a table and do not come back, and answers say from when on there are rows.

use std::collections::BTreeMap;
use std::path::Path;

use domain::catalogue::Node;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact};
use domain::metric::Metric;
use domain::time::Month;
use domain::{EntityKey, Timestamp, event::EventKind};
use metrics::Question;
use warehouse::{Batch, Warehouse};

use crate::support::{at, commit, definition, deployment, incident, key, tree, window};

fn now() -> Timestamp {
    at("2026-01-01T00:00:00Z")
}

fn month(n: u32) -> String {
    format!("2025-{n:02}-15T12:00:00Z")
}

fn deployed(n: u32) -> (DeploymentFact, Vec<CommitFact>) {
    let fact = deployment(&format!("d{n}"), "shop/cart", "eu", at(&month(n)));
    let brought = vec![commit(&fact, &format!("c{n}"), at(&month(n)))];
    (fact, brought)
}

fn hurt(n: u32) -> IncidentFact {
    incident(&format!("i{n}"), "shop", at(&month(n)), None)
}

fn year(change: u64) -> Batch {
    let mut unfinished = deployed(1);
    unfinished.0.key = key("unfinished");
    unfinished.0.finished_at = None;
    let mut deployments: Vec<_> = (1..=6).map(deployed).collect();
    deployments.push(unfinished);
    Batch { deployments, incidents: (1..=6).map(hurt).collect(), change, ..Batch::default() }
}

async fn open(folder: &Path) -> Warehouse {
    let warehouse = Warehouse::open(folder).await.unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart"])]));
    warehouse
}

/// First months of deployments and their commits.
fn first(text: &str) -> BTreeMap<&'static str, Month> {
    let month = Month::parse(text).unwrap();
    BTreeMap::from([("deployments", month), ("commits", month)])
}

fn counts(warehouse: &Warehouse) -> (usize, usize, usize) {
    let rows = warehouse.rows();
    (rows.deployments, rows.commits, rows.incidents)
}

#[tokio::test]
async fn old_months_leave_memory_and_disk_and_nothing_brings_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    warehouse.take(year(1)).unwrap();
    // In memory, before anything was sealed.
    assert_eq!(warehouse.forget_months(&first("2025-02"), now()).await.unwrap(), 0);
    assert_eq!(counts(&warehouse), (6, 6, 6), "the one that has not ended stays");
    warehouse.seal(now()).await.unwrap();
    let sealed = warehouse.sealed();
    assert_eq!(warehouse.forget_months(&first("2025-04"), now()).await.unwrap(), 4, "two months of two tables");
    assert_eq!((counts(&warehouse), warehouse.sealed()), ((4, 4, 6), sealed));
    assert_eq!(warehouse.forget_months(&first("2025-03"), now()).await.unwrap(), 0, "it does not go back");

    // Told anew, sealed, made one, opened again.
    warehouse.take(year(2)).unwrap();
    assert_eq!(counts(&warehouse), (4, 4, 6));
    warehouse.seal(now()).await.unwrap();
    warehouse.compact(now()).await.unwrap();
    drop(warehouse);
    let warehouse = open(folder.path()).await;
    assert_eq!((counts(&warehouse), warehouse.sealed()), ((4, 4, 6), 2));
    warehouse.take(year(3)).unwrap();
    assert_eq!(counts(&warehouse), (4, 4, 6));

    // Filled in one pass.
    let mut fill = warehouse.fill(4).unwrap();
    let whole = year(4);
    fill.put("shop", whole.deployments, whole.incidents, whole.others).unwrap();
    warehouse.put_filled(fill.finish().unwrap(), now()).await.unwrap();
    assert_eq!(counts(&warehouse), (4, 4, 6));
    assert_eq!(counts(&open(folder.path()).await), (4, 4, 6));
}

#[tokio::test]
async fn a_fact_that_moves_into_a_month_that_is_gone_leaves_the_one_it_was_in() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    warehouse.take(year(1)).unwrap();
    warehouse.seal(now()).await.unwrap();
    warehouse.forget_months(&first("2025-03"), now()).await.unwrap();
    let (mut fact, brought) = deployed(5);
    fact.finished_at = Some(at(&month(1)));
    let key = EntityKey { kind: EventKind::Deployment, source: fact.key.source.clone(), id: fact.key.id.clone() };
    let before = vec![(key, Month::parse("2025-05"))];
    warehouse.take(Batch { deployments: vec![(fact, brought)], before, change: 2, ..Batch::default() }).unwrap();
    assert_eq!(counts(&warehouse), (4, 4, 6));
    warehouse.seal(now()).await.unwrap();
    assert_eq!(counts(&open(folder.path()).await), (4, 4, 6));
}

#[tokio::test]
async fn what_is_made_anew_has_what_is_kept_then() {
    let folder = tempfile::tempdir().unwrap();
    let shown = open(folder.path()).await;
    shown.take(year(1)).unwrap();
    shown.seal(now()).await.unwrap();
    shown.forget_months(&first("2025-05"), now()).await.unwrap();
    for (kept, left) in [(Some("2025-03"), 5), (None, 7)] {
        let mut staged = Warehouse::staged(folder.path()).await.unwrap();
        staged.keep_from(&kept.map(first).unwrap_or_default());
        staged.take(year(2)).unwrap();
        staged.promote(now()).await.unwrap();
        assert_eq!(staged.rows().deployments, left);
        let again = open(folder.path()).await;
        assert_eq!(again.rows().deployments, left);
        again.take(year(3)).unwrap();
        assert_eq!(again.rows().deployments, left, "as the tables say");
    }
}

#[tokio::test]
async fn an_answer_says_from_when_on_there_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    warehouse.take(year(1)).unwrap();
    warehouse.seal(now()).await.unwrap();
    warehouse.forget_months(&first("2025-03"), now()).await.unwrap();
    warehouse.forget_months(&BTreeMap::from([("commits", Month::parse("2025-05").unwrap())]), now()).await.unwrap();
    for warehouse in [&warehouse, &open(folder.path()).await] {
        let of = |metric, from: &str| {
            let question = Question::new(Node::Group, definition("dora"), window(from, "2025-07-01T00:00:00Z"));
            Question { metrics: vec![metric], ..question }
        };
        let told = |question: &Question| warehouse.kept_from(question).map(|at| at.to_string());
        let march = Some("2025-03-01T00:00:00Z".to_owned());
        let frequency = of(Metric::DeploymentFrequency, "2025-01-01T00:00:00Z");
        assert_eq!(told(&frequency), march);
        assert_eq!(told(&of(Metric::LeadTime, "2025-01-01T00:00:00Z")).unwrap(), "2025-05-01T00:00:00Z");
        assert_eq!(told(&of(Metric::TimeToRestore, "2025-01-01T00:00:00Z")), None, "incidents are all there");
        let later = of(Metric::DeploymentFrequency, "2025-03-01T00:00:00Z");
        assert_eq!(told(&later), None);
        let before = Question { compare: Some(window("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z")), ..later };
        assert_eq!(told(&before), march, "the window it is compared with");
        let answer = warehouse.answer(&frequency).await.unwrap();
        assert_eq!(answer.metrics[&Metric::DeploymentFrequency].n, 4);
    }
}
