//! A row that cannot be applied leaves nothing behind and stops nobody.

use domain::event::{Checks, parse};
use serde_json::{Value, json};

use super::*;
use crate::door::Prepared;
use crate::dump::dump;
use crate::journal::counts;
use crate::migrate::migrate;
use crate::{Delivery, StoreError};

struct Nothing;

impl Interpreter for Nothing {
    fn interpret(&self, _: &Webhook, _: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem> {
        Ok(Vec::new())
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2025-06-01T00:00:00Z").unwrap()
}

fn deployed(id: &str, minute: usize) -> Value {
    json!({
        "type": "deployment", "id": id, "component": format!("of-{id}"), "product": "shop", "environment": "prod",
        "status": "succeeded", "sha": format!("{minute:040x}"), "finished_at": format!("2025-01-01T00:{minute:02}:00Z"),
    })
}

fn database(events: &[Value]) -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    migrate(&conn).unwrap();
    let mut tally = Tally::default();
    for event in events {
        let event = parse(event.clone(), Checks { default_source: "tests", now: now() }).unwrap();
        Prepared::new(Delivery::Event(event)).unwrap().write(&conn, now(), &mut tally).unwrap();
    }
    tally.write(&conn).unwrap();
    conn
}

fn apply(conn: &Connection, applier: &mut Applier) -> Result<(), StoreError> {
    let rows = Waiting::pending(conn, &crate::archive::Slot::default(), 100)?;
    applier.apply(conn, &rows, false).map(drop)
}

fn facts(conn: &Connection) -> String {
    let mut text = Vec::new();
    dump(conn, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_poisoned_row_is_set_aside_and_the_others_are_applied() {
    let events: Vec<Value> = (1..6).map(|n| deployed(&format!("d{n}"), n)).collect();
    let poisoned = database(&events);
    // Late in the work on a row, after much of the batch has been written.
    poisoned
        .execute_batch(
            "CREATE TRIGGER poison BEFORE UPDATE ON deployment WHEN NEW.id = 'd3' AND NEW.ran = 2
             BEGIN SELECT raise(ABORT, 'poison'); END;
             CREATE TRIGGER poison_too BEFORE INSERT ON commits WHEN NEW.deployment =
                 (SELECT number FROM deployment WHERE id = 'd3')
             BEGIN SELECT raise(ABORT, 'poison'); END",
        )
        .unwrap();
    let mut applier = Applier::new(&poisoned, Arc::new(Nothing)).unwrap();
    apply(&poisoned, &mut applier).unwrap();
    let told = counts(&poisoned).unwrap();
    assert_eq!((told.applied, told.rejected, told.pending), (4, 1, 0));
    let code = one(&poisoned, "SELECT code FROM journal WHERE state = 3", [], |row| Ok(row.get::<_, String>(0)?));
    assert_eq!(code.unwrap().as_deref(), Some("internal"));

    let without: Vec<Value> = events.iter().filter(|event| event["id"] != "d3").cloned().collect();
    let clean = database(&without);
    apply(&clean, &mut Applier::new(&clean, Arc::new(Nothing)).unwrap()).unwrap();
    assert_eq!(facts(&poisoned), facts(&clean));
    let strays = "SELECT count(*) FROM deployment LEFT JOIN word ON word.number = lane WHERE text IS NULL";
    assert_eq!(one(&poisoned, strays, [], |row| Ok(row.get::<_, i64>(0)?)).unwrap(), Some(0));

    // Mended and replayed, it is as if nothing had been.
    poisoned
        .execute_batch("DROP TRIGGER poison; DROP TRIGGER poison_too; UPDATE journal SET state = 0 WHERE state = 3")
        .unwrap();
    apply(&poisoned, &mut applier).unwrap();
    let whole = database(&events);
    apply(&whole, &mut Applier::new(&whole, Arc::new(Nothing)).unwrap()).unwrap();
    assert_eq!(facts(&poisoned), facts(&whole));
}

#[test]
fn a_full_disk_rejects_nothing() {
    let conn = database(&(1..60).map(|n| deployed(&format!("d{n}"), n)).collect::<Vec<_>>());
    let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    conn.query_row(&format!("PRAGMA max_page_count = {}", pages + 5), [], |_| Ok(())).unwrap();
    let mut applier = Applier::new(&conn, Arc::new(Nothing)).unwrap();
    let error = apply(&conn, &mut applier).unwrap_err();
    assert!(error.is_environment(), "{}", error.chain());
    assert_eq!(counts(&conn).unwrap().pending, 59);
    conn.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    apply(&conn, &mut applier).unwrap();
    let told = counts(&conn).unwrap();
    assert_eq!((told.applied, told.rejected), (59, 0));
}
