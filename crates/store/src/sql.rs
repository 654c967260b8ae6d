//! Short forms for prepared statements. Every statement is prepared once per connection.

use rusqlite::{Connection, Params, Row};

use crate::StoreError;

/// How many prepared statements a connection keeps: more than there are.
pub(crate) const STATEMENTS: usize = 256;

/// The first row, read by `read`.
pub(crate) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Every row, read by `read`, in the order of the statement.
pub(crate) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(read(row)?);
    }
    Ok(out)
}

/// Runs a statement; how many rows it changed.
pub(crate) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    #[cfg(test)]
    recorded::note(sql);
    Ok(conn.prepare_cached(sql)?.execute(params)?)
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
