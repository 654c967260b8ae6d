"""Asks Leadline, DuckDB and PostgreSQL the same questions about the same data, in one run.

    python run.py --leadline target/release/leadline --data FOLDER --size 1m

Answers are compared first; times mean nothing while they differ. See README.md.
"""

import argparse
import csv
import json
import math
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import psycopg

import base
from cluster import Cluster

HERE = Path(__file__).resolve().parent
# In the order of the articles; the first one is asked of the base tables and of DuckDB alone.
BASE = "headline"
RAW = ["rex_lead_time", "rex_frequency", "rex_failure_rate", "rex_restore", "examples_failure_rate"]
STATISTICS = ["value", "mean", "min", "max", "p50", "p75", "p90", "p95", "p99"]
# Two ways to sum the same doubles differ in their last bits.
TOLERANCE = 1e-9
TABLES = {
    "deployments": "deployment_id text, product_id text, component_name text, instance text, environment text, "
    "status text, git_tag text, is_config_only boolean, is_rollback boolean, is_hotfix boolean, "
    "deployment_timestamp timestamptz",
    "git_commits": "component_name text, sha text, tag text, commit_timestamp timestamptz",
    "incidents": "incident_id text, product_id text, status text, created_timestamp timestamptz, "
    "started_timestamp timestamptz, detected_timestamp timestamptz, resolved_timestamp timestamptz",
}
INDEXES = [
    "CREATE INDEX ON deployments (product_id, deployment_timestamp)",
    "CREATE INDEX ON deployments (component_name, git_tag)",
    "CREATE INDEX ON deployments (deployment_timestamp)",
    "CREATE INDEX ON git_commits (component_name, tag)",
    "CREATE INDEX ON incidents (product_id, created_timestamp)",
    "CREATE INDEX ON incidents (product_id, started_timestamp)",
    "CREATE INDEX ON incidents (started_timestamp)",
]


class TooLong(Exception):
    """A question was not answered within the limit."""


def note(text):
    print(text, file=sys.stderr, flush=True)


def rounds_of(first, rounds):
    """How often a question is asked again: what takes long is asked seldom."""
    return 0 if first > 60 else 2 if first > 10 else rounds


def timed(ask, rounds):
    """An answer, and how long it took each time after the first, which warms caches up."""
    started = time.perf_counter()
    answer = ask()
    first = time.perf_counter() - started
    times = []
    for _ in range(rounds_of(first, rounds)):
        started = time.perf_counter()
        ask()
        times.append(time.perf_counter() - started)
    return answer, times or [first]


class DuckDB:
    """In this process, on the files."""

    name = "DuckDB"

    def __init__(self, folder, threads, limit):
        self.limit = limit
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'")
        self.version = duckdb.__version__
        self.folder = folder

    def prepare_raw(self):
        for table, columns in TABLES.items():
            parquet = self.folder / "raw" / f"{table}.parquet"
            if not parquet.exists():
                names = dict(column.strip().split(" ") for column in columns.split(","))
                shape = ", ".join(f"'{name}': '{kind}'" for name, kind in names.items())
                source = self.folder / "raw" / f"{table}.csv"
                unfinished = parquet.with_suffix(".part")
                self.connection.execute(
                    f"COPY (FROM read_csv('{source}', header = true, columns = {{{shape}}})) "
                    f"TO '{unfinished}' (FORMAT parquet, COMPRESSION zstd)"
                )
                unfinished.rename(parquet)
            self.connection.execute(f"CREATE OR REPLACE VIEW {table} AS FROM read_parquet('{parquet}')")

    def prepare_base(self):
        products = self.folder / "raw" / "products.csv"
        self.connection.execute(f"CREATE OR REPLACE TABLE products AS FROM read_csv('{products}', header = true)")
        for table in ["deployments", "commits"]:
            files = base.files(self.connection, self.folder / "warehouse" / table)
            listed = ", ".join(f"'{path}'" for path in files)
            self.connection.execute(f"CREATE OR REPLACE VIEW {table} AS FROM read_parquet([{listed}])")

    def ask(self, question):
        text = (HERE / "sql" / f"{question}.duckdb.sql").read_text()
        cursor = self.connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        alarm = threading.Timer(self.limit, cursor.interrupt)
        alarm.start()
        try:
            result = cursor.execute(text)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row)) for row in result.fetchall()]
        except duckdb.InterruptException as interrupted:
            raise TooLong from interrupted
        finally:
            alarm.cancel()


class PostgreSQL:
    """A server of our own."""

    name = "PostgreSQL"

    def __init__(self, cluster, folder, limit):
        self.cluster = cluster
        self.folder = folder
        self.limit = limit
        self.connection = psycopg.connect(
            host=str(cluster.socket), user="postgres", dbname="postgres", autocommit=True
        )
        self.connection.execute(f"SET statement_timeout = {int(limit * 1000)}")
        self.version = self.connection.execute("SHOW server_version").fetchone()[0]

    def prepare_raw(self):
        for table, columns in TABLES.items():
            self.cluster.psql(f"CREATE UNLOGGED TABLE {table} ({columns})")
            with (self.folder / "raw" / f"{table}.csv").open() as file:
                self.cluster.psql(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)", stdin=file)
        for index in INDEXES:
            self.cluster.psql(index)
        self.cluster.psql("VACUUM ANALYZE")

    def ask(self, question):
        text = (HERE / "sql" / f"{question}.postgres.sql").read_text()
        try:
            cursor = self.connection.execute(text)
        except psycopg.errors.QueryCanceled as cancelled:
            raise TooLong from cancelled
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def numbers(rows, metrics=None):
    """Answers by node, start and metric; nodes without rows are left out, for a query has no group for them."""
    found = {}
    for row in rows:
        if int(row["n"]) == 0:
            continue
        metric = row.get("metric") or (metrics and metrics[0])
        values = {"n": int(row["n"])}
        for name in STATISTICS:
            value = row.get(name)
            if value not in (None, ""):
                values[name] = float(value)
        found[(row["from"], row["node"], metric)] = values
    return found


def differences(ours, theirs):
    """What they say otherwise. What only one side computes, such as the value of a parent, is not compared."""
    told = []
    levels = {node.split(":")[0] for (_, node, _) in theirs}
    ours = {key: values for key, values in ours.items() if key[1].split(":")[0] in levels}
    for key in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None:
            told.append(f"{key}: {left} / {right}")
            continue
        for name in right:
            a, b = left.get(name), right[name]
            if a is None or not math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-9):
                told.append(f"{key} {name}: {a} / {b}")
    return told


def leadline(arguments, stage):
    """Runs a stage of `leadline bench` in the same folder."""
    command = [arguments.leadline, "bench", "--only", stage, "--size", arguments.size, "--seed", str(arguments.seed)]
    command += ["--data", str(arguments.data), "--output", str(arguments.data / "stage.json")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def compare(peer, questions, arguments, ours, spent):
    """Asks a peer, compares, and gives a row for each question."""
    rows = []
    for question in questions:
        if question not in spent:
            note(f"  {question:24} Leadline did not answer: see what its stage `queries` said")
            continue
        own = statistics.median(spent[question]) / 1e3
        row = {"question": question, "peer": peer.name, "leadline_s": own}
        try:
            answer, times = timed(lambda: peer.ask(question), arguments.rounds)
            metric = next(iter(ours[question]))[2]
            told = differences(ours[question], numbers(answer, [metric]))
            compared = len(numbers(answer, [metric]))
            row |= {"peer_s": statistics.median(times), "times_s": times, "differences": len(told), "compared": compared}
            for line in told[:5]:
                note(f"  {question}, {peer.name}: Leadline / {peer.name}: {line}")
        except TooLong:
            row |= {"peer_s": float(arguments.limit), "too_long": True, "differences": 0, "compared": 0}
        row["ratio"] = row["peer_s"] / own
        rows.append(row)
        over = "over " if row.get("too_long") else ""
        verdict = f"{row['differences']} differences" if row["differences"] else f"{row['compared']} rows equal"
        note(
            f"  {question:24} Leadline {own:9.3f} s   {peer.name} {over}{row['peer_s']:9.3f} s   "
            f"{row['ratio']:8.1f} times   {verdict if not over else 'not compared'}"
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leadline", required=True, help="the binary")
    parser.add_argument("--data", type=Path, required=True, help="folder of `leadline bench`")
    parser.add_argument("--size", default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=float, default=900, help="seconds a question may take")
    parser.add_argument("--keep-leadline", action="store_true", help="take the times of the last run of its stages")
    parser.add_argument("--without-postgres", action="store_true")
    parser.add_argument("--base-only", action="store_true", help="only the question of the base tables, to DuckDB")
    parser.add_argument("--output", type=Path, help="JSON file; peers.json in the folder when left out")
    arguments = parser.parse_args()
    arguments.data = arguments.data.resolve()

    times = arguments.data / "answers" / "times.json"
    if not (arguments.keep_leadline and times.exists()):
        note("Leadline: its answers and times")
        leadline(arguments, "queries")
    if not arguments.base_only and not (arguments.data / "raw" / "products.csv").exists():
        note("the same data without links")
        leadline(arguments, "raw")
    spent = json.loads(times.read_text())
    ours = {}
    asked = [BASE] if arguments.base_only else [BASE, *RAW]
    for question in [question for question in asked if question in spent]:
        with (arguments.data / "answers" / f"{question}.csv").open() as file:
            ours[question] = numbers(csv.DictReader(file))

    rows, versions = [], {}
    duck = DuckDB(arguments.data, arguments.threads, arguments.limit)
    versions["DuckDB"] = duck.version
    if (arguments.data / "warehouse" / "deployments" / "_delta_log").exists():
        note(f"DuckDB {duck.version} on the base tables")
        duck.prepare_base()
        rows += compare(duck, [BASE], arguments, ours, spent)
    else:
        note("there are no base tables in the folder: the first question is not asked")
    if not arguments.base_only:
        note(f"DuckDB {duck.version} on tables without links")
        duck.prepare_raw()
        rows += compare(duck, RAW, arguments, ours, spent)
    if not (arguments.without_postgres or arguments.base_only):
        with Cluster(arguments.data / "postgres") as cluster:
            postgres = PostgreSQL(cluster, arguments.data, arguments.limit)
            versions["PostgreSQL"] = postgres.version
            note(f"PostgreSQL {postgres.version} on tables without links; loading")
            postgres.prepare_raw()
            rows += compare(postgres, RAW, arguments, ours, spent)

    totals = {}
    for peer in versions:
        of = [row for row in rows if row["peer"] == peer and row["question"] in RAW]
        if of:
            own, theirs = sum(row["leadline_s"] for row in of), sum(row["peer_s"] for row in of)
            totals[peer] = theirs / own
            print(f"{peer}: {theirs / own:.1f} times as long as Leadline for the printed queries together, "
                  f"at least {min(row['ratio'] for row in of):.1f} times for each")
    for row in rows:
        if row["question"] == BASE:
            print(f"Leadline takes {1 / row['ratio']:.2f} of the time of {row['peer']} for all statistics at every level")
    output = arguments.output or arguments.data / "peers.json"
    output.write_text(json.dumps({"size": arguments.size, "versions": versions, "rows": rows, "totals": totals}, indent=1))
    if len(spent) < 1 + len(RAW):
        raise SystemExit("some questions were not answered")
    if any(row["differences"] for row in rows):
        raise SystemExit("answers differ: the times mean nothing")


if __name__ == "__main__":
    main()
