//! Entities and facts anew from the journal.

use rusqlite::Connection;

use crate::StoreError;
use crate::applier::{
    CHANGE, Done, REBUILT, TREE, Waiting, latest_catalogue, read_catalogue, read_number, write_catalogue, write_number,
};
use crate::journal::{State, Tally, mark};
use crate::sql::{all, atomically, one};
use crate::writer::Writer;

/// Rows taken together: more than a batch while serving, since nobody waits in between.
const BATCH: usize = 2_000;

/// Every table that follows from the journal.
const DERIVED: &[&str] = &[
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
    // Last: emptying the others fills it.
    "moved",
];

/// In one transaction. The facts are a function of events, catalogue and rules, so the latest catalogue is taken from
/// the beginning: re-linking everything at each old one would only be undone.
pub(crate) fn rebuild(writer: &mut Writer, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
    let done = all_anew(writer, progress);
    if done.is_err() {
        let catalogue = read_catalogue(&writer.conn)?;
        writer.applier.start_over(catalogue);
    }
    writer.recount();
    writer.finish(&done?);
    Ok(())
}

fn all_anew(writer: &mut Writer, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Done>, StoreError> {
    let Writer { conn, applier, shared, .. } = writer;
    let conn = &*conn;
    atomically(conn, false, || {
        let total = one(conn, "SELECT count(*) FROM journal WHERE kind <= 1", [], |row| Ok(row.get::<_, i64>(0)?))?;
        let total = total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default();
        progress(0, total);
        for table in DERIVED {
            conn.execute_batch(&format!("DELETE FROM {table}"))?;
        }
        let catalogue = latest_catalogue(conn)?;
        applier.start_over(catalogue.clone());
        write_catalogue(conn, &catalogue)?;
        mark_catalogues(conn)?;
        // Everything that is written from here on has a greater number than anything before.
        let before = read_number(conn, CHANGE)?;
        write_number(conn, REBUILT, before)?;
        write_number(conn, CHANGE, before + 1)?;
        write_number(conn, TREE, before + 1)?;
        let (mut seq, mut done) = (0, 0);
        loop {
            let rows = Waiting::after(conn, &shared.archive, seq, BATCH)?;
            let Some(last) = rows.last() else { break };
            seq = last.seq;
            applier.apply(conn, &rows, true)?;
            done += rows.len() as u64;
            progress(done, total);
        }
        let change = read_number(conn, CHANGE)?;
        Ok(vec![Done { tally: Tally::default(), change }])
    })
}

/// Pending catalogues are applied with the latest.
fn mark_catalogues(conn: &Connection) -> Result<(), StoreError> {
    let mut tally = Tally::default();
    let sql = "SELECT seq FROM journal WHERE kind = 2 AND state = 0";
    for seq in all(conn, sql, [], |row| Ok(row.get::<_, i64>(0)?))? {
        mark(conn, &mut tally, seq, (State::Pending, State::Applied), None)?;
    }
    tally.write(conn)
}
