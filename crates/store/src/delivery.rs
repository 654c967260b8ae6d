//! One delivery of a source, whole, and what is needed to say what became of it.

use domain::EntityKey;
use domain::Timestamp;
use domain::catalogue::Placer;
use domain::event::Entity;
use rusqlite::{Connection, params};

use crate::archive::{JournalRow, Slot};
use crate::body::from_json;
use crate::journal::{self, EntryKind, Reason, State};
use crate::ledger::{Names, SqliteLedger, kind_number};
use crate::sql::one;
use crate::{Store, StoreError, applier};

impl Store {
    /// The last delivery of a source, or the one with this id of its sender's or number in the journal; whole.
    ///
    /// # Errors
    /// The database or the archive cannot be read.
    pub fn delivery(&self, source: &str, id: Option<&str>) -> Result<Option<JournalRow>, StoreError> {
        let (archive, source, id) = (self.archive(), source.to_owned(), id.map(str::to_owned));
        self.read(move |conn| find(conn, &archive, &source, id.as_deref()))
    }

    /// What is known of one thing: everything ever told of it, merged.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn entity(&self, key: &EntityKey) -> Result<Option<Entity>, StoreError> {
        let key = key.clone();
        self.read(move |conn| entity(conn, &key))
    }

    /// The catalogue ready to place by, with what events have told of the tree.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn placer(&self) -> Result<Placer, StoreError> {
        self.read(placer)
    }
}

/// The last delivery of a source, or the one with this id of its sender's or number in the journal.
fn find(conn: &Connection, archive: &Slot, source: &str, id: Option<&str>) -> Result<Option<JournalRow>, StoreError> {
    let seq = match id {
        None => {
            let sql = "SELECT seq FROM journal WHERE source = ? AND kind <> 2 ORDER BY seq DESC LIMIT 1";
            one(conn, sql, [source], |row| Ok(row.get::<_, i64>(0)?))?
        }
        Some(id) => {
            let sql = "SELECT seq FROM journal WHERE source = ? AND id = ? AND kind = 1";
            let by_sender = one(conn, sql, [source, id], |row| Ok(row.get::<_, i64>(0)?))?;
            by_sender.or_else(|| id.parse().ok())
        }
    };
    let Some(seq) = seq else { return Ok(None) };
    let sql = "SELECT seq, kind, source, type, id, event, received_at, headers, state, code, message, hash
         FROM journal WHERE seq = ? AND source = ? AND kind <> 2";
    let row = one(conn, sql, params![seq, source], |row| {
        let (code, message): (Option<String>, Option<String>) = (row.get(9)?, row.get(10)?);
        Ok(JournalRow {
            seq: row.get(0)?,
            kind: EntryKind::at(row.get(1)?)?,
            source: row.get(2)?,
            type_: row.get(3)?,
            id: row.get(4)?,
            event: row.get(5)?,
            received_at: Timestamp::from_micros(row.get(6)?),
            headers: row.get(7)?,
            state: State::at(row.get(8)?)?,
            reason: code.map(|code| Reason { code, message: message.unwrap_or_default() }),
            content_hash: row.get(11)?,
            body: Vec::new(),
        })
    })?;
    let Some(mut row) = row else { return Ok(None) };
    row.body = journal::body(conn, archive, seq)?.unwrap_or_default();
    Ok(Some(row))
}

/// What is known of one thing.
fn entity(conn: &Connection, key: &EntityKey) -> Result<Option<Entity>, StoreError> {
    let sql = "SELECT body FROM entity WHERE kind = ? AND source = ? AND id = ?";
    let params = params![kind_number(key.kind), key.source, key.id];
    one(conn, sql, params, |row| from_json("an entity", row.get_ref(0)?))
}

/// The catalogue ready to place by, with what events have told of the tree.
fn placer(conn: &Connection) -> Result<Placer, StoreError> {
    let mut placer = Placer::new(&applier::read_catalogue(conn)?);
    let mut names = Names::default();
    for component in SqliteLedger::new(conn, &mut names, 0).read_implied()? {
        placer.imply(&component);
    }
    Ok(placer)
}
