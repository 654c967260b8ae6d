//! What clients may rely on beyond the numbers: ETags, paging, OpenAPI.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{READ, start};

#[test]
fn an_etag_saves_the_body_until_the_numbers_change() {
    let server = start();
    let path = "/api/v1/tree?from=2025-01-01&to=2025-01-11";
    let first = server.get(path);
    let tag = first.header("etag").expect("a tag").to_owned();
    let bearer = format!("Bearer {READ}");
    let again = |tag: &str| server.send("GET", path, &[("authorization", &bearer), ("if-none-match", tag)], b"");
    assert_eq!((again(&tag).status, again(&tag).text.as_str()), (304, ""));
    server.post("/api/v1/events", &json!({"type": "deployment", "id": "1", "component": "c", "environment": "prod", "status": "succeeded", "finished_at": "2025-01-01T00:00:00Z"})).expect(202);
    assert_eq!(again(&tag).status, 200);
}

#[test]
fn lists_are_paged_without_gaps_or_repeats() {
    let server = start();
    let events: Vec<Value> = (0..57)
        .map(|number| json!({"type": "deployment", "id": format!("d{number}"), "component": "c", "product": "p", "environment": "prod",
            "status": "succeeded", "version": number.to_string(), "finished_at": format!("2025-01-01T00:{:02}:00Z", number / 3)}))
        .collect();
    server.post("/api/v1/events", &json!(events)).expect(202);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/api/v1/deployments?limit=10{cursor}")).expect(200);
        let rows = page["deployments"].as_array().expect("rows");
        seen.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (57, 57));
}

#[test]
fn every_address_is_documented_and_the_committed_document_is_this_one() {
    let server = start();
    let document = server.send("GET", "/api/v1/openapi.json", &[], b"").expect(200);
    let paths = document["paths"].as_object().expect("paths");
    for path in [
        "/api/v1/events",
        "/api/v1/metrics",
        "/api/v1/tree",
        "/api/v1/deployments/{id}",
        "/deployments",
        "/webhook/commit",
        "/metrics/dora/{service}",
    ] {
        assert!(paths.contains_key(path), "{path} is not documented");
    }
    assert_eq!(
        document["components"]["schemas"]["Event.deployment"]["required"],
        json!(["type", "id", "component", "environment", "status"])
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let text = serde_json::to_string_pretty(&document).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, &text).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is stale: run `make generated`");
}
