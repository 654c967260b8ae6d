//! psql's own commands, Python's drivers, and what Grafana, Metabase and Power BI ask before anybody asks something.

use super::{fill, psql, python, rows, serving};
use crate::support::READ;

#[test]
fn psql_describes_what_there_is() {
    let server = serving();
    fill(&server);
    let said = psql(
        &server,
        "examples",
        READ,
        &["\\d", "\\dt", "\\dv", "\\dn", "\\l", "\\d examples.deployments", "\\d public.deployments"],
    );
    assert!(said.ok, "{}", said.err);
    for part in [
        "deployments|view",
        "deployments|table",
        "lead_time_daily|view",
        "deployed_at|timestamp without time zone",
        "finished_at|timestamp with time zone",
        "commits|bigint",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

#[test]
fn columns_are_named_as_postgresql_names_them() {
    let server = serving();
    let script = r#"
import os, psycopg2
c = psycopg2.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password=os.environ["TOKEN"], dbname="leadline")
cursor = c.cursor()
cursor.execute("SELECT count(*), 1, max(id), finished_at::date, CASE WHEN true THEN 1 END, date_trunc('day', min(finished_at)), id AS \"Id\" FROM deployments GROUP BY id, finished_at")
print(*[d.name for d in cursor.description])
cursor.execute("SELECT count(*) FROM deployments UNION SELECT 1")
print(*[d.name for d in cursor.description])
"#;
    assert_eq!(python(&server, script).rows(), ["count ?column? max finished_at case date_trunc Id", "count"]);
}

#[test]
fn drivers_of_python_by_both_protocols() {
    let server = serving();
    fill(&server);
    let script = r#"
import os, datetime, decimal, psycopg, psycopg2
d = "host=127.0.0.1 user=me dbname=examples port=" + os.environ["PORT"]
since = datetime.datetime(2024, 2, 1)
utc = datetime.timezone.utc
for binary in (False, True):
    with psycopg.connect(d, password=os.environ["TOKEN"]) as c, c.cursor(binary=binary) as cursor:
        cursor.execute("SELECT deployed_at, is_rollback, service, deployed_at - deployed_at, 100.0 * 1 / 4, count(*) OVER (), NULL FROM deployments WHERE service = %s AND deployed_at >= %s ORDER BY 1 LIMIT 1", ("api", since))
        print(cursor.fetchone() == (datetime.datetime(2024, 2, 10, 12, 30), False, "api", datetime.timedelta(0), decimal.Decimal("25"), 5, None))
        cursor.execute("SELECT finished_at, counted FROM public.deployments WHERE finished_at = %s", (datetime.datetime(2024, 2, 10, 12, 30, tzinfo=utc),))
        print(cursor.fetchall() == [(datetime.datetime(2024, 2, 10, 12, 30, tzinfo=utc), True)] * 2)
        # Prepared once, asked often.
        print({cursor.execute("SELECT count(*) FROM deployments WHERE service <> %s", ("x",), prepare=True).fetchone() for _ in range(8)} == {(21,)})
        print(len(cursor.execute("SELECT * FROM generate_series(1, 30000)").fetchall()))
with psycopg.connect(d, password=os.environ["TOKEN"]) as c:
    try:
        c.execute("SELECT nothing FROM deployments")
    except psycopg.Error as e:
        print(e.sqlstate)
    try:
        c.execute("SELECT 1")
    except psycopg.Error as e:
        print(e.sqlstate)
    c.rollback()
    print(c.execute("SELECT 1").fetchone()[0])
    with c.transaction(), c.transaction():
        print(c.execute("SELECT %s::int + 1", (41,)).fetchone()[0])
c = psycopg2.connect(d, password=os.environ["TOKEN"])
cursor = c.cursor()
cursor.execute("SELECT service, count(*) FROM deployments WHERE service = ANY(%s) GROUP BY 1 ORDER BY 1", (["cart", "till"],))
print(cursor.fetchall())
"#;
    let said = python(&server, script).rows();
    let each = ["True", "True", "True", "30000"];
    let wanted: Vec<&str> =
        each.iter().chain(&each).copied().chain(["42703", "25P02", "1", "42", "[('cart', 6), ('till', 5)]"]).collect();
    assert_eq!(said, wanted);
}

#[test]
fn a_pool_lends_connections_again() {
    let server = serving();
    let script = r#"
import asyncio, asyncpg, os
async def main():
    async with asyncpg.create_pool(host="127.0.0.1", port=int(os.environ["PORT"]), user="me", password=os.environ["TOKEN"], database="leadline", min_size=1, max_size=1) as pool:
        for _ in range(3):
            async with pool.acquire() as c, c.transaction():
                print(await c.fetchval("SELECT $1::int + count(*) FROM deployments", 1))
asyncio.run(main())
"#;
    assert_eq!(python(&server, script).rows(), ["1", "1", "1"]);
}

/// Grafana's: what its PostgreSQL data source and query builder send.
const GRAFANA: &[&str] = &[
    "SELECT current_setting('server_version_num')::int/100 as version",
    "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
    "SELECT quote_ident(table_name) AS \"table\" FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog') ORDER BY 1",
    "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM information_schema.columns WHERE quote_ident(table_name) = 'deployments' AND quote_ident(table_schema) = 'public'",
    // $__timeGroupAlias(finished_at, '1d'), $__timeFilter(finished_at)
    "SELECT floor(extract(epoch from finished_at)/86400)*86400 AS \"time\", count(*) AS deployments FROM deployments WHERE finished_at BETWEEN '2024-01-01T00:00:00Z' AND '2024-12-31T23:59:59Z' GROUP BY 1 ORDER BY 1",
    // $__timeGroup(finished_at, '1h', 0), $__unixEpochFilter(extract(epoch from finished_at))
    "SELECT floor(extract(epoch from finished_at)/3600)*3600 AS \"time\", component AS metric, avg(first_delay_s_started_product) AS value FROM deployments WHERE extract(epoch from finished_at) >= 1704067200 AND extract(epoch from finished_at) <= 1735689599 GROUP BY 1, 2 ORDER BY 1, 2",
    // $__time(finished_at), $__timeFrom(), $__timeTo(), a variable with several values
    "SELECT finished_at AS \"time\", component AS text, version AS tags FROM deployments WHERE finished_at >= '2024-01-01T00:00:00Z' AND finished_at <= '2024-12-31T23:59:59Z' AND product IN ('shop','till') ORDER BY 1 LIMIT 50",
    "SELECT DISTINCT product FROM deployments ORDER BY 1",
];

/// Metabase's, DBeaver's and Npgsql's (Power BI): how tables, columns and types are looked for.
const TOOLS: &[&str] = &[
    "SET extra_float_digits = 2",
    "SET application_name = 'Metabase v0.55.1'",
    "SHOW TRANSACTION ISOLATION LEVEL",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    "SELECT nspname AS \"TABLE_SCHEM\", current_database() AS \"TABLE_CATALOG\" FROM pg_catalog.pg_namespace WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_') ORDER BY \"TABLE_SCHEM\"",
    "SELECT n.nspname AS schema, c.relname AS name, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'f', 'm') ORDER BY 1, 2",
    "SELECT a.attname, a.attnum, t.typname, a.attnotnull FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON a.attrelid = c.oid JOIN pg_catalog.pg_type t ON a.atttypid = t.oid WHERE c.relname = 'commits' AND a.attnum > 0",
    "SELECT current_schema(), session_user",
    "SELECT version()",
    "SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_type IN ('BASE TABLE', 'VIEW') AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    "SELECT column_name, ordinal_position, is_nullable, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'deployments' ORDER BY 2",
    "SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.typelem FROM pg_type AS t JOIN pg_namespace AS ns ON ns.oid = t.typnamespace WHERE t.typtype IN ('b', 'r', 'm', 'e', 'd')",
    "DISCARD ALL",
];

#[test]
fn what_dashboards_and_tools_ask_is_answered() {
    let server = serving();
    fill(&server);
    for statement in GRAFANA.iter().chain(TOOLS) {
        let said = psql(&server, "leadline", READ, &[statement]);
        assert!(said.ok, "{statement}: {}", said.err);
    }
    let series = rows(&server, "leadline", &[GRAFANA[4]]);
    assert_eq!((series.len(), series[0].as_str()), (6, "1704844800.0|1"));
    let columns = rows(&server, "leadline", &[GRAFANA[3]]);
    assert!(columns.iter().any(|row| row.starts_with("finished_at|")), "{columns:?}");
    assert_eq!(
        rows(&server, "examples", &["SELECT count(*) FROM information_schema.tables WHERE table_schema = 'examples'"]),
        ["2"]
    );
}
