//! A source's past, read by the server from a GitHub of this machine.

#[expect(dead_code, reason = "other crates' tests use the rest")]
#[path = "../../../sources/tests/it/backfill/hub.rs"]
pub(crate) mod hub;
#[expect(dead_code, reason = "other crates' tests use the rest")]
#[path = "../../../sources/tests/it/backfill/story.rs"]
pub(crate) mod story;

use std::time::Duration;

use serde_json::{Value, json};
use server::{Config, OneOrMore, Secret, SourceConfig};
use store::Location;

use self::hub::{Data, Fault, Hub, TOKEN};
use self::story::{Step, Story};
use crate::contract::breaches;
use crate::github::sign;
use crate::support::{INGEST, READ, Running, start_at, start_with};

const PATH: &str = "/api/v1/sources/acme/backfill";
const SECRET: &str = "a secret of the webhooks";

pub(crate) const DAY: &[Step] =
    &[Step::Deploy("success"), Step::Squash(2), Step::Deploy("success"), Step::Tag, Step::Incident(true)];

pub(crate) fn config(hub: &Hub) -> Config {
    let source = SourceConfig {
        name: "acme".into(),
        kind: "github".into(),
        secret: OneOrMore::One(Secret::new(SECRET)),
        api_url: Some(hub.url()),
        token: Some(Secret::new(TOKEN)),
        repositories: vec!["acme/cart".into()],
        ..SourceConfig::default()
    };
    let bare = SourceConfig { name: "bare".into(), kind: "github".into(), ..SourceConfig::default() };
    Config { sources: vec![source, bare], ..Config::default() }
}

pub(crate) fn hub(steps: &[Step]) -> Hub {
    Hub::start(Data { page: 2, ..Story::of(steps).data })
}

fn post(server: &Running, body: &str) -> crate::support::Answer {
    server.admin("POST", PATH, "application/json", body)
}

/// Asks until the state is another one.
fn until(server: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..6_000 {
        let state = server.get(PATH).expect(200);
        if wanted(&state) {
            return state;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was as wanted: {}", server.get(PATH).text)
}

fn read(server: &Running) -> Value {
    post(server, "{}").expect(202);
    let state = until(server, |state| state["state"] != "running");
    assert_eq!((&state["state"], &state["failures"]), (&json!("done"), &json!([])), "{state}");
    state
}

fn send(server: &Running, story: &Story) {
    for (place, (event, body)) in story.webhooks.iter().enumerate() {
        let body = body.to_string();
        let signature = sign(body.as_bytes(), SECRET);
        let id = place.to_string();
        let headers = [("x-github-event", *event), ("x-github-delivery", &id), ("x-hub-signature-256", &signature)];
        server.send("POST", "/webhooks/acme", &headers, body.as_bytes()).expect(200);
    }
}

fn metrics(server: &Running) -> [Option<f64>; 3] {
    let path = "/api/v1/metrics?definition=dora&from=2025-01-01T03:00:00Z&to=2025-01-02T00:00:00Z";
    let metrics = server.get(path).expect(200)["metrics"].clone();
    ["deployment_frequency", "lead_time", "change_failure_rate"].map(|metric| metrics[metric]["value"].as_f64())
}

pub(crate) fn facts(server: &Running) -> Value {
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200)["facts_sha256"].clone()
}

#[test]
fn a_day_is_read_and_a_squash_counts_from_its_own_commits() {
    let (hub, story) = (hub(DAY), Story::of(DAY));
    let server = start_with(config(&hub));
    let never = server.get(PATH).expect(200);
    assert_eq!((never["state"].as_str(), never["pages"].as_u64()), (Some("never"), Some(0)));
    let state = read(&server);
    assert_eq!((state["repositories_done"].as_u64(), state["repositories_total"].as_u64()), (Some(1), Some(1)));
    assert!(state["items"].as_u64() > Some(10) && state["finished_at"].is_string(), "{state}");
    // The deployment ends at 04:09; the two commits of the pull request are of 03:01 and 03:02, its squash of 03:40.
    let minutes = (68.0 + 67.0) / 2.0;
    assert_eq!(metrics(&server), [Some(1.0 / (21.0 / 24.0)), Some(minutes * 60.0), Some(1.0)]);

    // The same told by webhooks too changes no fact, and a rebuild reads pages again.
    let before = facts(&server);
    send(&server, &story);
    assert_eq!(metrics(&server)[1], Some(minutes * 60.0));
    assert_eq!(facts(&server), before);

    // Webhooks first, then the backfill: the same facts.
    let server = start_with(config(&hub));
    send(&server, &story);
    assert_eq!(metrics(&server)[1], Some(29.0 * 60.0), "webhooks do not tell a pull request's commits");
    read(&server);
    assert_eq!((metrics(&server)[1], facts(&server)), (Some(minutes * 60.0), before));
    let rows = server.get("/api/v1/journal?source=acme&limit=1000").expect(200)["rows"].clone();
    let rows = rows.as_array().expect("rows");
    assert!(rows.iter().all(|row| row["state"] == "applied" || row["state"] == "ignored"), "{rows:?}");
}

#[test]
fn the_answer_is_as_documented_and_holds_no_secret() {
    let hub = hub(DAY);
    hub.script(|_, target, _| {
        let headers = vec![
            ("x-ratelimit-limit", "60".to_owned()),
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", "4102444800".to_owned()),
        ];
        if target.contains("/pulls?") {
            return Some(Fault::Answer(403, Vec::new(), json!({"message": "no"}).to_string()));
        }
        target.contains("/issues?").then(|| Fault::Answer(429, headers, String::new()))
    });
    let server = start_with(config(&hub));
    post(&server, "{\"since\": \"2024-01-01T00:00:00Z\"}").expect(202);
    let state = until(&server, |state| state["waiting"].is_object());
    assert_eq!(
        (&state["state"], &state["resource"], &state["repository"]),
        (&json!("running"), &json!("issues"), &json!("acme/cart"))
    );
    assert_eq!((&state["rate_limit"]["remaining"], &state["rate_limit"]["limit"]), (&json!(0), &json!(60)));
    assert_eq!(state["failures"][0]["resource"], "pull_requests");
    assert_eq!(state["since"], "2024-01-01T00:00:00Z");
    let document = server.send("GET", "/api/v1/openapi.json", &[], b"").expect(200);
    let schema = &document["paths"]["/api/v1/sources/{name}/backfill"]["get"]["responses"]["200"]["content"]["application/json"]
        ["schema"];
    assert!(schema["$ref"].is_string());
    for state in [&state, &server.get("/api/v1/sources/bare/backfill").expect(200)] {
        let mut found = Vec::new();
        breaches(&document, schema, state, "", &mut found);
        assert!(found.is_empty(), "{found:#?}");
        assert!(!state.to_string().contains(TOKEN));
    }
    // Another one cannot be started meanwhile, the same one is it.
    assert_eq!(post(&server, "{}").expect(422)["code"], "invalid_parameter");
    post(&server, "{\"since\": \"2024-01-01T00:00:00Z\"}").expect(202);
    let stopped = server.admin("DELETE", PATH, "application/json", "").expect(200);
    assert_eq!(stopped["state"], "stopped");
    // It goes on where it was.
    hub.script(|_, _, _| None);
    post(&server, "{\"since\": \"2024-01-01T00:00:00Z\"}").expect(202);
    let state = until(&server, |state| state["state"] != "running");
    assert_eq!((&state["state"], &state["failures"]), (&json!("done"), &json!([])));
    assert!(hub.asked().iter().any(|asked| asked.contains("/pulls?")));
    assert!(!hub.asked().iter().any(|asked| asked.contains("/statuses")), "{:?}", hub.asked());
}

#[test]
fn one_that_was_running_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = || Location::Folder(folder.path().to_owned());
    let whole = hub(DAY);
    let wanted = {
        let server = start_with(config(&whole));
        read(&server);
        facts(&server)
    };
    let hub = hub(DAY);
    hub.script(|_, target, _| {
        let headers = vec![("retry-after", "3000".to_owned())];
        target.contains("/pulls?").then(|| Fault::Answer(429, headers, String::new()))
    });
    {
        let server = start_at(config(&hub), place());
        post(&server, "").expect(202);
        until(&server, |state| state["waiting"].is_object());
    }
    hub.script(|_, _, _| None);
    let server = start_at(config(&hub), place());
    let state = until(&server, |state| state["state"] != "running");
    assert_eq!(state["state"], "done");
    assert_eq!(facts(&server), wanted);
    // One that is done stays done.
    drop(server);
    hub.script(|_, _, _| None);
    let server = start_at(config(&hub), place());
    assert_eq!(server.get(PATH).expect(200)["state"], "done");
    assert!(hub.asked().is_empty());
}

#[test]
fn only_an_admin_may_and_what_cannot_be_is_told() {
    let hub = hub(&[]);
    let server = start_with(config(&hub));
    for (method, token) in [("POST", INGEST), ("POST", READ), ("DELETE", READ), ("GET", INGEST)] {
        let bearer = format!("Bearer {token}");
        assert_eq!(server.send(method, PATH, &[("authorization", &bearer)], b"").status, 403, "{method}");
    }
    assert_eq!(server.send("POST", PATH, &[], b"").status, 401);
    let admin = |path: &str, body: &str| server.admin("POST", path, "application/json", body);
    let unknown = admin("/api/v1/sources/nobody/backfill", "").expect(404);
    assert_eq!(unknown["message"], "no source of the configuration is named `nobody`; there are acme, bare");
    let bare = admin("/api/v1/sources/bare/backfill", "").expect(422);
    assert!(bare["message"].as_str().is_some_and(|message| message.contains("set `token_file`")), "{bare}");
    assert_eq!(admin(PATH, "{\"since\": \"yesterday\"}").expect(422)["code"], "invalid_parameter");
    assert_eq!(admin(PATH, "{\"until\": 1}").expect(400)["code"], "malformed_json");
    assert!(hub.asked().is_empty());
    // A token that is not taken.
    hub.change(|data| data.tokens.clear());
    post(&server, "").expect(202);
    let state = until(&server, |state| state["state"] != "running");
    assert_eq!(state["state"], "failed");
    assert!(state["message"].as_str().is_some_and(|why| why.contains("does not accept the token")), "{state}");
}

#[test]
fn nobody_can_send_a_page() {
    let hub = hub(&[]);
    let server = start_with(config(&hub));
    let body = json!([{"name": "v6.6.6", "commit": {"sha": story::sha(1)}}]).to_string();
    let signature = sign(body.as_bytes(), SECRET);
    let bearer = format!("Bearer {INGEST}");
    let ours = [("leadline-resource", "tags"), ("leadline-repository", "acme/cart"), ("authorization", &bearer)];
    for path in ["/webhooks/acme", "/webhooks/bare", "/webhooks/github"] {
        for event in [None, Some("page"), Some("tags"), Some("push")] {
            let mut headers = ours.to_vec();
            headers.extend(event.map(|event| ("x-github-event", event)));
            headers.push(("x-hub-signature-256", &signature));
            let answer = server.send("POST", path, &headers, body.as_bytes());
            assert_ne!(answer.text, json!({"status": "recorded"}).to_string(), "{path} {event:?}: {}", answer.text);
        }
    }
    let rows = server.get("/api/v1/journal?limit=100").expect(200)["rows"].clone();
    assert!(rows.as_array().expect("rows").iter().all(|row| row["state"] != "applied"), "{rows}");
}
