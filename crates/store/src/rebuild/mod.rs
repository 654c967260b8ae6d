//! Entities and facts made anew, beside those everybody reads.
//!
//! Work is done in small steps. What takes time, parsing and linking, happens on the thread of whoever asked; each step
//! is then one short transaction of the writer, with the place that was reached, so that deliveries are taken and applied
//! in between and a killed process goes on where it was. When everything up to the last delivery is in the new tables,
//! one transaction puts them in the place of the old ones.

mod catch_up;
mod divide;
mod entities;
mod facts;
mod plan;
pub(crate) mod tables;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

pub(crate) use plan::Plan;
use plan::Sizes;
pub use plan::{Phase, Progress, Rebuild, Rebuilt};

use crate::applier::{Applier, CHANGE, NEXT_CHANGE, read_number, write_number};
use crate::ledger::Names;
use crate::sql::{atomically, one};
use crate::{Store, StoreError};

/// What the writer remembers of the tables made anew.
#[derive(Default)]
pub(crate) struct Aside {
    pub(crate) names: Names,
    pub(crate) applier: Option<Applier>,
}

/// Told after each step; to break off leaves everything so that the next rebuild goes on from there.
pub(crate) type Step<'f> = &'f mut dyn FnMut(&Progress) -> ControlFlow<()>;

/// Ends with the rebuild, however that ends.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Does what is wanted, or goes on with what was begun; none when nothing was or when it was broken off.
fn run(store: &Store, wanted: Option<Rebuild>, sizes: Sizes, step: Step<'_>) -> Result<Option<Rebuilt>, StoreError> {
    let running = store.rebuilding();
    if running.swap(true, Ordering::AcqRel) {
        return Err(StoreError::Rebuilding);
    }
    let _running = Running(running);
    let Some(mut plan) = begin(store, wanted, sizes, step)? else { return Ok(None) };
    let mut go_on = step(&plan.progress());
    while go_on.is_continue() {
        plan = match plan.phase {
            Phase::Copying => store.write(move |writer| entities::copy(&writer.conn, plan))?,
            Phase::Reading => entities::read(store, plan)?,
            Phase::Linking => match facts::link(store, plan, step)? {
                ControlFlow::Continue(plan) => plan,
                ControlFlow::Break(()) => return Ok(None),
            },
            Phase::CatchingUp => store.write(move |writer| catch_up::catch_up(writer, plan))?,
            Phase::Clearing => {
                let done = plan.rebuilt;
                match store.write(move |writer| clear(&writer.conn, plan))? {
                    Some(plan) => plan,
                    None => return Ok(Some(done)),
                }
            }
        };
        go_on = step(&plan.progress());
    }
    Ok(None)
}

/// The one under way when it is what is wanted, else a new one.
fn begin(store: &Store, wanted: Option<Rebuild>, sizes: Sizes, step: Step<'_>) -> Result<Option<Plan>, StoreError> {
    let (known, fits) = store.write(|writer| {
        writer.aside = Aside::default();
        let known = Plan::read(&writer.conn)?;
        let fits = known.as_ref().map_or(Ok(false), |plan| plan.fits(&writer.conn))?;
        Ok((known, fits))
    })?;
    let unfinished = known.as_ref().map(|plan| plan.wanted);
    let Some(wanted) = wanted.or(unfinished) else { return Ok(None) };
    if let Some(plan) = &known
        && plan.wanted == wanted
        && (fits || !plan.is_open())
    {
        return Ok(known);
    }
    // What an earlier one left is of no use.
    if let Some(mut plan) = known {
        plan.give_up(wanted);
        store.write(move |writer| plan.write(&writer.conn))?;
    }
    loop {
        let begun = store.write(move |writer| match tables::drop_one(&writer.conn)? {
            true => Ok(None),
            false => start(&writer.conn, (wanted, sizes)).map(Some),
        })?;
        if begun.is_some() || step(&CLEARING).is_break() {
            return Ok(begun);
        }
    }
}

/// What is told while something of an earlier rebuild is removed.
const CLEARING: Progress = Progress { phase: Phase::Clearing, done: 0, total: 0 };

fn start(conn: &Connection, wanted: (Rebuild, Sizes)) -> Result<Plan, StoreError> {
    atomically(conn, false, || {
        tables::create(conn)?;
        let pending = "SELECT min(seq) - 1 FROM journal WHERE state = 0";
        let last = "SELECT max(seq) FROM journal";
        let mut applied = None;
        for sql in [pending, last] {
            applied = applied.or(one(conn, sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?))?.flatten());
        }
        let plan = Plan::new(conn, wanted, read_number(conn, CHANGE)?, applied.unwrap_or_default())?;
        write_number(conn, NEXT_CHANGE, plan.base)?;
        plan.write(conn)?;
        Ok(plan)
    })
}

/// Removes one of the old tables or indexes; none when all are gone.
fn clear(conn: &Connection, mut plan: Plan) -> Result<Option<Plan>, StoreError> {
    if tables::drop_one(conn)? {
        plan.done += 1;
        return Ok(Some(plan));
    }
    Plan::remove(conn)?;
    Ok(None)
}

impl Store {
    /// Makes entities and facts anew, from the journal or as `wanted` says, beside those that everybody reads, which
    /// stay as they are until the new ones are complete. Deliveries are taken and applied meanwhile, and are in the new
    /// facts too. `step` is told of every step; when it breaks off, or the process ends, the next rebuild that wants the
    /// same goes on from there. None when it was broken off.
    ///
    /// # Errors
    /// Another rebuild is under way; the database cannot be read or written. What everybody reads is as before.
    pub fn rebuild_stepwise(
        &self,
        wanted: Rebuild,
        step: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Option<Rebuilt>, StoreError> {
        run(self, Some(wanted), Sizes::default(), step)
    }

    /// As [`Store::rebuild_stepwise`] with so much in each step. For tests of what is between steps.
    #[doc(hidden)]
    pub fn rebuild_in_steps_of(
        &self,
        size: usize,
        wanted: Rebuild,
        step: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Option<Rebuilt>, StoreError> {
        run(self, Some(wanted), Sizes::all(size), step)
    }

    /// Goes on with a rebuild that an earlier process began; none when there is none, or when it was broken off again.
    ///
    /// # Errors
    /// As [`Store::rebuild_stepwise`].
    pub fn resume_rebuild(
        &self,
        step: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Option<Rebuilt>, StoreError> {
        run(self, None, Sizes::default(), step)
    }

    /// Makes everything anew from the journal; `progress` is told how much of how much is done of what it is doing.
    ///
    /// # Errors
    /// As [`Store::rebuild_stepwise`].
    pub fn rebuild(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let mut told = |now: &Progress| {
            progress(now.done, now.total);
            ControlFlow::Continue(())
        };
        self.rebuild_stepwise(Rebuild::Everything, &mut told).map(drop)
    }

    /// The rebuild that was begun and is not done, if any.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn unfinished_rebuild(&self) -> Result<Option<Rebuild>, StoreError> {
        self.read(|conn| Ok(Plan::read(conn)?.map(|plan| plan.wanted)))
    }
}

/// A row is to be applied once more: a rebuild that has read it already reads it again.
pub(crate) fn replayed(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    match Plan::read(conn)? {
        Some(plan) if plan.is_open() && plan.fits(conn)? => tables::read_again(conn, seq),
        _ => Ok(()),
    }
}
