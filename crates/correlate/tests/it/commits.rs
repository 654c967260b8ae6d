//! Which commits arrive with a deployment.

use domain::catalogue::{Catalogue, Component, Domain, Platform, Product};
use domain::fact::{CommitLink, CommitRole};
use serde_json::{Value, json};

use crate::support::{World, change, deployment, sha};

fn deploy(id: &str, day_hour: &str, commit: &str) -> Value {
    deployment(id, day_hour, json!({"sha": sha(commit), "repo": "acme/shop"}))
}

/// a - b - c - d - e, with f forked from b and merged by m after e.
fn history() -> Vec<Value> {
    vec![
        change("a", "01T01", &[], json!({})),
        change("b", "01T02", &["a"], json!({})),
        change("c", "01T03", &["b"], json!({})),
        change("d", "01T04", &["c"], json!({})),
        change("e", "01T05", &["d"], json!({})),
        change("f", "01T06", &["b"], json!({})),
        change("m", "01T07", &["e", "f"], json!({})),
    ]
}

#[test]
fn the_first_deployment_has_its_head_only_and_later_ones_what_is_new() {
    let mut world = World::of(&history());
    world.tell(&[deploy("1", "02T00", "c"), deploy("2", "03T00", "d"), deploy("3", "04T00", "m")]);
    assert_eq!(world.commits("1"), ["c"]);
    assert!(world.fact("1").first_deployment);
    assert_eq!(world.commits("2"), ["d"]);
    // The branch forked before the first deployment: what lies behind the fork arrived with it.
    assert_eq!(world.commits("3"), ["e", "f"]);
    assert!(!world.fact("3").first_deployment && world.fact("3").range_incomplete.is_none());
}

#[test]
fn failed_and_staging_attempts_swallow_nothing() {
    let mut world = World::of(&history());
    let failed = deployment("2", "03T00", json!({"sha": sha("d"), "repo": "acme/shop", "status": "failed"}));
    let staging = deployment("3", "03T01", json!({"sha": sha("e"), "repo": "acme/shop", "environment": "staging"}));
    world.tell(&[deploy("1", "02T00", "c"), failed, staging, deploy("4", "04T00", "e")]);
    assert_eq!(world.commits("2"), [""; 0]);
    assert_eq!(world.commits("4"), ["d", "e"]);
}

#[test]
fn a_rollback_and_a_redeployment_bring_nothing_and_nothing_arrives_twice() {
    let mut world = World::of(&history());
    world.tell(&[
        deploy("1", "02T00", "c"),
        deploy("2", "03T00", "e"),
        deploy("3", "04T00", "c"),
        deploy("4", "05T00", "e"),
        deploy("5", "06T00", "m"),
    ]);
    assert_eq!(world.fact("3").kind.text(), "rollback");
    assert_eq!(
        (world.commits("2"), world.commits("3"), world.commits("4")),
        (vec!["d".into(), "e".into()], vec![], vec![])
    );
    assert!(!world.fact("3").brings_new_commit && !world.fact("4").brings_new_commit);
    assert_eq!(world.commits("5"), ["f"]);
}

#[test]
fn a_late_deployment_takes_over_the_commits_it_reaches_first() {
    let mut world = World::of(&history());
    world.tell(&[deploy("1", "02T00", "c"), deploy("3", "04T00", "e")]);
    assert_eq!(world.commits("3"), ["d", "e"]);
    world.tell(&[deploy("2", "03T00", "d")]);
    assert_eq!((world.commits("2"), world.commits("3")), (vec!["d".to_owned()], vec!["e".to_owned()]));
    // A late first deployment becomes the one whose range is unknown.
    world.tell(&[deploy("0", "01T12", "a")]);
    assert!(world.fact("0").first_deployment && !world.fact("1").first_deployment);
    assert_eq!(world.commits("1"), ["b", "c"]);
}

#[test]
fn a_corrected_status_gives_its_commits_to_the_next() {
    let mut world = World::of(&history());
    world.tell(&[deploy("1", "02T00", "c"), deploy("2", "03T00", "d"), deploy("3", "04T00", "e")]);
    let corrected =
        json!({"sha": sha("d"), "repo": "acme/shop", "status": "failed", "updated_at": "2025-01-05T00:00:00Z"});
    world.tell(&[deployment("2", "03T00", corrected)]);
    assert_eq!(world.commits("2"), [""; 0]);
    assert_eq!(world.commits("3"), ["d", "e"]);
}

#[test]
fn another_instance_gets_no_first_arrivals_twice() {
    let mut world = World::of(&history());
    let on = |id: &str, day: &str, commit: &str, instance: &str| {
        deployment(id, day, json!({"sha": sha(commit), "repo": "acme/shop", "instance": instance}))
    };
    world.tell(&[
        on("1", "02T00", "c", "eu"),
        on("2", "03T00", "d", "eu"),
        on("3", "03T12", "d", "us"),
        on("4", "04T00", "e", "us"),
        on("5", "05T00", "e", "eu"),
    ]);
    assert_eq!(world.commits("2"), ["d"]);
    assert_eq!(world.commits("3"), ["d*"]);
    assert_eq!(world.commits("4"), ["e"]);
    assert_eq!(world.commits("5"), ["e*"]);
}

#[test]
fn a_gap_in_the_history_is_said_and_mended_when_the_commit_comes() {
    let mut world = World::of(&[]);
    let known: Vec<Value> = history().into_iter().filter(|event| event["sha"] != json!(sha("d"))).collect();
    world.tell(&known);
    world.tell(&[deploy("1", "02T00", "c"), deploy("2", "03T00", "e"), deploy("3", "04T00", "m")]);
    assert_eq!(world.commits("2"), ["e"]);
    assert!(world.fact("2").range_incomplete.as_deref().is_some_and(|why| why.contains(&sha("d")[..12])));
    // What lies behind the gap arrived with it, known or not.
    assert_eq!(world.commits("3"), ["f"]);
    world.tell(&history()[3..4]);
    assert_eq!(world.commits("2"), ["d", "e"]);
    assert_eq!(world.fact("2").range_incomplete, None);
}

#[test]
fn a_range_over_the_limit_is_not_believed_and_not_carried_on() {
    let mut catalogue = Catalogue::default();
    catalogue.rules.max_range_commits = 2;
    let mut world = World::new(&catalogue);
    world.tell(&history());
    world.tell(&[deploy("1", "02T00", "a"), deploy("2", "03T00", "d"), deploy("3", "04T00", "e")]);
    assert_eq!(world.commits("2"), ["d"]);
    assert!(world.fact("2").range_incomplete.is_some());
    assert_eq!(world.commits("3"), ["e"]);
}

#[test]
fn a_cycle_in_the_graph_ends() {
    let mut world = World::of(&[change("x", "01T01", &["y"], json!({})), change("y", "01T02", &["x"], json!({}))]);
    world.tell(&[deploy("1", "02T00", "x"), deploy("2", "03T00", "y"), deploy("3", "04T00", "x")]);
    assert_eq!(world.commits("1"), ["x"]);
    assert!(!world.fact("3").brings_new_commit);
}

#[test]
fn a_squash_is_expanded_to_its_pull_request_and_a_rebase_is_not() {
    let request = |number: u32, merge: &str, authored: &str| {
        json!({"type": "pull_request", "repo": "acme/shop", "number": number, "opened_at": "2025-01-01T00:00:00Z",
               "merge_sha": sha(merge), "commits": [
                   {"sha": sha("p"), "committed_at": "2025-01-01T01:00:00Z", "authored_at": "2025-01-01T01:00:00Z"},
                   {"sha": sha("q"), "committed_at": "2025-01-01T02:00:00Z", "authored_at": authored}]})
    };
    let mut world = World::of(&history());
    world.tell(&[change("s", "02T10", &["e"], json!({"authored_at": "2025-01-02T10:00:00Z"}))]);
    world.tell(&[deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(world.commits("2"), ["s"]);
    world.tell(&[request(7, "s", "2025-01-01T02:00:00Z")]);
    assert_eq!(world.commits("2"), ["p", "q"]);
    let mut rebased = World::of(&history());
    rebased.tell(&[change("s", "02T10", &["e"], json!({"authored_at": "2025-01-01T02:00:00Z"}))]);
    rebased.tell(&[request(7, "s", "2025-01-01T02:00:00Z"), deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(rebased.commits("2"), ["s"]);
}

#[test]
fn a_squash_is_expanded_by_the_pushes_of_its_branch() {
    let branch = |name: &str, hour: &str, parents: &[&str]| change(name, hour, parents, json!({"message": "Part"}));
    let request = json!({"type": "pull_request", "repo": "acme/shop", "number": 7, "opened_at": "2025-01-01T00:00:00Z",
        "merge_sha": sha("s"), "head_sha": sha("q"), "commit_count": 2});
    let squash = |message: &str| change("s", "02T10", &["e"], json!({"message": message}));
    let mut world = World::of(&history());
    world.tell(&[squash("All (#7)"), request.clone(), deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(world.commits("2"), ["s"], "nobody told of the branch");
    world.tell(&[branch("q", "01T21", &["p"])]);
    assert_eq!(world.commits("2"), ["s"], "one of two");
    world.tell(&[branch("p", "01T20", &["d"])]);
    assert_eq!(world.commits("2"), ["p", "q"]);
    // It turns out that the branch is shorter than the pull request says: its base has landed long ago.
    world.tell(&[branch("q", "01T21", &["d"])]);
    assert_eq!(world.commits("2"), ["s"]);

    let mut rebased = World::of(&history());
    rebased.tell(&[squash("Part"), request, branch("p", "01T20", &["d"]), branch("q", "01T21", &["p"])]);
    rebased.tell(&[deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(rebased.commits("2"), ["s"]);
}

#[test]
fn a_merge_that_only_a_push_told_is_known_by_its_pull_request() {
    let pushed = |name: &str, hour: &str, before: &str| {
        json!({"type": "change", "repo": "acme/shop", "sha": sha(name), "committed_at": format!("2025-01-{hour}:00:00Z"),
            "parents_assumed": [sha(before)]})
    };
    let mut world = World::of(&history());
    world.tell(&[pushed("p", "01T20", "e"), pushed("q", "01T21", "p"), pushed("s", "02T10", "q")]);
    world.tell(&[deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(world.commits("2"), ["p", "q", "s"]);
    world
        .tell(&[json!({"type": "pull_request", "repo": "acme/shop", "number": 7, "opened_at": "2025-01-01T00:00:00Z",
        "merge_sha": sha("s"), "head_sha": sha("q"), "commit_count": 2})]);
    assert_eq!(world.commits("2"), ["p", "q"]);
}

#[test]
fn in_a_monorepo_only_commits_that_touch_the_component_count() {
    let component = Component {
        name: "cart".into(),
        repo: Some("acme/shop".into()),
        paths: vec!["cart/".into(), "*/shared/*".into()],
        ..Component::default()
    };
    let product = Product { name: "shop".into(), components: vec![component], ..Product::default() };
    let domain = Domain { name: "d".into(), products: vec![product], ..Domain::default() };
    let catalogue = Catalogue {
        platforms: vec![Platform { name: "p".into(), domains: vec![domain], ..Platform::default() }],
        ..Catalogue::default()
    };
    let mut world = World::new(&catalogue);
    world.tell(&[
        change("a", "01T01", &[], json!({"paths": ["README.md"]})),
        change("b", "01T02", &["a"], json!({"paths": ["cart/main.rs"]})),
        change("c", "01T03", &["b"], json!({"paths": ["cartography/main.rs", "pay/main.rs"]})),
        change("d", "01T04", &["c"], json!({"paths": ["lib/shared/x.rs"]})),
        change("e", "01T05", &["d"], json!({})),
    ]);
    world.tell(&[deploy("1", "02T00", "a"), deploy("2", "03T00", "e")]);
    assert_eq!(world.commits("2"), ["b", "d", "e"]);
}

#[test]
fn without_a_graph_the_event_is_believed_once_per_instance() {
    let told = |id: &str, day: &str, version: &str, instance: &str| {
        deployment(id, day, json!({"version": version, "commit_at": "2025-01-01T00:00:00Z", "instance": instance}))
    };
    let mut world = World::of(&[
        told("1", "02T00", "1.0.0", "eu"),
        told("2", "03T00", "v1.0.0", "us"),
        told("3", "04T00", "1.1.0", "eu"),
        told("4", "05T00", "1.0.0", "eu"),
        told("5", "06T00", "1.1.0", "eu"),
    ]);
    let arrivals: Vec<usize> = ["1", "2", "3", "4", "5"].iter().map(|id| world.commits(id).len()).collect();
    assert_eq!(arrivals, [1, 1, 1, 0, 0]);
    assert!(world.commits("2")[0].ends_with('*') && !world.commits("1")[0].ends_with('*'));
    let listed = json!({"commits": [{"sha": sha("a"), "committed_at": "2025-01-01T00:00:00Z"}, {"sha": sha("b"), "committed_at": "2025-01-01T01:00:00Z"}], "version": "2.0.0"});
    world.tell(&[deployment("6", "07T00", listed.clone()), deployment("7", "08T00", listed)]);
    assert_eq!(world.commits("6"), ["a", "b"]);
    assert_eq!(world.fact("6").link, CommitLink::EventCommits);
    assert_eq!(world.fact("7").kind.text(), "config");
}

#[test]
fn a_commit_told_late_joins_the_deployment_to_its_graph() {
    let mut world = World::of(&[]);
    let early = |id: &str, day: &str, commit: &str| {
        deployment(id, day, json!({"sha": &sha(commit)[..9], "commit_at": "2025-01-01T09:00:00Z"}))
    };
    world.tell(&[early("1", "02T00", "c"), early("2", "03T00", "e")]);
    assert_eq!(world.fact("2").link, CommitLink::CommitAt);
    for event in history().iter().rev() {
        world.tell(std::slice::from_ref(event));
    }
    assert_eq!(world.fact("2").link, CommitLink::Graph);
    assert_eq!(world.fact("2").sha.as_deref(), Some(sha("e").as_str()));
    assert_eq!(world.commits("2"), ["d", "e"]);
    assert_eq!(world.fact("1").repo.as_deref(), Some("acme/shop"));
}

#[test]
fn a_tag_finds_its_commit_with_and_without_v() {
    let mut world = World::of(&history());
    let version =
        |id: &str, day: &str, version: &str| deployment(id, day, json!({"version": version, "repo": "acme/shop"}));
    world.tell(&[version("1", "02T00", "1.0.0"), version("2", "03T00", "v1.1.0")]);
    assert_eq!(world.fact("1").link, CommitLink::None);
    let tag = |name: &str, commit: &str| json!({"type": "tag", "repo": "acme/shop", "name": name, "sha": sha(commit)});
    world.tell(&[tag("v1.0.0", "c"), tag("cart-1.1.0", "e")]);
    assert_eq!(world.fact("1").sha.as_deref(), Some(sha("c").as_str()));
    assert_eq!(world.commits("2"), ["d", "e"]);
}

#[test]
fn a_merge_commit_is_left_out_and_kept_as_a_row() {
    let mut world = World::of(&history());
    world.tell(&[deploy("1", "02T00", "e"), deploy("2", "03T00", "m")]);
    assert_eq!(world.commits("2"), ["f"]);
    let rows = world.ledger.all_commits()[&domain::DeploymentKey::new("test", "2")].to_vec();
    assert!(rows.iter().any(|row| row.role == CommitRole::Merge));
    assert_eq!(world.fact("2").head_committed_at, Some(crate::support::at("2025-01-01T07:00:00Z")));
}

/// Names of the commits of a deployment, each with the pull request that brought it.
fn brought(world: &World, id: &str) -> Vec<(String, Option<String>)> {
    let rows = world.ledger.all_commits()[&domain::DeploymentKey::new("test", id)].to_vec();
    let name = |row: &domain::fact::CommitFact| {
        ["d", "e", "f", "m", "p", "q", "r", "s", "t"].into_iter().find(|name| *sha(name) == *row.sha).map(str::to_owned)
    };
    let mut rows: Vec<_> = rows.iter().filter_map(|row| Some((name(row)?, row.pull_request.clone()))).collect();
    rows.sort();
    rows
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
    let number = |number: &str| Some(number.to_owned()).filter(|number| !number.is_empty());
    expected.iter().map(|(name, by)| ((*name).to_owned(), number(by))).collect()
}

fn merged(number: u32, merge: &str, more: Value) -> Value {
    let base = json!({"type": "pull_request", "repo": "acme/shop", "number": number, "opened_at": "2025-01-01T00:00:00Z",
        "merged_at": "2025-01-02T11:00:00Z", "merge_sha": sha(merge)});
    crate::support::with(base, more)
}

#[test]
fn a_merge_brings_the_commits_that_its_first_parent_has_not() {
    let mut world = World::of(&history());
    world.tell(&[
        change("p", "01T20", &["d"], json!({})),
        change("q", "01T21", &["p"], json!({})),
        // A pull request into the branch of another.
        change("t", "01T22", &["q"], json!({})),
        change("r", "01T23", &["q", "t"], json!({})),
        change("s", "02T10", &["e", "r"], json!({})),
    ]);
    world.tell(&[deploy("1", "02T00", "e"), deploy("2", "03T00", "s")]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", ""), ("q", ""), ("r", ""), ("s", ""), ("t", "")]));
    world.tell(&[merged(7, "s", json!({}))]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", "7"), ("q", "7"), ("r", "7"), ("s", "7"), ("t", "7")]));
    world.tell(&[merged(8, "r", json!({}))]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", "7"), ("q", "7"), ("r", "8"), ("s", "7"), ("t", "8")]));
    // The commit says it itself.
    world.tell(&[change("p", "01T20", &["d"], json!({"pull_request": 5, "updated_at": "2025-01-04T00:00:00Z"}))]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", "5"), ("q", "7"), ("r", "8"), ("s", "7"), ("t", "8")]));
    // It turns out that the first was another merge.
    world.tell(&[merged(7, "x", json!({"updated_at": "2025-01-04T00:00:00Z"}))]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", "5"), ("q", ""), ("r", "8"), ("s", ""), ("t", "8")]));
}

#[test]
fn a_squash_and_its_commits_belong_to_the_pull_request_and_a_direct_commit_to_none() {
    let mut world = World::of(&history());
    world.tell(&[
        change("s", "02T10", &["e"], json!({})),
        change("t", "02T12", &["s"], json!({})),
        deploy("1", "02T00", "e"),
        deploy("2", "03T00", "t"),
        merged(7, "s", json!({"commits": [{"sha": sha("p"), "committed_at": "2025-01-01T01:00:00Z"}]})),
    ]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", "7"), ("s", "7"), ("t", "")]));
    // A first deployment has its head alone.
    world.tell(&[deployment("3", "04T00", json!({"sha": sha("s"), "repo": "acme/shop", "product": "till"}))]);
    assert_eq!(brought(&world, "3"), pairs(&[("s", "7")]));
}

#[test]
fn a_fast_forward_lands_the_commits_the_pull_request_counts() {
    let mut world = World::of(&history());
    world.tell(&[
        change("p", "02T09", &["e"], json!({})),
        change("q", "02T10", &["p"], json!({})),
        change("s", "02T11", &["q"], json!({})),
        deploy("1", "02T00", "e"),
        deploy("2", "03T00", "s"),
        merged(7, "s", json!({"head_sha": sha("s"), "commit_count": 2})),
    ]);
    assert_eq!(brought(&world, "2"), pairs(&[("p", ""), ("q", "7"), ("s", "7")]));
}
