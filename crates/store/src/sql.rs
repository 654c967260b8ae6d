//! Short forms for prepared statements. Every statement is prepared once per connection.

use std::borrow::Cow;
use std::ops::Deref;

use rusqlite::{Connection, Params, Row};

use crate::StoreError;
use crate::rebuild::tables;

/// How many prepared statements a connection keeps: more than there are, also when those of a ledger aside come to them.
pub(crate) const STATEMENTS: usize = 512;

/// A connection, and which tables statements on it mean: those everybody reads, or those a rebuild makes beside them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Db<'c> {
    conn: &'c Connection,
    aside: bool,
}

impl<'c> Db<'c> {
    /// The tables a rebuild makes.
    pub(crate) fn aside(conn: &'c Connection) -> Self {
        Db { conn, aside: true }
    }

    fn text<'s>(self, sql: &'s str) -> Cow<'s, str> {
        if self.aside { Cow::Owned(tables::aside(sql)) } else { Cow::Borrowed(sql) }
    }
}

impl<'c> From<&'c Connection> for Db<'c> {
    fn from(conn: &'c Connection) -> Self {
        Db { conn, aside: false }
    }
}

impl Deref for Db<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn
    }
}

/// The first row, read by `read`.
pub(crate) fn one<'c, T>(
    db: impl Into<Db<'c>>,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    let db: Db<'c> = db.into();
    let mut statement = db.conn.prepare_cached(&db.text(sql))?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Every row, read by `read`, in the order of the statement.
pub(crate) fn all<'c, T>(
    db: impl Into<Db<'c>>,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    let db: Db<'c> = db.into();
    let mut statement = db.conn.prepare_cached(&db.text(sql))?;
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

/// Runs a statement; how many rows it changed.
pub(crate) fn run<'c>(db: impl Into<Db<'c>>, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    let db: Db<'c> = db.into();
    Ok(db.conn.prepare_cached(&db.text(sql))?.execute(params)?)
}

/// Does `work` in a transaction, or within one in a savepoint; takes all of it back when it fails.
pub(crate) fn atomically<T>(
    conn: &Connection,
    nested: bool,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let (begin, commit, rollback) = if nested {
        ("SAVEPOINT nested", "RELEASE nested", "ROLLBACK TO nested; RELEASE nested")
    } else {
        ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
    };
    conn.execute_batch(begin)?;
    let done = work().and_then(|value| conn.execute_batch(commit).map(|()| value).map_err(StoreError::from));
    // SQLite itself has rolled back after some errors of the disk.
    if done.is_err() && !conn.is_autocommit() {
        conn.execute_batch(rollback)?;
    }
    done
}

/// The statements run on this thread, for the test that looks at their plans.
#[cfg(test)]
pub(crate) mod recorded {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local!(static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) });

    pub(crate) fn note(sql: &str) {
        SEEN.with_borrow_mut(|seen| {
            if !seen.contains(sql) {
                seen.insert(sql.to_owned());
            }
        });
    }

    pub(crate) fn take() -> BTreeSet<String> {
        SEEN.take()
    }
}
