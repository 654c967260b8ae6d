//! Numbered SQL files, applied in order, each in a transaction with the version it makes.

use rusqlite::Connection;

use crate::StoreError;
use crate::sql::atomically;

/// In order; the version of a database is how many of them it has. A file that was ever released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_journal.sql"),
    include_str!("../migrations/sqlite/0002_facts.sql"),
    include_str!("../migrations/sqlite/0003_removed.sql"),
    include_str!("../migrations/sqlite/0004_cursor.sql"),
];

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
            Ok(conn.pragma_update(None, "user_version", version)?)
        })?;
        tracing::info!(version, "the database was migrated");
    }
    Ok(())
}
