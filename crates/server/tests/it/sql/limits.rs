//! What an answer may cost.

use std::time::Duration;

use serde_json::json;
use server::SqlConfig;
use tokio::time::Instant;

use super::{error, psql, python, rows, serving, serving_with};
use crate::support::READ;

#[test]
fn time_rows_and_memory_have_ends_with_their_codes() {
    let server = serving_with(SqlConfig {
        timeout_s: 2,
        max_rows: 1_000,
        max_memory_bytes: 4 * 1024 * 1024,
        ..SqlConfig::default()
    });
    let started = Instant::now();
    let slow = error(&server, "SELECT count(*) FROM generate_series(1, 100000000000)");
    assert!(slow.contains("57014") && slow.contains("sql.timeout_s"), "{slow}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    // While it streams: the first rows are there long before the last.
    let streaming = error(&server, "SELECT value FROM generate_series(1, 100000000000) WHERE value % 5000000 = 0");
    assert!(streaming.contains("57014"), "{streaming}");
    let many = error(&server, "SELECT * FROM generate_series(1, 1001)");
    assert!(many.contains("54000") && many.contains("1000 rows"), "{many}");
    assert_eq!(rows(&server, "leadline", &["SELECT * FROM generate_series(1, 1000)"]).len(), 1_000);
    for large in [
        "SELECT count(*) FROM (SELECT value * 7919 % 1000003 AS mixed, count(*) FROM generate_series(1, 900000) GROUP BY 1)",
        "SELECT max(value) FROM (SELECT value FROM generate_series(1, 900000) ORDER BY -value LIMIT 700000)",
        "SELECT length(string_agg(value::text, ',')) FROM generate_series(1, 3000000)",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT length(lpad('x', 2000000000))",
        "SELECT length(replace(repeat('x', 1000000), 'x', repeat('y', 1000000)))",
    ] {
        let said = error(&server, large);
        assert!(said.contains("53200"), "{large}: {said}");
    }
    for absent in ["SELECT range(1, 2000000000)", "SELECT array_repeat(1, 2000000000)"] {
        assert!(error(&server, absent).contains("42883"), "{absent}");
    }
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    assert!(psql(&server, "leadline", READ, &[&long]).ok);
    // Nothing of it is left: another statement has all of its memory and time.
    assert_eq!(rows(&server, "leadline", &["SELECT count(*) FROM generate_series(1, 1000000)"]), ["1000000"]);
}

#[test]
fn a_client_bounds_itself_and_only_further() {
    let server = serving_with(SqlConfig { timeout_s: 3, ..SqlConfig::default() });
    for (limit, at_most) in [("200ms", 2_500), ("1h", 20_000)] {
        let started = Instant::now();
        let slow = "SELECT count(*) FROM generate_series(1, 100000000000)";
        let said = psql(&server, "leadline", READ, &[&format!("SET statement_timeout = '{limit}'"), slow]);
        assert!(said.err.contains("57014"), "{}", said.err);
        assert!(started.elapsed() < Duration::from_millis(at_most), "{limit}: {:?}", started.elapsed());
    }
}

#[test]
fn a_statement_is_cancelled_while_it_runs_by_either_protocol() {
    let server = serving();
    let script = r#"
import os, psycopg, threading, time
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline", autocommit=True)
slow = "SELECT count(*) FROM generate_series(1, 100000000000)"
for prepare in (False, True):
    threading.Timer(0.5, c.cancel).start()
    started = time.monotonic()
    try:
        c.execute(slow, prepare=prepare)
    except psycopg.errors.QueryCanceled as e:
        print(e.sqlstate, "user request" in str(e), time.monotonic() - started < 10)
    print(c.execute("SELECT 7").fetchone()[0])
# Of a statement that has ended there is nothing to cancel.
c.cancel()
time.sleep(0.2)
print(c.execute("SELECT 8").fetchone()[0])
"#;
    assert_eq!(python(&server, script).rows(), ["57014 True True", "7", "57014 True True", "7", "8"]);
}

#[test]
fn connections_are_counted_and_those_that_go_make_room() {
    let server = serving_with(SqlConfig { max_connections: 2, ..SqlConfig::default() });
    let script = r#"
import os, psycopg, time
def open():
    return psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline", autocommit=True)
kept = [open(), open()]
try:
    open()
except psycopg.OperationalError as e:
    print("2 connections already" in str(e))
kept.pop().close()
for _ in range(50):
    try:
        kept.append(open())
        break
    except psycopg.OperationalError:
        time.sleep(0.1)
print(kept[-1].execute("SELECT 1").fetchone()[0], kept[0].execute("SELECT 2").fetchone()[0])
"#;
    assert_eq!(python(&server, script).rows(), ["True", "1 2"]);
}

#[test]
fn large_and_broken_messages_end_the_connection_and_nothing_else() {
    let server = serving();
    let script = r#"
import os, socket, struct
def talk(*messages, login=True):
    s = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 10)
    s.settimeout(30)
    body = struct.pack("!i", 196608) + b"user\0x\0database\0leadline\0\0"
    s.sendall(struct.pack("!i", len(body) + 4) + body)
    if login:
        s.recv(64)
        word = os.environ["TOKEN"].encode() + b"\0"
        s.sendall(b"p" + struct.pack("!i", len(word) + 4) + word)
    try:
        for m in messages:
            s.sendall(m)
        data = b""
        while True:
            more = s.recv(65536)
            if not more:
                return data
            data += more
    except (ConnectionResetError, BrokenPipeError):
        return b""
def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body
# A message that says it is 800 MB long, and sends on and on.
print(b"SELECT" not in talk(b"Q" + struct.pack("!i", 800_000_000), *([b"x" * 65536] * 200)))
# More formats than there are columns, fewer values than there are parameters, names of nothing.
def extended(*middle):
    return talk(message(b"P", b"\0SELECT 1, 2\0\0\0"), *middle, message(b"S", b""), message(b"X", b""))
print(b"08P01" in extended(message(b"B", b"\0\0\0\0\0\0" + struct.pack("!hhhh", 3, 1, 1, 1))))
print(b"08P01" in extended(message(b"B", b"\0\0\0\0" + struct.pack("!h", 1) + struct.pack("!i", 1) + b"1" + b"\0\0")))
print(b"26000" in extended(message(b"E", b"nothing\0" + struct.pack("!i", 0))))
# A negative number of rows, an unknown message, a query before the login.
print(b"SELECT 1" in talk(message(b"P", b"\0SELECT 1\0\0\0"), message(b"B", b"\0\0\0\0\0\0\0\0"), message(b"E", b"\0" + struct.pack("!i", -1)), message(b"S", b""), message(b"X", b"")))
print(b"08P01" in talk(message(b"~", b"")))
print(b"SELECT" not in talk(message(b"Q", b"SELECT 1\0"), login=False))
"#;
    assert_eq!(python(&server, script).rows(), ["True"; 7]);
    assert_eq!(rows(&server, "leadline", &["SELECT 1"]), ["1"]);
}

#[test]
fn each_statement_sees_what_was_there_when_it_began() {
    let server = serving();
    let url = server.url("/api/v1/events");
    let event = json!({"type": "deployment", "id": "late", "component": "c", "environment": "prod",
        "status": "succeeded", "finished_at": "2025-01-01T00:00:00Z"});
    let script = format!(
        r#"
import os, psycopg, urllib.request
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline", autocommit=True)
count = lambda: c.execute("SELECT count(*) FROM deployments WHERE component <> %s", ("x",), prepare=True).fetchone()[0]
print(count())
# One portal is read before and after: its rows are those of its beginning.
c.pgconn.prepare(b"p", b"SELECT count(*) FROM deployments, generate_series(1, 3) AS n")
body = {body:?}.encode()
urllib.request.urlopen(urllib.request.Request("{url}", body, {{"authorization": "Bearer {token}", "content-type": "application/json"}})).read()
print(count())
print(c.execute("SELECT count(*) FROM deployments").fetchone()[0])
"#,
        body = event.to_string(),
        token = crate::support::INGEST
    );
    assert_eq!(python(&server, &script).rows(), ["0", "1", "1"]);
}

#[test]
fn whoever_is_connected_hears_that_the_server_stops() {
    let server = serving();
    let script = r#"
import os, psycopg
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline", autocommit=True)
open(os.environ["FLAG"], "w").close()
c.pgconn.socket
import select
select.select([c.pgconn.socket], [], [], 30)
try:
    c.execute("SELECT 1")
    print("still there")
except psycopg.OperationalError as e:
    print("the server is stopping" in str(e) or "terminating" in str(e) or str(e))
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let flag = folder.path().join("connected");
    let port = server.sql.expect("a port").port().to_string();
    let (script, told) = (script.to_owned(), flag.clone());
    let asking = std::thread::spawn(move || {
        let mut command = std::process::Command::new("/usr/bin/python3");
        super::run(command.args(["-c", &script]).env("PORT", port).env("TOKEN", READ).env("FLAG", told))
    });
    let started = Instant::now();
    while !flag.exists() && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let stopping = Instant::now();
    drop(server);
    assert!(stopping.elapsed() < Duration::from_secs(9), "{:?}", stopping.elapsed());
    assert_eq!(asking.join().expect("an end").rows(), ["True"]);
}
