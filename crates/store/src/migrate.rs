//! Numbered SQL files, applied in order, each in a transaction with the version it makes.

use domain::fact::OtherFact;
use rusqlite::Connection;

use crate::StoreError;
use crate::body::from_json;
use crate::sql::{all, atomically, run};

/// In order; the version of a database is how many of them it has. A file that was ever released never changes. An index
/// of a table that follows from the journal may have another name, `next_` before its own: a rebuild gives it that.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_journal.sql"),
    include_str!("../migrations/sqlite/0002_facts.sql"),
    include_str!("../migrations/sqlite/0003_removed.sql"),
    include_str!("../migrations/sqlite/0004_cursor.sql"),
    include_str!("../migrations/sqlite/0005_moved.sql"),
    include_str!("../migrations/sqlite/0006_archive.sql"),
];

/// The version that made a column of what stood only in bodies.
const MOVED: u32 = 5;

fn fill_instants(conn: &Connection) -> Result<(), StoreError> {
    let facts = all(conn, "SELECT number, body FROM other", [], |row| {
        let fact: OtherFact = from_json("a fact", row.get_ref(1)?)?;
        Ok((row.get::<_, i64>(0)?, fact.at.micros()))
    })?;
    for (number, at) in facts {
        run(conn, "UPDATE other SET at = ?2 WHERE number = ?1", [number, at])?;
    }
    Ok(())
}

/// Brings a database to the newest version; refuses one that is newer still.
pub(crate) fn migrate(conn: &Connection) -> Result<(), StoreError> {
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, file) in (1u32..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
        atomically(conn, false, || {
            conn.execute_batch(file)?;
            if version == MOVED {
                fill_instants(conn)?;
            }
            Ok(conn.pragma_update(None, "user_version", version)?)
        })?;
        tracing::info!(version, "the database was migrated");
    }
    Ok(())
}
