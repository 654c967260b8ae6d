//! Connections: one that writes, a few that read.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::archive::INCREMENTAL;
use crate::sql::STATEMENTS;

/// Most connections that read at the same time; further readers wait.
const READERS: usize = 8;

/// The connection that writes; of a database in memory, the only one.
pub(crate) fn writer(file: Option<&Path>) -> Result<Connection, StoreError> {
    let conn = match file {
        Some(file) => Connection::open(file)?,
        None => Connection::open_in_memory()?,
    };
    tune(&conn)?;
    // Before there is anything in it: so that space can be given back when bodies move to the archive.
    conn.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // A page that many transactions touch is copied to the database once for all of them.
    conn.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    // Whoever reads for long makes the log long: do not keep it so for ever.
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.pragma_update(None, "cache_size", -65_536)?;
    Ok(conn)
}

fn tune(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(Duration::from_secs(10))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // Plans must not depend on values: SQLite would prepare a statement anew whenever one is bound that an index over
    // some rows could ask about.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Connections that only read, made when first needed and used again.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Self {
        Readers { file, pool: Mutex::default(), returned: Condvar::new() }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a connection; waits while all are lent.
    pub(crate) fn borrow(&self) -> Result<Borrowed<'_>, StoreError> {
        let mut pool = self.pool();
        loop {
            if let Some(conn) = pool.idle.pop() {
                return Ok(Borrowed { readers: self, conn: Some(conn) });
            }
            if pool.open < READERS {
                pool.open += 1;
                break;
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        drop(pool);
        let mut borrowed = Borrowed { readers: self, conn: None };
        borrowed.conn = Some(self.open()?);
        Ok(borrowed)
    }

    fn open(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.file, flags)?;
        tune(&conn)?;
        conn.pragma_update(None, "query_only", true)?;
        Ok(conn)
    }
}

/// A lent connection; goes back when dropped.
#[derive(Debug)]
pub(crate) struct Borrowed<'a> {
    readers: &'a Readers,
    conn: Option<Connection>,
}

impl Borrowed<'_> {
    /// Reads one snapshot.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let conn = self.conn.as_ref().ok_or(StoreError::Closed)?;
        let snapshot = conn.unchecked_transaction()?;
        read(&snapshot)
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.pool();
        match self.conn.take() {
            Some(conn) => pool.idle.push(conn),
            None => pool.open -= 1,
        }
        drop(pool);
        self.readers.returned.notify_one();
    }
}
