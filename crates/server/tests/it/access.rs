//! Who may do what, with a token in one of three ways.

use base64::Engine as _;
use serde_json::json;
use server::{Config, IngestConfig, ReadConfig};

use crate::support::{ADMIN, INGEST, READ, start, start_with};

const EVENT: &str = r#"{"type":"tag","repo":"r","name":"v1","sha":"abc"}"#;

#[test]
fn a_token_comes_in_three_ways() {
    let server = start();
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("x:{INGEST}")));
    let bearer = format!("bearer {INGEST}");
    for header in [&bearer, &basic] {
        assert_eq!(server.send("POST", "/api/v1/events", &[("authorization", header)], EVENT.as_bytes()).status, 202);
    }
    assert_eq!(server.send("POST", &format!("/t/{INGEST}/api/v1/events"), &[], EVENT.as_bytes()).status, 202);
    assert_eq!(server.send("GET", &format!("/t/{READ}/api/v1/bands"), &[], b"").status, 200);
}

#[test]
fn no_token_a_wrong_one_and_one_without_the_scope_are_told_apart() {
    let server = start();
    let none = server.send("POST", "/api/v1/events", &[], EVENT.as_bytes());
    assert_eq!((none.status, none.json()["code"].as_str()), (401, Some("unauthenticated")));
    assert!(none.header("www-authenticate").is_some());
    for wrong in ["Bearer nobody", "Basic !!!", "Digest x", "Bearer"] {
        let answer = server.send("POST", "/api/v1/events", &[("authorization", wrong)], EVENT.as_bytes());
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("unauthenticated")), "{wrong}");
    }
    let reader = format!("Bearer {READ}");
    let answer = server.send("POST", "/api/v1/events", &[("authorization", &reader)], EVENT.as_bytes());
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("forbidden")));
    assert!(
        answer.json()["message"].as_str().is_some_and(|message| message.contains("ingest") && !message.contains(READ))
    );
    assert_eq!(server.send("PUT", "/api/v1/catalogue", &[("authorization", &reader)], b"{}").status, 403);
    assert_eq!(server.send("GET", "/api/v1/tree", &[], b"").status, 401);
    assert_eq!(server.send("GET", "/healthz", &[], b"").status, 200);
    assert_eq!(server.send("GET", "/readyz", &[], b"").status, 200);
}

#[test]
fn named_networks_need_no_token_and_only_where_they_are_named() {
    let loopback = vec!["127.0.0.0/8".parse().expect("a network")];
    let config = Config {
        ingest: IngestConfig { anonymous_networks: loopback, ..IngestConfig::default() },
        ..Config::default()
    };
    let server = start_with(config);
    assert_eq!(server.send("POST", "/api/v1/events", &[], EVENT.as_bytes()).status, 202);
    assert_eq!(server.send("GET", "/api/v1/tree", &[], b"").status, 401);
    let elsewhere = vec!["10.0.0.0/8".parse().expect("a network")];
    let config = Config { read: ReadConfig { anonymous_networks: elsewhere }, ..Config::default() };
    assert_eq!(start_with(config).send("GET", "/api/v1/tree", &[], b"").status, 401);
}

#[test]
fn tokens_are_made_listed_without_secrets_and_revoked() {
    let server = start();
    let made =
        server.admin("POST", "/api/v1/tokens", "application/json", r#"{"name":"ci","scopes":["ingest"]}"#).expect(201);
    let secret = made["token"].as_str().expect("a secret").to_owned();
    let bearer = format!("Bearer {secret}");
    assert_eq!(server.send("POST", "/api/v1/events", &[("authorization", &bearer)], EVENT.as_bytes()).status, 202);
    let list = server.admin("GET", "/api/v1/tokens", "", "");
    assert!(list.text.contains("\"ci\"") && !list.text.contains(&secret) && !list.text.contains(ADMIN));
    assert_eq!(
        server.admin("POST", "/api/v1/tokens", "application/json", r#"{"name":"ci","scopes":["ingest"]}"#).status,
        422
    );
    assert_eq!(server.admin("DELETE", "/api/v1/tokens/ci", "", "").status, 204);
    assert_eq!(server.admin("DELETE", "/api/v1/tokens/ci", "", "").status, 404);
    assert_eq!(server.send("POST", "/api/v1/events", &[("authorization", &bearer)], EVENT.as_bytes()).status, 401);
}

#[test]
fn the_source_of_an_event_that_names_none_is_the_token() {
    let server = start();
    server.post("/api/v1/events", &json!({"type": "deployment", "id": "1", "component": "c", "environment": "prod", "status": "failed", "finished_at": "2025-01-01T00:00:00Z"})).expect(202);
    assert_eq!(server.get("/api/v1/deployments").expect(200)["deployments"][0]["source"], "sender");
}
