//! The rules over SQLite give what they give over plain maps.

use std::collections::BTreeMap;

use correlate::Engine;
use correlate::memory::MemoryLedger;
use domain::DeploymentKey;
use domain::catalogue::Catalogue;
use domain::event::Event;
use domain::rules::WorkflowRule;
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{Changes, Delivery, Store};

use crate::support::{add, deliveries, dump, event, memory, minute};

fn sha(n: u8) -> String {
    format!("{n:07x}{}", "0".repeat(33))
}

/// One event from a few numbers; the world is small, so that events concern each other.
pub(crate) fn made(dice: [u8; 8]) -> Event {
    let [kind, id, a, b, c, d, e, f] = dice;
    let at = minute(usize::from(a) % 8 * 60 + usize::from(b) % 3);
    let mut fields = match kind % 9 {
        0..=3 => json!({
            "type": "deployment", "id": format!("d{}", id % 8), "component": (["cart", "api", "shop/cart"][usize::from(c) % 3]),
            "environment": (["production", "staging"][usize::from(d) / 200]),
            "status": (["succeeded", "succeeded", "succeeded", "failed"][usize::from(d) % 4]), "finished_at": at,
            "instance": (["eu", "us"][usize::from(e) % 2]), "version": format!("v1.{}.0", f % 4),
        }),
        4 | 5 => json!({
            "type": "change", "repo": "acme/shop", "sha": sha(id % 6), "committed_at": minute(usize::from(id % 6) * 30),
            "parents": (if id % 6 == 0 { json!([]) } else { json!([sha(id % 6 - 1)]) }),
            "message": (if c % 5 == 0 { format!("Revert\n\nThis reverts commit {}.", sha(d % 6)) } else { "work".to_owned() }),
        }),
        8 => json!({
            "type": "pipeline_run", "id": format!("d{}", id % 8), "name": "Deploy", "component": (["cart", "shop/cart"][usize::from(c) % 2]),
            "status": (["succeeded", "succeeded", "failed"][usize::from(d) % 3]), "started_at": minute(0), "finished_at": at, "repo": "acme/shop",
            "sha": sha(f % 6),
        }),
        6 => json!({"type": "incident", "id": format!("i{}", id % 3), "product": "shop", "opened_at": at}),
        _ => json!({"type": "tag", "repo": "acme/shop", "name": format!("v1.{}.0", id % 4), "sha": sha(id % 4)}),
    };
    match kind % 9 {
        0..=3 => {
            fields["repo"] = json!("acme/shop");
            if e % 3 > 0 {
                fields["product"] = json!("shop");
            }
            if e % 5 > 1 {
                fields["sha"] = json!(sha(f % 6));
            }
            if c % 11 == 0 {
                fields["fixes"] = json!([format!("i{}", d % 3)]);
            }
        }
        6 if c % 2 == 0 => fields["resolved_at"] = json!(minute(1_000)),
        6 if c % 5 == 0 => fields["deployment_id"] = json!(format!("d{}", d % 8)),
        6 if c % 3 == 0 => fields["withdrawn"] = json!(d % 2 == 0),
        _ => {}
    }
    event(fields)
}

/// With a rule that makes deployments of runs, or without.
pub(crate) fn catalogue(ruled: bool) -> Catalogue {
    let mut catalogue = Catalogue::default();
    if ruled {
        let rule = WorkflowRule { name: "Deploy".into(), environment: "production".into(), ..WorkflowRule::default() };
        catalogue.rules.workflow_deployments = vec![rule];
    }
    catalogue
}

/// What somebody knows who follows the changes page by page.
#[derive(Default)]
struct Follower {
    change: u64,
    deployments: BTreeMap<DeploymentKey, (Value, Vec<String>)>,
    incidents: BTreeMap<DeploymentKey, Value>,
}

impl Follower {
    fn read(&mut self, store: &Store, limit: usize) {
        loop {
            let page = store.changes_since(self.change, limit).unwrap();
            assert!(length(&page) <= limit);
            if page.rebuilt {
                *self = Follower::default();
            }
            for (fact, commits) in &page.deployments {
                assert!(!page.removed_deployments.contains(&fact.key));
                self.deployments.insert(fact.key.clone(), (text(fact), sorted(commits)));
            }
            for fact in &page.incidents {
                assert!(!page.removed_incidents.contains(&fact.key));
                self.incidents.insert(fact.key.clone(), text(fact));
            }
            for key in &page.removed_deployments {
                self.deployments.remove(key);
            }
            for key in &page.removed_incidents {
                self.incidents.remove(key);
            }
            self.change = page.upto;
            if !page.more {
                return;
            }
        }
    }
}

fn length(page: &Changes) -> usize {
    let facts = page.deployments.len() + page.incidents.len() + page.others.len();
    facts + page.removed_deployments.len() + page.removed_incidents.len()
}

fn sorted<T: serde::Serialize>(rows: &[T]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| text(row).to_string()).collect();
    rows.sort();
    rows
}

fn text(fact: &impl serde::Serialize) -> Value {
    serde_json::to_value(fact).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_over_sqlite_give_what_they_give_in_memory(
        dice in prop::collection::vec(any::<[u8; 8]>(), 1..50),
        chunk in 1usize..20,
        limit in 1usize..9,
        ruled in prop::collection::vec(any::<bool>(), 1..5),
    ) {
        let events: Vec<Event> = dice.into_iter().map(made).collect();
        let store = memory();
        let mut follower = Follower::default();
        let mut rules = ruled.iter().copied();
        for some in events.chunks(chunk) {
            let rule = rules.next();
            add(&store, rule.map(|ruled| Delivery::Catalogue(catalogue(ruled), "file".to_owned())).into_iter().collect());
            add(&store, deliveries(some.to_vec()));
            store.settle().unwrap();
            follower.read(&store, limit);
        }
        let last = Delivery::Catalogue(catalogue(ruled[0]), "again".to_owned());
        add(&store, vec![last]);
        store.settle().unwrap();
        follower.read(&store, limit);
        let mut ledger = MemoryLedger::default();
        let mut engine = Engine::new(&store.catalogue().unwrap(), &mut ledger).unwrap();
        engine.apply(&mut ledger, &events).unwrap();

        let commits = ledger.all_commits();
        let expected: BTreeMap<_, _> = ledger
            .all_deployments()
            .iter()
            .map(|(key, fact)| {
                (key.clone(), (text(fact), sorted(commits.get(key).copied().unwrap_or_default())))
            })
            .collect();
        prop_assert_eq!(&follower.deployments, &expected);
        let incidents: BTreeMap<_, _> = ledger.all_incidents().iter().map(|(key, fact)| (key.clone(), text(fact))).collect();
        prop_assert_eq!(&follower.incidents, &incidents);
        let mut late = Follower::default();
        late.read(&store, 100_000);
        prop_assert_eq!((late.deployments, late.incidents), (expected, incidents));
        let told = dump(&store);
        store.rebuild(&mut |_, _| {}).unwrap();
        prop_assert_eq!(dump(&store), told);
        follower.read(&store, limit);
        prop_assert_eq!(follower.deployments.len(), ledger.all_deployments().len());
    }
}
