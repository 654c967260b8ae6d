//! Definitions of one's own: a copy gives the same numbers, a change differs where it should and has its version.

use serde_json::{Value, json};

use crate::support::{Answer, Running, start, start_with};

const WINDOW: &str = "from=2025-01-01&to=2025-01-11";

/// Four deployments on three days, one of them of a hotfix, and an incident.
fn sample(server: &Running) {
    let deployment = |id: &str, at: &str, kind: &str, hours: u32| {
        json!({"type": "deployment", "id": id, "product": "shop", "component": "cart", "environment": "prod",
            "status": "succeeded", "version": format!("1.0.{id}"), "finished_at": format!("2025-01-{at}:00:00Z"),
            "change_kind": kind, "commits": [
                {"sha": format!("a{id:0>39}"), "committed_at": "2024-12-31T00:00:00Z"},
                {"sha": format!("b{id:0>39}"), "committed_at": format!("2024-12-31T{hours:02}:00:00Z")}]})
    };
    let incident = json!({"type": "incident", "id": "i", "product": "shop", "opened_at": "2025-01-02T20:00:00Z",
        "resolved_at": "2025-01-02T22:00:00Z"});
    let events = json!([
        deployment("1", "02T12", "code", 6),
        deployment("2", "02T18", "code", 8),
        deployment("3", "04T12", "hotfix", 10),
        deployment("4", "07T12", "code", 12),
        incident
    ]);
    server.post("/api/v1/events", &events).expect(202);
}

pub(crate) fn put(server: &Running, toml: &str) -> Answer {
    server.admin("PUT", "/api/v1/catalogue", "application/toml", toml)
}

fn metrics(server: &Running, definition: &str) -> Value {
    let path =
        format!("/api/v1/metrics?node=product:shop&definition={definition}&{WINDOW}&bucket=day&compare=previous");
    server.get(&path).expect(200)
}

#[test]
fn a_copy_gives_the_same_numbers_and_a_change_differs_where_it_should() {
    let server = start();
    sample(&server);
    let toml = "[[definitions]]\nid = \"copy\"\nlike = \"dora\"\n\n\
        [[definitions]]\nid = \"days\"\nversion = 4\ntitle = \"Days that saw a deployment.\"\nfrequency = \"deploy_days\"\n\n\
        [[definitions]]\nid = \"first\"\nlead_time = { start = \"first_commit\" }\n";
    assert_eq!(put(&server, toml).expect(200)["catalogue"]["definitions"], 3);
    let dora = metrics(&server, "dora");
    assert_eq!(dora["metrics"]["deployment_frequency"]["value"], 0.4);
    for (id, version, differs) in
        [("copy", 1, vec![]), ("days", 4, vec!["deployment_frequency"]), ("first", 1, vec!["lead_time"])]
    {
        let ours = metrics(&server, id);
        assert_eq!(ours["definition"], json!({"id": id, "version": version}));
        for (metric, answer) in dora["metrics"].as_object().expect("metrics") {
            let same = ours["metrics"][metric] == *answer;
            assert_eq!(same, !differs.contains(&metric.as_str()), "{id} {metric}: {}", ours["metrics"][metric]);
        }
    }
    assert_eq!(metrics(&server, "days")["metrics"]["deployment_frequency"]["value"], 0.3);
    // From 31 December at midnight: 60, 66, 108 and 180 hours, one a deployment.
    assert_eq!(metrics(&server, "first")["metrics"]["lead_time"]["value"], 87.0 * 3_600.0);
    let explained = server.get(&format!("/api/v1/explain?metric=lead_time&definition=first&{WINDOW}")).expect(200);
    assert!(explained["explanation"]["sentence"].as_str().is_some_and(|text| text.contains("the earliest commit")));

    let listed = server.get("/api/v1/definitions").expect(200);
    let listed = listed["definitions"].as_array().expect("definitions");
    let found = listed.iter().find(|one| one["definition"]["id"] == "days").expect("ours");
    assert_eq!(
        (&found["definition"]["version"], &found["definition"]["title"]),
        (&json!(4), &json!("Days that saw a deployment."))
    );
    assert!(found["sentences"]["deployment_frequency"].as_str().is_some_and(|text| text.starts_with("Days with one")));
    assert_eq!(server.get("/api/v1/catalogue").expect(200)["definitions"][1]["frequency"], "deploy_days");
}

#[test]
fn a_changed_definition_is_a_new_version() {
    let server = start();
    sample(&server);
    let ours = |version: u32, rest: &str| format!("[[definitions]]\nid = \"ours\"\nversion = {version}\n{rest}\n");
    put(&server, &ours(1, "")).expect(200);
    let before = metrics(&server, "ours");
    let refused = put(&server, &ours(1, "frequency = \"deploy_days\""));
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("definition_invalid")));
    assert!(refused.text.contains("Write `version = 2`"), "{}", refused.text);
    assert_eq!(metrics(&server, "ours")["metrics"], before["metrics"], "what was refused changes nothing");
    put(&server, &ours(2, "frequency = \"deploy_days\"")).expect(200);
    let after = metrics(&server, "ours");
    assert_eq!(
        (&after["definition"]["version"], &after["metrics"]["deployment_frequency"]["value"]),
        (&json!(2), &json!(0.3))
    );
    // Also when it was taken out in between.
    put(&server, "").expect(200);
    assert_eq!(server.get("/api/v1/metrics?definition=ours").status, 422);
    assert_eq!(put(&server, &ours(2, "frequency = \"per_day\"")).status, 422);
    put(&server, &ours(2, "frequency = \"deploy_days\"")).expect(200);
    // Facts are made anew from the journal, and the definition with them.
    server.admin("POST", "/api/v1/rebuild", "application/json", "").expect(200);
    assert_eq!(metrics(&server, "ours")["metrics"], after["metrics"]);
}

#[test]
fn what_cannot_be_used_says_where_and_what_it_takes() {
    let server = start();
    for (toml, code, said) in [
        ("[[definitions]]\nid = \"dora\"\n", "definition_invalid", "comes with Leadline"),
        ("[[definitions]]\nid = \"a\"\nbands = \"best\"\n", "definition_invalid", "it takes dora-2019"),
        (
            "[[definitions]]\nid = \"a\"\nfrequency = \"weekly\"\n",
            "catalogue_invalid",
            "expected one of `per_day`, `deploy_days`",
        ),
        ("[[definitions]]\nid = \"a\"\nlead_time = { begin = \"x\" }\n", "catalogue_invalid", "unknown field `begin`"),
    ] {
        let answer = put(&server, toml);
        assert_eq!((answer.status, &answer.json()["code"]), (422, &json!(code)), "{}", answer.text);
        assert!(answer.text.contains(said), "{}", answer.text);
    }
}

#[test]
fn one_of_the_catalogue_may_be_the_default() {
    let mut config = server::Config::default();
    config.metrics.definition = "ours".to_owned();
    let server = start_with(config);
    let answer = server.get("/api/v1/metrics");
    assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("definition_unknown")));
    put(&server, "[[definitions]]\nid = \"ours\"\n").expect(200);
    assert_eq!(server.get("/api/v1/metrics").expect(200)["definition"]["id"], "ours");
}
