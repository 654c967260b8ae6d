//! METRICS.md section 8 over HTTP: every printed number, whatever the order and number of arrivals.

use serde_json::{Value, json};

use crate::support::{Running, start};

pub(crate) fn events() -> Vec<Value> {
    let deployment = |id: &str, component: &str, version: &str, finished: &str, commit_at: &str| {
        json!({"type": "deployment", "id": id, "product": "shop", "component": component, "environment": "production",
            "status": "succeeded", "version": version, "finished_at": format!("2025-01-{finished}:00:00Z"),
            "commit_at": format!("2025-01-{commit_at}:00:00Z")})
    };
    let incident = |id: &str, opened: &str, resolved: Option<&str>| {
        let mut incident =
            json!({"type": "incident", "id": id, "product": "shop", "opened_at": format!("2025-01-{opened}:00Z")});
        if let Some(resolved) = resolved {
            incident["resolved_at"] = json!(format!("2025-01-{resolved}:00Z"));
        }
        incident
    };
    vec![
        deployment("C1", "cart", "1.0.0", "01T12", "01T08"),
        deployment("C2", "cart", "1.1.0", "03T12", "03T06"),
        deployment("C3", "cart", "1.2.0", "04T12", "03T12"),
        deployment("K1", "catalogue", "2.0.0", "02T12", "02T10"),
        json!({"type": "deployment", "id": "K1'", "product": "shop", "component": "catalogue", "environment": "production",
            "status": "succeeded", "version": "2.0.0", "finished_at": "2025-01-03T00:00:00Z"}),
        deployment("K2", "catalogue", "2.1.0", "06T12", "06T08"),
        deployment("P1", "pay", "3.0.0", "08T12", "08T06"),
        incident("I1", "02T13:00", Some("02T15:00")),
        incident("I2", "04T00:00", Some("04T01:00")),
        incident("I3", "04T13:00", None),
        incident("I4", "02T12:00", Some("02T12:30")),
    ]
}

const WINDOW: &str = "from=2025-01-01T00:00:00Z&to=2025-01-11T00:00:00Z";

fn ask(server: &Running, node: &str, definition: &str) -> Value {
    server.get(&format!("/api/v1/metrics?node={node}&definition={definition}&{WINDOW}")).expect(200)["metrics"].clone()
}

fn value(metrics: &Value, metric: &str) -> f64 {
    metrics[metric]["value"].as_f64().unwrap_or_else(|| panic!("{metric}: {}", metrics[metric]))
}

pub(crate) fn assert_rex(server: &Running) {
    let shop = ask(server, "product:shop", "rex");
    assert_eq!(value(&shop, "lead_time"), 24_400.0);
    assert_eq!(shop["lead_time"]["n"], 6);
    assert_eq!(value(&shop, "deployment_frequency"), 0.5);
    assert_eq!(shop["deployment_frequency"]["excluded"]["single_deployment"], 1);
    assert_eq!(value(&shop, "change_failure_rate"), 0.5);
    assert_eq!(shop["change_failure_rate"]["n"], 6);
    assert_eq!(value(&shop, "time_to_restore"), 4_200.0);
    assert_eq!(shop["time_to_restore"]["n"], 3);
    assert_eq!(shop["time_to_restore"]["excluded"], json!({"not_recovered": 1}));
    let cart = ask(server, "component:cart", "rex");
    assert_eq!(value(&cart, "lead_time"), 34.0 / 3.0 * 3_600.0);
    assert_eq!(value(&cart, "deployment_frequency"), 0.75);
    assert_eq!(cart["change_failure_rate"]["reason"], "not_defined_at_level");
    let catalogue = ask(server, "component:shop/catalogue", "rex");
    assert_eq!(value(&catalogue, "lead_time"), 3.0 * 3_600.0);
    assert_eq!(value(&catalogue, "deployment_frequency"), 0.25);
    let pay = ask(server, "component:pay", "rex");
    assert_eq!(value(&pay, "lead_time"), 6.0 * 3_600.0);
    assert_eq!(pay["deployment_frequency"]["value"], Value::Null);
    assert_eq!(pay["deployment_frequency"]["reason"], "single_deployment");
    // One product in one domain in one platform: a mean of one child is that child.
    assert_eq!(value(&ask(server, "group", "rex"), "lead_time"), 24_400.0);
}

pub(crate) fn assert_dora(server: &Running) {
    for node in ["product:shop", "group"] {
        let shop = ask(server, node, "dora");
        assert_eq!(value(&shop, "deployment_frequency"), 0.6);
        assert_eq!(value(&shop, "lead_time"), 18_000.0);
        assert_eq!(shop["lead_time"]["n"], 6);
        assert_eq!(value(&shop, "change_failure_rate"), 4.0 / 6.0);
        assert_eq!(value(&shop, "failed_deployment_recovery_time"), 46_800.0);
        assert_eq!(shop["failed_deployment_recovery_time"]["n"], 3);
        assert_eq!(shop["failed_deployment_recovery_time"]["excluded"], json!({"not_recovered": 1}));
        assert_eq!(shop["failed_deployment_recovery_time"]["stats"]["max"], 24.5 * 3_600.0);
    }
}

#[test]
fn in_one_batch() {
    let server = start();
    let taken = server.post("/api/v1/events", &json!(events())).expect(202);
    assert_eq!(taken, json!({"accepted": 11, "duplicates": 0, "rejected": []}));
    assert_rex(&server);
    assert_dora(&server);
}

#[test]
fn a_distribution_holds_the_rows_used() {
    let server = start();
    server.post("/api/v1/events", &json!(events())).expect(202);
    let path = |more: &str| format!("/api/v1/metrics?node=group&{WINDOW}{more}");
    let metrics = server.get(&path("&distribution=true")).expect(200)["metrics"].clone();
    for metric in ["lead_time", "failed_deployment_recovery_time", "time_to_restore"] {
        let bins = metrics[metric]["distribution"]["bins"].as_array().unwrap_or_else(|| panic!("{metric}"));
        let sum: u64 = bins.iter().filter_map(|bin| bin["n"].as_u64()).sum();
        assert_eq!(Some(sum), metrics[metric]["n"].as_u64(), "{metric}");
    }
    // The shortest of the six takes two hours: between 64 and 128 minutes.
    let bins = &metrics["lead_time"]["distribution"];
    assert_eq!((bins["scale"].as_str(), bins["bins"][0]["from"].as_f64()), (Some("log"), Some(3_840.0)));
    assert!(metrics["change_failure_rate"]["distribution"].is_null());
    assert!(server.get(&path("")).expect(200)["metrics"]["lead_time"]["distribution"].is_null());
    assert_eq!(server.get(&path("&distribution=perhaps")).status, 422);
}

#[test]
fn event_by_event_in_reverse() {
    let server = start();
    for event in events().iter().rev() {
        assert_eq!(server.post("/api/v1/events", event).expect(202)["accepted"], 1);
    }
    assert_rex(&server);
    assert_dora(&server);
}

#[test]
fn with_repeats_and_updates_of_the_same_event() {
    let server = start();
    let mut open: Vec<Value> = events();
    for event in &mut open {
        event.as_object_mut().expect("an object").remove("resolved_at");
        if event["type"] == "deployment" {
            event["status"] = json!("in_progress");
            event["started_at"] = event["finished_at"].clone();
            event.as_object_mut().expect("an object").remove("finished_at");
        }
    }
    let sent = [events(), open.clone(), events(), open];
    let accepted: u64 = sent
        .iter()
        .map(|events| server.post("/api/v1/events", &json!(events)).expect(202)["accepted"].as_u64().unwrap())
        .sum();
    // I3 was never resolved: its open form is the same content.
    assert_eq!(accepted, 11 + 10);
    assert_rex(&server);
    assert_dora(&server);
}

#[test]
fn every_number_can_be_taken_apart() {
    let server = start();
    server.post("/api/v1/events", &json!(events())).expect(202);
    for definition in ["rex", "dora", "examples", "rex-interval", "rex-pooled"] {
        let metrics = ask(&server, "product:shop", definition);
        for (metric, answer) in metrics.as_object().expect("an object") {
            let path = format!(
                "/api/v1/explain?metric={metric}&node=product:shop&definition={definition}&{WINDOW}&limit=1000"
            );
            let explained = server.get(&path).expect(200);
            let explanation = &explained["explanation"];
            let used = explanation["rows"].as_array().expect("rows").len() as u64;
            let left: u64 = explanation["left_out"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|left| left["rows"].as_array().map_or(0, Vec::len) as u64)
                .sum();
            assert_eq!(explanation["population"].as_u64(), Some(used + left), "{definition} {metric}");
            assert_eq!(answer["n"].as_u64(), Some(used), "{definition} {metric}");
            assert!(
                explanation["sql"].as_str().is_some_and(|sql| sql.contains("SELECT"))
                    && explanation["sentence"].is_string()
            );
        }
    }
    let cause = server.get("/api/v1/incidents/I4").expect(200);
    assert_eq!(cause["incident"]["causes"]["started_narrowest"]["deployment"]["id"], "C1");
    assert!(
        cause["incident"]["causes"]["opened_product"]["why"]
            .as_str()
            .is_some_and(|why| why.contains("2025-01-02T12:00:00Z"))
    );
    let deployment = server.get("/api/v1/deployments/sender/C1").expect(200);
    assert_eq!(deployment["deployment"]["incidents"][0]["count"], 1);
    assert_eq!(deployment["commits"].as_array().map(Vec::len), Some(1));
}

#[test]
fn series_comparison_and_bands_come_on_request() {
    let server = start();
    server.post("/api/v1/events", &json!(events())).expect(202);
    let path = "/api/v1/metrics?node=product:shop&metric=deployment_frequency&bucket=day&compare=previous&from=2025-01-06T00:00:00Z&to=2025-01-11T00:00:00Z";
    let answer = server.get(path).expect(200);
    let frequency = &answer["metrics"]["deployment_frequency"];
    let counts: Vec<u64> =
        frequency["series"].as_array().expect("a series").iter().map(|point| point["n"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 0, 1, 0, 0]);
    assert_eq!(frequency["value"], 0.4);
    assert_eq!(frequency["previous"]["value"], 0.8);
    assert_eq!(frequency["previous"]["change"], -0.5);
    assert_eq!(frequency["band"], "high");
    assert_eq!(frequency["spread"]["children"], 3);
    assert!(answer["as_of"].is_string() && answer["definition"] == json!({"id": "dora", "version": 1}));
}
