//! Kinds of deployments, and whom rollbacks, hotfixes and reverts blame.

use serde_json::{Value, json};

use crate::support::{World, change, deployment, event, incident, sha};

fn version(id: &str, day_hour: &str, version: &str) -> Value {
    deployment(id, day_hour, json!({"version": version}))
}

fn kinds(world: &World, ids: &[&str]) -> Vec<&'static str> {
    ids.iter().map(|id| world.fact(id).kind.text()).collect()
}

#[test]
fn a_rollback_blames_what_directly_followed_the_version_gone_back_to() {
    let world = World::of(&[
        version("1", "01T00", "1.0.0"),
        version("2", "02T00", "1.1.0"),
        version("3", "03T00", "1.2.0"),
        version("4", "04T00", "v1.0.0"),
    ]);
    assert_eq!(kinds(&world, &["1", "2", "3", "4"]), ["code", "code", "code", "rollback"]);
    assert_eq!(world.fact("4").blames.as_ref().map(|blame| &*blame.deployment.id), Some("2"));
    assert_eq!(world.signals("2"), ["rollback"]);
    assert_eq!(world.signals("3"), [""; 0]);
    assert_eq!(world.fact("2").remediation.as_ref().map(|remedy| &*remedy.deployment.id), Some("4"));
    assert_eq!(world.fact("4").replaces.as_ref().map(|key| &*key.id), Some("3"));
}

#[test]
fn by_the_graph_a_rollback_is_an_ancestor_and_a_release_of_an_old_branch_is_not() {
    let deploy =
        |id: &str, day: &str, commit: &str| deployment(id, day, json!({"sha": sha(commit), "repo": "acme/shop"}));
    let world = World::of(&[
        change("a", "01T00", &[], json!({})),
        change("b", "01T01", &["a"], json!({})),
        change("c", "01T02", &["a"], json!({})),
        deploy("1", "02T00", "a"),
        deploy("2", "03T00", "b"),
        deploy("3", "04T00", "a"),
        deploy("4", "05T00", "c"),
        deploy("5", "06T00", "b"),
    ]);
    assert_eq!(kinds(&world, &["3", "4", "5"]), ["rollback", "code", "code"]);
}

#[test]
fn the_same_code_again_is_configuration_and_two_unknowns_are_never_the_same() {
    let unknown = |id: &str, day: &str| deployment(id, day, json!({}));
    let world = World::of(&[
        version("1", "01T00", "1.0.0"),
        version("2", "02T00", "1.0.0"),
        unknown("3", "03T00"),
        unknown("4", "04T00"),
    ]);
    assert_eq!(kinds(&world, &["1", "2", "3", "4"]), ["code", "config", "unknown", "unknown"]);
    assert!(!world.fact("2").counted && world.fact("4").counted);
}

#[test]
fn a_hotfix_blames_the_counted_deployment_before_it() {
    let world = World::of(&[
        version("1", "01T00", "1.0.0"),
        version("2", "02T00", "1.1.0"),
        deployment("3", "02T06", json!({"version": "1.1.1", "branch": "hotfix/cart"})),
    ]);
    assert_eq!(kinds(&world, &["3"]), ["hotfix"]);
    assert_eq!(world.signals("2"), ["hotfix"]);
    assert_eq!(world.signals("3"), ["is_remediation"]);
    assert_eq!(world.fact("2").signals[0].delay, 6 * 3_600_000_000);
}

#[test]
fn a_hotfix_rolled_out_to_a_second_instance_does_not_blame_the_first() {
    let on = |id: &str, hour: &str, version: &str, instance: &str, more: Value| {
        crate::support::with(deployment(id, hour, json!({"version": version, "instance": instance})), more)
    };
    let hot = json!({"change_kind": "hotfix"});
    let world = World::of(&[
        on("1", "01T00", "1.0.0", "eu", json!({})),
        on("2", "01T01", "1.0.0", "us", json!({})),
        on("3", "02T00", "1.0.1", "eu", hot.clone()),
        on("4", "02T01", "1.0.1", "us", hot),
    ]);
    assert_eq!(world.signals("3"), ["is_remediation"]);
    assert_eq!(world.signals("2"), ["hotfix", "hotfix"]);
}

#[test]
fn a_named_fix_blames_the_cause_of_its_incident() {
    let mut world = World::of(&[
        version("1", "01T00", "1.0.0"),
        version("2", "03T00", "1.1.0"),
        deployment("3", "04T00", json!({"version": "1.1.1", "fixes": ["I"]})),
    ]);
    assert_eq!(world.fact("3").kind.text(), "hotfix");
    assert_eq!(world.signals("2"), ["hotfix"]);
    world.tell(&[incident("I", "02T00", json!({}))]);
    assert_eq!(world.signals("2"), [""; 0]);
    assert_eq!(world.signals("1"), ["hotfix"]);
    let remedy = world.fact("1").remediation.as_ref();
    assert_eq!(remedy.map(|remedy| remedy.why.as_str()), Some("1.1.1 fixes incident I"));
}

#[test]
fn a_reverted_commit_blames_the_deployment_that_brought_it() {
    let deploy =
        |id: &str, day: &str, commit: &str| deployment(id, day, json!({"sha": sha(commit), "repo": "acme/shop"}));
    let message = format!("Revert \"b\"\n\nThis reverts commit {}.", sha("b"));
    let world = World::of(&[
        change("a", "01T00", &[], json!({})),
        change("b", "01T01", &["a"], json!({})),
        change("c", "01T02", &["b"], json!({})),
        change("r", "01T03", &["c"], json!({"message": message})),
        deploy("1", "02T00", "a"),
        deploy("2", "03T00", "b"),
        deploy("3", "04T00", "c"),
        deploy("4", "05T00", "r"),
    ]);
    assert_eq!(world.signals("2"), ["revert"]);
    assert_eq!(world.signals("3"), [""; 0]);
}

#[test]
fn pull_requests_make_hotfixes_also_when_they_are_told_later() {
    let mut world = World::of(&[
        change("a", "01T00", &[], json!({})),
        change("b", "01T01", &["a"], json!({})),
        deployment("1", "02T00", json!({"sha": sha("a"), "repo": "acme/shop"})),
        deployment("2", "03T00", json!({"sha": sha("b"), "repo": "acme/shop"})),
    ]);
    assert_eq!(kinds(&world, &["2"]), ["code"]);
    world
        .tell(&[json!({"type": "pull_request", "repo": "acme/shop", "number": 3, "opened_at": "2025-01-01T00:00:00Z",
        "merge_sha": sha("b"), "title": "Revert \"faster cart\""})]);
    assert_eq!(kinds(&world, &["2"]), ["hotfix"]);
    assert_eq!(world.signals("1"), ["hotfix"]);
}

#[test]
fn attempts_health_and_people_are_signals() {
    let mut world = World::of(&[
        deployment("1", "01T00", json!({"version": "1.0.0", "status": "failed"})),
        deployment(
            "2",
            "02T00",
            json!({"version": "1.1.0", "health": "degraded", "health_at": "2025-01-02T01:00:00Z"}),
        ),
    ]);
    assert_eq!((world.signals("1"), world.signals("2")), (vec!["deploy_failed"], vec!["health_check"]));
    let mut correction =
        event(json!({"type": "deployment", "id": "x", "component": "c", "environment": "e", "status": "in_progress"}));
    correction.key = domain::event::entity_key(domain::event::EventKind::Override, "people", "deployment:test/2");
    correction.fields = json!({"id": "deployment:test/2", "reason": "users complained", "actor": "ada", "updated_at": "2025-01-09T00:00:00Z", "failed": true, "withdrawn": false})
        .as_object().cloned().unwrap_or_default();
    world.apply(&[correction.clone()]);
    assert_eq!(world.signals("2"), ["health_check", "manual"]);
    assert_eq!(world.fact("2").manual_failed, Some(true));
    correction.fields.insert("withdrawn".into(), json!(true));
    correction.fields.insert("updated_at".into(), json!("2025-01-10T00:00:00Z"));
    world.apply(&[correction]);
    assert_eq!(world.fact("2").manual_failed, None);
}
