//! Pipeline runs that are deployments by rule, and what is taken back.

use correlate::Engine;
use domain::DeploymentKey;
use domain::catalogue::Catalogue;
use domain::event::{EventKind, Status, entity_key};
use domain::rules::WorkflowRule;
use serde_json::{Value, json};

use crate::support::{World, change, deployment, incident, sha, with};

fn rule(name: &str, branch: &str, environment: &str) -> WorkflowRule {
    WorkflowRule {
        name: name.into(),
        branch: branch.into(),
        environment: environment.into(),
        ..WorkflowRule::default()
    }
}

fn catalogue(rules: &[WorkflowRule]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    catalogue.rules.workflow_deployments = rules.to_vec();
    catalogue
}

fn run(id: &str, day_hour: &str, more: Value) -> Value {
    let base = json!({
        "type": "pipeline_run", "id": id, "name": "Deploy", "branch": "main", "repo": "acme/shop", "component": "acme/shop",
        "status": "succeeded", "started_at": "2025-01-01T00:00:00Z", "finished_at": format!("2025-01-{day_hour}:00:00Z"),
    });
    with(base, more)
}

#[test]
fn the_first_rule_that_fits_names_the_environment() {
    let rules = [rule("Deploy*", "release/*", "staging"), rule("Deploy*", "main", "production")];
    let mut world = World::new(&catalogue(&rules));
    world.tell(&[
        change("a", "01T01", &[], json!({})),
        change("b", "02T01", &["a"], json!({})),
        run("1-1", "01T02", json!({"sha": sha("a")})),
        run("2-1", "02T02", json!({"sha": sha("b"), "trigger": "automated"})),
        run("3-1", "02T03", json!({"branch": "release/1", "sha": sha("b")})),
        run("4-1", "02T04", json!({"branch": "topic"})),
        run("5-1", "02T05", json!({"name": "Test"})),
        incident("I", "03T00", json!({"product": "unassigned"})),
    ]);
    assert_eq!(world.ledger.all_deployments().len(), 3);
    let fact = world.fact("2-1").clone();
    assert_eq!((&*fact.lane.environment, fact.counted), ("production", true));
    assert_eq!(fact.assumed.as_deref(), Some("pipeline_run"));
    assert_eq!(world.commits("2-1"), ["b"]);
    assert_eq!(world.cause("I", 0).as_deref(), Some("2-1"));
    assert_eq!((&*world.fact("3-1").lane.environment, world.fact("3-1").counted), ("staging", false));
    assert_eq!(world.ledger.all_others().len(), 5, "they stay runs besides");
}

#[test]
fn a_run_becomes_a_deployment_with_its_rule_and_ceases_to_be_one_without() {
    let with_rule = catalogue(&[rule("Deploy", "*", "production")]);
    let mut world = World::new(&Catalogue::default());
    let events = [
        run("1-1", "01T02", json!({"version": "1"})),
        run("2-1", "02T02", json!({"status": "failed"})),
        incident("I", "03T00", json!({"product": "unassigned", "deployment_id": "1-1"})),
    ];
    world.tell(&events);
    assert!(world.ledger.all_deployments().is_empty());
    world.engine.change_catalogue(&mut world.ledger, &with_rule).unwrap();
    assert_eq!(world.fact("2-1").status, Status::Failed);
    assert_eq!(world.cause("I", 0).as_deref(), Some("1-1"));
    world.engine.change_catalogue(&mut world.ledger, &Catalogue::default()).unwrap();
    assert!(world.ledger.all_deployments().is_empty());
    assert_eq!(world.cause("I", 0), None);
    let mut again = Engine::new(&with_rule, &mut world.ledger).unwrap();
    again.change_catalogue(&mut world.ledger, &with_rule).unwrap();
    assert!(world.ledger.all_deployments().is_empty(), "nothing changed for this engine");
}

#[test]
fn a_deployment_of_its_own_stands_above_the_rule() {
    let mut world = World::new(&catalogue(&[rule("Deploy", "*", "staging")]));
    world.tell(&[run("7", "01T02", json!({})), deployment("7", "01T03", json!({}))]);
    assert_eq!(&*world.fact("7").lane.environment, "production");
}

/// By the run it was in a product, and so was everything of the same name, itself included once its own event came.
#[test]
fn a_place_that_only_the_run_gave_is_given_up_with_it() {
    let own = deployment("7", "01T03", json!({"component": "cart", "product": null}));
    let by_run = run("7", "01T02", json!({"component": "cart", "product": "till"}));
    for events in [[own.clone(), by_run.clone()], [by_run, own]] {
        let mut world = World::new(&catalogue(&[rule("Deploy", "*", "production")]));
        for event in events {
            world.tell(&[event]);
        }
        assert_eq!(world.fact("7").lane.component.as_str(), "unassigned/cart");
    }
}

#[test]
fn a_withdrawn_incident_counts_nowhere_until_it_is_one_again() {
    let withdrawn = |flag: bool, hour: &str| {
        incident("I", "02T00", json!({"withdrawn": flag, "updated_at": format!("2025-01-02T0{hour}:00:00Z")}))
    };
    let mut world = World::of(&[deployment("1", "01T00", json!({"version": "1"})), withdrawn(false, "1")]);
    assert_eq!((world.cause("I", 0).as_deref(), world.fact("1").incidents[0].count), (Some("1"), 1));
    assert!(world.fact("1").incident_within.is_some());
    world.tell(&[withdrawn(true, "2")]);
    assert!(world.ledger.all_incidents().is_empty());
    assert_eq!(world.fact("1").incidents[0].count, 0);
    assert_eq!(world.fact("1").incident_within, None);
    world.tell(&[withdrawn(false, "3")]);
    assert_eq!(world.cause("I", 0).as_deref(), Some("1"));
}

#[test]
fn an_incident_opened_again_is_open_until_it_is_closed_again() {
    let mut world = World::of(&[
        incident("I", "02T00", json!({"closed_at": "2025-01-02T05:00:00Z"})),
        incident("I", "02T00", json!({"reopened_at": "2025-01-02T06:00:00Z"})),
    ]);
    assert_eq!(world.incident("I").resolved_at, None);
    world.tell(&[incident("I", "02T00", json!({"closed_at": "2025-01-02T07:00:00Z"}))]);
    assert_eq!(world.incident("I").resolved_at, Some(crate::support::at("2025-01-02T07:00:00Z")));
}

#[test]
fn jobs_are_stages_of_their_run() {
    let job = |id: &str, name: &str, hour: &str| {
        json!({"type": "pipeline_run", "id": "1-1", "status": "in_progress",
        "started_at": "2025-01-01T00:00:00Z", (format!("stage.{id}")): {"name": name, "status": "succeeded",
        "started_at": format!("2025-01-01T0{hour}:00:00Z")}, "updated_at": format!("2025-01-01T0{hour}:00:00Z")})
    };
    let world = World::of(&[job("9", "deploy", "2"), run("1-1", "01T03", json!({})), job("8", "test", "1")]);
    let key = entity_key(EventKind::PipelineRun, "test", "1-1");
    let values = &world.ledger.all_others()[&key].values;
    let names: Vec<_> = values["stages"].as_array().unwrap().iter().map(|stage| stage["name"].clone()).collect();
    assert_eq!((names, values["status"].as_str()), (vec![json!("test"), json!("deploy")], Some("succeeded")));
    assert!(world.ledger.all_deployments().get(&DeploymentKey::new("test", "1-1")).is_none());
}
