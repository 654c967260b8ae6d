//! Comparisons, correlations and changes over HTTP: small enough to be checked by hand.

use serde_json::{Value, json};

use crate::support::{Running, start};

const WINDOW: &str = "from=2025-01-01&to=2025-01-31";

/// A deployment whose one commit is `hours` old.
fn deployment(id: &str, product: &str, day: u32, hours: u32, kind: &str) -> Value {
    let finished = format!("2025-01-{day:02}T23:00:00Z");
    let committed = if hours < 24 {
        format!("2025-01-{day:02}T{:02}:00:00Z", 23 - hours)
    } else {
        format!("2025-01-{:02}T{:02}:00:00Z", day - hours / 24, 23 - hours % 24)
    };
    json!({"type": "deployment", "id": id, "product": product, "component": format!("{product}-main"), "environment": "prod",
        "status": "succeeded", "version": format!("1.0.{day}"), "finished_at": finished, "change_kind": kind,
        "commits": [{"sha": format!("{id:0>40}"), "committed_at": committed}]})
}

/// `slow` deploys 10 times with a lead time of 10 hours, `fast` 20 times with one of 2; half of `fast` is rework.
fn two_products() -> Running {
    let server = start();
    let slow = (1..=10).map(|n| deployment(&format!("a{n}"), "slow", n + 5, 10, "code"));
    let fast =
        (1..=20).map(|n| deployment(&format!("b{n}"), "fast", n + 5, 2, if n % 2 == 0 { "hotfix" } else { "code" }));
    server.post("/api/v1/events", &json!(slow.chain(fast).collect::<Vec<_>>())).expect(202);
    server
}

fn difference<'a>(answer: &'a Value, metric: &str) -> &'a Value {
    &answer["columns"][1]["metrics"][metric]["difference"]
}

#[test]
fn nodes_are_compared_with_the_first() {
    let server = two_products();
    let answer = server.get(&format!("/api/v1/compare?nodes=product:slow,product:fast&{WINDOW}")).expect(200);
    assert_eq!((answer["by"].as_str(), answer["columns"].as_array().map(Vec::len)), (Some("node"), Some(2)));
    assert_eq!(answer["columns"][0]["node"], "product:slow");
    assert!(answer["columns"][0]["metrics"]["lead_time"].get("difference").is_none());
    assert!(answer["caution"].as_str().is_some_and(|text| text.contains("independent")));
    let frequency = difference(&answer, "deployment_frequency");
    assert_eq!((&frequency["change"], &frequency["interval"]["method"]), (&json!(1.0), &json!("poisson_ratio")));
    // 20 against 10 in equal windows, by SciPy 1.17.1 `beta.ppf`.
    let end = |name: &str| frequency["interval"][name].as_f64().expect("a number");
    assert!(
        (end("low") - 0.893_508_890_384_690_8).abs() < 1e-9 && (end("high") - 4.784_552_440_338_102).abs() < 1e-9,
        "{frequency}"
    );
    assert_eq!(frequency["sure"], "chance");
    let lead = difference(&answer, "lead_time");
    assert_eq!(
        (&lead["value"], &lead["sure"], &lead["interval"]["method"]),
        (&json!(-28_800.0), &json!("clear"), &json!("median_mover"))
    );
    let rework = difference(&answer, "rework_rate");
    assert_eq!((&rework["value"], &rework["interval"]["method"]), (&json!(0.5), &json!("newcombe")));
    assert_eq!(difference(&answer, "failed_deployment_recovery_time")["reason"], "no_value");
}

#[test]
fn a_window_is_compared_with_another() {
    let server = two_products();
    // Days 16 to 25 against days 6 to 15: `fast` deployed 10 times in each.
    let path = "/api/v1/compare?node=product:fast&from=2025-01-16&to=2025-01-26&metric=lead_time,deployment_frequency";
    let answer = server.get(path).expect(200);
    assert_eq!((&answer["by"], &answer["columns"][0]["from"]), (&json!("window"), &json!("2025-01-06T00:00:00Z")));
    assert_eq!(difference(&answer, "lead_time")["value"], 0.0);
    assert_eq!(difference(&answer, "deployment_frequency")["sure"], "chance");
    let other = server.get(&format!("{path}&with=2025-01-01,2025-01-08")).expect(200);
    assert_eq!(other["columns"][0]["to"], "2025-01-08T00:00:00Z");
    assert_eq!(difference(&other, "lead_time")["reason"], "too_few");
    assert_eq!(difference(&other, "lead_time")["interval"], Value::Null);
    let rex = server.get(&format!("/api/v1/compare?nodes=group,product:fast&definition=rex&metric=lead_time&{WINDOW}"));
    assert_eq!(difference(&rex.expect(200), "lead_time")["reason"], "not_from_rows");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let server = two_products();
    for (path, said) in [
        ("compare?nodes=product:slow", "2 to 20 nodes"),
        ("compare?nodes=product:slow,product:slow", "twice"),
        ("compare?nodes=product:slow,product:fast&with=previous", "either `nodes`"),
        ("compare?node=group&with=yesterday", "FROM,TO"),
        ("compare?node=group&with=2025-02-01,2025-01-01", "no earlier than it ends"),
        ("compare?nodes=product:slow,product:fast&bucket=day", "no parameter `bucket`"),
        ("correlation?x=lead_time", "`y` is missing"),
        ("correlation?x=lead_time&y=lead_time", "goes with itself"),
        ("correlation?x=lead_time&y=speed", "not a metric"),
        ("correlation?x=lead_time&y=rework_rate&level=group", "`level` takes"),
        ("metrics?changes=true", "`bucket`"),
        ("metrics?changes=1&bucket=day", "true or false"),
    ] {
        let answer = server.get(&format!("/api/v1/{path}"));
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (422, &json!("invalid_parameter")),
            "{path}: {}",
            answer.text
        );
        assert!(answer.text.contains(said), "{path}: {}", answer.text);
    }
    assert_eq!(server.get("/api/v1/compare?nodes=product:slow,product:none").status, 404);
}

#[test]
fn a_correlation_comes_with_its_points_and_no_cause() {
    let server = start();
    let mut events = Vec::new();
    for product in 1..=6_u32 {
        for n in 1..=product {
            let id = format!("p{product}n{n}");
            // The more often, the faster: lead time is 12 hours less the number of deployments.
            events.push(deployment(&id, &format!("p{product}"), n + 5, 12 - product, "code"));
        }
    }
    events.push(json!({"type": "incident", "id": "i", "product": "idle", "opened_at": "2025-01-02T01:00:00Z"}));
    server.post("/api/v1/events", &json!(events)).expect(202);
    let path = format!("/api/v1/correlation?x=deployment_frequency&y=lead_time&{WINDOW}");
    let answer = server.get(&path).expect(200);
    assert_eq!((&answer["n"], &answer["left_out"], &answer["reason"]), (&json!(6), &json!(1), &Value::Null));
    assert!((answer["r"].as_f64().expect("r") + 1.0).abs() < 1e-12, "{answer}");
    assert!(answer["p"].as_f64().expect("p") < 1e-6);
    assert_eq!(answer["points"][0], json!({"node": "product:p1", "x": 1.0 / 30.0, "y": 39_600.0, "x_n": 1, "y_n": 1}));
    assert!(
        answer["sentence"].as_str().is_some_and(|text| text.ends_with("A correlation is not a cause.")),
        "{answer}"
    );
    let one = server.get(&format!("{path}&node=product:p3&level=component")).expect(200);
    assert_eq!((&one["n"], &one["r"], &one["reason"]), (&json!(1), &Value::Null, &json!("too_few")));
}

#[test]
fn a_series_says_where_its_level_moved() {
    let server = start();
    // 20 days: one deployment a day with a lead time of 10 hours or so, from day 11 on of 2.
    let hours = |day: u32| if day <= 10 { 9 + day % 3 } else { 2 + day % 2 };
    let events: Vec<_> = (1..=20).map(|day| deployment(&format!("d{day}"), "p", day, hours(day), "code")).collect();
    server.post("/api/v1/events", &json!(events)).expect(202);
    let path = "/api/v1/metrics?node=product:p&metric=lead_time&bucket=day&changes=true&from=2025-01-01";
    let changes = |path: &str| server.get(path).expect(200)["metrics"]["lead_time"]["changes"].clone();
    let found = changes(&format!("{path}&to=2025-01-21"));
    assert_eq!((&found["n"], found["points"].as_array().map(Vec::len)), (&json!(20), Some(1)), "{found}");
    assert_eq!(found["points"][0]["at"], "2025-01-11T00:00:00Z");
    assert_eq!((&found["points"][0]["before"], &found["points"][0]["after"]), (&json!(36_000.0), &json!(9_000.0)));
    // A day cut by the window is not looked at, and few days are too few.
    assert_eq!(changes(&format!("{path}&to=2025-01-20T23:30:00Z"))["n"], 19);
    let few = changes(&format!("{path}&to=2025-01-06"));
    assert_eq!((&few["reason"], &few["points"]), (&json!("too_few"), &json!([])));
    assert!(server.get("/api/v1/metrics?bucket=day").expect(200)["metrics"]["lead_time"].get("changes").is_none());
}
