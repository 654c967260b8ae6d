//! Facts in Delta tables: sealed when asked or when old, read again after a restart, followed on from there.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use domain::Timestamp;
use domain::event::{Checks, parse};
use domain::time::Day;
use serde_json::{Value, json};
use server::{Config, RetentionConfig, WarehouseConfig};
use store::{Delivery, Location, Store};
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
    let evidence = server.get("/api/v1/export/evidence").text.lines().count();
    assert_eq!(sealed["rows"], 7 + 6 + 4 + evidence, "deployments, commits, incidents, evidence");
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

/// What a script says of a data folder, by lines.
fn python(script: &str, folder: &Path) -> Vec<String> {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin/python");
    let said = Command::new(python).args(["-c", script]).arg(folder).output();
    let said = said.unwrap_or_else(|error| panic!("{python}: {error}; `make setup` installs it"));
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{error}");
    String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect()
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
    let lines = python(script, folder.path());
    assert_eq!(
        lines,
        [
            "[('shop', 6)]",
            "[('2025-01', 6, 6), ('2025-02', 1, 1), (None, 1, 1)]",
            "[(4200.0,)]",
            "[('shop/cart', 4), ('shop/catalogue', 3), ('shop/pay', 1)]",
        ],
    );
    let counted =
        server.get(&format!("/api/v1/metrics?node=product:shop&metric=deployment_frequency&{YEAR}")).expect(200);
    assert_eq!(counted["metrics"]["deployment_frequency"]["n"], 6);
}

/// A store in which everything came on a day long ago.
fn received(folder: &TempDir, at: &str) -> Store {
    let at = Timestamp::parse(at).unwrap();
    let store = Store::open(Location::Folder(folder.path().to_owned()), server::interpreter()).unwrap();
    let checks = Checks { default_source: "ci", now: at };
    let events = events().into_iter().map(|event| Delivery::Event(parse(event, checks).unwrap()));
    store.append(events.collect(), at).unwrap();
    store.settle().unwrap();
    store
}

/// docs/lake.md: what came long ago stands in the archive, whole, and everything can be made anew from there.
#[test]
fn what_came_long_ago_is_read_from_the_archive() {
    let folder = TempDir::new().unwrap();
    let store = received(&folder, "2025-06-01T12:00:00Z");
    let rows = store.journal_rows(Day::parse("2025-06-01").unwrap(), 0, 1_000).unwrap();
    let dump = store.dump(&mut std::io::sink()).unwrap();
    drop(store);

    let warehouse = WarehouseConfig { tidy_every_s: 1, ..WarehouseConfig::default() };
    let server = on(&folder, warehouse);
    let before = numbers(&server);
    let log = folder.path().join("lake/journal/_delta_log/00000000000000000001.json");
    let archived = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        log.exists()
    });
    assert!(archived, "nothing was archived");
    drop(server);
    // As `leadline rebuild` does, while no server runs: nothing of it is read from the database any more.
    let store = Store::open(Location::Folder(folder.path().to_owned()), server::interpreter()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(server::open_archive(&store, &server::lake(folder.path()))).unwrap();
    store.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(store.dump(&mut std::io::sink()).unwrap(), dump);
    for row in &rows {
        assert_eq!(store.journal_body(row.seq).unwrap().as_deref(), Some(&*row.body));
    }
    drop(store);

    let script = "
import sys, json, hashlib, duckdb
from deltalake import DeltaTable
table = DeltaTable(f'{sys.argv[1]}/lake/journal')
journal = table.to_pyarrow_dataset()
ask = lambda sql: duckdb.sql(sql).fetchall()
print(ask('SELECT day, count(*), count(DISTINCT seq) FROM journal GROUP BY day'))
print(ask('SELECT kind, source, state, count(*) FROM journal GROUP BY ALL'))
rows = ask('SELECT body, digest FROM journal ORDER BY seq')
print(all(hashlib.sha256(body).digest()[:16] == digest for body, digest in rows))
print(sorted({json.loads(body)['type'] if 'type' in json.loads(body) else '' for body, _ in rows}))
print(table.metadata().partition_columns, table.metadata().configuration['delta.appendOnly'])
";
    let lines = python(script, folder.path());
    let counted = format!("[('2025-06-01', {0}, {0})]", rows.len());
    assert_eq!(lines[0], counted);
    assert_eq!(lines[1], format!("[('event', 'ci', 'applied', {})]", rows.len()));
    assert_eq!((lines[2].as_str(), lines[4].as_str()), ("True", "['day'] true"), "{lines:?}");

    let server = on(&folder, WarehouseConfig::default());
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200);
    assert_eq!(numbers(&server), before);
}

#[test]
fn months_past_their_retention_are_told_and_do_not_come_back() {
    let folder = TempDir::new().unwrap();
    let config = |days, tidy_every_s| Config {
        warehouse: WarehouseConfig { tidy_every_s, ..WarehouseConfig::default() },
        // The example lies in January 2025, which is long ago.
        retention: RetentionConfig { deployments_days: days, ..RetentionConfig::default() },
        ..Config::default()
    };
    let start = |config| start_at(config, Location::Folder(folder.path().to_owned()));
    let path = format!("/api/v1/metrics?node=group&metric=deployment_frequency&metric=time_to_restore&{YEAR}");
    let server = start(config(None, 86_400));
    server.post("/api/v1/events", &json!(events())).expect(202);
    seal(&server);
    let whole = server.get(&path).expect(200);
    assert!(whole.get("kept_from").is_none() && whole["metrics"]["deployment_frequency"]["n"] != 0, "{whole}");
    drop(server);

    let server = start(config(Some(30), 1));
    let mut answer = Value::Null;
    let told = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        answer = server.get(&path).expect(200);
        answer.get("kept_from").is_some()
    });
    assert!(told, "{answer}");
    // The first one that told may have been counted a moment before.
    let answer = server.get(&path).expect(200);
    assert_eq!(answer["metrics"]["deployment_frequency"]["n"], 0);
    assert_eq!(answer["metrics"]["time_to_restore"], whole["metrics"]["time_to_restore"], "incidents are kept");
    let first = answer["kept_from"].as_str().unwrap().to_owned();
    assert!(first.as_str() > "2026-01" && first.ends_with("-01T00:00:00Z"), "{first}");
    let tree = server.get(&format!("/api/v1/tree?{YEAR}")).expect(200);
    let explained = server.get(&format!("/api/v1/explain?metric=deployment_frequency&{YEAR}")).expect(200);
    let correlated =
        server.get(&format!("/api/v1/correlation?x=deployment_frequency&y=time_to_restore&{YEAR}")).expect(200);
    let listed = server.get("/api/v1/deployments?from=2025-01-01T00:00:00Z").expect(200);
    for answer in [&tree, &explained, &correlated, &listed] {
        assert_eq!(answer["kept_from"], first.as_str(), "{answer}");
    }
    let incidents = server.get("/api/v1/incidents?limit=1000").expect(200);
    let since = server.get(&format!("/api/v1/deployments?from={first}")).expect(200);
    for whole in [&incidents, &since] {
        assert!(whole.get("kept_from").is_none(), "nothing of it was taken out: {whole}");
    }
    let kept_from = |path: &str| server.get(path).header("leadline-kept-from").map(str::to_owned);
    assert_eq!(kept_from("/api/v1/export/deployments").as_deref(), Some(first.as_str()));
    assert_eq!(kept_from(&format!("/api/v1/export/metrics?metric=lead_time&{YEAR}")).as_deref(), Some(first.as_str()));
    assert_eq!(kept_from("/api/v1/export/incidents"), None);
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200);
    let again = server.get(&path).expect(200);
    assert_eq!((&again["metrics"], &again["kept_from"]), (&answer["metrics"], &answer["kept_from"]));
    drop(server);

    // Nobody deleted a fact: without the retention a rebuild brings the months back.
    let server = start(config(None, 86_400));
    assert_eq!(server.get(&path).expect(200)["kept_from"], first.as_str(), "not by itself");
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200);
    let again = server.get(&path).expect(200);
    assert!(again.get("kept_from").is_none());
    assert_eq!(again["metrics"], whole["metrics"]);
}
