//! Sealing to Delta tables: whatever is sealed, merged, moved, removed, read again or cut off, queries see exactly the
//! rows of a warehouse that keeps everything in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::util::pretty::pretty_format_batches;
use domain::catalogue::Node;
use domain::definition::{Children, Definition};
use domain::event::EventKind;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::metric::Metric;
use domain::time::Month;
use domain::{EntityKey, Timestamp};
use metrics::{Bucket, Question, Window};
use proptest::prelude::*;
use warehouse::{Batch, Listing, Removed, Warehouse};

use crate::support::{at, commit, definition, deployment, incident, tree};

const TABLES: [(&str, &str); 5] = [
    ("deployments", "id"),
    ("commits", "id, sha"),
    ("incidents", "id"),
    ("pipeline_runs", "id"),
    ("evidence", "fact, id, position"),
];

/// Every row of every table, with the dimensions.
async fn dump(warehouse: &Warehouse) -> String {
    let mut out = String::new();
    for (table, order) in TABLES {
        let rows = warehouse.sql(&format!("SELECT * FROM {table} ORDER BY source, {order}")).await.unwrap();
        out.push_str(&pretty_format_batches(&rows).unwrap().to_string());
    }
    // Every row's place is known by the names of the row.
    let strangers = warehouse.sql(
        "SELECT d.place FROM deployments d LEFT JOIN places p ON p.place = d.place AND p.product = d.product \
         AND p.component = d.component AND p.instance = d.instance WHERE p.place IS NULL",
    );
    assert_eq!(strangers.await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(), 0);
    let rows = warehouse.rows();
    format!("{out}\n{rows:?}")
}

/// What the store does for a warehouse: it knows the present state of every fact, when it changed, and what it left.
#[derive(Clone, Default)]
struct Store {
    change: u64,
    deployments: BTreeMap<String, (u64, DeploymentFact, Vec<CommitFact>)>,
    incidents: BTreeMap<String, (u64, IncidentFact)>,
    runs: BTreeMap<String, (u64, OtherFact)>,
    removed: BTreeMap<(bool, String), u64>,
    moved: BTreeSet<(EventKind, String, Option<Month>)>,
}

fn run(id: &str, product: &str, started_at: Timestamp) -> OtherFact {
    OtherFact {
        key: EntityKey { kind: EventKind::PipelineRun, source: "ci".into(), id: id.into() },
        product: Some(product.to_owned()),
        component: None,
        at: started_at,
        values: serde_json::Map::from_iter([("status".to_owned(), "succeeded".into())]),
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A deployment of a product, finished on a day (or not yet), with so many commits.
    Deploy {
        id: u8,
        product: u8,
        day: Option<u16>,
        commits: u8,
    },
    Hurt {
        id: u8,
        product: u8,
        day: u16,
    },
    Run {
        id: u8,
        product: u8,
        day: u16,
    },
    Undeploy {
        id: u8,
    },
    Unhurt {
        id: u8,
    },
    Follow,
    Seal,
    Compact,
    Reopen,
    /// The process ends at this step of a seal and starts again.
    Crash {
        at: u8,
    },
    /// Facts come while a seal is at this step.
    Meanwhile {
        at: u8,
        id: u8,
        day: u16,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let day = 0..400_u16;
    let one = prop_oneof![
        6 => (0..12_u8, 0..3_u8, prop::option::weighted(0.9, day.clone()), 0..4_u8)
            .prop_map(|(id, product, day, commits)| Step::Deploy { id, product, day, commits }),
        3 => (0..6_u8, 0..3_u8, day.clone()).prop_map(|(id, product, day)| Step::Hurt { id, product, day }),
        2 => (0..6_u8, 0..3_u8, day.clone()).prop_map(|(id, product, day)| Step::Run { id, product, day }),
        1 => (0..12_u8).prop_map(|id| Step::Undeploy { id }),
        1 => (0..6_u8).prop_map(|id| Step::Unhurt { id }),
        4 => Just(Step::Follow),
        3 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        1 => (0..40_u8).prop_map(|at| Step::Crash { at }),
        1 => (0..20_u8, 0..12_u8, day).prop_map(|(at, id, day)| Step::Meanwhile { at, id, day }),
    ];
    prop::collection::vec(one, 1..40)
}

fn on(day: u16) -> Timestamp {
    at("2024-11-20T12:00:00Z").plus(i64::from(day) * domain::time::DAY)
}

const PRODUCTS: [&str; 3] = ["bank", "shop", "unknown"];

impl Store {
    fn next(&mut self) -> u64 {
        self.change += 1;
        self.change
    }

    fn deploy(&mut self, id: u8, product: u8, day: Option<u16>, commits: u8) {
        let change = self.next();
        let name = format!("d{id}");
        let component = format!("{}/api", PRODUCTS[usize::from(product)]);
        let mut fact = deployment(&name, &component, "eu", on(day.unwrap_or(0)));
        fact.finished_at = day.map(on);
        fact.version = Some(format!("v{change}"));
        let brought = (0..commits).map(|n| commit(&fact, &format!("c{id}.{n}"), on(1))).collect();
        if let Some((_, old, _)) = self.deployments.insert(name.clone(), (change, fact.clone(), brought)) {
            let (old, new) = (old.finished_at.map(Month::of), fact.finished_at.map(Month::of));
            if old != new {
                self.moved.insert((EventKind::Deployment, name.clone(), old));
            }
        }
        self.removed.remove(&(true, name));
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Deploy { id, product, day, commits } => self.deploy(*id, *product, *day, *commits),
            Step::Hurt { id, product, day } => {
                let change = self.next();
                let name = format!("i{id}");
                let fact = incident(&name, PRODUCTS[usize::from(*product)], on(*day), None);
                if let Some((_, old)) = self.incidents.insert(name.clone(), (change, fact)) {
                    self.moved.insert((EventKind::Incident, name.clone(), Some(Month::of(old.started_at))));
                }
                self.removed.remove(&(false, name));
            }
            Step::Run { id, product, day } => {
                let change = self.next();
                let name = format!("r{id}");
                let fact = run(&name, PRODUCTS[usize::from(*product)], on(*day));
                if let Some((_, old)) = self.runs.insert(name.clone(), (change, fact)) {
                    self.moved.insert((EventKind::PipelineRun, name, Some(Month::of(old.at))));
                }
            }
            Step::Undeploy { id } => {
                let name = format!("d{id}");
                if let Some((_, old, _)) = self.deployments.remove(&name) {
                    let change = self.next();
                    self.moved.insert((EventKind::Deployment, name.clone(), old.finished_at.map(Month::of)));
                    self.removed.insert((true, name), change);
                }
            }
            Step::Unhurt { id } => {
                let name = format!("i{id}");
                if let Some((_, old)) = self.incidents.remove(&name) {
                    let change = self.next();
                    self.moved.insert((EventKind::Incident, name.clone(), Some(Month::of(old.started_at))));
                    self.removed.insert((false, name), change);
                }
            }
            _ => {}
        }
    }

    /// What changed after a change number.
    fn since(&self, change: u64) -> Batch {
        let new = |at: u64| at > change;
        let mut batch = Batch { change: self.change, ..Batch::default() };
        let mut named = BTreeSet::new();
        for (name, (at, fact, commits)) in &self.deployments {
            if new(*at) {
                named.insert((EventKind::Deployment, name.clone()));
                batch.deployments.push((fact.clone(), commits.clone()));
            }
        }
        for (name, (at, fact)) in &self.incidents {
            if new(*at) {
                named.insert((EventKind::Incident, name.clone()));
                batch.incidents.push(fact.clone());
            }
        }
        for (name, (at, fact)) in &self.runs {
            if new(*at) {
                named.insert((EventKind::PipelineRun, name.clone()));
                batch.others.push(fact.clone());
            }
        }
        let mut removed = Removed::default();
        for ((deployments, name), at) in &self.removed {
            if new(*at) {
                let kind = if *deployments { EventKind::Deployment } else { EventKind::Incident };
                named.insert((kind, name.clone()));
                let list = if *deployments { &mut removed.deployments } else { &mut removed.incidents };
                list.push(crate::support::key(name));
            }
        }
        batch.removed = removed;
        for (kind, name, month) in &self.moved {
            if named.contains(&(*kind, name.clone())) {
                let key = EntityKey { kind: *kind, source: "ci".into(), id: name.as_str().into() };
                batch.before.push((key, *month));
            }
        }
        batch
    }
}

fn the_tree() -> domain::catalogue::Tree {
    tree(&[("retail/web/shop@shop-team", &["api"]), ("retail/money/bank", &["api"])])
}

fn now() -> Timestamp {
    at("2026-01-01T00:00:00Z")
}

async fn open(folder: &Path) -> Warehouse {
    let warehouse = Warehouse::open(folder).await.unwrap();
    warehouse.set_tree(the_tree());
    warehouse
}

async fn play(folder: &Path, steps: &[Step]) {
    let mut store = Store::default();
    let mut warehouse = open(folder).await;
    let mut seen = 0;
    for step in steps {
        store.play(step);
        let follow = |warehouse: &Warehouse, seen: &mut u64| {
            warehouse.take(store.since(*seen)).unwrap();
            *seen = store.change;
        };
        match step {
            Step::Follow => follow(&warehouse, &mut seen),
            Step::Seal => {
                let done = warehouse.seal(now()).await.unwrap();
                // After a crash between two tables nothing is sealed before both know the same.
                if done.change == seen {
                    assert_eq!((warehouse.sealed(), warehouse.in_memory()), (seen, 0));
                } else {
                    assert_eq!((done.change, done.rows), (warehouse.sealed(), 0));
                }
            }
            Step::Compact => {
                warehouse.compact(now()).await.unwrap();
            }
            Step::Reopen => {
                drop(warehouse);
                warehouse = open(folder).await;
                seen = warehouse.sealed();
            }
            Step::Crash { at } => {
                let left = AtomicUsize::new(usize::from(*at));
                let alive =
                    |_: &str| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
                let stopped = warehouse.seal_stepwise(now(), &alive).await;
                follow(&warehouse, &mut seen);
                same(&warehouse, &store).await;
                if stopped.is_err() {
                    drop(warehouse);
                    warehouse = open(folder).await;
                    seen = warehouse.sealed();
                }
            }
            Step::Meanwhile { at, id, day } => {
                let left = AtomicUsize::new(usize::from(*at));
                let mut later = store.clone();
                later.deploy(*id, 1, Some(*day), 2);
                let batch = later.since(seen);
                let hook = |_: &str| {
                    if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_err() {
                        warehouse.take(batch.clone()).unwrap();
                        left.store(usize::MAX, Ordering::SeqCst);
                    }
                    true
                };
                warehouse.seal_stepwise(now(), &hook).await.unwrap();
                store = later;
                warehouse.take(store.since(seen)).unwrap();
                seen = store.change;
                same(&warehouse, &store).await;
            }
            _ => {}
        }
    }
    warehouse.take(store.since(seen)).unwrap();
    same(&warehouse, &store).await;
}

/// Equal, row by row, to everything kept in memory.
async fn same(warehouse: &Warehouse, store: &Store) {
    let reference = Warehouse::new().unwrap();
    reference.set_tree(the_tree());
    reference.take(store.since(0)).unwrap();
    let (found, expected) = (dump(warehouse).await, dump(&reference).await);
    assert!(found == expected, "sealed:\n{found}\nin memory:\n{expected}");
    for (id, metric) in [
        ("dora", Metric::DeploymentFrequency),
        ("fawkes", Metric::DeploymentFrequency),
        ("examples", Metric::DeploymentFrequency),
        ("dora", Metric::ConfigDeploymentFrequency),
    ] {
        let whole = Window { from: at("1970-01-01T00:00:00Z"), to: at("2100-01-01T00:00:00Z") };
        let question = Question::new(Node::Group, definition(id), whole);
        let [known, said] = warehouse.first_deployments(&question, metric).await.unwrap();
        assert_eq!(known, said);
    }
    // What is remembered of files from before this step is used again, in windows that cut through them or do not.
    let questions = [
        ("dora", "2024-01-01T00:00:00Z", "2027-01-01T00:00:00Z", Some(Bucket::Month)),
        ("rex", "2025-01-01T00:00:00Z", "2025-03-01T00:00:00Z", None),
        ("dora", "2024-12-10T07:00:00Z", "2025-06-20T01:00:00Z", Some(Bucket::Week)),
        ("dora", "2025-01-01T00:00:00Z", "2025-03-01T00:00:00Z", None),
        ("fawkes", "2024-01-01T00:00:00Z", "2027-01-01T00:00:00Z", Some(Bucket::Quarter)),
    ];
    // Months of these zones begin and end in the middle of a file.
    let zone = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"][usize::try_from(store.change).unwrap() / 5 % 3];
    let metrics = [Metric::LeadTime, Metric::FailedDeploymentRecoveryTime, Metric::TimeToRestore, Metric::ReworkRate];
    let turn = usize::try_from(store.change).unwrap();
    let (id, from, to, bucket) = questions[turn % questions.len()];
    let node = if turn % 3 == 0 { Node::Product("shop".to_owned()) } else { Node::Group };
    let window = Window { from: at(from), to: at(to) };
    let question = Question { bucket, metrics: metrics.to_vec(), ..Question::new(node, definition(id), window) };
    let question = Question { zone: zone.to_owned(), ..question };
    let (found, expected) = (warehouse.answer(&question).await, reference.answer(&question).await);
    assert_eq!(found, expected, "{question:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn sealed_or_not_queries_see_the_same_rows(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(folder.path(), &steps));
    }
}

/// Countings of other subjects may read the same columns: who weighs children counts deployments besides, which have none.
#[tokio::test]
async fn what_is_remembered_for_one_question_serves_another_of_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (warehouse, reference) = (Warehouse::open(folder.path()).await.unwrap(), Warehouse::new().unwrap());
    for one in [&warehouse, &reference] {
        one.set_tree(the_tree());
        one.take(world().since(0)).unwrap();
    }
    warehouse.seal(on(0)).await.unwrap();
    let window = Window { from: at("2024-01-01T00:00:00Z"), to: at("2027-01-01T00:00:00Z") };
    let metrics = [Metric::DeploymentFrequency, Metric::ChangeFailureRate];
    for children in [Children::Equal, Children::Weighted, Children::Equal] {
        let definition = Definition { children, ..definition("rex") };
        for asked in [&metrics[..1], &metrics[..]] {
            let metrics = asked.to_vec();
            let question = Question { metrics, ..Question::new(Node::Group, definition.clone(), window) };
            let (found, expected) = (warehouse.answer(&question).await, reference.answer(&question).await);
            assert_eq!(found, expected, "{children:?} {asked:?}");
            for stats in [false, true] {
                let tree = async |one: &Warehouse| one.tree_anew(&definition, window, asked, stats).await;
                assert_eq!(tree(&warehouse).await, tree(&reference).await, "{children:?} {asked:?} {stats}");
            }
        }
    }
}

/// Two products over three months, with everything that can change.
fn world() -> Store {
    let mut store = Store::default();
    for id in 0..8 {
        store.deploy(id, id % 2, (id != 7).then_some(u16::from(id) * 10), 3);
        store.play(&Step::Hurt { id, product: id % 2, day: u16::from(id) * 11 });
        store.play(&Step::Run { id, product: id % 2, day: u16::from(id) * 9 });
    }
    store
}

/// As above, after some of it changed, moved to another month or went away.
fn changed(mut store: Store) -> Store {
    store.deploy(0, 0, Some(300), 1);
    store.deploy(1, 0, Some(10), 2);
    store.deploy(7, 1, Some(70), 3);
    for step in [
        Step::Undeploy { id: 2 },
        Step::Unhurt { id: 3 },
        Step::Hurt { id: 4, product: 1, day: 200 },
        Step::Run { id: 5, product: 0, day: 120 },
    ] {
        store.play(&step);
    }
    store
}

#[tokio::test]
async fn a_process_that_ends_at_any_step_of_a_seal_loses_nothing_and_doubles_nothing() {
    let mut ends = 0;
    for end in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = open(folder.path()).await;
        let before = world();
        warehouse.take(before.since(0)).unwrap();
        warehouse.seal(now()).await.unwrap();
        let after = changed(before.clone());
        warehouse.take(after.since(before.change)).unwrap();
        let left = AtomicUsize::new(end);
        let stopped = warehouse
            .seal_stepwise(now(), &|_| {
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
            })
            .await;
        // What goes on without ending sees the same rows.
        same(&warehouse, &after).await;
        drop(warehouse);
        let again = open(folder.path()).await;
        again.take(after.since(again.sealed())).unwrap();
        same(&again, &after).await;
        // And the next seal puts everything right.
        again.seal(now()).await.unwrap();
        same(&open(folder.path()).await, &after).await;
        if stopped.is_ok() {
            break;
        }
        ends += 1;
    }
    assert!(ends >= 20, "only {ends} steps were cut off");
}

#[tokio::test]
async fn an_older_writer_cannot_bring_old_rows_back() {
    let folder = tempfile::tempdir().unwrap();
    let before = world();
    let sleeper = open(folder.path()).await;
    sleeper.take(before.since(0)).unwrap();
    let after = changed(before);
    let leader = open(folder.path()).await;
    leader.take(after.since(0)).unwrap();
    leader.seal(now()).await.unwrap();
    let refused = sleeper.seal(now()).await.unwrap_err();
    assert!(refused.to_string().contains("another process sealed"), "{refused}");
    same(&open(folder.path()).await, &after).await;

    // One that fell asleep after it had looked is stopped by the log itself.
    let folder = tempfile::tempdir().unwrap();
    let sleeper = open(folder.path()).await;
    sleeper.take(world().since(0)).unwrap();
    let path = folder.path().to_owned();
    let overtaken = AtomicUsize::new(0);
    let overtake = |step: &str| {
        if step.ends_with("before the commit") && overtaken.fetch_add(1, Ordering::SeqCst) == 0 {
            let path = path.clone();
            let after = changed(world());
            let leader = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let leader = open(&path).await;
                    leader.take(after.since(0)).unwrap();
                    leader.seal(now()).await.unwrap();
                });
            });
            leader.join().unwrap();
        }
        true
    };
    let refused = sleeper.seal_stepwise(now(), &overtake).await.unwrap_err();
    assert!(refused.to_string().contains("stay as they were"), "{refused}");
    same(&open(folder.path()).await, &changed(world())).await;
}

#[tokio::test]
async fn what_is_staged_takes_the_place_of_the_tables_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let before = world();
    let shown = open(folder.path()).await;
    shown.take(before.since(0)).unwrap();
    shown.seal(now()).await.unwrap();
    let after = changed(before.clone());
    let mut staged = Warehouse::staged(folder.path()).await.unwrap();
    staged.set_tree(the_tree());
    staged.take(after.since(0)).unwrap();
    staged.seal(now()).await.unwrap();
    same(&staged, &after).await;
    assert_eq!(open(folder.path()).await.sealed(), before.change, "nothing is to be seen of it yet");
    // What is shown is sealed once more in the meantime.
    let mut between = before.clone();
    between.deploy(11, 0, Some(200), 1);
    shown.take(between.since(before.change)).unwrap();
    shown.seal(now()).await.unwrap();
    same(&shown, &between).await;
    staged.promote(now()).await.unwrap();
    same(&staged, &after).await;
    let again = open(folder.path()).await;
    assert_eq!(again.sealed(), after.change);
    same(&again, &after).await;
}

#[tokio::test]
async fn filters_and_metrics_see_the_same_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = changed(world());
    let sealed = open(folder.path()).await;
    sealed.take(store.since(0)).unwrap();
    sealed.seal(now()).await.unwrap();
    let memory = Warehouse::new().unwrap();
    memory.set_tree(the_tree());
    memory.take(store.since(0)).unwrap();
    for condition in [
        "platform = 'retail'",
        "domain = 'money' OR domain = 'web'",
        "domain = 'money'",
        "team = 'shop-team'",
        "platform = 'unassigned'",
        "product IN ('bank', 'nobody')",
        "product = 'shop' AND finished_at >= instant('2025-01-01T00:00:00Z')",
        "finished_at < instant('2024-12-15T00:00:00Z')",
        "finished_at IS NULL",
        "component_labels IS NULL AND counted",
    ] {
        let sql = format!("SELECT id, platform, domain, team FROM deployments WHERE {condition} ORDER BY id");
        let rows = |rows: Vec<_>| pretty_format_batches(&rows).unwrap().to_string();
        let (found, expected) = (rows(sealed.sql(&sql).await.unwrap()), rows(memory.sql(&sql).await.unwrap()));
        assert_eq!(found, expected, "{condition}");
    }
    let window = crate::support::window("2024-11-01T00:00:00Z", "2026-01-01T00:00:00Z");
    for definition in ["dora", "rex", "four-keys", "fawkes", "examples"] {
        for node in ["group", "platform:retail", "product:shop", "component:bank/api"] {
            let found = crate::support::ask(&sealed, node, definition, window).await;
            let expected = crate::support::ask(&memory, node, definition, window).await;
            assert_eq!(found.metrics, expected.metrics, "{definition} {node}");
        }
    }
}

/// Ids of pages of two rows, one after the other.
async fn paged(warehouse: &Warehouse, incidents: bool, listing: &Listing) -> Vec<String> {
    let mut listing = Listing { limit: 2, ..listing.clone() };
    let mut ids = Vec::new();
    loop {
        let page = if incidents { warehouse.incidents(&listing).await } else { warehouse.deployments(&listing).await };
        let page = page.unwrap();
        ids.extend(page.rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.next else { return ids };
        assert_eq!(page.rows.len(), 2);
        listing.cursor = Some(next);
    }
}

#[tokio::test]
async fn pages_are_the_rows_newest_first_however_far_apart_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::default();
    let days = [0, 1, 1, 2, 3, 10, 40, 41, 200, 900, 2_400, 2_402, 2_402, 2_403];
    for (id, day) in (0..).zip(days) {
        store.deploy(id, id % 2, Some(day), 1);
        store.play(&Step::Hurt { id, product: id % 2, day: day / 2 });
    }
    store.deploy(100, 0, None, 1);
    let sealed = open(folder.path()).await;
    sealed.take(store.since(0)).unwrap();
    sealed.seal(now()).await.unwrap();
    store.deploy(5, 1, Some(2_404), 1);
    store.deploy(101, 1, None, 1);
    sealed.take(store.since(store.change - 2)).unwrap();
    let memory = Warehouse::new().unwrap();
    memory.set_tree(the_tree());
    memory.take(store.since(0)).unwrap();
    let at = "coalesce(finished_at, started_at, instant('1900-01-01T00:00:00Z'))";
    for (table, at, node, from, to) in [
        ("deployments", at, "group", None, None),
        ("deployments", at, "product:shop", None, None),
        ("deployments", at, "product:bank", Some(3), Some(2_402)),
        ("deployments", at, "group", Some(2_300), None),
        ("incidents", "started_at", "group", None, None),
        ("incidents", "started_at", "product:shop", None, Some(600)),
    ] {
        let mut conditions = vec![format!("{at} >= instant('{}')", on(from.unwrap_or(0)))];
        if from.is_none() {
            conditions.clear();
        }
        conditions.extend(to.map(|to| format!("{at} < instant('{}')", on(to))));
        conditions.extend(node.strip_prefix("product:").map(|product| format!("product = '{product}'")));
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        let sql = format!("SELECT id FROM {table} WHERE {conditions} ORDER BY {at} DESC, source DESC, id DESC");
        for warehouse in [&sealed, &memory] {
            let batches = warehouse.sql(&sql).await.unwrap();
            let ids = batches.iter().flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten());
            let rows: Vec<String> = ids.map(str::to_owned).collect();
            let node = crate::support::node_named(warehouse, node);
            let listing = Listing { from: from.map(on), to: to.map(on), ..Listing::of(node) };
            let found = paged(warehouse, table == "incidents", &listing).await;
            assert!(!found.is_empty());
            assert_eq!(found, rows, "{sql}");
        }
    }
}

#[tokio::test]
async fn quiet_months_become_one_file_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    let mut store = Store::default();
    let mut seen = 0;
    for round in 0..6_u8 {
        for id in 0..(40 >> round) {
            store.deploy(round * 40 + id, 0, Some(u16::from(id)), 1);
        }
        warehouse.take(store.since(seen)).unwrap();
        seen = store.change;
        warehouse.seal(now()).await.unwrap();
    }
    let files = || {
        let deployments = folder.path().join("deployments");
        let months = std::fs::read_dir(deployments).unwrap().filter_map(Result::ok);
        months.filter(|entry| entry.file_name().to_string_lossy().starts_with("month=")).count()
    };
    assert_eq!(files(), 2, "one folder a month");
    warehouse.compact(now()).await.unwrap();
    same(&warehouse, &store).await;
    // These seals say that they were long ago: what they replaced is nobody's any more.
    assert!(warehouse.clean().await.unwrap() > 0);
    same(&warehouse, &store).await;
    same(&open(folder.path()).await, &store).await;
}

#[tokio::test]
async fn filled_in_one_pass_it_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    warehouse.take(world().since(0)).unwrap();
    warehouse.seal(now()).await.unwrap();
    let store = changed(world());
    let mut fill = warehouse.fill(store.change).unwrap();
    for product in PRODUCTS {
        let whole = store.since(0);
        let mine = whole.deployments.into_iter().filter(|(fact, _)| fact.lane.component.product() == product);
        let pain = whole.incidents.into_iter().filter(|fact| fact.product == product);
        let others = whole.others.into_iter().filter(|fact| fact.product.as_deref() == Some(product));
        fill.put(product, mine.collect(), pain.collect(), others.collect()).unwrap();
    }
    assert!(fill.put("bank", vec![], vec![], vec![]).is_err(), "products come in order");
    let filled = fill.finish().unwrap();
    same(&warehouse, &world()).await;
    assert_eq!(warehouse.put_filled(filled, now()).await.unwrap().change, store.change);
    same(&warehouse, &store).await;
    let again = open(folder.path()).await;
    assert_eq!(again.sealed(), store.change);
    same(&again, &store).await;
}

#[tokio::test]
async fn a_broken_table_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = open(folder.path()).await;
    warehouse.take(world().since(0)).unwrap();
    warehouse.seal(now()).await.unwrap();
    drop(warehouse);
    let log = folder.path().join("deployments/_delta_log/00000000000000000000.json");
    std::fs::write(log, "{").unwrap();
    let refused = Warehouse::open(folder.path()).await.err().unwrap().to_string();
    assert!(refused.contains("move them away"), "{refused}");
}

/// Sharing by several threads, as the server does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_wait_for_a_seal() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Arc::new(open(folder.path()).await);
    let store = world();
    warehouse.take(store.since(0)).unwrap();
    let reading = {
        let warehouse = Arc::clone(&warehouse);
        tokio::spawn(async move {
            for _ in 0..20 {
                assert_eq!(warehouse.rows().deployments, 8);
                let rows = warehouse.sql("SELECT count(*) FROM commits").await.unwrap();
                assert!(pretty_format_batches(&rows).unwrap().to_string().contains("24"));
            }
        })
    };
    for _ in 0..3 {
        warehouse.seal(now()).await.unwrap();
        warehouse.compact(now()).await.unwrap();
    }
    reading.await.unwrap();
}
