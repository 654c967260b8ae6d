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

#[test]
fn the_reference_for_sql_is_that_of_this_warehouse() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let warehouse = warehouse::Warehouse::new().expect("a warehouse");
    let text = runtime.block_on(warehouse::sql_reference(&warehouse)).expect("a reference");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql-reference.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, &text).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "docs/sql-reference.md is stale: run `make generated`");
}

/// Breaches of a schema of the document, each with where it is.
pub(crate) fn breaches(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return breaches(document, &document["components"]["schemas"][name], value, at, found);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let fits = |option: &Value| {
            let mut within = Vec::new();
            breaches(document, option, value, at, &mut within);
            within.is_empty()
        };
        if !options.iter().any(fits) {
            found.push(format!("{at}: {value} fits none"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) if kinds.contains(&"number") => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        found.push(format!("{at}: {value} is not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of {words:?}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        breaches(document, &schema["items"], item, &format!("{at}/{index}"), found);
    }
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}: `{name}` is missing"));
        }
    }
    for (name, value) in object {
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) if !schema["properties"].is_null() => {
                found.push(format!("{at}: `{name}` is not documented"))
            }
            (Value::Null, Value::Null | Value::Bool(_)) => {}
            (Value::Null, values) => breaches(document, values, value, &format!("{at}/{name}"), found),
            (property, _) => breaches(document, property, value, &format!("{at}/{name}"), found),
        }
    }
}

#[test]
fn answers_are_as_documented() {
    let server = start();
    let deployment = |id: &str, day: u8| {
        json!({"type": "deployment", "id": id, "component": "c", "product": "p", "environment": "prod", "status": "succeeded",
            "version": "1.0.0", "finished_at": format!("2025-01-0{day}T00:00:00Z"), "labels": {"tier": "1"},
            "commits": [{"sha": format!("{day:040}"), "committed_at": "2024-12-31T00:00:00Z"}]})
    };
    let incident =
        json!({"type": "incident", "id": "i", "product": "p", "opened_at": "2025-01-02T01:00:00Z", "title": "t"});
    server.post("/api/v1/events", &json!([deployment("1", 1), deployment("2", 2), incident])).expect(202);
    let document = server.send("GET", "/api/v1/openapi.json", &[], b"").expect(200);
    let window = "from=2025-01-01&to=2025-01-11";
    let mut asked = 0;
    for path in [
        format!("/api/v1/metrics?{window}"),
        format!("/api/v1/metrics?{window}&bucket=week&compare=previous&definition=rex"),
        format!("/api/v1/metrics?{window}&distribution=true"),
        format!("/api/v1/metrics?{window}&split=stage"),
        format!("/api/v1/metrics?{window}&split=severity"),
        format!("/api/v1/metrics?{window}&node=component:c&metric=lead_time"),
        "/api/v1/metrics?from=2024-10-01&to=2025-01-11&bucket=week&changes=true".to_owned(),
        format!("/api/v1/compare?{window}&nodes=product:p,component:c"),
        format!("/api/v1/children?{window}&bucket=week&node=product:p"),
        format!("/api/v1/compare?{window}&definition=rex&metric=lead_time"),
        format!("/api/v1/correlation?{window}&x=lead_time&y=batch_size"),
        format!("/api/v1/tree?{window}"),
        format!("/api/v1/deployments?{window}&limit=1"),
        format!("/api/v1/incidents?{window}"),
        format!("/api/v1/explain?{window}&metric=lead_time"),
        format!("/api/v1/explain?{window}&metric=lead_time&part=coding"),
        format!("/api/v1/explain?{window}&metric=failed_deployment_recovery_time"),
        "/api/v1/definitions".to_owned(),
    ] {
        let answer = server.get(&path).expect(200);
        let address = path.split('?').next().expect("an address");
        let schema = &document["paths"][address]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema["$ref"].is_string(), "{address} has no schema");
        let mut found = Vec::new();
        breaches(&document, schema, &answer, "", &mut found);
        assert!(found.is_empty(), "{path}: {found:#?}");
        asked += 1;
    }
    assert_eq!(asked, 18);
    let ids = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .flat_map(|item| item.as_object().expect("operations").values());
    let ids: Vec<_> = ids.filter_map(|operation| operation["operationId"].as_str()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<std::collections::BTreeSet<_>>().len(), "operation ids repeat");
}

/// The archive is read from outside alone: its columns are told in docs/lake.md.
#[test]
fn the_columns_of_the_archive_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lake.md");
    let text = std::fs::read_to_string(path).unwrap();
    for column in warehouse::journal_reference().columns {
        let line = format!("| `{}` | {} | {} |", column.name, column.data_type, column.doc);
        assert!(text.lines().any(|told| told == line), "docs/lake.md lacks {line}");
    }
}
