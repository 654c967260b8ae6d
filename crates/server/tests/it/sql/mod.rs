//! The SQL port as its users meet it: psql, drivers, a real PostgreSQL beside it.

mod articles;
mod clients;
mod limits;
mod login;
mod postgres;
mod refused;

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use server::{Config, SqlConfig};
use tokio::time::Instant;

use crate::support::{READ, Running, start_with};

/// No command takes longer.
const LONGEST: Duration = Duration::from_secs(60);

/// With a port on loopback.
fn serving() -> Running {
    serving_with(SqlConfig::default())
}

fn serving_with(sql: SqlConfig) -> Running {
    start_with(Config { sql: SqlConfig { listen: "127.0.0.1:0".to_owned(), ..sql }, ..Config::default() })
}

/// What a command said.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Said {
    fn rows(&self) -> Vec<String> {
        assert!(self.ok, "{}", self.err);
        self.out.lines().map(str::to_owned).collect()
    }
}

/// Runs to its end or for a minute; nothing is left running.
fn run(command: &mut Command) -> Said {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}; `make setup` installs what is missing"));
    let output = within(child, LONGEST);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

fn within(mut child: Child, longest: Duration) -> Output {
    let (mut out, mut err) = (child.stdout.take().expect("its output"), child.stderr.take().expect("its errors"));
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = out.read_to_end(&mut bytes);
        bytes
    });
    let complaining = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = err.read_to_end(&mut bytes);
        bytes
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if started.elapsed() > longest {
            child.kill().expect("a child of ours");
            panic!("it took longer than {longest:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: reading.join().expect("output"), stderr: complaining.join().expect("errors") }
}

/// psql on the port: unaligned, no header, stopping at the first error.
fn psql(server: &Running, database: &str, secret: &str, statements: &[&str]) -> Said {
    let port = server.sql.expect("a port").port().to_string();
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-h", "127.0.0.1"]);
    command
        .args(["-p", &port, "-U", "somebody", "-d", database])
        .env("PGPASSWORD", secret)
        .env("PGCONNECT_TIMEOUT", "20");
    for statement in statements {
        command.args(["-c", statement]);
    }
    run(&mut command)
}

/// Rows of statements asked by a reader.
fn rows(server: &Running, database: &str, statements: &[&str]) -> Vec<String> {
    psql(server, database, READ, statements).rows()
}

/// The error of a statement, with its code.
fn error(server: &Running, statement: &str) -> String {
    let said = psql(server, "leadline", READ, &[statement]);
    assert!(!said.ok, "{statement} went through: {}", said.out);
    said.err
}

/// Debian's Python, whose drivers `make setup` installs.
fn python(server: &Running, script: &str) -> Said {
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", script]).env("PORT", server.sql.expect("a port").port().to_string()).env("TOKEN", READ);
    run(&mut command)
}

/// Hours before now, as RFC 3339, in whole seconds: the engine's `EXTRACT(EPOCH FROM a - b)` has no more (docs/sql.md).
fn hours_ago(hours: i64) -> String {
    let second = server::clock::now().micros() / domain::time::SECOND * domain::time::SECOND;
    domain::Timestamp::from_micros(second).plus(-hours * domain::time::HOUR).to_string()
}

/// The articles' requests and native events, over the last weeks and over 2024.
fn fill(server: &Running) {
    let services = [("cart", [700, 500, 300, 200, 100]), ("till", [650, 333, 150, 20, 10])];
    for (service, hours) in services {
        for (number, hours) in hours.into_iter().enumerate() {
            let event = json!({"service": service, "environment": "production",
                "commit_sha": format!("{hours:040x}"), "commit_timestamp": hours_ago(hours + 2 + 3 * number as i64),
                "deployed_at": hours_ago(hours), "is_rollback": number == 2, "is_hotfix": number == 4 && service == "cart"});
            server.post("/events/deployment", &event).expect(200);
        }
    }
    server
        .post(
            "/deployments",
            &json!({"service": "cart", "environment": "staging", "commit_sha": "a".repeat(40),
        "deployed_at": hours_ago(90), "status": "success"}),
        )
        .expect(200);
    for (id, from, to) in [("INC-1", 299, Some(297)), ("INC-2", 99, Some(94)), ("INC-3", 9, None)] {
        let mut event =
            json!({"incident_id": id, "service": "cart", "severity": "SEV1", "detected_at": hours_ago(from)});
        if let Some(to) = to {
            event["resolved_at"] = json!(hours_ago(to));
        }
        server.post("/events/incident", &event).expect(200);
    }
    let mut events: Vec<Value> = Vec::new();
    for (component, months) in [("api", 1..=6), ("web", 2..=5)] {
        for month in months {
            let sha = format!("{component:0>34}{month:06}").replace(|c: char| !c.is_ascii_hexdigit(), "0");
            events.push(json!({"type": "deployment", "id": format!("{component}-{month}"), "component": component,
                "product": "shop", "environment": "prod", "status": "succeeded", "version": format!("1.{month}.0"),
                "sha": sha, "finished_at": format!("2024-0{month}-10T12:30:00Z"),
                "commits": [{"sha": sha, "committed_at": format!("2024-0{month}-0{month}T10:20:00Z")}]}));
        }
    }
    events.push(json!({"type": "incident", "id": "S-1", "product": "shop", "opened_at": "2024-03-11T08:00:00Z",
        "resolved_at": "2024-03-11T11:30:00Z"}));
    events.push(json!({"type": "incident", "id": "S-2", "product": "shop", "opened_at": "2024-05-12T08:00:00Z",
        "resolved_at": "2024-05-13T08:45:00Z"}));
    server.post("/api/v1/events", &json!(events)).expect(202);
}
