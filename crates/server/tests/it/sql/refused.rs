//! Every way to do more than read, by both protocols.

use super::{error, fill, psql, python, rows, serving};
use crate::support::READ;

/// What writes, runs code, reads files or changes the engine, and the code it is refused with.
const REFUSED: &[(&str, &str)] = &[
    ("CREATE TABLE x (a int)", "42501"),
    ("CREATE TABLE x AS SELECT 1", "42501"),
    ("CREATE VIEW x AS SELECT 1", "42501"),
    ("CREATE SCHEMA x", "42501"),
    ("CREATE DATABASE x", "42501"),
    ("CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql", "42501"),
    ("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '/tmp/x'", "42501"),
    ("CREATE EXTERNAL TABLE x (a int) STORED AS CSV LOCATION '/etc/passwd'", "42601"),
    ("DROP TABLE deployments", "42501"),
    ("ALTER TABLE deployments ADD COLUMN x int", "42501"),
    ("TRUNCATE deployments", "42501"),
    ("INSERT INTO deployments (id) VALUES ('x')", "42501"),
    ("UPDATE deployments SET id = 'x'", "42501"),
    ("DELETE FROM deployments", "42501"),
    ("MERGE INTO deployments d USING commits c ON d.id = c.id WHEN MATCHED THEN DELETE", "42501"),
    ("COPY deployments TO '/tmp/leadline-copy.csv'", "42501"),
    ("COPY (SELECT 1) TO '/tmp/leadline-copy.parquet'", "42501"),
    ("COPY (SELECT 1) TO STDOUT", "42501"),
    ("COPY deployments FROM '/etc/passwd'", "42501"),
    ("COPY deployments FROM PROGRAM 'id'", "42501"),
    ("WITH x AS (INSERT INTO deployments (id) VALUES ('x') RETURNING id) SELECT * FROM x", "42501"),
    ("WITH x AS (DELETE FROM deployments RETURNING id) SELECT * FROM x", "42501"),
    ("WITH x AS (UPDATE deployments SET id = 'x' RETURNING id) SELECT * FROM x", "42501"),
    ("SELECT * INTO y FROM deployments", "42501"),
    ("SELECT * FROM deployments FOR UPDATE", "42501"),
    ("EXPLAIN INSERT INTO deployments (id) VALUES ('x')", "42501"),
    ("EXPLAIN ANALYZE INSERT INTO deployments SELECT * FROM deployments", "42501"),
    ("EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/leadline-copy.csv'", "42501"),
    ("EXPLAIN (ANALYZE) DELETE FROM deployments", "42501"),
    ("SELECT * FROM '/etc/passwd'", "42P01"),
    ("SELECT * FROM \"file:///etc/passwd\"", "42P01"),
    ("SELECT * FROM read_csv('/etc/passwd')", "42000"),
    ("SELECT * FROM read_parquet('/etc/passwd')", "42000"),
    ("SELECT pg_read_file('/etc/passwd')", "42883"),
    ("SELECT lo_import('/etc/passwd')", "42883"),
    ("SELECT pg_ls_dir('/')", "42883"),
    ("SET datafusion.execution.batch_size = 1", "42704"),
    ("SET datafusion.runtime.memory_limit = '100G'", "42704"),
    ("SET ROLE admin", "42501"),
    ("SET SESSION AUTHORIZATION admin", "42501"),
    ("SET is_superuser = on", "42501"),
    ("PREPARE p AS INSERT INTO deployments (id) VALUES ('x')", "42501"),
    ("EXECUTE p", "42501"),
    ("DO 'BEGIN END'", "42601"),
    ("CALL f()", "42501"),
    ("LISTEN x", "42501"),
    ("NOTIFY x", "42501"),
    ("GRANT ALL ON deployments TO PUBLIC", "42501"),
    ("VACUUM", "42501"),
    ("ANALYZE deployments", "42501"),
    ("LOAD 'x'", "42501"),
    ("LOCK TABLE deployments", "42501"),
];

#[test]
fn nothing_but_reading_by_the_simple_protocol() {
    let server = serving();
    fill(&server);
    let before = rows(&server, "leadline", &["SELECT count(*) FROM deployments"]);
    for (statement, code) in REFUSED {
        let said = error(&server, statement);
        assert!(said.contains(code), "{statement}: {said}");
    }
    // The whole message is refused: what stands before is not done either.
    for statements in ["SELECT 1; DROP TABLE deployments", "BEGIN; INSERT INTO deployments (id) VALUES ('x'); COMMIT"] {
        let said = psql(&server, "leadline", READ, &[statements]);
        assert!(!said.ok && said.out.is_empty() && said.err.contains("42501"), "{} {}", said.out, said.err);
    }
    assert_eq!(rows(&server, "leadline", &["SELECT count(*) FROM deployments"]), before);
    assert!(!std::path::Path::new("/tmp/leadline-copy.csv").exists());
    assert!(!std::path::Path::new("/tmp/leadline-copy.parquet").exists());
}

#[test]
fn nothing_but_reading_by_the_extended_protocol() {
    let server = serving();
    fill(&server);
    let list: Vec<&str> = REFUSED.iter().map(|(statement, _)| *statement).collect();
    let script = format!(
        r#"
import json, os, psycopg
statements = json.loads({list:?})
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline", autocommit=True)
print(c.execute("SELECT count(*) FROM deployments", prepare=True).fetchone()[0])
for s in statements:
    answer = c.pgconn.exec_params(s.encode(), [])
    print((answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"none").decode())
answer = c.pgconn.prepare(b"", b"SELECT 1; SELECT 2")
print(answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode())
print(c.execute("SELECT count(*) FROM deployments", prepare=True).fetchone()[0])
"#,
        list = serde_json::to_string(&list).expect("JSON")
    );
    let said = python(&server, &script).rows();
    let codes = REFUSED.iter().map(|(_, code)| (*code).to_owned());
    let wanted: Vec<String> =
        ["21".to_owned()].into_iter().chain(codes).chain(["42601".to_owned(), "21".to_owned()]).collect();
    assert_eq!(said, wanted);
}

#[test]
fn what_clients_send_beside_queries_is_answered() {
    let server = serving();
    let wanted = ["on", "public", "examples", "1", "UTC", "read committed", "2", "public"];
    let said = rows(
        &server,
        "leadline",
        &[
            "SHOW standard_conforming_strings",
            "SHOW search_path",
            "SET search_path TO examples; SELECT current_schema()",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "SELECT 1",
            "COMMIT",
            "SET TIME ZONE 'UTC'",
            "SHOW TIME ZONE",
            "SHOW TRANSACTION ISOLATION LEVEL",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "SET extra_float_digits = 3",
            "SET application_name TO 'a tool'",
            "SAVEPOINT a",
            "RELEASE SAVEPOINT a",
            "VALUES (2)",
            "CLOSE ALL",
            "UNLISTEN *",
            "DEALLOCATE ALL",
            "DISCARD ALL",
            "SHOW search_path",
        ],
    );
    assert_eq!(said, wanted);
    let plan =
        rows(&server, "leadline", &["EXPLAIN SELECT count(*) FROM deployments", "EXPLAIN (ANALYZE, BUFFERS) SELECT 1"]);
    assert!(
        plan.iter().any(|line| line.contains("logical_plan"))
            && plan.iter().any(|line| line.contains("Plan with Metrics")),
        "{plan:?}"
    );
}
