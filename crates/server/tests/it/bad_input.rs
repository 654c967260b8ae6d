//! Whatever is sent: a clear coded error or a row that is kept and listed; never a panic, never a silent drop.

use serde_json::{Value, json};

use crate::support::{INGEST, Running, start};

fn deployment(more: Value) -> Value {
    let mut value = json!({"type": "deployment", "id": "1", "component": "cart", "product": "shop", "environment": "production",
        "status": "succeeded", "finished_at": "2025-01-01T12:00:00Z"});
    for (key, field) in more.as_object().expect("an object") {
        value[key] = field.clone();
    }
    value
}

fn code(server: &Running, body: &Value) -> (u16, String) {
    let answer = server.post("/api/v1/events", body);
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn each_mistake_has_its_code() {
    let server = start();
    let future = "2999-01-01T00:00:00Z";
    for (body, status, expected) in [
        (deployment(json!({"finished_at": "2025-01-01T12:00:00"})), 422, "timestamp_without_offset"),
        (deployment(json!({"finished_at": "yesterday"})), 422, "timestamp_invalid"),
        (deployment(json!({"finished_at": future})), 422, "timestamp_in_future"),
        (deployment(json!({"status": "great"})), 422, "unknown_value"),
        (deployment(json!({"started_at": "2025-01-02T00:00:00Z"})), 422, "finished_before_started"),
        (deployment(json!({"finished_at": null})), 422, "missing_field"),
        (deployment(json!({"component": ["x"]})), 422, "wrong_type"),
        (deployment(json!({"id": "x".repeat(600)})), 422, "field_too_long"),
        (deployment(json!({"type": "deploiement"})), 422, "unknown_type"),
        (json!(7), 422, "not_an_object"),
    ] {
        assert_eq!(code(&server, &body), (status, expected.to_owned()), "{body}");
    }
    let listed = server.get("/api/v1/journal?state=refused").expect(200);
    assert_eq!(listed["counts"]["refused"], 10);
    assert_eq!(listed["rows"].as_array().map(Vec::len), Some(10));
    assert!(listed["rows"].as_array().is_some_and(|rows| rows.iter().all(|row| row["reason"]["code"].is_string())));
}

#[test]
fn one_bad_event_never_stops_the_others() {
    let server = start();
    let body = json!([
        deployment(json!({"id": "a"})),
        deployment(json!({"id": "b", "status": "?"})),
        deployment(json!({"id": "c"}))
    ]);
    let taken = server.post("/api/v1/events", &body).expect(202);
    assert_eq!((taken["accepted"].as_u64(), taken["rejected"][0]["index"].as_u64()), (Some(2), Some(1)));
    assert_eq!(taken["rejected"][0]["code"], "unknown_value");
    let lines = format!("{}\n{{broken\n\n{}\n", deployment(json!({"id": "d"})), deployment(json!({"id": "e"})));
    let bearer = format!("Bearer {INGEST}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let taken = server.send("POST", "/api/v1/events", &headers, lines.as_bytes()).expect(202);
    assert_eq!((taken["accepted"].as_u64(), taken["rejected"][0]["code"].as_str()), (Some(2), Some("malformed_json")));
}

#[test]
fn what_is_not_json_is_said_to_be_so() {
    let server = start();
    let bearer = format!("Bearer {INGEST}");
    for body in
        [&b"{\"type\": \"deployment\", \"id\""[..], b"", b"\xff\xfe\x00", b"[1, 2", "[".repeat(100_000).as_bytes()]
    {
        let answer = server.send("POST", "/api/v1/events", &[("authorization", &bearer)], body);
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("malformed_json")));
        assert!(answer.json()["request_id"].is_string());
    }
}

#[test]
fn fifty_megabytes_are_too_much_and_the_server_lives_on() {
    let server = start();
    let bearer = format!("Bearer {INGEST}");
    let body = vec![b' '; 50 * 1024 * 1024];
    let answer = server.send("POST", "/api/v1/events", &[("authorization", &bearer)], &body);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("body_too_large")));
    assert_eq!(server.post("/api/v1/events", &deployment(json!({}))).status, 202);
}

#[test]
fn unknown_fields_are_kept_not_refused() {
    let server = start();
    server.post("/api/v1/events", &deployment(json!({"colour": {"deep": [1, 2, null]}}))).expect(202);
    let again = server.post("/api/v1/events", &deployment(json!({"colour": {"deep": [1, 2, null]}}))).expect(202);
    assert_eq!(again["duplicates"], 1);
}

#[test]
fn ten_thousand_tags_on_one_commit_and_a_cycle_in_the_graph_are_just_data() {
    let server = start();
    let sha = "a".repeat(40);
    let other = "b".repeat(40);
    let change = |sha: &str, parent: &str| json!({"type": "change", "repo": "r", "sha": sha, "parents": [parent], "committed_at": "2025-01-01T00:00:00Z"});
    let mut events = vec![change(&sha, &other), change(&other, &sha)];
    for number in 0..10_000 {
        events.push(json!({"type": "tag", "repo": "r", "name": format!("v1.0.{number}"), "sha": sha}));
    }
    for number in [1, 5_000, 9_999] {
        events.push(deployment(json!({"id": format!("d{number}"), "version": format!("1.0.{number}"), "repo": "r",
            "finished_at": format!("2025-01-02T{:02}:00:00Z", number % 24)})));
    }
    assert_eq!(server.post("/api/v1/events", &json!(events)).expect(202)["accepted"], 10_005);
    let listed = server.get("/api/v1/deployments?node=product:shop").expect(200);
    let rows = listed["deployments"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["sha"] == json!(sha)));
    // The same commit again is configuration only: one deployment counts.
    assert_eq!(rows.iter().filter(|row| row["counted"] == true).count(), 1);
}

#[test]
fn lists_begin_and_end_at_any_instant_that_can_be_written() {
    let server = start();
    let deployed = json!({"type": "deployment", "id": "1", "product": "shop", "component": "api", "instance": "eu",
        "environment": "production", "status": "succeeded", "finished_at": "2025-01-01T00:00:00Z"});
    server.post("/api/v1/events", &deployed).expect(202);
    let listed = |window: &str| {
        let answer = server.get(&format!("/api/v1/deployments?{window}")).expect(200);
        answer["deployments"].as_array().expect("rows").len()
    };
    assert_eq!((listed("from=0000-01-01"), listed("to=0000-01-02"), listed("to=0001-01-02")), (1, 0, 0));
    assert_eq!((listed("from=0001-01-01&to=9999-12-30"), listed("from=9999-12-30")), (1, 0));
}

#[test]
fn questions_that_cannot_be_asked_say_why() {
    let server = start();
    for (path, status, expected) in [
        ("/api/v1/metrics?node=planet:earth", 422, "invalid_parameter"),
        ("/api/v1/metrics?node=product:nowhere", 404, "not_found"),
        ("/api/v1/metrics?metric=speed", 422, "invalid_parameter"),
        ("/api/v1/metrics?definition=mine", 422, "definition_unknown"),
        ("/api/v1/metrics?from=2025-01-02&to=2025-01-01", 422, "invalid_parameter"),
        ("/api/v1/metrics?from=2025-01-02T00:00:00", 422, "timestamp_without_offset"),
        ("/api/v1/metrics?bucket=fortnight", 422, "invalid_parameter"),
        ("/api/v1/metrics?bucket=day&from=1950-01-01", 422, "invalid_parameter"),
        ("/api/v1/metrics?zone=Mars/Olympus", 422, "invalid_parameter"),
        ("/api/v1/metrics?nod=group", 422, "invalid_parameter"),
        ("/api/v1/explain?node=group", 422, "invalid_parameter"),
        ("/api/v1/deployments?limit=0", 422, "invalid_parameter"),
        ("/api/v1/deployments?cursor=zz", 422, "invalid_parameter"),
        ("/api/v1/deployments/nobody/1", 404, "not_found"),
        ("/api/v1/incidents/1", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/metrics/change-failure-rate?service=x&days=366", 422, "invalid_parameter"),
        ("/metrics/change-failure-rate?days=3", 422, "invalid_parameter"),
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (status, Some(expected)),
            "{path}: {}",
            answer.text
        );
    }
    let answer = server.send("DELETE", "/api/v1/events", &[], b"");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (405, Some("method_not_allowed")));
}

#[test]
fn a_name_that_looks_like_sql_is_just_a_name() {
    let server = start();
    let name = "x'; DROP TABLE deployments; --";
    server.post("/api/v1/events", &deployment(json!({"product": name}))).expect(202);
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = server
        .get(&format!(
            "/api/v1/metrics?node=product:{encoded}&metric=deployment_frequency&from=2025-01-01&to=2025-01-11"
        ))
        .expect(200);
    assert_eq!(answer["metrics"]["deployment_frequency"]["value"], 0.1);
}
