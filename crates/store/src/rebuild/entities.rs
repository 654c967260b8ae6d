//! The first half: entities, copied or read from the journal.

use std::collections::BTreeMap;

use domain::EntityKey;
use domain::event::{Entity, Event};
use rusqlite::{Connection, params};

use super::{Phase, Plan, Rebuild};
use crate::applier::{
    Again, NEXT_CATALOGUE, Verdict, Waiting, latest_catalogue, read_catalogue, read_guarded, write_catalogue,
};
use crate::archive::Slot;
use crate::body::{Json, from_json, to_json};
use crate::journal::counts;
use crate::ledger::kind_number;
use crate::sql::{Db, atomically, one, run};
use crate::{Interpreter, Store, StoreError};

/// Copies some entities.
pub(super) fn copy(conn: &Connection, mut plan: Plan) -> Result<Plan, StoreError> {
    atomically(conn, false, || {
        let last = "SELECT kind, source, id FROM next_entity ORDER BY kind DESC, source DESC, id DESC LIMIT 1";
        let last = one(conn, last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (kind, source, id): (i64, String, String) = last.unwrap_or((-1, String::new(), String::new()));
        let copied = run(
            conn,
            "INSERT INTO next_entity (kind, source, id, body) SELECT kind, source, id, body FROM entity
             WHERE (kind, source, id) > (?, ?, ?) ORDER BY kind, source, id LIMIT ?",
            params![kind, source, id, i64::try_from(plan.sizes.copied).unwrap_or(i64::MAX)],
        )?;
        plan.done += copied as u64;
        if copied < plan.sizes.copied {
            match plan.wanted {
                Rebuild::Since(_) => enter_reading(conn, &mut plan)?,
                Rebuild::Everything | Rebuild::Facts => enter_linking(conn, &mut plan)?,
            }
        }
        plan.write(conn)?;
        Ok(plan)
    })
}

fn enter_reading(conn: &Connection, plan: &mut Plan) -> Result<(), StoreError> {
    plan.enter(Phase::Reading, rows(conn)?);
    Ok(())
}

/// About how many deliveries the journal has.
fn rows(conn: &Connection) -> Result<u64, StoreError> {
    let counts = counts(conn)?;
    Ok(counts.pending + counts.applied + counts.ignored + counts.rejected)
}

/// From here on the entities stay as they are until the facts are made.
fn enter_linking(conn: &Connection, plan: &mut Plan) -> Result<(), StoreError> {
    let catalogue = match plan.wanted {
        // Facts are a function of events, catalogue and rules: what older catalogues said would only be undone.
        Rebuild::Everything => latest_catalogue(conn)?,
        Rebuild::Facts | Rebuild::Since(_) => read_catalogue(conn)?,
    };
    write_catalogue(conn, NEXT_CATALOGUE, &catalogue)?;
    plan.enter(Phase::Linking, 0);
    Ok(())
}

/// What some deliveries say, merged with what was read before.
struct Chunk {
    rows: usize,
    /// The last of them.
    last: Option<i64>,
    is_last: bool,
    verdicts: Vec<(i64, Verdict)>,
    entities: Vec<(EntityKey, Json)>,
    total: u64,
}

/// Reads some deliveries.
pub(super) fn read(store: &Store, plan: Plan) -> Result<Plan, StoreError> {
    let which = match plan.wanted {
        Rebuild::Since(from) => Again::Since { after: plan.read, from, unless: plan.copied },
        Rebuild::Everything | Rebuild::Facts => Again::After(plan.read),
    };
    let (interpreter, archive, limit) = (store.interpreter(), store.archive_slot(), plan.sizes.read);
    let chunk = store.read(move |conn| read_chunk(conn, &*interpreter, &archive, which, limit))?;
    store.write(move |writer| write_chunk(&writer.conn, plan, &chunk))
}

fn read_chunk(
    conn: &Connection,
    interpreter: &dyn Interpreter,
    archive: &Slot,
    which: Again,
    limit: usize,
) -> Result<Chunk, StoreError> {
    let rows = Waiting::again(conn, archive, which, limit)?;
    let mut verdicts = Vec::new();
    let mut entities: BTreeMap<EntityKey, (Entity, bool)> = BTreeMap::new();
    let mut events = Vec::new();
    for row in &rows {
        let verdict = read_guarded(interpreter, row, &mut events);
        if verdict.is_news(row) {
            verdicts.push((row.seq, verdict));
        }
        for event in events.drain(..) {
            merge(conn, &mut entities, &event)?;
            if let Some(hint) = event.product_hint() {
                merge(conn, &mut entities, &hint)?;
            }
        }
    }
    let changed = entities.into_iter().filter(|(_, (_, changed))| *changed);
    Ok(Chunk {
        rows: rows.len(),
        last: rows.last().map(|row| row.seq),
        // What still comes in is caught up with.
        is_last: rows.len() < limit && !Waiting::are_long(&rows),
        verdicts,
        entities: changed.map(|(key, (entity, _))| Ok((key, to_json(&entity)?))).collect::<Result<_, StoreError>>()?,
        total: self::rows(conn)?,
    })
}

fn merge(
    conn: &Connection,
    entities: &mut BTreeMap<EntityKey, (Entity, bool)>,
    event: &Event,
) -> Result<(), StoreError> {
    if !entities.contains_key(&event.key) {
        let key = &event.key;
        let sql = "SELECT body FROM entity WHERE kind = ? AND source = ? AND id = ?";
        let known = one(Db::aside(conn), sql, params![kind_number(key.kind), key.source, key.id], |row| {
            from_json("an entity", row.get_ref(0)?)
        })?;
        entities.insert(key.clone(), (known.unwrap_or_default(), false));
    }
    if let Some((entity, changed)) = entities.get_mut(&event.key) {
        let before = entity.clone();
        entity.merge(event);
        // A newer stamp on the same value is kept too.
        *changed |= *entity != before;
    }
    Ok(())
}

fn write_chunk(conn: &Connection, mut plan: Plan, chunk: &Chunk) -> Result<Plan, StoreError> {
    atomically(conn, false, || {
        for (key, body) in &chunk.entities {
            run(
                Db::aside(conn),
                "INSERT INTO entity (kind, source, id, body) VALUES (?, ?, ?, ?)
                 ON CONFLICT (kind, source, id) DO UPDATE SET body = excluded.body",
                params![kind_number(key.kind), key.source, key.id, body],
            )?;
        }
        for (seq, verdict) in &chunk.verdicts {
            super::tables::note_verdict(conn, *seq, verdict)?;
        }
        plan.read = chunk.last.unwrap_or(plan.read);
        plan.done += chunk.rows as u64;
        plan.rebuilt.rows += chunk.rows as u64;
        plan.total = chunk.total;
        if chunk.is_last {
            // Of deliveries before the instant none was read.
            plan.read = plan.read.max(plan.copied_up_to());
            enter_linking(conn, &mut plan)?;
        }
        plan.write(conn)?;
        Ok(plan)
    })
}
