//! Metrics taken apart, from events to the answer.

use serde_json::{Value, json};

use crate::support::start;

const WINDOW: &str = "from=2025-01-01&to=2025-01-31";

fn sha(name: &str) -> String {
    format!("{:0<40}", name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn commit(name: &str, at: &str, parents: &[&str]) -> Value {
    let parents: Vec<String> = parents.iter().map(|parent| sha(parent)).collect();
    json!({"type": "change", "repo": "acme/cart", "sha": sha(name), "committed_at": at, "parents": parents})
}

fn deployment(id: &str, at: &str, commit: &str) -> Value {
    json!({"type": "deployment", "id": id, "product": "shop", "component": "cart", "environment": "prod",
        "status": "succeeded", "finished_at": at, "repo": "acme/cart", "sha": sha(commit)})
}

fn part<'a>(answer: &'a Value, metric: &str, name: &str) -> &'a Value {
    let parts = answer["metrics"][metric]["split"]["parts"].as_array().expect("parts");
    parts.iter().find(|part| part["part"] == name).expect("the part")
}

/// One pull request of two commits, merged, and one commit pushed directly; a run for the merge.
#[test]
fn lead_time_is_told_in_the_stages_of_its_pull_requests() {
    let server = start();
    let request = json!({"type": "pull_request", "repo": "acme/cart", "number": 7, "opened_at": "2025-01-10T12:00:00Z",
        "first_review_at": "2025-01-10T16:00:00Z", "merged_at": "2025-01-11T10:00:00Z", "merge_sha": sha("m")});
    let run = json!({"type": "pipeline_run", "id": "1", "product": "shop", "component": "cart", "repo": "acme/cart",
        "sha": sha("d"), "started_at": "2025-01-11T10:00:00Z", "finished_at": "2025-01-11T10:30:00Z", "status": "succeeded",
        "stages": [
            {"name": "Compile", "started_at": "2025-01-11T10:00:00Z", "finished_at": "2025-01-11T10:10:00Z"},
            {"name": "unit tests", "started_at": "2025-01-11T10:10:00Z", "finished_at": "2025-01-11T10:25:00Z"},
            {"name": "lint", "started_at": "2025-01-11T10:10:00Z", "finished_at": "2025-01-11T10:28:00Z"}]});
    let events = [
        commit("a", "2025-01-08T00:00:00Z", &[]),
        commit("p", "2025-01-10T09:00:00Z", &["a"]),
        commit("q", "2025-01-10T11:00:00Z", &["p"]),
        commit("m", "2025-01-11T10:00:00Z", &["a", "q"]),
        commit("d", "2025-01-11T11:00:00Z", &["m"]),
        deployment("1", "2025-01-09T00:00:00Z", "a"),
        deployment("2", "2025-01-12T10:00:00Z", "d"),
        request,
        run,
    ];
    server.post("/api/v1/events", &json!(events)).expect(202);
    let ask = |query: &str| server.get(&format!("/api/v1/metrics?node=component:cart&{WINDOW}&{query}")).expect(200);
    let answer = ask("metric=lead_time,time_in_ci&split=stage");
    let hour = 3_600.0;
    for (name, value) in
        [("coding", 3.0 * hour), ("pickup", 4.0 * hour), ("review", 18.0 * hour), ("merge_to_deploy", 24.0 * hour)]
    {
        let part = part(&answer, "lead_time", name);
        assert_eq!((&part["value"], &part["n"], &part["unit"]), (&json!(value), &json!(1), &json!("s")), "{name}");
        // The head of the first deployment, and what was pushed directly.
        assert_eq!(part["excluded"], json!({"no_pull_request": 2}));
    }
    assert_eq!(answer["metrics"]["lead_time"]["split"]["bottleneck"], "merge_to_deploy");
    assert_eq!(part(&answer, "time_in_ci", "build")["value"], 600.0);
    assert_eq!(part(&answer, "time_in_ci", "test")["value"], 1_080.0, "beside each other, they count once");
    assert_eq!(part(&answer, "time_in_ci", "deploy")["reason"], "stage_not_run");
    assert_eq!(answer["metrics"]["time_in_ci"]["split"]["bottleneck"], "test");

    let part =
        server.get(&format!("/api/v1/explain?node=component:cart&{WINDOW}&metric=lead_time&part=review")).expect(200);
    let explanation = &part["explanation"];
    assert_eq!(explanation["rows"][0]["item"], "acme/cart#7");
    assert_eq!((&explanation["used"], &explanation["population"]), (&json!(1), &json!(3)));
    assert!(explanation["sentence"].as_str().is_some_and(|text| text.contains("first review")));

    let definitions = "[[definitions]]\nid = \"merged\"\nlead_time = { start = \"merged\" }\n[[definitions]]\nid = \"opened\"\nlead_time = { start = \"pr_opened\" }\n";
    crate::definitions::put(&server, definitions).expect(200);
    for (id, hours) in [("merged", 24.0), ("opened", 46.0)] {
        let lead = ask(&format!("metric=lead_time&definition={id}"))["metrics"]["lead_time"].clone();
        assert_eq!((&lead["value"], &lead["n"]), (&json!(hours * hour), &json!(1)), "{id}");
    }
}

#[test]
fn times_of_incidents_are_told_by_severity() {
    let server = start();
    let incident = |id: &str, severity: &str, hours: u32| {
        json!({"type": "incident", "id": id, "product": "shop", "severity": severity, "opened_at": "2025-01-10T00:00:00Z",
            "resolved_at": format!("2025-01-10T{hours:02}:00:00Z")})
    };
    let open = json!({"type": "incident", "id": "4", "product": "shop", "severity": "low", "opened_at": "2025-01-10T00:00:00Z"});
    server
        .post(
            "/api/v1/events",
            &json!([incident("1", "critical", 1), incident("2", "critical", 3), incident("3", "low", 8), open]),
        )
        .expect(202);
    let answer = server.get(&format!("/api/v1/metrics?{WINDOW}&metric=time_to_restore&split=severity")).expect(200);
    let critical = part(&answer, "time_to_restore", "critical");
    assert_eq!((&critical["value"], &critical["n"]), (&json!(7_200.0), &json!(2)));
    let low = part(&answer, "time_to_restore", "low");
    assert_eq!((&low["n"], &low["excluded"]), (&json!(1), &json!({"not_recovered": 1})));
    assert_eq!(part(&answer, "time_to_restore", "high")["reason"], "no_incidents");
    assert!(answer["metrics"]["time_to_restore"]["split"].get("bottleneck").is_none());
    let alone =
        server.get(&format!("/api/v1/metrics?{WINDOW}&metric=time_to_restore&part=low&bucket=week")).expect(200);
    assert_eq!(alone["metrics"]["time_to_restore"]["value"], 28_800.0);

    let listed = server.get("/api/v1/incidents?severity=critical").expect(200);
    assert_eq!(listed["incidents"].as_array().map(Vec::len), Some(2));
    server.get("/api/v1/incidents?severity=sev1").expect(422);

    for (query, said) in [
        ("metric=lead_time&part=high", "takes coding, pickup"),
        ("part=high", "one of one metric"),
        ("split=colour", "`split` takes stage, severity, last"),
    ] {
        let refused = server.get(&format!("/api/v1/metrics?{WINDOW}&{query}")).expect(422);
        assert!(refused["message"].as_str().is_some_and(|text| text.contains(said)), "{refused}");
    }
}

#[test]
fn a_service_level_is_judged_by_the_objective_of_the_catalogue() {
    let server = start();
    let sample = |at: &str, good: f64| json!({"type": "slo_sample", "slo": "up", "product": "shop", "at": at, "good": good, "total": 1000, "objective": 0.5});
    let flag = json!({"type": "flag_change", "id": "1", "flag": "new-cart", "product": "shop", "at": "2025-01-30T00:00:00Z",
        "from": "off", "to": "on"});
    server
        .post(
            "/api/v1/events",
            &json!([
                deployment("1", "2025-01-09T00:00:00Z", "a"),
                sample("2025-01-10T00:00:00Z", 1000.0),
                sample("2025-01-30T23:58:00Z", 992.0),
                flag
            ]),
        )
        .expect(202);
    let path = format!("/api/v1/metrics?node=product:shop&{WINDOW}&metric=error_budget_remaining,burn_rate&split=last");
    let path = path.as_str();
    let without = server.get(path).expect(200);
    let budget = &without["metrics"]["error_budget_remaining"];
    assert_eq!((&budget["value"], &budget["reason"]), (&Value::Null, &json!("no_objective")));
    assert!(budget["reason_text"].as_str().is_some_and(|text| text.contains("[[slos]]")));

    crate::definitions::put(&server, "[[slos]]\nname = \"up\"\nproduct = \"shop\"\nobjective = 0.99\n").expect(200);
    let answer = server.get(path).expect(200);
    let near = |value: &Value, wanted: f64| value.as_f64().is_some_and(|value| (value - wanted).abs() < 1e-9);
    assert!(near(&answer["metrics"]["error_budget_remaining"]["value"], 0.6), "{answer}");
    assert!(near(&answer["metrics"]["burn_rate"]["value"], 0.4));
    assert!(near(&part(&answer, "burn_rate", "5m")["value"], 0.8));
    let problem = crate::definitions::put(&server, "[[slos]]\nname = \"up\"\nobjective = 99\n").expect(422);
    assert!(problem["message"].as_str().is_some_and(|text| text.contains("between 0 and 1")), "{problem}");
}
