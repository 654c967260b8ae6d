//! The ledger on SQLite answers every question as the one in memory does, and from an index.

mod operations;
mod plans;

use correlate::memory::MemoryLedger;
use proptest::prelude::*;
use rusqlite::Connection;

use self::operations::{Operation, answers, operation};
use super::{Names, SqliteLedger};
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_memory_does(operations in prop::collection::vec(operation(), 1..60)) {
        compare(&operations, 15)?;
    }
}
