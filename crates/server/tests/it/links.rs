//! Corrections by people: audited, reversible, surviving a rebuild.

use serde_json::{Value, json};

use crate::support::{Running, start};

const WINDOW: &str = "from=2025-01-01&to=2025-01-11";

fn failed(server: &Running) -> f64 {
    let path = format!("/api/v1/metrics?node=product:shop&metric=change_failure_rate&{WINDOW}");
    server.get(&path).expect(200)["metrics"]["change_failure_rate"]["value"].as_f64().expect("a rate")
}

fn seed(server: &Running) {
    let deployment = |id: &str, day: u8| {
        json!({"type": "deployment", "id": id, "product": "shop", "component": "cart",
        "environment": "prod", "status": "succeeded", "version": format!("1.{day}.0"), "finished_at": format!("2025-01-0{day}T00:00:00Z")})
    };
    let incident = json!({"type": "incident", "id": "I", "product": "shop", "opened_at": "2025-01-03T00:00:00Z"});
    server
        .post(
            "/api/v1/events",
            &json!([deployment("1", 1), deployment("2", 2), deployment("4", 4), deployment("5", 5), incident]),
        )
        .expect(202);
}

fn cause(server: &Running) -> Value {
    server.get("/api/v1/incidents/I").expect(200)["incident"]["causes"]["started_narrowest"].clone()
}

#[test]
fn an_incident_is_linked_anew_and_back() {
    let server = start();
    seed(&server);
    assert_eq!(cause(&server)["deployment"]["id"], "2");
    let path = "/api/v1/links/incidents/sender/I";
    let put = |body: &str| server.admin("PUT", path, "application/json", body);
    put(r#"{"cause": "sender/1", "reason": "the change was in the first"}"#).expect(200);
    assert_eq!(cause(&server)["deployment"]["id"], "1");
    assert_eq!(cause(&server)["why"], "set by admin: the change was in the first");
    let rebuilt = server.admin("POST", "/api/v1/rebuild", "", "").expect(200);
    assert_eq!(rebuilt["status"], "rebuilt");
    assert_eq!(cause(&server)["deployment"]["id"], "1");
    put(r#"{"cause": "none", "reason": "a broken cable"}"#).expect(200);
    assert_eq!((cause(&server), failed(&server)), (Value::Null, 0.0));
    server.admin("DELETE", path, "", "").expect(200);
    assert_eq!(cause(&server)["deployment"]["id"], "2");
    assert_eq!(put(r#"{"cause": "sender/9", "reason": "x"}"#).status, 404);
    assert_eq!(put(r#"{"reason": "x"}"#).status, 400);
}

#[test]
fn a_verdict_stands_above_the_signals() {
    let server = start();
    seed(&server);
    assert_eq!(failed(&server), 0.25);
    let put = |id: &str, body: &str| {
        server.admin("PUT", &format!("/api/v1/links/deployments/sender/{id}"), "application/json", body)
    };
    put("4", r#"{"failed": true, "reason": "customers called"}"#).expect(200);
    assert_eq!(failed(&server), 0.5);
    put("2", r#"{"failed": false, "reason": "not its fault"}"#).expect(200);
    assert_eq!(failed(&server), 0.25);
    // A later correction of something else does not bring the verdict back.
    put("4", r#"{"change_kind": "config", "reason": "only a flag"}"#).expect(200);
    assert_eq!(failed(&server), 0.0);
    server.admin("DELETE", "/api/v1/links/deployments/sender/2", "", "").expect(200);
    assert_eq!(failed(&server), 1.0 / 3.0);
}
