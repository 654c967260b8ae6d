//! One more event after a long history: what it costs must not depend on how long that is.

use std::time::Duration;

use domain::Timestamp;
use domain::event::{Event, EventKind, GIT, entity_key};
use domain::time::{HOUR, SECOND};
use serde_json::json;
use store::{Delivery, Store};
use tokio::runtime::Runtime;
use warehouse::{Batch, Removed, Warehouse};

use super::generate::{END, catalogue, history};
use super::ingest::{append, fresh_store};
use super::timing::Watch;
use super::{Measure, Setup, Size, base, told};
use crate::failure::Failure;
use crate::random::Random;
use crate::{clock, out};

/// Facts of one page.
const PAGE: usize = 5_000;

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let mut measures = Vec::new();
    for deployments in histories(setup.size) {
        measures.extend(after(setup, *deployments)?);
    }
    Ok(measures)
}

const fn histories(size: Size) -> &'static [usize] {
    match size {
        Size::Tiny => &[200, 800],
        Size::Small => &[2_000, 15_000],
        Size::HundredThousand => &[10_000, 90_000],
        Size::Million => &[10_000, 100_000],
        Size::TenMillion => &[100_000, 1_000_000],
    }
}

/// Events that are timed.
const fn timed(size: Size) -> usize {
    match size {
        Size::Tiny => 60,
        Size::Small => 600,
        _ => 2_000,
    }
}

/// A history of about so many deployments in the store and the warehouse, then one event after the other.
fn after(setup: &Setup, deployments: usize) -> Result<Vec<Measure>, Failure> {
    let started = Watch::start();
    let store = fresh_store(setup, "apply")?;
    store.append(vec![Delivery::Catalogue(catalogue(&setup.plan), "bench".to_owned())], clock::now())?;
    let mut told_of = 0;
    let mut products = 0;
    for product in &setup.plan {
        if told_of >= deployments {
            break;
        }
        let mut history = history(product, setup.seed);
        told_of += history.raw.deployments.len();
        products += 1;
        // As things happened: what comes before what is there already makes its component be walked again.
        history.events.sort_by_cached_key(Event::stamp);
        append(&store, history.events)?;
    }
    store.settle()?;
    let runtime = base::runtime(setup)?;
    let opened = runtime.block_on(Warehouse::open(&setup.file("apply").join("lake")));
    let warehouse = opened.map_err(|problem| told(&problem))?;
    let mut change = follow(&store, &warehouse, &runtime, 0)?;
    runtime.block_on(warehouse.seal(crate::clock::now())).map_err(|problem| told(&problem))?;
    out::note(&format!("  {told_of} deployments are there after {:.0} s", started.passed().as_secs_f64()));
    let (mut stored, mut shown) = (Vec::new(), Vec::new());
    let mut news = News::new(setup, products);
    for _ in 0..timed(setup.size) {
        let event = news.next();
        let started = Watch::start();
        store.append(vec![Delivery::Event(event)], clock::now())?;
        store.settle()?;
        let linked: Duration = started.passed();
        change = follow(&store, &warehouse, &runtime, change)?;
        stored.push(linked);
        shown.push(started.passed());
    }
    Ok(vec![
        Measure::number("deployments before", told_of as f64, ""),
        Measure::times("an event made durable and linked", &stored),
        Measure::times("the same until the warehouse has it", &shown),
    ])
}

/// Rows in memory, in bytes, from which on they are sealed, as the server does.
const BOUND: usize = 64 * 1024 * 1024;

/// Takes into the warehouse what changed in the store; gives the change number it is at then.
fn follow(store: &Store, warehouse: &Warehouse, runtime: &Runtime, mut change: u64) -> Result<u64, Failure> {
    loop {
        let page = store.changes_since(change, PAGE)?;
        change = page.upto;
        let batch = Batch {
            deployments: page.deployments,
            incidents: page.incidents,
            others: page.others,
            removed: Removed { deployments: page.removed_deployments, incidents: page.removed_incidents },
            before: page.before,
            change,
        };
        warehouse.take(batch).map_err(|problem| told(&problem))?;
        if warehouse.in_memory() >= BOUND {
            runtime.block_on(warehouse.seal(crate::clock::now())).map_err(|problem| told(&problem))?;
        }
        if !page.more {
            return Ok(change);
        }
    }
}

/// What happens next, after the history: commits, deployments of them, an incident now and then.
struct News<'a> {
    setup: &'a Setup,
    products: usize,
    random: Random,
    number: usize,
    commit: Option<(String, String, usize, usize)>,
}

impl<'a> News<'a> {
    fn new(setup: &'a Setup, products: usize) -> Self {
        News { setup, products, random: Random::new(setup.seed, "news"), number: 0, commit: None }
    }

    fn next(&mut self) -> Event {
        self.number += 1;
        let at = END.plus(HOUR + self.number as i64 * 10 * SECOND);
        let id = format!("news-{}", self.number);
        if let Some((repo, sha, product, component)) = self.commit.take() {
            let product = &self.setup.plan[product];
            let component = &product.components[component];
            return event(
                EventKind::Deployment,
                &id,
                json!({"id": id, "product": product.name, "component": component.name,
                    "instance": product.instances[0], "environment": "production", "status": "succeeded",
                    "finished_at": at, "version": format!("2.0.{}", self.number), "sha": sha, "repo": repo}),
            );
        }
        let product = self.random.whole(0, self.products as u32 - 1) as usize;
        if self.number.is_multiple_of(10) {
            let name = &self.setup.plan[product].name;
            return event(
                EventKind::Incident,
                &id,
                json!({"id": id, "product": name, "opened_at": at, "started_at": at, "severity": "low"}),
            );
        }
        let component = self.random.whole(0, self.setup.plan[product].components.len() as u32 - 1) as usize;
        let repo = format!("acme/{}", self.setup.plan[product].components[component].name);
        let sha = self.random.sha();
        self.commit = Some((repo.clone(), sha.clone(), product, component));
        // Nobody told of what is behind it: a graph that begins here, as of a repository that was just connected.
        commit(&repo, &sha, at)
    }
}

fn commit(repo: &str, sha: &str, at: Timestamp) -> Event {
    let fields = json!({"repo": repo, "sha": sha, "parents": [], "committed_at": at});
    let key = entity_key(EventKind::Change, GIT, &format!("{repo}@{sha}"));
    Event { key, fields: fields.as_object().cloned().unwrap_or_default() }
}

fn event(kind: EventKind, id: &str, fields: serde_json::Value) -> Event {
    Event { key: entity_key(kind, "bench", id), fields: fields.as_object().cloned().unwrap_or_default() }
}
