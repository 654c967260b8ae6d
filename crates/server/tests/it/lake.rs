//! Facts in Delta tables: sealed when asked or when old, read again after a restart, followed on from there.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use server::{Config, WarehouseConfig};
use store::Location;
use tempfile::TempDir;

use crate::support::{Running, start_at};
use crate::worked_example::{assert_dora, assert_rex, events};

const YEAR: &str = "from=2024-06-01T00:00:00Z&to=2025-06-01T00:00:00Z";

fn on(folder: &TempDir, config: WarehouseConfig) -> Running {
    let config = Config { warehouse: config, ..Config::default() };
    start_at(config, Location::Folder(folder.path().to_owned()))
}

fn numbers(server: &Running) -> Value {
    let mut found = json!({});
    for (node, definition) in [("group", "dora"), ("product:shop", "rex"), ("component:cart", "fawkes")] {
        let answer = server.get(&format!("/api/v1/metrics?node={node}&definition={definition}&bucket=month&{YEAR}"));
        found[node] = answer.expect(200)["metrics"].clone();
    }
    found["deployments"] = server.get(&format!("/api/v1/deployments?{YEAR}")).expect(200);
    found["incidents"] = server.get(&format!("/api/v1/incidents?{YEAR}")).expect(200);
    found
}

fn seal(server: &Running) -> Value {
    server.admin("POST", "/api/v1/seal", "application/json", "").expect(200)
}

/// Months that some table has files for.
fn months(folder: &Path, table: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder.join("lake").join(table)).unwrap().filter_map(Result::ok);
    let mut names: Vec<_> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.starts_with("month="));
    names.sort();
    names
}

#[test]
fn what_was_sealed_answers_as_before_also_after_a_restart_and_when_it_changes() {
    let folder = TempDir::new().unwrap();
    let server = on(&folder, WarehouseConfig::default());
    server.post("/api/v1/events", &json!(events())).expect(202);
    let before = numbers(&server);
    let sealed = seal(&server);
    assert_eq!(sealed["rows"], 7 + 6 + 4, "deployments, commits, incidents");
    assert_eq!(months(folder.path(), "deployments"), ["month=2025-01"]);
    assert_eq!(numbers(&server), before);
    assert_eq!(seal(&server)["rows"], 0, "nothing is new");
    drop(server);

    let server = on(&folder, WarehouseConfig::default());
    assert_eq!(numbers(&server), before);
    assert_rex(&server);
    assert_dora(&server);

    // Told to have ended in another month, and sealed there; an incident that is resolved later.
    let moved = json!([
        {"type": "deployment", "id": "P1", "product": "shop", "component": "pay", "environment": "production",
            "status": "succeeded", "finished_at": "2025-03-08T12:00:00Z", "updated_at": "2026-01-01T00:00:00Z"},
        {"type": "incident", "id": "I3", "product": "shop", "opened_at": "2025-01-04T13:00:00Z",
            "resolved_at": "2025-02-04T15:00:00Z"},
    ]);
    server.post("/api/v1/events", &moved).expect(202);
    let after = numbers(&server);
    assert_ne!(after, before);
    seal(&server);
    assert_eq!(numbers(&server), after);
    assert_eq!(months(folder.path(), "deployments"), ["month=2025-01", "month=2025-03"]);
    drop(server);
    let server = on(&folder, WarehouseConfig::default());
    assert_eq!(numbers(&server), after);

    // And everything anew from the journal: the same numbers.
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200);
    assert_eq!(numbers(&server), after);
    drop(server);
    let server = on(&folder, WarehouseConfig::default());
    assert_eq!(numbers(&server), after);
    assert_eq!(seal(&server)["rows"], 0, "a rebuild leaves everything sealed");
}

#[test]
fn what_is_old_is_sealed_by_itself() {
    let folder = TempDir::new().unwrap();
    let config = WarehouseConfig { seal_after_s: 1, tidy_every_s: 2, ..WarehouseConfig::default() };
    let server = on(&folder, config);
    server.post("/api/v1/events", &json!(events())).expect(202);
    let before = numbers(&server);
    let sealed = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        folder.path().join("lake/incidents/_delta_log").exists()
    });
    assert!(sealed, "nothing was sealed");
    assert_eq!(numbers(&server), before);
    assert_rex(&server);
}

#[test]
fn tables_that_do_not_fit_the_store_are_made_anew() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = on(&folder, WarehouseConfig::default());
    server.post("/api/v1/events", &json!(events())).expect(202);
    seal(&server);
    let before = numbers(&server);
    drop(server);
    // As when a database is put back from yesterday's copy: the tables know changes it never made.
    let server = on(&other, WarehouseConfig::default());
    let few: Vec<Value> = events().into_iter().take(2).collect();
    server.post("/api/v1/events", &json!(few)).expect(202);
    let expected = numbers(&server);
    drop(server);
    for entry in std::fs::read_dir(other.path()).unwrap().filter_map(Result::ok) {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let server = on(&folder, WarehouseConfig::default());
    assert_ne!(before, expected);
    assert_eq!(numbers(&server), expected);
}

/// docs/lake.md: what DuckDB reads through Delta's log is what Leadline counts, also after rows changed and moved.
#[test]
fn duckdb_reads_what_leadline_counts() {
    let folder = TempDir::new().unwrap();
    let server = on(&folder, WarehouseConfig::default());
    server.post("/api/v1/events", &json!(events())).expect(202);
    seal(&server);
    let changed = json!([
        {"type": "deployment", "id": "K2", "product": "shop", "component": "catalogue", "environment": "production",
            "status": "succeeded", "finished_at": "2025-02-06T12:00:00Z", "updated_at": "2026-01-01T00:00:00Z"},
        {"type": "deployment", "id": "C4", "product": "shop", "component": "cart", "environment": "production",
            "status": "in_progress", "started_at": "2025-01-05T12:00:00Z"},
    ]);
    server.post("/api/v1/events", &changed).expect(202);
    seal(&server);
    let script = "
import sys, duckdb
from deltalake import DeltaTable
deployments, incidents, places = (DeltaTable(f'{sys.argv[1]}/lake/{name}').to_pyarrow_dataset()
    for name in ('deployments', 'incidents', 'places'))
ask = lambda sql: duckdb.sql(sql).fetchall()
print(ask('SELECT product, count(*) FROM deployments WHERE counted GROUP BY product ORDER BY product'))
print(ask('SELECT month, count(*), count(DISTINCT id) FROM deployments GROUP BY month ORDER BY month NULLS LAST'))
print(ask('SELECT avg(epoch(resolved_at - started_at)) FROM incidents WHERE resolved_at IS NOT NULL'))
print(ask('SELECT p.component, count(*) FROM deployments d JOIN places p USING (place) GROUP BY 1 ORDER BY 1'))
";
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python");
    let said = Command::new(python).args(["-c", script]).arg(folder.path()).output();
    let said = said.unwrap_or_else(|error| panic!("{python}: {error}; `make setup` installs it"));
    let (out, error) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines,
        [
            "[('shop', 6)]",
            "[('2025-01', 6, 6), ('2025-02', 1, 1), (None, 1, 1)]",
            "[(4200.0,)]",
            "[('shop/cart', 4), ('shop/catalogue', 3), ('shop/pay', 1)]",
        ],
        "{error}"
    );
    let counted =
        server.get(&format!("/api/v1/metrics?node=product:shop&metric=deployment_frequency&{YEAR}")).expect(200);
    assert_eq!(counted["metrics"]["deployment_frequency"]["n"], 6);
}
