//! Which entities are linked together in one step.

use correlate::parts::{Home, Parts};
use domain::EntityKey;
use domain::catalogue::Catalogue;
use domain::event::{Entity, EventKind};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::body::from_json;
use crate::ledger::kind_number;
use crate::sql::{Db, all};
use crate::{Store, StoreError};

/// Entities looked at in one snapshot.
const PAGE: i64 = 5_000;

/// An entity as far as its part depends on it.
enum Seen {
    /// A commit that refers to nothing.
    Commit,
    Whole(Entity),
}

/// Lists of entities, by the numbers of their rows: no fact of one list depends on an entity of another. Small parts share
/// a list of at most `together` entities. The same entities give the same lists.
pub(super) fn divide(store: &Store, catalogue: &Catalogue, together: usize) -> Result<Vec<Vec<i64>>, StoreError> {
    let mut parts = Parts::new(catalogue);
    let mut homes: Vec<(Home, i64)> = Vec::new();
    for kind in Parts::ORDER {
        let mut after = (String::new(), String::new());
        loop {
            let (source, id) = after.clone();
            let page = store.read(move |conn| page(conn, kind, &source, &id))?;
            for (key, row, seen) in &page {
                let home = match seen {
                    Seen::Commit => parts.add_commit(key),
                    Seen::Whole(entity) => parts.add(key, entity),
                };
                homes.push((home, *row));
            }
            match page.last() {
                Some((key, ..)) => after = (key.source.to_string(), key.id.to_string()),
                None => break,
            }
        }
    }
    parts.close();
    let mut numbered: Vec<(u32, i64)> = homes.into_iter().map(|(home, row)| (parts.part(home), row)).collect();
    drop(parts);
    numbered.sort_unstable();
    let mut lists: Vec<Vec<i64>> = Vec::new();
    for part in numbered.chunk_by(|(left, _), (right, _)| left == right) {
        let rows = part.iter().map(|(_, row)| *row);
        match lists.last_mut() {
            Some(list) if list.len() + part.len() <= together => list.extend(rows),
            _ => lists.push(rows.collect()),
        }
    }
    Ok(lists)
}

fn page(conn: &Connection, kind: EventKind, source: &str, id: &str) -> Result<Vec<(EntityKey, i64, Seen)>, StoreError> {
    let sql = "SELECT rowid, source, id, body FROM entity WHERE kind = ?1 AND (source, id) > (?2, ?3)
         ORDER BY source, id LIMIT ?4";
    all(Db::aside(conn), sql, params![kind_number(kind), source, id, PAGE], |row| {
        let key = EntityKey { kind, source: row.get(1)?, id: row.get(2)? };
        let body = row.get_ref(3)?;
        let plain = match body {
            ValueRef::Text(text) => std::str::from_utf8(text).is_ok_and(|text| Parts::is_plain_commit(&key, text)),
            _ => false,
        };
        let seen = if plain { Seen::Commit } else { Seen::Whole(from_json("an entity", body)?) };
        Ok((key, row.get(0)?, seen))
    })
}
