//! How far a rebuild is: kept in the database with every step, so that it goes on from there.

use domain::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::body::{from_json, to_json};
use crate::sql::{one, run};

/// What is made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rebuild {
    /// Entities and facts, from every delivery of the journal.
    #[default]
    Everything,
    /// Facts, from the entities and the catalogue as they are.
    Facts,
    /// As [`Rebuild::Facts`], after the deliveries received at or after an instant were read again.
    Since(Timestamp),
}

/// What a rebuild is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Entities are copied.
    Copying,
    /// Deliveries are read and merged into entities.
    Reading,
    /// Facts are made from entities.
    Linking,
    /// What came in meanwhile is applied; then the new facts are shown.
    CatchingUp,
    /// The old facts, which nobody sees any more, are removed.
    Clearing,
}

impl Phase {
    /// Every one, in order.
    pub const ALL: &'static [Phase] =
        &[Phase::Copying, Phase::Reading, Phase::Linking, Phase::CatchingUp, Phase::Clearing];

    /// The word in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Phase::Copying => "copying",
            Phase::Reading => "reading",
            Phase::Linking => "linking",
            Phase::CatchingUp => "catching_up",
            Phase::Clearing => "clearing",
        }
    }
}

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// So many are done: entities while copying and linking, deliveries while reading and catching up, tables while
    /// clearing.
    pub done: u64,
    /// Of so many, as far as that can be told.
    pub total: u64,
}

/// What a rebuild did, all its starts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Deliveries read again.
    pub rows: u64,
    /// Entities the facts were made from.
    pub entities: u64,
    /// Facts made from them: deployments, incidents and the others.
    pub facts: u64,
    /// Deliveries that came in meanwhile and were applied to the new facts too.
    pub caught_up: u64,
}

/// How much is done in one step: whoever appends meanwhile waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    /// Entities copied.
    pub(crate) copied: usize,
    /// Deliveries read.
    pub(crate) read: usize,
    /// Small parts are linked together until they have so many entities.
    pub(crate) together: usize,
    /// Pieces of the facts written.
    pub(crate) pieces: usize,
    /// Deliveries applied to the new facts.
    pub(crate) caught_up: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { copied: 2_000, read: 1_000, together: 5_000, pieces: 500, caught_up: 64 }
    }
}

impl Sizes {
    /// For tests: many steps of little.
    pub(crate) fn all(size: usize) -> Self {
        Sizes { copied: size, read: size, together: size, pieces: size, caught_up: size }
    }
}

/// The place a rebuild has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) wanted: Rebuild,
    pub(crate) sizes: Sizes,
    /// Who began it: another version may read or link otherwise, and begins anew.
    made_by: String,
    pub(crate) phase: Phase,
    /// Change numbers of the new facts are greater than this one, and this one is greater than all until they are shown.
    pub(crate) base: u64,
    /// Every delivery up to this one is in the entities made anew.
    pub(crate) read: i64,
    /// Up to this one they came with the entities that were copied.
    pub(crate) copied: i64,
    /// Parts that are linked and written.
    pub(crate) parts: u64,
    /// Pieces of the next part that are written.
    pub(crate) pieces: u64,
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) rebuilt: Rebuilt,
}

/// More changes than ever come while one rebuild runs, and so few that 2⁵³, the last number a browser can tell from its
/// neighbours, is a hundred thousand rebuilds away.
const AHEAD: u64 = 1 << 36;

const KEY: &str = "rebuild";

fn version(conn: &Connection) -> Result<String, StoreError> {
    let schema: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(format!("{} {schema}", env!("CARGO_PKG_VERSION")))
}

impl Plan {
    /// A new one, of a store that has given change numbers up to `change` and applied all deliveries up to `applied`.
    pub(crate) fn new(
        conn: &Connection,
        (wanted, sizes): (Rebuild, Sizes),
        change: u64,
        applied: i64,
    ) -> Result<Self, StoreError> {
        let (phase, read) = match wanted {
            Rebuild::Everything => (Phase::Reading, 0),
            Rebuild::Facts => (Phase::Copying, applied),
            Rebuild::Since(_) => (Phase::Copying, 0),
        };
        Ok(Plan {
            wanted,
            sizes,
            made_by: version(conn)?,
            phase,
            base: change + AHEAD,
            read,
            copied: applied,
            parts: 0,
            pieces: 0,
            done: 0,
            total: 0,
            rebuilt: Rebuilt::default(),
        })
    }

    /// The one under way.
    pub(crate) fn read(conn: &Connection) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT value FROM meta WHERE name = ?";
        let found = one(conn, sql, [KEY], |row| {
            // Another version may keep it otherwise: then what it left is of no use.
            Ok(from_json("the state of a rebuild", row.get_ref(0)?).ok())
        })?;
        Ok(found.flatten())
    }

    pub(crate) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        run(conn, sql, params![KEY, to_json(self)?])?;
        Ok(())
    }

    /// Nothing is under way any more.
    pub(crate) fn remove(conn: &Connection) -> Result<(), StoreError> {
        run(conn, "DELETE FROM meta WHERE name IN ('rebuild', 'next_change', 'next_catalogue')", [])?;
        Ok(())
    }

    /// Whether this program can go on with it.
    pub(crate) fn fits(&self, conn: &Connection) -> Result<bool, StoreError> {
        Ok(self.made_by == version(conn)?)
    }

    /// The last delivery of those that came with the entities, if they were copied.
    pub(crate) fn copied_up_to(&self) -> i64 {
        if self.wanted == Rebuild::Everything { 0 } else { self.copied }
    }

    /// Of no use to anybody; what is wanted instead is begun anew, whoever goes on.
    pub(crate) fn give_up(&mut self, wanted: Rebuild) {
        (self.wanted, self.phase) = (wanted, Phase::Reading);
        self.made_by.clear();
    }

    /// Whether the new facts are not shown yet.
    pub(crate) fn is_open(&self) -> bool {
        self.phase != Phase::Clearing
    }

    /// Begins another phase, of so many.
    pub(crate) fn enter(&mut self, phase: Phase, total: u64) {
        (self.phase, self.done, self.total) = (phase, 0, total);
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { phase: self.phase, done: self.done, total: self.total.max(self.done) }
    }
}
