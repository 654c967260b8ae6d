//! Each request printed in the articles, sent as printed with a token in one of the three ways.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::{INGEST, Running, start};

const SHA: &str = "5d41402abc4b2a76b9719d911017c592ae0b0b6a";

/// As `curl -X POST https://x:TOKEN@host…` sends it.
fn curl(server: &Running, path: &str, body: &Value) -> (u16, String) {
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("x:{INGEST}")));
    let headers = [("authorization", basic.as_str()), ("content-type", "application/json")];
    let answer = server.send("POST", path, &headers, body.to_string().as_bytes());
    (answer.status, answer.text)
}

fn recorded() -> (u16, String) {
    (200, r#"{"status":"recorded"}"#.to_owned())
}

/// Hours ago, as `date -Iseconds` writes it in Paris.
fn hours_ago(hours: i64) -> String {
    let at = server::clock::now().plus(-hours * domain::time::HOUR);
    at.to_string().split('.').next().map(|text| text.trim_end_matches('Z').to_owned() + "+00:00").unwrap_or_default()
}

#[test]
fn github_actions_and_gitlab_ci() {
    let server = start();
    let actions = json!({"service": "acme/shop", "environment": "production", "commit_sha": SHA,
        "deployed_at": hours_ago(5), "status": "success"});
    assert_eq!(curl(&server, "/deployments", &actions), recorded());
    let gitlab = json!({"service": "till", "environment": "production", "commit_sha": SHA,
        "deployed_at": hours_ago(4), "pipeline_id": "4711"});
    assert_eq!(curl(&server, "/deployments", &gitlab), recorded());
    let rows = server.get("/api/v1/deployments").expect(200);
    let rows = rows["deployments"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0]["component"].as_str(), rows[0]["status_assumed"].as_bool()),
        (Some("unassigned/till"), Some(true))
    );
    assert_eq!(
        (rows[1]["component"].as_str(), rows[1]["status_assumed"].as_bool()),
        (Some("unassigned/acme/shop"), Some(false))
    );
    // The same delivery again is nothing new.
    assert_eq!(curl(&server, "/deployments", &gitlab), recorded());
    assert_eq!(server.get("/api/v1/deployments").expect(200)["deployments"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_metrics_service_and_its_answers() {
    let server = start();
    let deployment = |hours: i64, rollback: bool| {
        json!({"service": "cart", "environment": "production", "commit_sha": format!("{hours:040x}"),
            "commit_timestamp": hours_ago(hours + 2), "deployed_at": hours_ago(hours), "is_rollback": rollback, "is_hotfix": false})
    };
    for (hours, rollback) in [(50, false), (40, false), (30, true), (20, false)] {
        assert_eq!(curl(&server, "/events/deployment", &deployment(hours, rollback)), recorded());
    }
    let open = json!({"incident_id": "INC-1", "service": "cart", "severity": "SEV1", "detected_at": hours_ago(39)});
    let resolved = json!({"incident_id": "INC-1", "service": "cart", "severity": "SEV1", "detected_at": hours_ago(39), "resolved_at": hours_ago(38)});
    for incident in [&open, &resolved] {
        assert_eq!(curl(&server, "/events/incident", incident), recorded());
    }
    let dora = server.get("/metrics/dora/cart?days=30").expect(200);
    assert_eq!(dora["metrics"]["deployment_frequency"], json!({"value": 0.13, "unit": "per_day", "rating": "medium"}));
    assert_eq!(dora["metrics"]["lead_time"], json!({"mean_hours": 2.0, "median_hours": 2.0, "rating": "high"}));
    assert_eq!(dora["metrics"]["change_failure_rate"], json!({"value": 25.0, "unit": "percent", "rating": "high"}));
    assert_eq!(dora["metrics"]["mttr"], json!({"value": 60.0, "unit": "minutes", "rating": "high"}));
    assert_eq!((dora["service"].as_str(), dora["period_days"].as_u64()), (Some("cart"), Some(30)));
    let rate = server.get("/metrics/change-failure-rate?service=cart&days=7").expect(200);
    assert_eq!(
        rate,
        json!({"service": "cart", "period_days": 7, "total_deployments": 4, "failed_deployments": 2, "change_failure_rate": 50.0, "rating": "low"})
    );
    let nobody = server.get("/metrics/dora/nobody").expect(200);
    assert_eq!(nobody["metrics"]["change_failure_rate"], json!({"value": null, "unit": "percent", "rating": null}));
    assert_eq!(nobody["metrics"]["deployment_frequency"]["rating"], Value::Null);
    let nobody = server.get("/metrics/change-failure-rate?service=nobody").expect(200);
    assert_eq!((nobody["total_deployments"].as_u64(), nobody["change_failure_rate"].clone()), (Some(0), Value::Null));
}

#[test]
fn the_dojo_module_joins_a_push_and_a_sync() {
    let server = start();
    let before = "0".repeat(40);
    let push = json!({"ref": "refs/heads/main", "before": before, "after": SHA, "repository": {"full_name": "myorg/myapp"},
        "head_commit": {"id": SHA, "timestamp": hours_ago(3), "message": "faster"}, "commits": []});
    assert_eq!(curl(&server, "/webhook/commit", &push), (200, String::new()));
    let deploy =
        json!({"event": "deployment", "status": "success", "app": "myapp", "revision": SHA, "timestamp": hours_ago(1)});
    assert_eq!(curl(&server, "/webhook/deploy", &deploy), (200, String::new()));
    let failed =
        json!({"event": "deployment", "status": "failed", "app": "myapp", "revision": SHA, "timestamp": hours_ago(2)});
    assert_eq!(curl(&server, "/webhook/deploy", &failed), (200, String::new()));
    let lead = server.get("/api/v1/metrics?node=component:myapp&metric=lead_time").expect(200);
    assert_eq!(lead["metrics"]["lead_time"]["value"], 7_200.0);
    let rows = server.get("/api/v1/deployments?status=succeeded").expect(200);
    assert_eq!(rows["deployments"][0]["environment_assumed"], true);
    assert_eq!(rows["deployments"][0]["repo"], "myorg/myapp");
}

#[test]
fn a_wrong_body_is_refused_with_its_code_and_listed() {
    let server = start();
    for path in ["/deployments", "/events/deployment", "/events/incident", "/webhook/commit", "/webhook/deploy"] {
        for body in [json!({}), json!([]), json!("x"), json!(null)] {
            let (status, text) = curl(&server, path, &body);
            assert!(status == 422 || status == 400, "{path} {body}: {status} {text}");
            assert!(text.contains("\"code\""), "{text}");
        }
    }
    let listed = server.get("/api/v1/journal?state=refused&source=articles").expect(200);
    assert_eq!(listed["rows"].as_array().map(Vec::len), Some(20));
}
