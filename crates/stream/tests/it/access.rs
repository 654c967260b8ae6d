//! Tokens, passwords and TLS, from files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use async_nats::ConnectOptions;
use stream::{Consumer, Error, Settings};

use crate::journal::Journal;
use crate::nats::{Nats, make, publish};
use crate::{Running, eventually, now};

const EVENT: &str = r#"{"type":"tag","repo":"shop","name":"v1","sha":"abc"}"#;

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn is_taken(settings: Settings) {
    let journal = Arc::new(Journal::default());
    let running = Running::start(settings, &journal);
    eventually("it is kept", async || running.counts.kept() == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn by_a_token_in_a_file() {
    let nats = Nats::start_with(&["--auth", "s3cret"]);
    let context = nats.context_by(ConnectOptions::with_token("s3cret".to_owned())).await;
    make(&context).await;
    publish(&context, "leadline.events", &[], EVENT).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = Some(file(folder.path(), "token", "s3cret\n"));
    is_taken(Settings { token_file, ..nats.settings() }).await;
    // With another one it goes on trying, and stops when it is told to.
    let running = Running::start(Settings { token: Some("other".to_owned()), ..nats.settings() }, &Arc::default());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!running.counts.attached());
    running.stop().await;
}

#[tokio::test]
async fn by_a_password_in_a_file_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .expect("openssl, which `make setup` installs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let options = ["--tls", "--tlscert", &certificate, "--tlskey", &key, "--user", "leadline", "--pass", "s3cret"];
    let nats = Nats::start_with(&options);
    let known = ConnectOptions::with_user_and_password("leadline".to_owned(), "s3cret".to_owned())
        .add_root_certificates(certificate.clone().into());
    let context = nats.context_by(known).await;
    make(&context).await;
    publish(&context, "leadline.events", &[], EVENT).await;
    let trusted = Settings {
        tls: true,
        ca_file: Some(certificate.into()),
        user: Some("leadline".to_owned()),
        password_file: Some(file(folder.path(), "password", "s3cret\n")),
        ..nats.settings()
    };
    // Whom nobody vouches for is not talked to.
    let running = Running::start(Settings { ca_file: None, ..trusted.clone() }, &Arc::default());
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(!running.counts.attached());
    running.stop().await;
    is_taken(trusted).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let settings = Settings { stream: "S".to_owned(), ..Settings::default() };
    let some = || Some(PathBuf::from("/nowhere/secret"));
    for (settings, key) in [
        (Settings { token_file: some(), ..settings.clone() }, "token_file"),
        (Settings { credentials_file: some(), ..settings.clone() }, "credentials_file"),
        (Settings { nkey_file: some(), ..settings.clone() }, "nkey_file"),
        (Settings { ca_file: some(), ..settings.clone() }, "ca_file"),
    ] {
        let consumer = Consumer::new(settings, sources::find).unwrap();
        let error = consumer.run(&Journal::default(), now, std::future::pending()).await.unwrap_err();
        assert!(matches!(&error, Error::File { key: found, .. } if *found == key), "{error}");
        assert!(error.to_string().contains("/nowhere/secret cannot be read: "), "{error}");
    }
}
