//! The rules' ledger on SQLite: one transaction of the writer.
//!
//! Every look-up of the trait is served by an index; a test reads the plan of each statement. The order of deployments
//! is `(finished_at, source, id)` as a row value with bytewise texts, which is that of `OrderKey`.

mod arrivals;
mod contract;
mod deployments;
mod fill;
mod graph;
mod incidents;
mod names;
#[cfg(test)]
mod tests;

use domain::catalogue::ComponentId;
use domain::event::{Entity, EventKind};
use domain::fact::OtherFact;
use domain::{DeploymentKey, EntityKey};
use rusqlite::{Row, params};

pub(crate) use arrivals::read_commits;
pub(crate) use fill::Repos;
pub(crate) use names::Names;

use crate::StoreError;
use crate::body::{from_json, to_json};
use crate::sql::{Db, all, one, run};

type Result<T> = std::result::Result<T, StoreError>;

/// Place of a kind in the tables.
pub(crate) fn kind_number(kind: EventKind) -> i64 {
    EventKind::ALL.iter().zip(0i64..).find(|(known, _)| **known == kind).map_or(-1, |(_, number)| number)
}

/// The kind at a place.
pub(crate) fn kind_at(number: i64) -> Result<EventKind> {
    let place = usize::try_from(number).ok();
    let kind = place.and_then(|place| EventKind::ALL.get(place)).copied();
    kind.ok_or_else(|| StoreError::unreadable("a kind", format!("there is no kind {number}")))
}

/// Place of removed deployments in the table of what was removed.
pub(crate) const DEPLOYMENT: i64 = 0;
/// That of removed incidents.
pub(crate) const INCIDENT: i64 = 1;

/// The ledger within one transaction of `conn`.
pub(crate) struct SqliteLedger<'t> {
    conn: Db<'t>,
    names: &'t mut Names,
    /// The last change number given. Every changed fact has its own, so that changes can be paged exactly.
    pub(crate) change: u64,
    /// That of the last change of what events tell of products.
    pub(crate) tree: Option<u64>,
}

impl<'t> SqliteLedger<'t> {
    /// Continues after change number `change`.
    pub(crate) fn new(conn: impl Into<Db<'t>>, names: &'t mut Names, change: u64) -> Self {
        SqliteLedger { conn: conn.into(), names, change, tree: None }
    }

    /// The next change number, as SQLite keeps it.
    fn next_change(&mut self) -> i64 {
        self.change += 1;
        i64::try_from(self.change).unwrap_or(i64::MAX)
    }

    fn read_entity(&self, key: &EntityKey) -> Result<Option<Entity>> {
        one(
            self.conn,
            "SELECT body FROM entity WHERE kind = ? AND source = ? AND id = ?",
            params![kind_number(key.kind), key.source, key.id],
            |row| from_json("an entity", row.get_ref(0)?),
        )
    }

    fn write_entity(&mut self, key: &EntityKey, entity: &Entity) -> Result<()> {
        run(
            self.conn,
            "INSERT INTO entity (kind, source, id, body) VALUES (?, ?, ?, ?)
             ON CONFLICT (kind, source, id) DO UPDATE SET body = excluded.body",
            params![kind_number(key.kind), key.source, key.id, to_json(entity)?],
        )?;
        if key.kind == EventKind::Product {
            self.next_change();
            self.tree = Some(self.change);
        }
        Ok(())
    }

    fn read_entity_keys(&self, kind: EventKind) -> Result<Vec<EntityKey>> {
        all(
            self.conn,
            "SELECT kind, source, id FROM entity WHERE kind = ? ORDER BY source, id",
            [kind_number(kind)],
            entity_key,
        )
    }

    /// Whoever follows the changes hears that there is no such fact any more.
    fn note_removal(&mut self, kind: i64, key: &DeploymentKey) -> Result<()> {
        let change = self.next_change();
        let sql = "INSERT INTO removed (kind, source, id, change) VALUES (?, ?, ?, ?)
             ON CONFLICT (kind, source, id) DO UPDATE SET change = excluded.change";
        run(self.conn, sql, params![kind, key.source, key.id, change])?;
        Ok(())
    }

    /// The fact is there again, and has a change number of its own.
    fn forget_removal(&self, kind: i64, key: &DeploymentKey) -> Result<()> {
        let sql = "DELETE FROM removed WHERE kind = ? AND source = ? AND id = ?";
        run(self.conn, sql, params![kind, key.source, key.id])?;
        Ok(())
    }

    fn write_other(&mut self, fact: &OtherFact) -> Result<()> {
        let name = fact.component.as_ref().map(|component| self.word(component.name())).transpose()?;
        let change = self.next_change();
        run(
            self.conn,
            "INSERT INTO other (kind, source, id, name, change, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, source, id) DO UPDATE
             SET name = excluded.name, change = excluded.change, body = excluded.body, at = excluded.at
             WHERE body <> excluded.body",
            params![
                kind_number(fact.key.kind),
                fact.key.source,
                fact.key.id,
                name,
                change,
                to_json(fact)?,
                fact.at.micros()
            ],
        )?;
        Ok(())
    }

    fn read_others_named(&self, name: &str) -> Result<Vec<EntityKey>> {
        let Some(word) = self.known_word(name)? else { return Ok(Vec::new()) };
        let sql = "SELECT kind, source, id FROM other WHERE name = ? ORDER BY kind, source, id";
        all(self.conn, sql, [word], entity_key)
    }
}

fn entity_key(row: &Row<'_>) -> Result<EntityKey> {
    Ok(EntityKey { kind: kind_at(row.get(0)?)?, source: row.get(1)?, id: row.get(2)? })
}

/// As it was put, whatever its names hold.
fn component(text: String) -> Result<ComponentId> {
    serde_json::from_value(text.into()).map_err(|error| StoreError::unreadable("a component", error))
}

/// From the columns source and id.
fn deployment_key(row: &Row<'_>) -> Result<DeploymentKey> {
    Ok(DeploymentKey { source: row.get(0)?, id: row.get(1)? })
}
