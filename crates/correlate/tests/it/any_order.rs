//! Any order, any repeats, any split into batches gives what one full pass gives, and that is what the reference says.

use std::collections::BTreeMap;
use std::sync::Arc;

use correlate::indexed::IndexedLedger;
use correlate::memory::MemoryLedger;
use correlate::{Engine, Ledger};
use domain::catalogue::{Catalogue, Component, Domain, Platform, Product, Slo};
use domain::event::{Event, EventKind, entity_key};
use domain::fact::DeploymentFact;
use domain::part::CiStage;
use domain::rules::{PlaceRule, StageRule, WorkflowRule};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::reference::{Expected, World as Reference};
use crate::support::{event, sha};

pub(crate) fn catalogue() -> Catalogue {
    let component = |name: &str, paths: &[&str]| Component {
        name: name.into(),
        repo: Some("acme/mono".into()),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        ..Component::default()
    };
    let product = |name: &str, components| Product { name: name.into(), components, ..Product::default() };
    let products = vec![product("known", vec![component("mono", &["lib/"])])];
    let domain = Domain { name: "d".into(), products, ..Domain::default() };
    let mut catalogue = Catalogue {
        platforms: vec![Platform { name: "p".into(), domains: vec![domain], ..Platform::default() }],
        ..Catalogue::default()
    };
    catalogue.rules.max_range_commits = 4;
    catalogue.rules.workflow_deployments =
        vec![WorkflowRule { name: "Deploy*".into(), environment: "production".into(), ..WorkflowRule::default() }];
    let slo = |name: &str, product: Option<&str>, objective| Slo {
        name: name.to_owned(),
        product: product.map(str::to_owned),
        component: None,
        objective,
    };
    catalogue.slos = vec![slo("slo 0", Some("shop"), 0.9), slo("slo 1", None, 0.99), slo("slo 1", Some("known"), 0.5)];
    // Names of no component, so that rules are all that places what carries these marks.
    let place = |marks: &[&str], source: Option<&str>| PlaceRule {
        marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        source: source.map(str::to_owned),
        ..PlaceRule::default()
    };
    catalogue.rules.places = vec![
        PlaceRule {
            component: Some("known/mono".into()),
            instance: Some("eu".into()),
            ..place(&["namespace:a*", "cluster:eu"], None)
        },
        PlaceRule {
            product: Some("known".into()),
            environment: Some("production".into()),
            ..place(&["namespace:b"], Some("*1"))
        },
        PlaceRule { product: Some("known".into()), ..place(&["image:r/cart"], None) },
        PlaceRule { component: Some("known/mono".into()), ..place(&["repository:acme/fork"], None) },
    ];
    catalogue.rules.stages = vec![StageRule { name: "gre*".into(), stage: CiStage::Scan }];
    catalogue
}

/// What the tool calls it, told by some.
fn mark(value: &mut Value, drawn: u8) {
    match drawn {
        0 => value["marks"] = json!(["namespace:ab", "cluster:eu"]),
        1 => value["marks"] = json!(["namespace:ab", "cluster:us"]),
        2 => value["marks"] = json!(["namespace:b"]),
        3 => value["images"] = json!(["r/cart:1.2"]),
        4 => value["marks"] = json!([]),
        _ => {}
    }
}

fn hour(hour: u8) -> String {
    format!("2025-01-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24)
}

fn commit_name(index: u8) -> String {
    sha(&format!("c{index}"))
}

fn repo() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("acme/mono"), 1 => Just("acme/fork")]
}

/// Commits c0 to c7, each with parents among the earlier ones (and, rarely, later ones: a cycle).
fn change() -> impl Strategy<Value = Value> {
    (0u8..8, repo(), prop::collection::vec(0u8..8, 0..3), 0u8..72, 0u8..6, 0u8..8, any::<bool>()).prop_map(
        |(index, repo, parents, at, shape, target, own_path)| {
            let parents: Vec<String> = parents
                .iter()
                .map(|parent| if *parent < index || shape == 5 { *parent } else { parent % index.max(1) })
                .map(commit_name)
                .collect();
            let mut value =
                json!({"type": "change", "repo": repo, "sha": commit_name(index), "committed_at": hour(at)});
            if shape != 0 {
                value[if shape == 4 { "parents_assumed" } else { "parents" }] =
                    json!(if index == 0 && shape != 5 { Vec::new() } else { parents });
            }
            if shape == 3 {
                value["message"] = json!("Same");
            }
            if shape == 1 {
                value["message"] = json!(format!("Revert\n\nThis reverts commit {}.", commit_name(target)));
            }
            if shape == 2 {
                value["paths"] = json!([if own_path { "lib/x" } else { "doc/x" }]);
            }
            if own_path && target == 7 {
                value["pull_request"] = json!(at % 3);
            }
            value
        },
    )
}

/// Commits b0 to b3 of a branch that is squashed: each follows another of it or, where it began, a commit of the other.
fn branch_change() -> impl Strategy<Value = Value> {
    (0u8..4, 0u8..8, 0u8..72, 0u8..4, 0u8..6).prop_map(|(index, began, at, shape, word)| {
        let branch = |index: u8| sha(&format!("b{index}"));
        let before = if index == 0 || shape == 1 { commit_name(began) } else { branch(index - 1) };
        let parents = match shape {
            2 => vec![before, commit_name(began / 2)],
            3 => vec![branch(began % 4)],
            _ => vec![before],
        };
        json!({"type": "change", "repo": "acme/mono", "sha": branch(index), "committed_at": hour(at), "parents": parents,
            "message": if word == 0 { "" } else if word < 3 { "Same" } else { "Other" }})
    })
}

fn deployment() -> impl Strategy<Value = Value> {
    let place = (0u8..5, 0u8..3, prop::sample::select(vec!["production", "prod-b", "staging"]));
    let state = (
        prop::sample::select(vec!["succeeded", "succeeded", "succeeded", "failed", "cancelled", "in_progress"]),
        0u8..72,
        0u8..3,
    );
    let code = (0u8..7, 0u8..8, 0u8..4, repo());
    let extra = (0u8..16, 0u8..5, 0u8..72, 0u8..12);
    (0u8..7, place, state, code, extra, 0u8..2).prop_map(|(id, place, state, code, extra, source)| {
        let (component, instance, environment) = place;
        let (status, finished, updated) = state;
        let (shape, commit, version, repo) = code;
        let mut value = json!({"type": "deployment", "id": format!("d{id}"), "source": format!("s{source}"), "environment": environment, "status": status});
        match component {
            0 => value["component"] = json!("mono"),
            1 => {
                value["component"] = json!("cart");
                value["product"] = json!("shop");
            }
            2 => value["component"] = json!("cart"),
            3 => {
                value["component"] = json!("pay");
                value["product"] = json!("shop");
            }
            _ => {
                value["component"] = json!("cart");
                value["product"] = json!("till");
            }
        }
        mark(&mut value, extra.3);
        if instance > 0 {
            value["instance"] = json!(["", "eu", "us"][instance as usize]);
        }
        if status != "in_progress" {
            value["finished_at"] = json!(hour(finished));
        }
        if updated > 0 {
            value["updated_at"] = json!(hour(70 + updated));
        }
        let name = format!("1.{version}.0");
        match shape {
            0 | 1 => value["sha"] = json!(commit_name(commit)),
            2 => value["sha"] = json!(&commit_name(commit)[..10]),
            3 => value["version"] = json!(name),
            4 => {
                value["version"] = json!(name);
                value["commit_at"] = json!(hour(extra.2));
            }
            5 => value["commits"] = json!([{"sha": commit_name(commit), "committed_at": hour(extra.2)}, {"sha": commit_name(commit / 2), "committed_at": hour(extra.2 / 2)}]),
            _ => {}
        }
        if shape == 1 || shape == 3 {
            value["repo"] = json!(repo);
        }
        if extra.1 == 4 {
            value["version"] = json!(name);
        }
        match extra.0 {
            0 => value["change_kind"] = json!("rollback"),
            1 => value["change_kind"] = json!("hotfix"),
            2 => value["change_kind"] = json!("config"),
            3 => value["fixes"] = json!([format!("i{}", extra.1 % 4)]),
            4 => value["branch"] = json!("hotfix/x"),
            5 => {
                value["health"] = json!("degraded");
                value["health_at"] = json!(hour(extra.2));
            }
            6 => {
                value["change_kind"] = json!("rollback");
                value["replaces"] = json!(format!("d{}", extra.1));
            }
            _ => {}
        }
        value
    })
}

fn incident() -> impl Strategy<Value = Value> {
    let names = (0u8..3, 0u8..12);
    (0u8..4, 0u8..5, 0u8..72, prop::option::of(0u8..72), prop::option::of(0u8..24), prop::option::of(0u8..7), names).prop_map(
        |(id, place, opened, started, resolved, deployment, (instance, marks))| {
            let mut value = json!({"type": "incident", "id": format!("i{id}"), "source": format!("s{}", id % 2), "opened_at": hour(opened)});
            match place {
                0 => value["product"] = json!("shop"),
                1 => value["component"] = json!("cart"),
                2 => {
                    value["product"] = json!("shop");
                    value["component"] = json!("cart");
                }
                3 => value["component"] = json!("mono"),
                _ => value["product"] = json!("till"),
            }
            mark(&mut value, marks);
            if let Some(started) = started {
                value["started_at"] = json!(hour(started));
            }
            if let Some(resolved) = resolved {
                value["resolved_at"] = json!(hour(opened.max(started.unwrap_or(0)) + resolved));
            }
            if let Some(deployment) = deployment.filter(|_| opened % 3 == 0) {
                value["deployment_id"] = json!(format!("d{deployment}"));
            }
            if opened % 5 == 0 {
                value["labels"] = json!({"tier": opened.to_string()});
            }
            if instance == 2 {
                value["instance"] = json!("eu");
            }
            if instance == 1 {
                value["withdrawn"] = json!(opened % 2 == 0);
            }
            value
        },
    )
}

fn other() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0u8..4, 0u8..8, repo(), any::<bool>()).prop_map(|(version, commit, repo, prefixed)| {
            let name = if prefixed { format!("cart-1.{version}.0") } else { format!("v1.{version}.0") };
            json!({"type": "tag", "repo": repo, "name": name, "sha": commit_name(commit)})
        }),
        // Ids that deployments have too: their own events stand above the rule.
        (5u8..9, 0u8..8, 0u8..72, 0u8..4, any::<bool>(), any::<bool>(), 0u8..12).prop_map(
            |(id, commit, at, status, named, placed, marks)| {
                let status = ["in_progress", "succeeded", "failed", "skipped"][status as usize];
                let mut value = json!({"type": "pipeline_run", "id": format!("d{id}"), "source": "s0", "repo": "acme/mono",
                    "sha": commit_name(commit), "started_at": hour(at / 2), "status": status,
                    "name": if named { "Deploy to production" } else { "Test" }});
                if status != "in_progress" {
                    value["finished_at"] = json!(hour(at));
                }
                mark(&mut value, marks);
                if placed {
                    value["product"] = json!("till");
                    value["component"] = json!("cart");
                }
                value
            }
        ),
        (0u8..3, 0u8..3, 0u8..72).prop_map(|(slo, place, at)| {
            let mut value = json!({"type": "slo_sample", "slo": format!("slo {slo}"), "at": hour(at), "good": at, "total": 72});
            value[if place == 0 { "product" } else { "component" }] =
                json!(if place == 0 { "shop" } else { ["cart", "mono"][usize::from(place) - 1] });
            value
        }),
        (0u8..3, 0u8..3, 0u8..8, any::<bool>()).prop_map(|(id, place, marks, canary)| {
            let mut value = json!({"id": format!("f{id}"), "source": "s1", "component": (["cart", "mono", "pay"][usize::from(place)]),
                "at": hour(id), "type": if canary { "canary_analysis" } else { "flag_change" }});
            value[if canary { "passed" } else { "flag" }] = if canary { json!(true) } else { json!("x") };
            if !canary {
                value["environment"] = json!("staging");
            }
            mark(&mut value, marks);
            value
        }),
        (0u8..3, 0u8..5, 0u8..2).prop_map(|(run, job, state)| {
            let mut stage = json!({"name": (["build", "unit test", "greet"][usize::from(job) % 3]), "started_at": hour(job)});
            if state == 1 {
                stage["finished_at"] = json!(hour(job + 1));
            }
            json!({"type": "pipeline_run", "id": format!("p{run}"), "source": "s0", "status": "in_progress",
                "started_at": hour(0), "updated_at": hour(job + 2 * state), (format!("stage.{job}")): stage})
        }),
        (0u8..3, 0u8..8, 0u8..7, 0u8..5, 0u8..4).prop_map(|(number, commit, shape, state, updated)| {
            let mut value = json!({"type": "pull_request", "repo": "acme/mono", "number": number, "opened_at": hour(0)});
            // A merge makes one commit: each number has its own, and another where it was told wrongly at first.
            match state {
                0 => value["closed_at"] = json!(hour(20)),
                1 => value["merge_sha"] = json!(commit_name(number * 2 + 2)),
                _ => {
                    value["merged_at"] = json!(hour(20 + number));
                    value["merge_sha"] = json!(commit_name(number * 2 + 1));
                }
            }
            if updated > 0 {
                value["updated_at"] = json!(hour(70 + updated));
            }
            if updated == 2 {
                value["first_review_at"] = json!(hour(commit));
            }
            match shape {
                0 => value["labels"] = json!({"hotfix": ""}),
                1 => value["title"] = json!("Revert \"x\""),
                2 => value["commits"] = json!([{"sha": sha(&format!("p{number}")), "committed_at": hour(commit)}]),
                3 => {}
                _ => {
                    value["head_sha"] = json!(if commit > 4 { commit_name(commit - 4 + number) } else { sha(&format!("b{}", commit % 4)) });
                    value["commit_count"] = json!(shape - 3);
                }
            }
            value
        }),
    ]
}

fn correction() -> impl Strategy<Value = Event> {
    (0u8..7, 0u8..4, 0u8..5, 0u8..2, 1u8..4).prop_map(|(deployment, incident, shape, source, at)| {
        let target = if shape < 3 { format!("deployment:s{source}/d{deployment}") } else { format!("incident:s{}/i{incident}", incident % 2) };
        let mut value = json!({"id": target, "reason": "seen", "actor": "ada", "updated_at": hour(72 + at), "withdrawn": shape == 2});
        match shape {
            0 => value["failed"] = json!(at > 1),
            1 => value["change_kind"] = json!("config"),
            3 => value["cause"] = json!(format!("s{source}/d{deployment}")),
            4 => value["cause"] = json!("none"),
            _ => {}
        }
        Event { key: entity_key(EventKind::Override, "people", &target), fields: value.as_object().cloned().unwrap_or_default() }
    })
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let told = prop_oneof![4 => change(), 2 => branch_change(), 6 => deployment(), 3 => incident(), 2 => other()]
        .prop_map(event);
    prop::collection::vec(prop_oneof![14 => told, 1 => correction()], 1..40)
}

fn apply(batches: &[Vec<Event>]) -> MemoryLedger {
    let mut ledger = MemoryLedger::default();
    let mut engine = Engine::new(&catalogue(), &mut ledger).expect("memory does not fail");
    for batch in batches {
        engine.apply(&mut ledger, batch).expect("memory does not fail");
    }
    ledger
}

fn comparable(fact: &DeploymentFact, ledger: &MemoryLedger) -> Expected {
    let rows = ledger.all_commits().get(&fact.key).map(|rows| rows.to_vec()).unwrap_or_default();
    let mut signals: Vec<_> = fact.signals.iter().map(|signal| (signal.kind.text(), signal.delay)).collect();
    signals.sort_unstable();
    let finished = fact.finished_at.is_some();
    Expected {
        component: fact.lane.component.to_string(),
        kind: fact.kind,
        counted: fact.counted,
        replaces: fact.replaces.clone(),
        previous_counted_at: fact.previous_counted_at,
        brings_new_commit: fact.brings_new_commit,
        first_deployment: fact.first_deployment,
        incomplete: fact.range_incomplete.is_some(),
        commits: rows
            .iter()
            .map(|row| ((row.sha.to_string(), row.role.text(), row.first_arrival), row.pull_request.clone()))
            .collect(),
        blames: fact.blames.as_ref().map(|blame| blame.deployment.clone()),
        signals,
        tallies: fact
            .incidents
            .iter()
            .filter(|_| finished)
            .map(|tally| (tally.count, tally.open, tally.first_delay, tally.resolved_at))
            .collect(),
        within: fact.incident_within,
        remediation: fact.remediation.as_ref().map(|remedy| remedy.deployment.clone()),
    }
}

/// The fields in which two facts differ, for a message short enough to read.
fn difference(left: &impl serde::Serialize, right: &impl serde::Serialize) -> String {
    let left = serde_json::to_value(left).expect("facts are JSON");
    let right = serde_json::to_value(right).expect("facts are JSON");
    let names = left.as_object().expect("facts are objects").keys();
    let differing = names.filter(|name| left[*name] != right[*name]);
    differing.map(|name| format!("{name}: {} / {}\n", left[name], right[name])).collect()
}

fn assert_same(left: &MemoryLedger, right: &MemoryLedger) -> Result<(), TestCaseError> {
    prop_assert_eq!(left.all_entities(), right.all_entities());
    prop_assert_eq!(
        left.all_deployments().keys().collect::<Vec<_>>(),
        right.all_deployments().keys().collect::<Vec<_>>()
    );
    for (key, fact) in left.all_deployments() {
        prop_assert_eq!(difference(fact, &right.all_deployments()[key]), "", "deployment {}", key);
    }
    prop_assert_eq!(left.all_incidents().keys().collect::<Vec<_>>(), right.all_incidents().keys().collect::<Vec<_>>());
    for (key, fact) in left.all_incidents() {
        prop_assert_eq!(difference(fact, &right.all_incidents()[key]), "", "incident {}", key);
    }
    prop_assert_eq!(left.all_commits(), right.all_commits());
    prop_assert_eq!(left.all_others(), right.all_others());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn one_pass_gives_what_the_reference_says(events in events()) {
        let ledger = apply(std::slice::from_ref(&events));
        let reference = Reference::of(&events, &catalogue());
        let facts: BTreeMap<_, _> =
            ledger.all_deployments().iter().map(|(key, fact)| (key.clone(), comparable(fact, &ledger))).collect();
        for (key, fact) in &facts {
            prop_assert_eq!(fact, &reference.expected[key], "deployment {}", key);
        }
        prop_assert_eq!(facts.len(), reference.expected.len());
        for (key, incident) in ledger.all_incidents() {
            let causes: Vec<_> = incident.causes.iter().map(|cause| cause.as_ref().map(|cause| cause.deployment.clone())).collect();
            prop_assert_eq!(&causes, &reference.causes[key]);
        }
    }

    #[test]
    fn any_order_repeats_and_split_give_what_one_pass_gives(
        events in events(),
        picks in prop::collection::vec((0usize..64, any::<bool>()), 0..40),
        seed in any::<u64>(),
    ) {
        let whole = apply(std::slice::from_ref(&events));
        let mut shuffled = events.clone();
        let mut state = seed | 1;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (state >> 33) as usize % (index + 1));
        }
        let mut batches = vec![Vec::new()];
        for (pick, cut) in &picks {
            batches.last_mut().expect("never empty").push(events[pick % events.len()].clone());
            if *cut { batches.push(Vec::new()); }
        }
        for (index, event) in shuffled.into_iter().enumerate() {
            batches.last_mut().expect("never empty").push(event);
            if (seed >> (index % 64)) & 1 == 1 { batches.push(Vec::new()); }
        }
        assert_same(&whole, &apply(&batches))?;
    }

    #[test]
    fn facts_linked_from_entities_alone_are_those_of_the_events(events in events()) {
        let whole = apply(std::slice::from_ref(&events));
        let mut ledger = IndexedLedger::default();
        for (key, entity) in whole.all_entities() {
            ledger.put_entity(key, Arc::clone(entity)).expect("memory does not fail");
        }
        ledger.link(&catalogue()).expect("memory does not fail");
        let facts = ledger.into_facts();
        prop_assert_eq!(
            facts.deployments.iter().map(|(fact, _)| &fact.key).collect::<Vec<_>>(),
            whole.all_deployments().keys().collect::<Vec<_>>()
        );
        let commits = whole.all_commits();
        for (fact, rows) in &facts.deployments {
            prop_assert_eq!(difference(fact, &whole.all_deployments()[&fact.key]), "", "deployment {}", fact.key);
            prop_assert_eq!(rows.as_slice(), commits.get(&fact.key).copied().unwrap_or_default());
        }
        prop_assert_eq!(facts.incidents, whole.all_incidents().values().cloned().collect::<Vec<_>>());
        prop_assert_eq!(facts.others, whole.all_others().values().cloned().collect::<Vec<_>>());
    }

    #[test]
    fn a_changed_catalogue_gives_what_it_would_have_given_from_the_start(events in events(), others in 0u8..3) {
        let mut ledger = MemoryLedger::default();
        let start = if others == 0 { Catalogue::default() } else if others == 1 {
            let mut other = catalogue();
            other.rules.places.reverse();
            other
        } else {
            let mut other = catalogue();
            other.rules.workflow_deployments[0].name = "*".into();
            other.platforms[0].domains[0].products[0].name = "elsewhere".into();
            other
        };
        let mut engine = Engine::new(&start, &mut ledger).expect("memory does not fail");
        engine.apply(&mut ledger, &events).expect("memory does not fail");
        engine.change_catalogue(&mut ledger, &catalogue()).expect("memory does not fail");
        assert_same(&apply(&[events]), &ledger)?;
    }
}

/// More in the nightly run: `PROPTEST_CASES=20000`.
pub(crate) fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}
