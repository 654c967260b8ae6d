//! What backfills remember, and what they ask the commit graph.

use std::collections::BTreeSet;

use domain::Timestamp;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::sql::{all, one, run};

/// Unknown parents of known commits given at a time: whoever asks reads them and asks again.
const FRONTIER: i64 = 1_000;

pub(crate) fn get(conn: &Connection, source: &str, key: &str) -> Result<Option<String>, StoreError> {
    one(conn, "SELECT value FROM cursor WHERE source = ? AND key = ?", [source, key], |row| Ok(row.get(0)?))
}

pub(crate) fn put(conn: &Connection, source: &str, key: &str, value: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO cursor (source, key, value, changed_at) VALUES (?, ?, ?, ?) ON CONFLICT (source, key)
         DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at";
    run(conn, sql, params![source, key, value, now.micros()])?;
    Ok(())
}

/// Those of `heads` that nobody has told of and, when asked for, parents that only their children name.
pub(crate) fn unknown_commits(
    conn: &Connection,
    repo: &str,
    heads: &[String],
    ancestors: bool,
) -> Result<Vec<String>, StoreError> {
    let mut seen = BTreeSet::new();
    let mut unknown = Vec::new();
    for head in heads.iter().filter(|head| seen.insert(head.as_str())) {
        let sql = "SELECT 1 FROM commit_node JOIN repo ON repo.number = commit_node.repo
             WHERE repo.name = ? AND sha = ? AND committed_at IS NOT NULL";
        if one(conn, sql, [repo, head], |_| Ok(()))?.is_none() {
            unknown.push(head.clone());
        }
    }
    if ancestors {
        let sql = "SELECT sha FROM commit_node WHERE repo = (SELECT number FROM repo WHERE name = ?)
             AND committed_at IS NULL ORDER BY number LIMIT ?";
        let parents: Vec<String> = all(conn, sql, params![repo, FRONTIER], |row| Ok(row.get(0)?))?;
        unknown.extend(parents.into_iter().filter(|sha| !seen.contains(sha.as_str())));
    }
    Ok(unknown)
}
