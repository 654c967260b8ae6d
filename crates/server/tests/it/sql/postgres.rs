//! A real PostgreSQL on the rows of the views: the same statements give the same answers.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use super::articles::{CHANGE_FAILURE_RATE, LARGE_GROUP, SERVICE};
use super::{fill, psql, run, serving};
use crate::support::{READ, Running};

/// One server process on a socket of its own folder; it ends with this.
pub(super) struct Postgres {
    folder: TempDir,
    server: Child,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The process is PostgreSQL's own: `runuser` has become it.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// As `postgres` when this is root, which PostgreSQL refuses to run as.
fn as_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn id(option: &str, user: &str) -> u32 {
    run(Command::new("id").args([option, user])).out.trim().parse().expect("a number")
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).out.trim() == "0"
}

fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL, which `make setup` installs");
    let mut found: Vec<PathBuf> = versions.filter_map(Result::ok).map(|entry| entry.path().join("bin")).collect();
    found.retain(|folder| folder.join("postgres").exists());
    found.sort();
    found.pop().expect("PostgreSQL, which `make setup` installs")
}

impl Postgres {
    pub(super) fn start() -> Postgres {
        let folder = tempfile::tempdir().expect("a folder");
        if is_root() {
            chown(folder.path(), Some(id("-u", "postgres")), Some(id("-g", "postgres"))).expect("a folder of its own");
        }
        let (binaries, data) = (binaries(), folder.path().join("data"));
        let made = run(as_user(&binaries.join("initdb"))
            .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .current_dir(folder.path()));
        assert!(made.ok, "{}", made.err);
        let server = as_user(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-h", "", "-c", "timezone=UTC", "-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PostgreSQL");
        let postgres = Postgres { folder, server };
        let started = Instant::now();
        while !postgres.ask("postgres", &["SELECT 1"]).ok {
            assert!(started.elapsed() < Duration::from_secs(40), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        postgres
    }

    /// Where its socket is.
    pub(super) fn host(&self) -> &Path {
        self.folder.path()
    }

    fn ask(&self, schema: &str, statements: &[&str]) -> super::Said {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-t", "--csv", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "postgres", "-h"]);
        command.arg(self.host()).env("PGOPTIONS", format!("-c search_path={schema}"));
        for statement in statements {
            command.args(["-c", statement]);
        }
        run(&mut command)
    }

    /// The tables of a schema with the rows the port's views have.
    pub(super) fn load(&self, server: &Running, schema: &str, tables: &[&str]) {
        assert!(self.ask("public", &[&format!("CREATE SCHEMA {schema}")]).ok);
        for table in tables {
            let columns = psql(
                server,
                schema,
                READ,
                &[&format!(
                    "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute \
                 WHERE attrelid = '{schema}.{table}'::regclass AND attnum > 0 ORDER BY attnum"
                )],
            )
            .rows()
            .join(", ");
            let file = self.folder.path().join(format!("{schema}.{table}.csv"));
            std::fs::write(&file, csv(server, schema, &format!("SELECT * FROM {schema}.{table}"))).expect("a file");
            let copied = self.ask(
                schema,
                &[
                    &format!("CREATE TABLE {schema}.{table} ({columns})"),
                    &format!("\\copy {schema}.{table} FROM '{}' WITH (FORMAT csv)", file.display()),
                ],
            );
            assert!(copied.ok, "{columns}: {}", copied.err);
        }
    }
}

fn csv(server: &Running, schema: &str, statement: &str) -> String {
    let port = server.sql.expect("a port").port().to_string();
    let said = run(Command::new("psql")
        .args([
            "-X",
            "-q",
            "-t",
            "--csv",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "me",
            "-d",
            schema,
        ])
        .args(["-c", statement])
        .env("PGPASSWORD", READ));
    assert!(said.ok, "{statement}: {}", said.err);
    said.out
}

/// Whether two answers are the same: numbers to six digits, instants without the zeros nobody wrote.
fn same(one: &str, other: &str) -> bool {
    let plain = |cell: &str| match cell.split_once('.') {
        Some((second, fraction)) if second.contains(':') => {
            let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (fraction, zone) = fraction.split_at(digits);
            format!("{second}.{}{zone}", fraction.trim_end_matches('0'))
                .replace(".+", "+")
                .trim_end_matches('.')
                .to_owned()
        }
        _ => cell.to_owned(),
    };
    let cells = |text: &str| -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = text.lines().map(|row| row.split(',').map(plain).collect()).collect();
        rows.sort();
        rows
    };
    let (one, other) = (cells(one), cells(other));
    one.len() == other.len()
        && one.iter().zip(&other).all(|(one, other)| {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| match (one.parse::<f64>(), other.parse::<f64>()) {
                    (Ok(one), Ok(other)) => (one - other).abs() <= 1e-6 * one.abs().max(other.abs()).max(10.0),
                    _ => one == other,
                })
        })
}

/// By themselves, and on the rows of `examples`.
const STATEMENTS: &[&str] = &[
    "SELECT ROUND(2.675, 2), ROUND(100.0 * 1 / 3, 2), ROUND(-2.5), ROUND(AVG(x)::numeric, 2) FROM (VALUES (1.0::float8), (2.5)) t(x)",
    "SELECT 7 / 2, -7 / 2, 7 % 3, 7 / 2.0, 1.0 * 1 / 3, 100.0 * 5 / 7, 2 ^ 3, 5 & 3",
    "SELECT COUNT(*)::float / 30, COUNT(*)::numeric / 30.0 FROM deployments",
    "SELECT DATE_TRUNC('week', TIMESTAMP '2024-01-03 10:00:00'), DATE_TRUNC('month', TIMESTAMP '2024-02-29 10:00:00'), DATE_TRUNC('quarter', TIMESTAMP '2024-05-01'), DATE_TRUNC('hour', TIMESTAMP '2024-01-03 10:59:00')",
    "SELECT EXTRACT(DOW FROM TIMESTAMP '2024-01-07'), EXTRACT(ISODOW FROM TIMESTAMP '2024-01-07'), EXTRACT(WEEK FROM DATE '2024-01-01'), EXTRACT(EPOCH FROM TIMESTAMP '2024-01-01 00:00:00.5'), EXTRACT(EPOCH FROM INTERVAL '1 day 2 hours'), EXTRACT(YEAR FROM DATE '2024-02-01')",
    "SELECT TIMESTAMP '2024-01-31' + INTERVAL '1 month', TIMESTAMP '2024-03-01 12:00:00' - INTERVAL '36 hours', DATE '2024-03-01' - DATE '2024-02-28'",
    "SELECT NOW() > NOW() - INTERVAL '30 days', NOW() - INTERVAL '1 day' < CURRENT_TIMESTAMP, CURRENT_DATE >= '2024-01-01'",
    "SELECT PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY x), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x DESC) FROM (VALUES (1), (2), (3), (10), (1000)) t(x)",
    "SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY x) FROM (VALUES (1.5), (2.25), (3000000.75), (10000000.5)) t(x)",
    "SELECT service, PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM (deployed_at - commit_timestamp))) FROM deployments GROUP BY service",
    "SELECT AVG(x), SUM(x), STDDEV(x), MIN(x), MAX(x), COUNT(DISTINCT x) FROM (VALUES (1), (2), (4), (4)) t(x)",
    "SELECT service, count(*), min(deployed_at), max(deployed_at), bool_or(is_rollback), string_agg(status, ';' ORDER BY status) FROM deployments GROUP BY service",
    "SELECT service, deployed_at, LAG(deployed_at) OVER (PARTITION BY service ORDER BY deployed_at), EXTRACT(EPOCH FROM deployed_at - LAG(deployed_at) OVER (PARTITION BY service ORDER BY deployed_at)) FROM deployments",
    "SELECT service, COUNT(*) FILTER (WHERE is_rollback) AS r, COUNT(*) FILTER (WHERE NOT is_rollback) AS n FROM deployments GROUP BY service HAVING COUNT(*) > 5",
    "SELECT COALESCE(NULL, 'a'), 'a' || 'b', UPPER('x'), LENGTH('abc'), CAST('12' AS int), true::text, SPLIT_PART('a/b', '/', 2), NULLIF(1, 1), GREATEST(1, 3, 2)",
    "SELECT TO_CHAR(TIMESTAMP '2024-01-05 14:07:09', 'YYYY-MM-DD HH24:MI:SS'), TO_CHAR(TIMESTAMP '2024-12-30', 'IYYY-IW'), TO_CHAR(deployed_at, 'YYYY-MM') FROM deployments",
    "SELECT 'abc' LIKE 'a%', 'ABC' ILIKE 'a%', 'abc' ~ '^a', 1 IN (1, 2), 3 BETWEEN 1 AND 5, NULL IS NULL, 'a' IS DISTINCT FROM NULL",
    "SELECT d, COUNT(x.id) FROM generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2024-07-01', INTERVAL '1 month') AS d LEFT JOIN deployments x ON DATE_TRUNC('month', x.deployed_at) = d GROUP BY d",
    "SELECT deployed_at::date AS day, count(*) FROM deployments GROUP BY 1",
    "WITH w AS (SELECT service, DATE_TRUNC('week', deployed_at) AS week FROM deployments) SELECT week, count(DISTINCT service) FROM w GROUP BY week ORDER BY week",
    "SELECT d.service, i.incident_id FROM deployments d JOIN incidents i ON i.service = d.service AND i.detected_at BETWEEN d.deployed_at AND d.deployed_at + INTERVAL '2 hours'",
    "SELECT service FROM deployments WHERE environment = 'production' UNION SELECT service FROM incidents EXCEPT SELECT 'till'",
    "SELECT service, CASE WHEN is_hotfix THEN 'hotfix' WHEN is_rollback THEN 'rollback' ELSE 'change' END AS kind, count(*) FROM deployments GROUP BY 1, 2",
    "SELECT RANK() OVER (ORDER BY n DESC), service FROM (SELECT service, count(*) AS n FROM deployments GROUP BY service) t",
];

#[test]
fn statements_answer_as_postgresql_answers_them() {
    let server = serving();
    fill(&server);
    let postgres = Postgres::start();
    postgres.load(&server, "examples", &["deployments", "incidents"]);
    postgres.load(&server, "dora_metrics", &["deployments", "git_commits", "incidents", "deployments_with_commits"]);
    let examples = STATEMENTS.iter().chain([&CHANGE_FAILURE_RATE]).map(|statement| ("examples", *statement));
    let mut differ = Vec::new();
    for (schema, statement) in examples.chain(LARGE_GROUP.iter().map(|statement| ("dora_metrics", *statement))) {
        let theirs = postgres.ask(schema, &[statement]);
        assert!(theirs.ok, "{statement}: {}", theirs.err);
        assert!(!theirs.out.trim().is_empty(), "{statement} shows nothing");
        let ours = csv(&server, schema, statement);
        if !same(&ours, &theirs.out) {
            differ.push(format!("{statement}\n{ours}\nis in PostgreSQL\n{}", theirs.out));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn parameters_bind_and_types_arrive_as_with_postgresql() {
    let server = serving();
    fill(&server);
    let postgres = Postgres::start();
    postgres.load(&server, "examples", &["deployments", "incidents"]);
    // As the article's service does it: asyncpg, whose parameters and answers are binary.
    let script = format!(
        r#"
import asyncio, asyncpg, datetime, json, os
statements = json.loads({statements:?})
async def main():
    ours = await asyncpg.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="me", password=os.environ["TOKEN"], database="examples")
    theirs = await asyncpg.connect(host={host:?}, user="postgres", database="postgres", server_settings={{"search_path": "examples"}})
    since = datetime.datetime.utcnow() - datetime.timedelta(days=30)
    for service in ("cart", "till", "nobody"):
        for s in statements:
            a, b = [dict(await c.fetchrow(s, service, since)) for c in (ours, theirs)]
            same = a.keys() == b.keys() and all(x == y or abs(float(x) - float(y)) < 1e-6 * abs(float(y)) for x, y in zip(a.values(), b.values()))
            print(service, same if same else (s, a, b))
    for s in ("SELECT deployed_at, is_rollback, status, commit_sha FROM deployments ORDER BY deployed_at, service",):
        print([tuple(r) for r in await ours.fetch(s)] == [tuple(r) for r in await theirs.fetch(s)])
asyncio.run(main())
"#,
        statements = serde_json::to_string(&SERVICE).expect("JSON"),
        host = postgres.host().display().to_string()
    );
    let said = super::python(&server, &script).rows();
    assert_eq!(said.len(), 3 * SERVICE.len() + 1);
    assert!(said.iter().all(|line| line.ends_with("True")), "{said:#?}");
}
