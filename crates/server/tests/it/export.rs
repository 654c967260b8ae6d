//! Tables as files, and series for InfluxDB.

use serde_json::{Value, json};

use crate::support::start;

fn events() -> Value {
    let deployment = |id: &str, version: &str, day: &str| {
        json!({"type": "deployment", "id": id, "product": "my shop", "component": "cart", "environment": "production",
            "status": "succeeded", "version": version, "finished_at": format!("2025-01-{day}T12:00:00Z")})
    };
    json!([deployment("1", "1.0.0, \"first\"", "02"), deployment("2", "1.1.0", "03"), deployment("3", "1.2.0", "09")])
}

#[test]
fn a_table_is_written_in_each_format() {
    let server = start();
    server.post("/api/v1/events", &events()).expect(202);
    let ndjson = server.get("/api/v1/export/deployments?from=2025-01-01&to=2025-01-05");
    assert_eq!((ndjson.status, ndjson.header("content-type")), (200, Some("application/x-ndjson")));
    let rows: Vec<Value> = ndjson.text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    assert_eq!(rows.len(), 2);
    let csv = server.get("/api/v1/export/deployments?format=csv");
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"deployments.csv\""));
    assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
    assert!(csv.text.contains("\"1.0.0, \"\"first\"\"\""), "{}", csv.text);
}

#[test]
fn series_are_lines_for_influxdb() {
    let server = start();
    server.post("/api/v1/events", &events()).expect(202);
    let path = "/api/v1/export/metrics?from=2025-01-01&to=2025-01-11&bucket=week&metric=deployment_frequency";
    let lines = server.get(&format!("{path}&node=group,product:my%20shop"));
    assert_eq!(lines.status, 200, "{}", lines.text);
    let lines: Vec<&str> = lines.text.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines[0].starts_with("deployment_frequency,definition=dora,kind=group,node=group value=0.4,n=2i "),
        "{lines:?}"
    );
    assert!(lines[2].contains("kind=product,node=my\\ shop value=0.4,n=2i 1735689600000000000"), "{lines:?}");
}

#[test]
fn what_cannot_be_written_is_told_before_anything_is() {
    let server = start();
    for (path, status) in [
        ("nothing", 404),
        ("deployments?format=xml", 422),
        ("deployments?node=group", 422),
        ("metrics?format=csv", 422),
        ("metrics?node=product:nothing", 404),
    ] {
        assert_eq!(server.get(&format!("/api/v1/export/{path}")).status, status, "{path}");
    }
    assert_eq!(server.send("GET", "/api/v1/export/deployments", &[], b"").status, 401);
}
