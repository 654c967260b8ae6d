//! Entities linked part by part give what they give together, and what has nothing in common is not linked together.

use std::collections::BTreeMap;
use std::sync::Arc;

use correlate::indexed::{Facts, IndexedLedger};
use correlate::memory::MemoryLedger;
use correlate::parts::{Home, Parts};
use correlate::{Engine, Ledger};
use domain::EntityKey;
use domain::catalogue::Catalogue;
use domain::event::{Entity, Event, entity_key};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::any_order::{cases, catalogue, events};
use crate::support::{change, deployment, event, incident, sha};

/// The same event in another group that shares only some names with this one.
fn elsewhere(event: &Event) -> Event {
    let rename = |text: &str| {
        let names = ["acme/", "\"shop\"", "\"till\"", "\"pay\""];
        names.iter().fold(text.to_owned(), |text, name| {
            text.replace(name, &format!("{}2{}", &name[..name.len() - 1], &name[name.len() - 1..]))
        })
    };
    let fields = rename(&Value::Object(event.fields.clone()).to_string());
    let key = &event.key;
    let source = key.source.replace("s0", "t0").replace("s1", "t1");
    Event {
        key: entity_key(key.kind, &source, &rename(&key.id).replace("s0/", "t0/").replace("s1/", "t1/")),
        fields: serde_json::from_str(&fields).expect("still JSON"),
    }
}

fn entities(events: &[Event]) -> BTreeMap<EntityKey, Entity> {
    let mut entities: BTreeMap<EntityKey, Entity> = BTreeMap::new();
    for event in events {
        entities.entry(event.key.clone()).or_default().merge(event);
    }
    entities
}

fn divided(catalogue: &Catalogue, entities: &BTreeMap<EntityKey, Entity>) -> BTreeMap<u32, Vec<EntityKey>> {
    let mut parts = Parts::new(catalogue);
    let mut homes: Vec<(EntityKey, Home)> = Vec::new();
    for kind in Parts::ORDER {
        for (key, entity) in entities.iter().filter(|(key, _)| key.kind == kind) {
            let text = serde_json::to_string(entity).expect("entities are JSON");
            let plain = Parts::is_plain_commit(key, &text);
            homes.push((key.clone(), if plain { parts.add_commit(key) } else { parts.add(key, entity) }));
        }
    }
    parts.close();
    let mut divided: BTreeMap<u32, Vec<EntityKey>> = BTreeMap::new();
    for (key, home) in homes {
        divided.entry(parts.part(home)).or_default().push(key);
    }
    divided
}

fn linked<'e>(catalogue: &Catalogue, entities: impl Iterator<Item = (&'e EntityKey, &'e Entity)>) -> Facts {
    let mut ledger = IndexedLedger::default();
    for (key, entity) in entities {
        ledger.put_entity(key, Arc::new(entity.clone())).expect("memory does not fail");
    }
    ledger.link(catalogue).expect("memory does not fail");
    ledger.into_facts()
}

fn same_in_parts(catalogue: &Catalogue, events: &[Event]) -> Result<(), TestCaseError> {
    let entities = entities(events);
    let mut together = Facts::default();
    for keys in divided(catalogue, &entities).values() {
        let part = linked(catalogue, keys.iter().map(|key| (key, &entities[key])));
        together.deployments.extend(part.deployments);
        together.incidents.extend(part.incidents);
        together.others.extend(part.others);
    }
    together.deployments.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
    together.incidents.sort_by(|a, b| a.key.cmp(&b.key));
    together.others.sort_by(|a, b| a.key.cmp(&b.key));
    prop_assert_eq!(together, linked(catalogue, entities.iter()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn parts_linked_apart_give_what_they_give_together(
        events in events(),
        places in prop::collection::vec(any::<bool>(), 40),
        known in any::<bool>(),
    ) {
        let told: Vec<Event> = events.iter().zip(places).map(|(event, here)| if here { event.clone() } else { elsewhere(event) }).collect();
        same_in_parts(&if known { catalogue() } else { Catalogue::default() }, &told)?;
    }

    #[test]
    fn a_ledger_filled_in_pieces_goes_on_as_the_one_they_came_from(events in events(), more in events()) {
        let entities = entities(&events);
        let (mut first, mut second) = (IndexedLedger::default(), IndexedLedger::default());
        for ledger in [&mut first, &mut second] {
            for (key, entity) in entities.iter().rev() {
                ledger.put_entity(key, Arc::new(entity.clone())).expect("memory does not fail");
            }
            ledger.link(&catalogue()).expect("memory does not fail");
        }
        prop_assert_eq!(first.clone().into_pieces(), second.into_pieces());
        let mut engine = Engine::new(&catalogue(), &mut first).expect("memory does not fail");
        engine.apply(&mut first, &more).expect("memory does not fail");
        let mut whole = MemoryLedger::default();
        let mut engine = Engine::new(&catalogue(), &mut whole).expect("memory does not fail");
        let all: Vec<Event> = events.into_iter().chain(more).collect();
        engine.apply(&mut whole, &all).expect("memory does not fail");
        let facts = first.into_facts();
        let deployments: Vec<_> = facts.deployments.iter().map(|(fact, _)| Arc::new(fact.clone())).collect();
        prop_assert_eq!(deployments, whole.all_deployments().values().cloned().collect::<Vec<_>>());
    }
}

fn parts_of(events: &[Value]) -> usize {
    let events: Vec<Event> = events.iter().cloned().map(event).collect();
    divided(&Catalogue::default(), &entities(&events)).len()
}

#[test]
fn products_that_share_nothing_are_apart_and_what_refers_joins_them() {
    let shop = deployment("d1", "02T10", json!({"repo": "acme/shop", "sha": sha("a")}));
    let till = deployment("d2", "02T11", json!({"product": "till", "repo": "acme/till", "sha": sha("b")}));
    let own = change("a", "01T10", &[], json!({}));
    let other = change("b", "01T10", &[], json!({"repo": "acme/till"}));
    let both = [shop.clone(), till.clone(), own.clone(), other.clone()];
    assert_eq!(parts_of(&both), 2);
    let with = |more: Value| parts_of(&[both.as_slice(), &[more]].concat());
    assert_eq!(with(incident("i1", "02T12", json!({}))), 2);
    assert_eq!(with(incident("i1", "02T12", json!({"deployment_id": "d2"}))), 1);
    assert_eq!(with(incident("i1", "02T12", json!({"deployment_id": "d9"}))), 2);
    assert_eq!(with(deployment("d3", "02T13", json!({"product": "till", "sha": sha("a")}))), 1);
    assert_eq!(with(deployment("d3", "02T13", json!({"product": "till", "sha": &sha("a")[..8]}))), 1);
    assert_eq!(with(deployment("d3", "02T13", json!({"product": "till", "sha": sha("c")}))), 2);
    assert_eq!(with(change("c", "01T11", &["a"], json!({"message": "Reverts acme/till#1"}))), 1);
    assert_eq!(with(change("c", "01T11", &["a"], json!({"message": "Reverts nothing"}))), 2);
    // Whoever names only the component waits for those who say whose it is.
    let unplaced = json!({"type": "deployment", "id": "d4", "component": "cart", "environment": "production",
        "status": "succeeded", "finished_at": "2025-01-02T14:00:00Z"});
    assert_eq!(with(unplaced), 1);
}
