//! Events through the store: made durable, linked, and all facts made anew from the journal.

use domain::event::Event;
use store::{Delivery, Location, Store};

use super::generate::{catalogue, history};
use super::timing::Watch;
use super::{Measure, Setup, Size};
use crate::clock;
use crate::failure::Failure;

/// Events of one append, as a request brings them.
const BATCH: usize = 500;

pub(super) fn run(setup: &Setup) -> Result<Vec<Measure>, Failure> {
    let events = first_events(setup, enough(setup.size));
    let all = events.len() as f64;
    let store = fresh_store(setup, "ingest")?;
    store.append(vec![Delivery::Catalogue(catalogue(&setup.plan), "bench".to_owned())], clock::now())?;
    store.settle()?;
    let started = Watch::start();
    append(&store, events)?;
    let durable = started.passed().as_secs_f64();
    store.settle()?;
    let linked = started.passed().as_secs_f64();
    let started = Watch::start();
    store.rebuild(&mut |_, _| ())?;
    let rebuilt = started.passed().as_secs_f64();
    Ok(vec![
        Measure::number("events", all, ""),
        Measure::number("made durable", all / durable, "1/s"),
        Measure::number("durable and linked", all / linked, "1/s"),
        Measure::number("rebuild from the journal", rebuilt, "s"),
        Measure::number("events rebuilt", all / rebuilt, "1/s"),
    ])
}

const fn enough(size: Size) -> usize {
    match size {
        Size::Tiny => 3_000,
        Size::Small => 20_000,
        _ => 100_000,
    }
}

/// The events of the first products, as many as are wanted, in the order in which things happened.
pub(super) fn first_events(setup: &Setup, wanted: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for product in &setup.plan {
        if events.len() >= wanted {
            break;
        }
        events.extend(history(product, setup.seed).events);
    }
    events.sort_by_cached_key(|event| event.stamp());
    events.truncate(wanted);
    events
}

/// A store of its own in the folder, without what an earlier run left.
pub(super) fn fresh_store(setup: &Setup, name: &str) -> Result<Store, Failure> {
    let folder = setup.file(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| super::could_not(&folder, &error))?;
    }
    Ok(Store::open(Location::Folder(folder), server::interpreter())?)
}

pub(super) fn append(store: &Store, events: Vec<Event>) -> Result<(), Failure> {
    let mut events = events.into_iter().map(Delivery::Event).peekable();
    while events.peek().is_some() {
        store.append(events.by_ref().take(BATCH).collect(), clock::now())?;
    }
    Ok(())
}
