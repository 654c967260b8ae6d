//! The rules over SQLite give what they give over plain maps.

use std::collections::BTreeMap;

use correlate::Engine;
use correlate::memory::MemoryLedger;
use domain::catalogue::Catalogue;
use domain::event::Event;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{add, deliveries, event, memory, minute};

fn sha(n: u8) -> String {
    format!("{n:07x}{}", "0".repeat(33))
}

/// One event from a few numbers; the world is small, so that events concern each other.
fn made(dice: [u8; 8]) -> Event {
    let [kind, id, a, b, c, d, e, f] = dice;
    let at = minute(usize::from(a) % 8 * 60 + usize::from(b) % 3);
    let mut fields = match kind % 8 {
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
        6 => json!({"type": "incident", "id": format!("i{}", id % 3), "product": "shop", "opened_at": at}),
        _ => json!({"type": "tag", "repo": "acme/shop", "name": format!("v1.{}.0", id % 4), "sha": sha(id % 4)}),
    };
    match kind % 8 {
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
        _ => {}
    }
    event(fields)
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
    ) {
        let events: Vec<Event> = dice.into_iter().map(made).collect();
        let store = memory();
        for some in events.chunks(chunk) {
            add(&store, deliveries(some.to_vec()));
            store.settle().unwrap();
        }
        let mut ledger = MemoryLedger::default();
        let mut engine = Engine::new(&Catalogue::default(), &mut ledger).unwrap();
        engine.apply(&mut ledger, &events).unwrap();

        let all = store.changes_since(0, 100_000).unwrap();
        let mut seen = BTreeMap::new();
        for (fact, commits) in &all.deployments {
            seen.insert(fact.key.clone(), text(fact));
            let mut commits: Vec<String> = commits.iter().map(|commit| text(commit).to_string()).collect();
            let expected = ledger.all_commits().get(&fact.key).copied().unwrap_or_default();
            let mut expected: Vec<String> = expected.iter().map(|commit| text(commit).to_string()).collect();
            commits.sort();
            expected.sort();
            prop_assert_eq!(commits, expected, "{}", fact.key);
        }
        let expected: BTreeMap<_, _> = ledger.all_deployments().iter().map(|(key, fact)| (key.clone(), text(fact))).collect();
        prop_assert_eq!(seen, expected);
        let seen: BTreeMap<_, _> = all.incidents.iter().map(|fact| (fact.key.clone(), text(fact))).collect();
        let expected: BTreeMap<_, _> = ledger.all_incidents().iter().map(|(key, fact)| (key.clone(), text(fact))).collect();
        prop_assert_eq!(seen, expected);
    }
}
