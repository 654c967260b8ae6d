//! Who comes in, and over what.

use std::process::Command;
use std::time::Duration;

use server::{Config, SqlConfig};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{Said, psql, python, rows, run, serving, serving_with};
use crate::support::{ADMIN, INGEST, READ, Running};

#[test]
fn a_token_that_may_read_is_the_password_and_others_are_refused_slowly() {
    let server = serving();
    for secret in [READ, ADMIN] {
        assert_eq!(psql(&server, "leadline", secret, &["SELECT 1"]).rows(), ["1"]);
    }
    let started = Instant::now();
    let unknown = psql(&server, "leadline", "ll_nobody-0123456789", &["SELECT 1"]);
    assert!(!unknown.ok && unknown.err.contains("password authentication failed"), "{}", unknown.err);
    assert!(started.elapsed() >= Duration::from_millis(900), "it was answered at once");
    let sender = psql(&server, "leadline", INGEST, &["SELECT 1"]);
    assert!(
        !sender.ok && sender.err.contains("lacks the scope `read`") && !sender.err.contains(INGEST),
        "{}",
        sender.err
    );
    let none = psql(&server, "leadline", "", &["SELECT 1"]);
    assert!(!none.ok, "{}", none.out);
    let nowhere = psql(&server, "nowhere", READ, &["SELECT 1"]);
    assert!(nowhere.err.contains("there are leadline"), "{}", nowhere.err);
    // Without a database, psql names the user's.
    assert_eq!(rows(&server, "somebody", &["SELECT current_database()"]), ["leadline"]);
}

#[test]
fn codes_of_refused_logins_and_an_end_to_guessing() {
    let server = serving();
    let script = r#"
import os, psycopg, time
def code(**more):
    try:
        psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", **{"dbname": "leadline", "password": os.environ["TOKEN"], **more})
        return "in"
    except psycopg.OperationalError as e:
        return "28P01" if "password authentication" in str(e) else "wait" if "too often" in str(e) else "3D000" if "does not exist" in str(e) else str(e)
print(code(), code(dbname="x"), code(password="wrong"))
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(10) as pool:
    print(*sorted(set(pool.map(lambda n: code(password="wrong" + str(n)), range(9)))))
print(code(password="wrong"), code())
"#;
    let said = python(&server, script).rows();
    // After ten failures the right one has to wait as well.
    assert_eq!(said, ["in 3D000 28P01", "28P01", "wait wait"]);
}

#[test]
fn a_revoked_token_ends_what_it_opened() {
    let server = serving();
    let made =
        server.admin("POST", "/api/v1/tokens", "application/json", r#"{"name":"bi","scopes":["read"]}"#).expect(201);
    let secret = made["token"].as_str().expect("a secret").to_owned();
    let url = server.url("/api/v1/tokens/bi");
    let script = format!(
        r#"
import os, psycopg, time, urllib.request
c = psycopg.connect(host="127.0.0.1", port=os.environ["PORT"], user="me", password="{secret}", dbname="leadline", autocommit=True)
print(c.execute("SELECT 1").fetchone()[0])
urllib.request.urlopen(urllib.request.Request("{url}", method="DELETE", headers={{"authorization": "Bearer {ADMIN}"}})).read()
time.sleep(10.5)
try:
    c.execute("SELECT 1")
except psycopg.OperationalError as e:
    print("revoked" in str(e))
"#
    );
    assert_eq!(python(&server, &script).rows(), ["1", "True"]);
}

/// A certificate of its own for `localhost`.
fn certificate() -> (TempDir, SqlConfig) {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let said = run(Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    assert!(said.ok, "{}", said.err);
    (folder, SqlConfig { tls_certificate_file: certificate, tls_key_file: key, ..SqlConfig::default() })
}

fn over(server: &Running, options: &str) -> Said {
    let port = server.sql.expect("a port").port();
    let target = format!("host=localhost port={port} user=me dbname=leadline connect_timeout=20 {options}");
    run(Command::new("psql").args(["-X", "-A", "-t", "-d", &target, "-c", "SELECT 1"]).env("PGPASSWORD", READ))
}

#[test]
fn tls_is_spoken_and_its_certificate_checked() {
    let (folder, sql) = certificate();
    let server = serving_with(sql);
    let root = folder.path().join("certificate.pem");
    let checked = over(&server, &format!("sslmode=verify-full sslrootcert={}", root.display()));
    assert_eq!(checked.rows(), ["1"]);
    assert_eq!(over(&server, "sslmode=require").rows(), ["1"]);
    // From this machine it may be in the open.
    assert_eq!(over(&server, "sslmode=disable").rows(), ["1"]);
    let plain = serving();
    assert!(!over(&plain, "sslmode=require").ok);
    // What is sent before TLS begins is not taken for what came within.
    let port = server.sql.expect("a port").port();
    let script = format!(
        r#"
import socket, struct
s = socket.create_connection(("127.0.0.1", {port}), 10)
s.settimeout(20)
startup = b"user\0x\0database\0leadline\0\0"
s.sendall(struct.pack("!ii", 8, 80877103) + struct.pack("!ii", 8 + len(startup), 196608) + startup)
print(s.recv(1))
try:
    print(s.recv(1))
except (ConnectionResetError, TimeoutError) as e:
    print(type(e).__name__)
"#
    );
    let said = python(&server, &script).rows();
    assert!(said.len() == 2 && said[0] == "b'S'" && said[1] != "TimeoutError", "{said:?}");
}

#[test]
fn without_tls_nothing_but_loopback_is_listened_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("leadline.toml");
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:5433"] {
        std::fs::write(&file, format!("[sql]\nlisten = {listen:?}\n")).expect("a file");
        let error = Config::load(Some(&file)).expect_err(listen).to_string();
        assert!(error.contains("sql.tls_certificate_file") && error.contains("127.0.0.1"), "{error}");
    }
    std::fs::write(&file, "[sql]\nlisten = \"localhost:5433\"\n").expect("a file");
    assert!(Config::load(Some(&file)).is_ok());
    assert_eq!(Config::default().sql.listen, "", "there is no port unless asked for");
}

#[test]
fn there_is_no_start_on_an_open_network_whoever_asks_for_it() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for (sql, wanted) in [
        (SqlConfig { listen: "0.0.0.0:0".to_owned(), ..SqlConfig::default() }, "sql.tls_certificate_file"),
        (
            SqlConfig {
                listen: "127.0.0.1:0".to_owned(),
                tls_certificate_file: "/nowhere/certificate.pem".into(),
                tls_key_file: "/nowhere/key.pem".into(),
                ..SqlConfig::default()
            },
            "/nowhere/certificate.pem",
        ),
    ] {
        let mut config = Config { sql, ..Config::default() };
        config.server.listen = "127.0.0.1:0".to_owned();
        let error = runtime.block_on(async {
            let store = store::Store::open(store::Location::Memory, server::interpreter()).expect("a store");
            server::Server::start(config, store).await.map(|_| ()).expect_err("a refusal").to_string()
        });
        assert!(error.contains(wanted), "{error}");
    }
}
