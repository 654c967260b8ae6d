//! The ledger on SQLite answers every question as the one in memory does, and from an index.

mod operations;
mod plans;

use std::sync::Arc;

use correlate::Ledger;
use correlate::indexed::IndexedLedger;
use correlate::memory::MemoryLedger;
use proptest::prelude::*;
use rusqlite::Connection;

use self::operations::{Operation, answers, operation};
use super::{Names, SqliteLedger};
use crate::applier::{CHANGE, write_number};
use crate::migrate::migrate;

fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    migrate(&conn).unwrap();
    conn
}

fn compare(operations: &[Operation], every: usize) -> Result<(), TestCaseError> {
    let conn = database();
    let mut names = Names::default();
    let mut sqlite = SqliteLedger::new(&conn, &mut names, 0);
    let mut memory = MemoryLedger::default();
    for (step, operation) in operations.iter().enumerate() {
        operation.perform(&mut sqlite);
        operation.perform(&mut memory);
        if step % every == 0 || step + 1 == operations.len() {
            for (left, right) in answers(&mut sqlite).into_iter().zip(answers(&mut memory)) {
                prop_assert_eq!(left, right, "after {:?}", operation);
            }
        }
    }
    // What a new process reads is the same: nothing lives in the names it remembers.
    let mut names = Names::default();
    let mut again = SqliteLedger::new(&conn, &mut names, 0);
    prop_assert_eq!(answers(&mut again), answers(&mut memory));
    Ok(())
}

fn compare_indexed(operations: &[Operation], every: usize) -> Result<(), TestCaseError> {
    let (mut indexed, mut memory) = (IndexedLedger::default(), MemoryLedger::default());
    for (step, operation) in operations.iter().enumerate() {
        operation.perform(&mut indexed);
        operation.perform(&mut memory);
        if step % every == 0 || step + 1 == operations.len() {
            for (left, right) in answers(&mut indexed).into_iter().zip(answers(&mut memory)) {
                prop_assert_eq!(left, right, "after {:?}", operation);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_memory_does(operations in prop::collection::vec(operation(), 1..60)) {
        compare(&operations, 15)?;
    }

    #[test]
    fn the_indexed_ledger_answers_as_memory_does(operations in prop::collection::vec(operation(), 1..60)) {
        compare_indexed(&operations, 15)?;
    }
}

#[test]
fn other_commits_are_a_change_of_their_deployment_and_the_same_ones_are_none() {
    let conn = database();
    let mut names = Names::default();
    let mut ledger = SqliteLedger::new(&conn, &mut names, 0);
    let (fact, commits) = operations::deployed();
    let shared = Arc::new(fact.clone());
    let changed = |after: u64| crate::changes::since(&conn, after, 10).unwrap().deployments;
    ledger.put_commits(&fact.key, commits.clone()).unwrap();
    assert!(changed(0).is_empty(), "nothing is known of it yet");
    ledger.put_deployment(Arc::clone(&shared)).unwrap();
    write_number(&conn, CHANGE, ledger.change).unwrap();
    assert_eq!(changed(0), [(fact.clone(), commits.clone())]);
    let before = ledger.change;
    ledger.put_deployment(Arc::clone(&shared)).unwrap();
    ledger.put_commits(&fact.key, commits.clone()).unwrap();
    assert_eq!(ledger.change, before);
    ledger.put_commits(&fact.key, Vec::new()).unwrap();
    write_number(&conn, CHANGE, ledger.change).unwrap();
    assert_eq!(changed(before), [(fact, Vec::new())]);
}
