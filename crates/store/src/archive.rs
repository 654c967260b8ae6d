//! Bodies of old journal rows in an archive outside. The rows stay here, so that repeats are still known; whoever reads
//! a body does not see where it was.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::time::Day;
use domain::{Problem, Timestamp};
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::body::unpack;
use crate::journal::{EntryKind, Reason, State};
use crate::sql::{atomically, one, run};

/// Bodies read together, in bytes: at least one is.
const PAGE_BYTES: usize = 16 << 20;

/// Names a body in the archive: two bodies with one digest do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Archived {
    /// Number of the row.
    pub seq: i64,
    /// First half of the SHA-256 of the body.
    pub digest: [u8; 16],
}

impl Archived {
    /// Of a row and its body.
    #[must_use]
    pub fn of(seq: i64, body: &[u8]) -> Self {
        let whole = Sha256::digest(body);
        let mut digest = [0; 16];
        digest.copy_from_slice(&whole[..16]);
        Archived { seq, digest }
    }
}

/// Where bodies are that are no longer here.
pub trait Archive: Send + Sync {
    /// The bodies of rows that came on a day, in the order asked for.
    ///
    /// # Errors
    /// One of them is not there, or not as it was; the disk fails.
    fn bodies(&self, day: Day, wanted: &[Archived]) -> Result<Vec<Vec<u8>>, Problem>;
}

/// A row of the journal with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number, in the order of arrival.
    pub seq: i64,
    /// What it is.
    pub kind: EntryKind,
    /// Who sent it.
    pub source: String,
    /// Of an event its type, of a webhook its parser.
    pub type_: Option<String>,
    /// Of an event its id, of a webhook its delivery id.
    pub id: Option<String>,
    /// Of a webhook its event or route.
    pub event: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Of a webhook: the headers its parser needs, as JSON; never a secret.
    pub headers: Option<String>,
    /// What became of it.
    pub state: State,
    /// Why.
    pub reason: Option<Reason>,
    /// Of an event the SHA-256 of its content.
    pub content_hash: Option<Vec<u8>>,
    /// What came.
    pub body: Vec<u8>,
}

/// The archive, once somebody has given one.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<RwLock<Option<Arc<dyn Archive>>>>);

impl Slot {
    pub(crate) fn put(&self, archive: Arc<dyn Archive>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(archive);
    }

    fn bodies(&self, day: Day, wanted: &[Archived]) -> Result<Vec<Vec<u8>>, StoreError> {
        let archive = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let bodies = archive.ok_or(StoreError::NoArchive(day))?.bodies(day, wanted).map_err(StoreError::Archive)?;
        if bodies.len() == wanted.len() { Ok(bodies) } else { Err(StoreError::NoArchive(day)) }
    }

    /// Gets the bodies of rows that have none here. `moved` tells of each row when it came and what its body is named by.
    pub(crate) fn fill<'r, R: 'r>(
        &self,
        rows: impl IntoIterator<Item = &'r mut R>,
        moved: impl Fn(&R) -> Option<(Timestamp, Archived)>,
        put: impl Fn(&mut R, Vec<u8>),
    ) -> Result<(), StoreError> {
        let mut days: BTreeMap<Day, (Vec<&'r mut R>, Vec<Archived>)> = BTreeMap::new();
        for row in rows {
            if let Some((received_at, archived)) = moved(row) {
                let (of_day, wanted) = days.entry(Day::of(received_at)).or_default();
                of_day.push(row);
                wanted.push(archived);
            }
        }
        for (day, (rows, wanted)) in days {
            for (row, body) in rows.into_iter().zip(self.bodies(day, &wanted)?) {
                put(row, body);
            }
        }
        Ok(())
    }
}

/// What names a row's body in the archive; none while the body stands in the row.
pub(crate) fn name_of(seq: i64, digest: Option<Vec<u8>>) -> Result<Option<Archived>, StoreError> {
    let digest = digest.map(<[u8; 16]>::try_from).transpose();
    let digest = digest.map_err(|_| StoreError::unreadable("the name of an archived body", "it is not 16 bytes"))?;
    Ok(digest.map(|digest| Archived { seq, digest }))
}

/// The first day, not before `from`, that is over before `before` begins and has bodies that stand here.
pub(crate) fn first_day(conn: &Connection, from: Day, before: Day) -> Result<Option<Day>, StoreError> {
    let sql = "SELECT received_at FROM journal
         WHERE archived IS NULL AND kind <> 2 AND received_at >= ? AND received_at < ? ORDER BY received_at LIMIT 1";
    let span = [from.start().micros(), before.start().micros()];
    one(conn, sql, span, |row| Ok(Day::of(Timestamp::from_micros(row.get(0)?))))
}

/// Whether something that came on a day is not applied yet.
pub(crate) fn pending_on(conn: &Connection, day: Day) -> Result<bool, StoreError> {
    let sql =
        "SELECT 1 FROM journal WHERE state = 0 AND archived IS NULL AND received_at >= ? AND received_at < ? LIMIT 1";
    Ok(one(conn, sql, [day.start().micros(), day.next().start().micros()], |_| Ok(()))?.is_some())
}

/// Rows of a day whose bodies stand here and were applied, after a row, at most `limit`.
pub(crate) fn rows_of(conn: &Connection, day: Day, after: i64, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
    let (from, to) = (day.start().micros(), day.next().start().micros());
    let sql = "SELECT min(seq), max(seq) FROM journal
         WHERE archived IS NULL AND kind <> 2 AND received_at >= ? AND received_at < ?";
    let span = one(conn, sql, [from, to], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let Some((Some(first), Some(last))) = span else { return Ok(Vec::new()) };
    // By number, in which rows of a day lie side by side; the plus keeps the index by time from being taken.
    let sql =
        "SELECT seq, kind, source, type, id, event, received_at, headers, state, code, message, hash, packed, body
         FROM journal WHERE seq > ?1 AND seq <= ?2 AND archived IS NULL AND kind <> 2 AND state <> 0
             AND +received_at >= ?3 AND +received_at < ?4 ORDER BY seq LIMIT ?5";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (mut bytes, mut found) = (0, Vec::new());
    #[cfg(test)]
    crate::sql::recorded::note(sql);
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params![after.max(first - 1), last, from, to, limit])?;
    while let Some(row) = rows.next()? {
        let row = journal_row(row)?;
        bytes += row.body.len();
        found.push(row);
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(found)
}

fn journal_row(row: &Row<'_>) -> Result<JournalRow, StoreError> {
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
        body: unpack(row.get(13)?, row.get(12)?)?,
    })
}

/// Takes bodies out of their rows, in one transaction. One that is not what its name says stays: it is not in the archive.
/// How many went.
pub(crate) fn release(conn: &Connection, archived: &[Archived]) -> Result<usize, StoreError> {
    atomically(conn, false, || {
        let mut gone = 0;
        for name in archived {
            let sql = "SELECT packed, body FROM journal WHERE seq = ? AND archived IS NULL AND kind <> 2";
            let body = one(conn, sql, [name.seq], |row| unpack(row.get(1)?, row.get(0)?))?;
            let Some(body) = body.filter(|body| Archived::of(name.seq, body) == *name) else { continue };
            let length = i64::try_from(body.len()).unwrap_or(i64::MAX);
            let sql = "UPDATE journal SET archived = ?, digest = ?, packed = 0, body = x'' WHERE seq = ?";
            gone += run(conn, sql, params![length, name.digest, name.seq])?;
        }
        Ok(gone)
    })
}

/// Gives at most so many free pages back to the system; how many are left free. A database made by a version before
/// keeps its length: what is free there is used again.
pub(crate) fn give_back(conn: &Connection, pages: usize) -> Result<u64, StoreError> {
    let mode: i64 = conn.query_row("PRAGMA auto_vacuum", [], |row| row.get(0))?;
    if mode != INCREMENTAL {
        return Ok(0);
    }
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    // Each step gives one page back.
    while rows.next()?.is_some() {}
    let left: i64 = conn.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
    Ok(u64::try_from(left).unwrap_or_default())
}

/// The mode of `PRAGMA auto_vacuum` in which pages are given back when asked.
pub(crate) const INCREMENTAL: i64 = 2;
