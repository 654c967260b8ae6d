//! The tables a rebuild fills beside those everybody reads, and how they take their place.
//!
//! Tables that follow from the journal have a name; the same table made anew is `next_` and that name, and the old one,
//! once it is replaced, `gone_` and that name. Renaming costs nothing, however long a table is.

use rusqlite::{Connection, params};

use crate::StoreError;
use crate::applier::Verdict;
use crate::journal::{Reason, State, Tally, mark};
use crate::sql::{all, one, run};

/// Every table that follows from the journal, but for `moved`: what is made anew has moved nowhere.
pub(super) const DERIVED: &[&str] = &[
    "entity",
    "word",
    "deployment",
    "fix",
    "incident",
    "cause",
    "naming",
    "other",
    "repo",
    "commit_node",
    "tag",
    "pull_request",
    "wait",
    "reached",
    "arrived",
    "commits",
    "commit_of",
    "revert",
    "removed",
];

/// What stands before the name of a table while it is filled.
const NEXT: &str = "next_";
/// What stands before the name of a table that was replaced.
const GONE: &str = "gone_";

/// What reading a row anew said of it, where that is not what the journal says; and rows to be read once more.
const OWN: &str = "
    CREATE TABLE next_verdict (
        seq     INTEGER PRIMARY KEY,
        state   INTEGER NOT NULL,
        code    TEXT,
        message TEXT
    ) STRICT;
    CREATE TABLE next_again (seq INTEGER PRIMARY KEY) STRICT;";

/// A statement on the tables made anew. Within it they have the names it knows.
pub(crate) fn aside(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 32);
    let (mut rest, mut names_table) = (sql, false);
    while !rest.is_empty() {
        let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let begins = rest.starts_with(is_word);
        let end = rest.find(|character| is_word(character) != begins).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        if begins && names_table && DERIVED.contains(&part) {
            out.push_str(&format!("{NEXT}{part} AS "));
        }
        out.push_str(part);
        if begins {
            names_table = matches!(part, "FROM" | "JOIN" | "INTO" | "UPDATE");
        } else {
            names_table &= part.trim().is_empty();
        }
    }
    out
}

/// Makes the tables, empty, with the indexes of those they will replace.
pub(crate) fn create(conn: &Connection) -> Result<(), StoreError> {
    for table in DERIVED {
        let sql = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index')
             AND sql IS NOT NULL ORDER BY type DESC";
        let parts: Vec<(String, String, String)> =
            all(conn, sql, [table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (kind, name, sql) in parts {
            let body = sql.find('(').and_then(|at| sql.get(at..)).unwrap_or_default();
            let made = if kind == "table" {
                format!("CREATE TABLE {NEXT}{table} {body}")
            } else {
                let unique = if sql.starts_with("CREATE UNIQUE") { "UNIQUE " } else { "" };
                format!("CREATE {unique}INDEX {} ON {NEXT}{table} {body}", other_name(&name))
            };
            conn.execute_batch(&made)?;
        }
    }
    Ok(conn.execute_batch(OWN)?)
}

/// Indexes cannot be renamed: those of a table and of the one that replaces it have two names in turn.
fn other_name(index: &str) -> String {
    index.strip_prefix(NEXT).map_or_else(|| format!("{NEXT}{index}"), str::to_owned)
}

/// Puts the tables made anew in the place of the old ones.
pub(crate) fn swap(conn: &Connection) -> Result<(), StoreError> {
    let sql = "SELECT tbl_name, name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name";
    let triggers: Vec<(String, String, String)> =
        all(conn, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let triggers: Vec<_> = triggers.into_iter().filter(|(table, ..)| DERIVED.contains(&table.as_str())).collect();
    for (_, name, _) in &triggers {
        conn.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    for table in DERIVED {
        conn.execute_batch(&format!(
            "ALTER TABLE {table} RENAME TO {GONE}{table}; ALTER TABLE {NEXT}{table} RENAME TO {table};"
        ))?;
    }
    for (.., sql) in &triggers {
        conn.execute_batch(sql)?;
    }
    conn.execute_batch("DELETE FROM moved")?;
    Ok(())
}

/// Drops one thing that is of no use any more: tables that were replaced, or that a rebuild given up has left. False
/// when there is none.
pub(crate) fn drop_one(conn: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT type, name FROM sqlite_schema
         WHERE (tbl_name GLOB 'next_*' OR tbl_name GLOB 'gone_*') AND sql IS NOT NULL ORDER BY type LIMIT 1";
    let Some((kind, name)) = one(conn, sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? else {
        return Ok(false);
    };
    conn.execute_batch(&format!("DROP {kind} {name}"))?;
    Ok(true)
}

/// Keeps what a row says by its new reading until the new facts are shown.
pub(crate) fn note_verdict(conn: &Connection, seq: i64, verdict: &Verdict) -> Result<(), StoreError> {
    let (code, message) = verdict.reason.as_ref().map(|reason| (&reason.code, &reason.message)).unzip();
    let sql = "INSERT OR REPLACE INTO next_verdict (seq, state, code, message) VALUES (?, ?, ?, ?)";
    run(conn, sql, params![seq, verdict.state.number(), code, message])?;
    Ok(())
}

/// Tells the journal what became of its rows. One that waits to be applied and could not be read is left to whoever
/// applies it.
pub(crate) fn settle_verdicts(conn: &Connection, tally: &mut Tally) -> Result<(), StoreError> {
    let sql =
        "SELECT v.seq, j.state, v.state, v.code, v.message FROM next_verdict v CROSS JOIN journal j ON j.seq = v.seq
         WHERE j.state <> v.state OR j.code IS NOT v.code OR j.message IS NOT v.message";
    let changed: Vec<(i64, State, State, Option<Reason>)> = all(conn, sql, [], |row| {
        let code: Option<String> = row.get(3)?;
        let message: Option<String> = row.get(4)?;
        let reason = code.map(|code| Reason { code, message: message.unwrap_or_default() });
        Ok((row.get(0)?, State::at(row.get(1)?)?, State::at(row.get(2)?)?, reason))
    })?;
    for (seq, from, to, reason) in changed {
        if (from, to) != (State::Pending, State::Rejected) {
            mark(conn, tally, seq, (from, to), reason.as_ref())?;
        }
    }
    tally.write(conn)
}

/// Has a row read once more before the new facts are shown.
pub(crate) fn read_again(conn: &Connection, seq: i64) -> Result<(), StoreError> {
    run(conn, "INSERT OR IGNORE INTO next_again (seq) VALUES (?)", [seq])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::migrate;

    fn database() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn).unwrap();
        conn
    }

    fn schema(conn: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT type, tbl_name FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*' ORDER BY tbl_name, type";
        all(conn, sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[test]
    fn statements_keep_the_names_they_know() {
        assert_eq!(
            aside("SELECT commits FROM reached WHERE repo = ? AND place = ?"),
            "SELECT commits FROM next_reached AS reached WHERE repo = ? AND place = ?"
        );
        assert_eq!(
            aside("INSERT INTO word (text) VALUES (?) ON CONFLICT DO UPDATE SET text = excluded.text"),
            "INSERT INTO next_word AS word (text) VALUES (?) ON CONFLICT DO UPDATE SET text = excluded.text"
        );
        assert_eq!(aside("SELECT body FROM journal"), "SELECT body FROM journal");
        assert_eq!(
            aside("FROM (SELECT deployment FROM cause\n JOIN incident)"),
            "FROM (SELECT deployment FROM next_cause AS cause\n JOIN next_incident AS incident)"
        );
    }

    #[test]
    fn tables_change_places_time_and_again() {
        let conn = database();
        let before = schema(&conn);
        for _ in 0..3 {
            create(&conn).unwrap();
            conn.execute_batch("INSERT INTO next_word (text) VALUES ('new')").unwrap();
            swap(&conn).unwrap();
            let words: i64 = conn.query_row("SELECT count(*) FROM word", [], |row| row.get(0)).unwrap();
            assert_eq!(words, 1);
            while drop_one(&conn).unwrap() {}
            assert_eq!(schema(&conn), before);
        }
    }

    #[test]
    fn every_table_that_follows_from_the_journal_is_made_anew() {
        let conn = database();
        let kept = ["journal", "journal_count", "meta", "token", "cursor", "moved"];
        for (_, table) in schema(&conn).iter().filter(|(kind, _)| kind == "table") {
            assert!(DERIVED.contains(&table.as_str()) != kept.contains(&table.as_str()), "where does {table} belong?");
        }
    }
}
