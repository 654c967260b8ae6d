//! GitHub's webhooks to a source with secrets, from the signature to the numbers.

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use server::{Config, OneOrMore, Secret, SourceConfig};
use sha2::Sha256;

use crate::support::{Answer, Running, start, start_with};

const OLD: &str = "the old secret";
const NEW: &str = "the new secret";
const PATH: &str = "/webhooks/acme";

pub(crate) fn signed() -> Running {
    let secret = OneOrMore::More(vec![Secret::new(NEW), Secret::new(OLD)]);
    let named = |name: &str| SourceConfig { name: name.into(), kind: "github".into(), ..SourceConfig::default() };
    start_with(Config {
        sources: vec![SourceConfig { secret, ..named("acme") }, named("unsigned")],
        ..Config::default()
    })
}

pub(crate) fn sign(body: &[u8], secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any secret will do");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

pub(crate) fn deliver(server: &Running, event: &str, id: &str, body: &[u8], signature: &str) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", id),
        ("X-Hub-Signature-256", signature),
    ];
    server.send("POST", PATH, &headers, body)
}

/// As GitHub sends it: with the repository in it, and signed.
pub(crate) fn send(server: &Running, event: &str, id: &str, mut body: Value) -> Value {
    body["repository"] =
        json!({"id": 7, "full_name": "acme/cart", "default_branch": "main", "pushed_at": 1_735_950_000});
    let body = body.to_string();
    deliver(server, event, id, body.as_bytes(), &sign(body.as_bytes(), OLD)).expect(200)
}

pub(crate) fn sha(commit: char) -> String {
    commit.to_string().repeat(40)
}

pub(crate) fn push(before: char, after: char, at: &str) -> Value {
    let commit = json!({"id": sha(after), "timestamp": at, "message": "Sell faster", "distinct": true,
        "author": {"name": "Ada", "email": "ada@example.com"}, "added": [], "removed": [], "modified": ["a.rs"]});
    json!({"ref": "refs/heads/main", "before": sha(before), "after": sha(after), "created": before == '0',
        "forced": false, "commits": [commit], "head_commit": commit})
}

pub(crate) fn deployment(id: u64, commit: char, at: &str) -> Value {
    json!({"id": id, "sha": sha(commit), "ref": "main", "task": "deploy", "environment": "production", "payload": {},
        "creator": {"login": "ada", "type": "User"}, "created_at": at, "updated_at": at})
}

fn status(id: u64, commit: char, asked: &str, state: &str, at: &str) -> Value {
    json!({"action": "created", "deployment": deployment(id, commit, asked),
        "deployment_status": {"id": 9, "state": state, "environment": "production", "created_at": at, "updated_at": at}})
}

fn run(commit: char, at: &str) -> Value {
    json!({"action": "completed", "workflow_run": {"id": 289, "run_attempt": 1, "name": "Deploy", "head_branch": "main",
        "head_sha": sha(commit), "event": "push", "status": "completed", "conclusion": "success",
        "run_started_at": "2025-01-04T11:50:00Z", "created_at": "2025-01-04T11:50:00Z", "updated_at": at}})
}

fn issue(action: &str, at: &str, label: &str, closed: Option<&str>) -> Value {
    json!({"action": action, "label": {"name": "incident"}, "issue": {"number": 7, "title": "Nobody can pay",
        "state": if closed.is_some() { "closed" } else { "open" }, "labels": [{"name": label}],
        "created_at": "2025-01-03T13:00:00Z", "updated_at": at, "closed_at": closed}})
}

/// Two deployments, the second of which fails for three hours; a run that no rule calls a deployment.
fn story() -> Vec<(&'static str, Value)> {
    let (one, two) = ("2025-01-02T11:50:00Z", "2025-01-03T11:50:00Z");
    let asked = |id, commit, at| json!({"action": "created", "deployment": deployment(id, commit, at)});
    vec![
        ("push", push('0', 'a', "2025-01-02T09:00:00+01:00")),
        ("deployment", asked(1, 'a', one)),
        ("deployment_status", status(1, 'a', one, "in_progress", "2025-01-02T11:51:00Z")),
        ("deployment_status", status(1, 'a', one, "success", "2025-01-02T12:00:00Z")),
        ("push", push('a', 'b', "2025-01-03T06:00:00Z")),
        ("deployment", asked(2, 'b', two)),
        ("deployment_status", status(2, 'b', two, "success", "2025-01-03T12:00:00Z")),
        ("issues", issue("opened", "2025-01-03T13:00:00Z", "incident", None)),
        ("issues", issue("closed", "2025-01-03T15:00:00Z", "incident", Some("2025-01-03T15:00:00Z"))),
        ("push", push('b', 'c', "2025-01-04T10:00:00Z")),
        ("workflow_run", run('c', "2025-01-04T12:00:00Z")),
    ]
}

/// Frequency, lead time, failure rate and recovery.
fn numbers(server: &Running) -> [Option<f64>; 4] {
    let path = "/api/v1/metrics?definition=dora&from=2025-01-01T00:00:00Z&to=2025-01-11T00:00:00Z";
    let metrics = server.get(path).expect(200)["metrics"].clone();
    ["deployment_frequency", "lead_time", "change_failure_rate", "failed_deployment_recovery_time"]
        .map(|metric| metrics[metric]["value"].as_f64())
}

fn journal(server: &Running, filter: &str) -> Vec<Value> {
    server.get(&format!("/api/v1/journal?{filter}")).expect(200)["rows"].as_array().cloned().expect("rows")
}

#[test]
fn what_a_repository_sends_gives_the_numbers_in_any_order() {
    let hour = 3_600.0;
    let expected = [Some(0.2), Some(5.0 * hour), Some(0.5), Some(3.0 * hour)];
    for backwards in [false, true] {
        let server = signed();
        let mut story = story();
        if backwards {
            story.reverse();
        }
        for (place, (event, body)) in story.iter().enumerate() {
            assert_eq!(send(&server, event, &format!("d-{place}"), body.clone()), json!({"status": "recorded"}));
        }
        assert_eq!(numbers(&server), expected);
        let rows = journal(&server, "source=acme&limit=100");
        assert_eq!(rows.len(), story.len());
        // The same deliveries again are no news, also when the other secret signs them.
        for (place, (event, body)) in story.iter().enumerate() {
            send(&server, event, &format!("d-{place}"), body.clone());
        }
        assert_eq!((journal(&server, "source=acme&limit=100").len(), numbers(&server)), (story.len(), expected));

        // With a rule the run is a deployment; without it there is none, wherever one asks.
        let rule = "[[rules.workflow_deployments]]\nname = \"Deploy\"\nenvironment = \"production\"\n";
        server.admin("PUT", "/api/v1/catalogue", "application/toml", rule).expect(200);
        assert_eq!(numbers(&server)[..2], [Some(0.3), Some(4.0 * hour)]);
        server.admin("PUT", "/api/v1/catalogue", "application/toml", "").expect(200);
        assert_eq!(numbers(&server), expected);
        assert_eq!(server.get("/api/v1/deployments").expect(200)["deployments"].as_array().map(Vec::len), Some(2));
        // An issue that loses its label was no incident.
        send(&server, "issues", "d-last", issue("unlabeled", "2025-01-04T00:00:00Z", "bug", None));
        assert_eq!(numbers(&server), [Some(0.2), Some(5.0 * hour), Some(0.0), None]);
        assert_eq!(server.get("/api/v1/incidents").expect(200)["incidents"], json!([]));
        assert_eq!(server.get("/api/v1/incidents/acme%2Fcart%237").status, 404);
    }
}

#[test]
fn either_secret_signs_and_a_stranger_is_counted_not_kept() {
    let server = signed();
    let body = b"{\"zen\": \"Keep it logically awesome.\"}";
    for secret in [OLD, NEW] {
        let answer = deliver(&server, "ping", secret.split(' ').nth(1).unwrap_or_default(), body, &sign(body, secret));
        assert_eq!(answer.expect(200), json!({"ignored": "a ping"}));
    }
    assert_eq!(journal(&server, "source=acme").len(), 2);
    let changed = sign(b"{}", NEW);
    for signature in [&sign(body, "another secret"), &changed, "sha256=00", "", "sha1=00"] {
        let answer = deliver(&server, "ping", "x", body, signature);
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("signature_invalid")), "{signature}");
        assert!(!answer.text.contains(&sign(body, NEW)), "{}", answer.text);
    }
    // A token is no signature.
    let answer = server.post(PATH, &json!({}));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("signature_invalid")));
    assert_eq!(server.get("/api/v1/journal").expect(200)["rows"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/api/v1/quality").expect(200)["not_taken"]["signature_invalid"], 6);
    let listed = server.get("/api/v1/sources");
    assert_eq!(
        listed.expect(200)["configured"],
        json!([
            {"name": "acme", "kind": "github", "path": "/webhooks/acme", "signed": true, "signature_invalid": 6, "polling": null},
            {"name": "unsigned", "kind": "github", "path": "/webhooks/unsigned", "signed": false, "signature_invalid": 0, "polling": null},
        ])
    );
    assert!(!listed.text.contains("secret\""), "{}", listed.text);
}

#[test]
fn truncated_and_oversized_bodies_have_their_codes() {
    let mut config = Config::default();
    config.ingest.max_body_bytes = 4_096;
    let source = SourceConfig {
        name: "acme".into(),
        kind: "github".into(),
        secret: OneOrMore::One(Secret::new(OLD)),
        ..SourceConfig::default()
    };
    let server = start_with(Config { sources: vec![source], ..config });
    let whole = push('0', 'a', "2025-01-02T09:00:00Z").to_string();
    let half = &whole.as_bytes()[..whole.len() / 2];
    // Cut on the way: the signature is that of the whole.
    let answer = deliver(&server, "push", "1", half, &sign(whole.as_bytes(), OLD));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("signature_invalid")));
    // Cut before it was signed.
    let answer = deliver(&server, "push", "2", half, &sign(half, OLD));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("malformed_json")));
    let long = vec![b' '; 5_000];
    let answer = deliver(&server, "push", "3", &long, &sign(&long, OLD));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("body_too_large")));
    let refused = journal(&server, "state=refused&source=acme");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["reason"]["code"], "malformed_json");
}

#[test]
fn without_a_secret_a_token_lets_in_and_unknown_names_lead_nowhere() {
    let server = signed();
    let headers = [("content-type", "application/json"), ("x-github-event", "ping")];
    for path in ["/webhooks/unsigned", "/webhooks/github"] {
        let answer = server.send("POST", path, &headers, b"{}");
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("unauthenticated")), "{path}");
        let by_address = format!("/t/{}{path}", crate::support::INGEST);
        assert_eq!(server.send("POST", &by_address, &headers, b"{}").expect(200), json!({"ignored": "a ping"}));
    }
    assert_eq!(journal(&server, "source=unsigned").len(), 1);
    for server in [server, start()] {
        for path in ["/webhooks/nobody", "/webhooks/articles", "/webhooks/native", "/webhooks/"] {
            let answer = server.post(path, &json!({}));
            assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")), "{path}");
        }
    }
}
