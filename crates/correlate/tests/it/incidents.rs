//! Incidents and the deployments they are attributed to.

use domain::fact::CauseRule;
use serde_json::{Value, json};

use crate::support::{World, deployment, incident};

fn causes(world: &World, id: &str) -> Vec<Option<String>> {
    CauseRule::ALL.iter().map(|rule| world.cause(id, rule.index())).collect()
}

fn some(id: &str) -> Option<String> {
    Some(id.to_owned())
}

#[test]
fn each_choice_of_instant_and_scope_has_its_own_cause() {
    let on = |id: &str, hour: &str, component: &str, instance: &str, version: &str| {
        deployment(id, hour, json!({"component": component, "instance": instance, "version": version}))
    };
    let events = [
        on("cart-eu", "01T00", "cart", "eu", "1.0.0"),
        on("cart-us", "01T01", "cart", "us", "1.0.0"),
        on("pay-eu", "01T02", "pay", "eu", "1.0.0"),
        on("cart-eu-2", "01T05", "cart", "eu", "2.0.0"),
        on("pay-eu-2", "01T06", "pay", "eu", "2.0.0"),
        incident("I", "01T07", json!({"component": "cart", "instance": "us", "started_at": "2025-01-01T03:00:00Z"})),
    ];
    let mut reversed: Vec<Value> = events.to_vec();
    reversed.reverse();
    for world in [World::of(&events), World::of(&reversed)] {
        assert_eq!(causes(&world, "I"), [some("cart-us"), some("pay-eu"), some("cart-us"), some("pay-eu-2")]);
    }
}

#[test]
fn a_deployment_at_the_very_instant_is_not_before_and_ties_go_to_the_greater_id() {
    let version =
        |id: &str, hour: &str, version: &str| deployment(id, hour, json!({"version": version, "component": id}));
    let world = World::of(&[
        version("a", "01T00", "1"),
        version("b", "01T00", "1"),
        version("z", "02T00", "1"),
        incident("I", "02T00", json!({})),
    ]);
    assert_eq!(causes(&world, "I"), [some("b"), some("b"), some("b"), some("b")]);
}

#[test]
fn an_explicit_deployment_wins_also_when_it_comes_late() {
    let mut world = World::of(&[
        deployment("1", "01T00", json!({"version": "1.0.0"})),
        incident("I", "03T00", json!({"deployment_id": "2"})),
    ]);
    assert_eq!(world.cause("I", 0), some("1"));
    world.tell(&[deployment("2", "04T00", json!({"version": "1.1.0"}))]);
    assert_eq!(causes(&world, "I"), [some("2"), some("2"), some("2"), some("2")]);
    assert_eq!(world.fact("1").incidents[0].count, 0);
    assert_eq!(world.fact("2").incidents[0].count, 1);
}

#[test]
fn a_late_deployment_takes_over_the_incidents_after_it() {
    let mut world = World::of(&[
        deployment("1", "01T00", json!({"version": "1.0.0"})),
        incident("I", "03T00", json!({"resolved_at": "2025-01-03T02:00:00Z"})),
    ]);
    assert_eq!(world.fact("1").incidents[3].resolved_at, Some(crate::support::at("2025-01-03T02:00:00Z")));
    world.tell(&[deployment("2", "02T00", json!({"version": "1.1.0"}))]);
    assert_eq!((world.fact("1").incidents[3].count, world.fact("2").incidents[3].count), (0, 1));
    // A correction that it only changed configuration gives them back.
    world.tell(&[deployment(
        "2",
        "02T00",
        json!({"version": "1.1.0", "change_kind": "config", "updated_at": "2025-02-01T00:00:00Z"}),
    )]);
    assert_eq!((world.fact("1").incidents[3].count, world.fact("2").incidents[3].count), (1, 0));
}

#[test]
fn the_first_incident_of_the_product_after_it_is_kept_with_its_delay() {
    let mut world = World::of(&[
        deployment("1", "01T00", json!({"version": "1.0.0"})),
        deployment("2", "02T00", json!({"version": "1.0.0", "component": "pay", "status": "failed"})),
        incident("late", "04T00", json!({})),
    ]);
    let hour = 3_600_000_000;
    assert_eq!([world.fact("1").incident_within, world.fact("2").incident_within], [Some(72 * hour), Some(48 * hour)]);
    world.tell(&[incident("early", "02T00", json!({}))]);
    assert_eq!([world.fact("1").incident_within, world.fact("2").incident_within], [Some(24 * hour), Some(48 * hour)]);
}

#[test]
fn labels_of_an_incident_are_those_of_its_newest_content() {
    let told = |day: &str, tier: &str| {
        let mut event = incident("I", "01T02", json!({"labels": {"tier": tier}}));
        event["updated_at"] = json!(format!("2025-01-{day}T00:00:00Z"));
        event
    };
    let world = World::of(&[told("03", "gold"), told("02", "silver"), incident("J", "01T03", json!({}))]);
    assert_eq!(Value::from(world.incident("I").labels.clone()), json!({"tier": "gold"}));
    assert!(world.incident("J").labels.is_empty());
}
