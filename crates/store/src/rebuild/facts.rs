//! The second half: facts from entities, part by part, each in one pass over a ledger in memory.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use correlate::Ledger;
use correlate::indexed::{IndexedLedger, Piece};
use domain::EntityKey;
use domain::catalogue::Catalogue;
use domain::event::Entity;
use rusqlite::Connection;

use super::divide::divide;
use super::{Phase, Plan, Step};
use crate::applier::{NEXT_CATALOGUE, NEXT_CHANGE, panic_text, read_catalogue_named, read_number, write_number};
use crate::body::from_json;
use crate::ledger::{Repos, SqliteLedger, kind_at};
use crate::sql::{Db, atomically, one};
use crate::writer::Writer;
use crate::{Store, StoreError};

/// Entities loaded in one snapshot.
const LOADED: usize = 5_000;

/// Links everything that is not linked yet.
pub(super) fn link(store: &Store, mut plan: Plan, step: Step<'_>) -> Result<ControlFlow<(), Plan>, StoreError> {
    let catalogue = store.read(|conn| read_catalogue_named(conn, NEXT_CATALOGUE))?.unwrap_or_default();
    let lists = divide(store, &catalogue, plan.sizes.together)?;
    let linked = usize::try_from(plan.parts).unwrap_or(usize::MAX);
    plan.total = lists.iter().map(|list| list.len() as u64).sum();
    for list in lists.into_iter().skip(linked) {
        let entities = list.len() as u64;
        let pieces = link_list(store, &catalogue, list)?;
        let repos = pieces.iter().filter_map(|piece| match piece {
            Piece::Repo(number, name) => Some((*number, name.clone())),
            _ => None,
        });
        let repos: Arc<[(u32, String)]> = repos.collect();
        let written = usize::try_from(plan.pieces).unwrap_or(usize::MAX);
        let mut left = pieces.into_iter().skip(written).peekable();
        loop {
            let some: Vec<Piece> = left.by_ref().take(plan.sizes.pieces).collect();
            plan.pieces += some.len() as u64;
            plan.rebuilt.facts += some.iter().filter(|piece| is_fact(piece)).count() as u64;
            let last = left.peek().is_none();
            if last {
                plan.parts += 1;
                plan.pieces = 0;
                plan.done += entities;
                plan.rebuilt.entities += entities;
            }
            let repos = Arc::clone(&repos);
            plan = store.write(move |writer| fill(writer, plan, &some, &repos))?;
            if step(&plan.progress()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if last {
                break;
            }
        }
    }
    store.write(move |writer| {
        plan.enter(Phase::CatchingUp, 0);
        plan.write(&writer.conn)?;
        Ok(ControlFlow::Continue(plan))
    })
}

const fn is_fact(piece: &Piece) -> bool {
    matches!(piece, Piece::Deployment(_) | Piece::Incident(..) | Piece::Other(_))
}

fn link_list(store: &Store, catalogue: &Catalogue, list: Vec<i64>) -> Result<Vec<Piece>, StoreError> {
    let mut ledger = IndexedLedger::default();
    for rows in list.chunks(LOADED) {
        let rows = rows.to_vec();
        for (key, entity) in store.read(move |conn| load(conn, &rows))? {
            ledger.put_entity(&key, Arc::new(entity))?;
        }
    }
    drop(list);
    let linked = catch_unwind(AssertUnwindSafe(|| {
        ledger.link(catalogue)?;
        Ok(ledger.into_pieces())
    }));
    linked.unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(panic.as_ref()))))
}

fn load(conn: &Connection, rows: &[i64]) -> Result<Vec<(EntityKey, Entity)>, StoreError> {
    let sql = "SELECT kind, source, id, body FROM entity WHERE rowid = ?";
    let entity = |row: &i64| {
        one(Db::aside(conn), sql, [row], |row| {
            let key = EntityKey { kind: kind_at(row.get(0)?)?, source: row.get(1)?, id: row.get(2)? };
            Ok((key, from_json("an entity", row.get_ref(3)?)?))
        })
    };
    rows.iter().filter_map(|row| entity(row).transpose()).collect()
}

/// Writes some pieces, and the place that was reached.
fn fill(writer: &mut Writer, plan: Plan, pieces: &[Piece], repos: &[(u32, String)]) -> Result<Plan, StoreError> {
    let Writer { conn, aside, .. } = writer;
    let conn = &*conn;
    let done = atomically(conn, false, || {
        let mut ledger = SqliteLedger::new(Db::aside(conn), &mut aside.names, read_number(conn, NEXT_CHANGE)?);
        let mut here = Repos::new();
        for (number, name) in repos {
            here.insert(*number, ledger.take_repo(name)?);
        }
        for piece in pieces {
            ledger.fill(piece, &here)?;
        }
        write_number(conn, NEXT_CHANGE, ledger.change)?;
        plan.write(conn)
    });
    if done.is_err() {
        aside.names.forget();
    }
    done.map(|()| plan)
}
