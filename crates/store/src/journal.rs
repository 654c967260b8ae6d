//! Rows of the journal: their states, how many there are, what people see of them.

use std::collections::BTreeMap;

use domain::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use crate::StoreError;
use crate::archive::{Archived, Slot, name_of};
use crate::body::unpack;
use crate::sql::{all, one, run};

/// Most rows one listing gives.
const LISTED: usize = 1_000;

macro_rules! numbered {
    ($(#[$outer:meta])* $name:ident $what:literal { $($(#[$inner:meta])* $variant:ident $number:literal $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$inner])* $variant,)* }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The word in JSON.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $($name::$variant => $text,)* } }
            pub(crate) const fn number(self) -> i64 { match self { $($name::$variant => $number,)* } }
            pub(crate) fn at(number: i64) -> Result<Self, StoreError> {
                match number {
                    $($number => Ok($name::$variant),)*
                    _ => Err(StoreError::unreadable($what, format!("there is no {} {number}", $what))),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                $name::ALL.iter().copied().find(|one| one.text() == text).ok_or(())
            }
        }
    };
}

numbered! {
    /// What became of a journal row.
    State "state" {
        /// Durable, not yet applied.
        Pending 0 "pending",
        /// In the facts; with a reason when only some of its events could be read.
        Applied 1 "applied",
        /// It says nothing about software delivery.
        Ignored 2 "ignored",
        /// It could not be read when it was applied; it can be replayed.
        Rejected 3 "rejected",
        /// It was refused at the door and never accepted.
        Refused 4 "refused",
    }
}

numbered! {
    /// What a journal row is.
    EntryKind "kind" {
        /// A native event.
        Event 0 "event",
        /// A raw webhook.
        Webhook 1 "webhook",
        /// A catalogue with its rules.
        Catalogue 2 "catalogue",
        /// Something that was refused.
        Refused 3 "refused",
    }
}

/// Why a row has its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Public code: the text of a `domain::Code`.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// How many rows there are by state. Kept up to date, not counted: cheap enough for every scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalCounts {
    /// Accepted, not yet applied.
    pub pending: u64,
    /// Applied.
    pub applied: u64,
    /// Without anything to apply.
    pub ignored: u64,
    /// Rejected when they were applied.
    pub rejected: u64,
    /// Refused at the door, ever; the latest 100,000 are kept.
    pub refused: u64,
    /// Deliveries that were known already, ever; they made no row.
    pub duplicates: u64,
}

/// Which rows to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Only of this state.
    pub state: Option<State>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only what follows this row, in the order of the listing.
    pub after_seq: Option<i64>,
    /// From the latest row back.
    pub newest_first: bool,
    /// At most so many; never more than 1,000, and 0 stands for that.
    pub limit: usize,
    /// So many bytes of the body as a preview; 0 for none.
    pub preview_bytes: usize,
}

/// A journal row as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its number, in the order of arrival.
    pub seq: i64,
    /// Who sent it.
    pub source: String,
    /// What it is.
    pub kind: EntryKind,
    /// Of an event its type, of a webhook its parser.
    pub type_: Option<String>,
    /// Of an event its id, of a webhook its delivery id.
    pub id: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub state: State,
    /// Why.
    pub reason: Option<Reason>,
    /// The beginning of its body when asked for; bytes that are no text are shown as `�`.
    pub preview: Option<String>,
}

const COLUMNS: &str = "seq, source, kind, type, id, received_at, state, code, message, packed, body, digest";

/// A row, and what names its body in the archive when that is wanted from there.
type Listed = (JournalEntry, Option<Archived>);

fn entry(row: &Row<'_>, preview_bytes: usize) -> Result<Listed, StoreError> {
    let seq = row.get(0)?;
    let code: Option<String> = row.get(7)?;
    let message: Option<String> = row.get(8)?;
    let archived = if preview_bytes == 0 { None } else { name_of(seq, row.get(11)?)? };
    let preview = if preview_bytes == 0 || archived.is_some() {
        None
    } else {
        Some(beginning(unpack(row.get(10)?, row.get(9)?)?, preview_bytes))
    };
    let entry = JournalEntry {
        seq,
        source: row.get(1)?,
        kind: EntryKind::at(row.get(2)?)?,
        type_: row.get(3)?,
        id: row.get(4)?,
        received_at: Timestamp::from_micros(row.get(5)?),
        state: State::at(row.get(6)?)?,
        reason: code.map(|code| Reason { code, message: message.unwrap_or_default() }),
        preview,
    };
    Ok((entry, archived))
}

fn beginning(mut body: Vec<u8>, bytes: usize) -> String {
    body.truncate(bytes);
    String::from_utf8_lossy(&body).into_owned()
}

/// The rows a filter lets through.
pub(crate) fn list(conn: &Connection, archive: &Slot, filter: &JournalFilter) -> Result<Vec<JournalEntry>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM journal WHERE true");
    let mut values: Vec<Value> = Vec::new();
    // States are written out: an index over some of them is used only when the statement itself says so.
    match filter.state {
        Some(State::Pending) => sql.push_str(" AND state = 0"),
        Some(State::Applied) => sql.push_str(" AND state = 1"),
        Some(state) => sql.push_str(&format!(" AND state = {} AND state >= 2", state.number())),
        None => {}
    }
    if let Some(source) = &filter.source {
        // The plus keeps a short list of a state from being left for the long one of a source.
        let few = filter.state.is_some_and(|state| state != State::Applied);
        sql.push_str(if few { " AND +source = ?" } else { " AND source = ?" });
        values.push(Value::from(source.clone()));
    }
    if let Some(after) = filter.after_seq {
        sql.push_str(if filter.newest_first { " AND seq < ?" } else { " AND seq > ?" });
        values.push(Value::from(after));
    }
    sql.push_str(if filter.newest_first { " ORDER BY seq DESC LIMIT ?" } else { " ORDER BY seq LIMIT ?" });
    let limit = if filter.limit == 0 { LISTED } else { filter.limit.min(LISTED) };
    values.push(Value::from(i64::try_from(limit).unwrap_or(i64::MAX)));
    let mut rows = all(conn, &sql, params_from_iter(values), |row| entry(row, filter.preview_bytes))?;
    let moved = |(row, archived): &Listed| archived.map(|name| (row.received_at, name));
    archive.fill(&mut rows, moved, |(row, _), body| row.preview = Some(beginning(body, filter.preview_bytes)))?;
    Ok(rows.into_iter().map(|(row, _)| row).collect())
}

/// The whole body of a row.
pub(crate) fn body(conn: &Connection, archive: &Slot, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT body, packed, received_at, digest FROM journal WHERE seq = ?";
    let found = one(conn, sql, [seq], |row| {
        let (received_at, name) = (Timestamp::from_micros(row.get(2)?), name_of(seq, row.get(3)?)?);
        let body = if name.is_some() { Vec::new() } else { unpack(row.get(0)?, row.get(1)?)? };
        Ok((body, name.map(|name| (received_at, name))))
    })?;
    let mut found = found.into_iter().collect::<Vec<_>>();
    archive.fill(&mut found, |(_, moved)| *moved, |(body, _), whole| *body = whole)?;
    Ok(found.pop().map(|(body, _)| body))
}

/// The counts by name.
fn count(conn: &Connection, name: &str) -> Result<u64, StoreError> {
    let found = one(conn, "SELECT count FROM journal_count WHERE name = ?", [name], |row| Ok(row.get::<_, i64>(0)?))?;
    Ok(found.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

pub(crate) fn counts(conn: &Connection) -> Result<JournalCounts, StoreError> {
    Ok(JournalCounts {
        pending: count(conn, State::Pending.text())?,
        applied: count(conn, State::Applied.text())?,
        ignored: count(conn, State::Ignored.text())?,
        rejected: count(conn, State::Rejected.text())?,
        refused: count(conn, State::Refused.text())?,
        duplicates: count(conn, DUPLICATE)?,
    })
}

/// Deliveries known already.
pub(crate) const DUPLICATE: &str = "duplicate";
/// Refused rows that were dropped because there were too many.
pub(crate) const DROPPED: &str = "refused_dropped";

/// How many refused rows are kept.
pub(crate) fn refused_kept(conn: &Connection) -> Result<u64, StoreError> {
    Ok(count(conn, State::Refused.text())?.saturating_sub(count(conn, DROPPED)?))
}

/// What one transaction adds to the counts.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<&'static str, i64>);

impl Tally {
    pub(crate) fn add(&mut self, name: &'static str, count: i64) {
        *self.0.entry(name).or_default() += count;
    }

    pub(crate) fn moved(&mut self, from: State, to: State) {
        self.add(from.text(), -1);
        self.add(to.text(), 1);
    }

    /// What it adds to the pending rows.
    pub(crate) fn pending(&self) -> i64 {
        self.0.get(State::Pending.text()).copied().unwrap_or_default()
    }

    pub(crate) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        for (name, count) in self.0.iter().filter(|(_, count)| **count != 0) {
            let sql = "INSERT INTO journal_count (name, count) VALUES (?, ?)
                 ON CONFLICT (name) DO UPDATE SET count = count + excluded.count";
            run(conn, sql, params![name, count])?;
        }
        Ok(())
    }
}

/// Gives a row another state.
pub(crate) fn mark(
    conn: &Connection,
    tally: &mut Tally,
    seq: i64,
    (from, to): (State, State),
    reason: Option<&Reason>,
) -> Result<(), StoreError> {
    let (code, message) = (reason.map(|reason| &reason.code), reason.map(|reason| &reason.message));
    let sql = "UPDATE journal SET state = ?, code = ?, message = ? WHERE seq = ?";
    run(conn, sql, params![to.number(), code, message, seq])?;
    tally.moved(from, to);
    Ok(())
}
