//! From entities to facts, product by product, by the rules that link what arrives from day to day.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use correlate::Ledger;
use correlate::indexed::{Facts, IndexedLedger};
use domain::catalogue::Catalogue;
use domain::event::{Entity, Event};

use super::generate;
use super::size::ProductPlan;
use super::timing::Processor;
use crate::failure::{Failure, with_causes};

/// A product as it was linked.
#[derive(Debug)]
pub(crate) struct Linked {
    pub(crate) facts: Facts,
    /// Processor time of making its entities.
    pub(crate) generating: Duration,
    /// Processor time from entities to facts.
    pub(crate) linking: Duration,
    /// Entities the facts were made from.
    pub(crate) entities: usize,
}

/// Links one product: from its entities, in one pass.
pub(crate) fn link(catalogue: &Catalogue, product: &ProductPlan, seed: u64) -> Result<Linked, Failure> {
    let started = Processor::start();
    let history = generate::history(product, seed);
    let mut ledger = ledger_of(&history.events)?;
    let generating = started.passed();
    let entities = history.events.len();
    drop(history.events);
    let started = Processor::start();
    // Declared products of others are nothing to this one.
    ledger.link(catalogue).map_err(|error| Failure::could_not(with_causes(&error)))?;
    let facts = ledger.into_facts();
    Ok(Linked { facts, generating, linking: started.passed(), entities })
}

fn ledger_of(events: &[Event]) -> Result<IndexedLedger, Failure> {
    let mut ledger = IndexedLedger::default();
    for event in events {
        let mut entity = Entity::default();
        entity.merge(event);
        ledger.put_entity(&event.key, Arc::new(entity)).map_err(|error| Failure::could_not(with_causes(&error)))?;
    }
    Ok(ledger)
}

/// Links every product on some threads and gives each to `take` in the order of their names. Only the products under
/// way are in memory, and small ones that were ready before a big one.
pub(crate) fn link_all(
    plan: &[ProductPlan],
    seed: u64,
    threads: usize,
    mut take: impl FnMut(usize, Linked) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(product) = plan.get(index) else { break };
                    let own = generate::catalogue(std::slice::from_ref(product));
                    if sender.send((index, link(&own, product, seed))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut wanted = 0;
        let mut taken = Ok(());
        for (index, linked) in receiver {
            early.insert(index, linked);
            while let Some(linked) = early.remove(&wanted) {
                if taken.is_ok() {
                    taken = linked.and_then(|linked| take(wanted, linked));
                }
                wanted += 1;
            }
            if taken.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        taken
    })
}
