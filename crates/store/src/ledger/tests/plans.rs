//! No statement reads a whole table that grows.

use domain::Timestamp;
use domain::time::Day;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::operations::{answers, operation};
use super::{Names, SqliteLedger, database};
use crate::applier::{Again, Waiting};
use crate::journal::{JournalFilter, State, list};
use crate::{archive, changes, sql, tokens};

/// These read all of something small: what is pending is little, and read in its order.
const ALLOWED: &[&str] =
    &["SCAN token", "SCAN component_word", "SCAN (", "SCAN CONSTANT ROW", "SCAN journal USING INDEX journal_pending"];

/// One of these alone finds most of a table.
const TOO_WIDE: &[&str] =
    &["(repo=?)", "(product=?)", "(component=?)", "(lane=?)", "(source=?)", "(kind=?)", "(state=?)"];
/// Statements that want all of it, or the first of it.
const WIDE: &[&str] = &["FROM entity WHERE kind = ?", "max(number) FROM commit_node", "SELECT 1 FROM deployment"];

#[test]
fn every_statement_is_served_by_an_index() {
    let conn = database();
    sql::recorded::take();
    let mut names = Names::default();
    let mut ledger = SqliteLedger::new(&conn, &mut names, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        operation().new_tree(&mut runner).unwrap().current().perform(&mut ledger);
    }
    answers(&mut ledger);
    // Without what it remembers the ledger looks names up.
    answers(&mut SqliteLedger::new(&conn, &mut Names::default(), 0));
    let slot = archive::Slot::default();
    Waiting::pending(&conn, &slot, 10).unwrap();
    Waiting::again(&conn, &slot, Again::After(3), 10).unwrap();
    Waiting::again(&conn, &slot, Again::WithCatalogues(3), 10).unwrap();
    let day = Day::of(Timestamp::from_micros(0));
    archive::first_day(&conn, day, day.next()).unwrap();
    archive::pending_on(&conn, day).unwrap();
    conn.execute_batch(
        "INSERT INTO journal (kind, source, received_at, packed, state, body) VALUES (3, 'x', 1, 0, 4, x'')",
    )
    .unwrap();
    let rows = archive::rows_of(&conn, day, 0, 10).unwrap();
    archive::release(&conn, &[archive::Archived::of(rows[0].seq, b"")]).unwrap();
    changes::since(&conn, 0, 10).unwrap();
    changes::product_hints(&conn).unwrap();
    tokens::live(&conn).unwrap();
    for state in State::ALL.iter().map(|state| Some(*state)).chain([None]) {
        for source in [None, Some("argo".to_owned())] {
            for newest_first in [false, true] {
                let filter = JournalFilter {
                    state,
                    source: source.clone(),
                    newest_first,
                    after_seq: Some(3),
                    ..JournalFilter::default()
                };
                list(&conn, &archive::Slot::default(), &filter).unwrap();
            }
        }
    }
    let statements = sql::recorded::take();
    assert!(statements.len() > 70, "only {} statements were seen", statements.len());
    for statement in statements {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let parameters = explain.parameter_count();
        let nulls = vec![rusqlite::types::Null; parameters];
        let plan = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = plan.map(Result::unwrap).collect();
        if std::env::var_os("SHOW_PLANS").is_some() {
            println!("{statement}\n    {}", plan.join("\n    "));
        }
        for step in &plan {
            let scan = step.starts_with("SCAN") && !ALLOWED.iter().any(|allowed| step.starts_with(allowed));
            assert!(!scan, "{statement}\n{step}");
            let wide =
                TOO_WIDE.iter().any(|wide| step.ends_with(wide)) && !WIDE.iter().any(|all| statement.contains(all));
            assert!(!wide, "{statement}\n{step}");
            let sorts_all = step.contains("TEMP B-TREE FOR ORDER BY") && statement.ends_with("LIMIT 1");
            assert!(!sorts_all, "{statement}\n{step}");
        }
    }
}
