//! Change numbers, catalogue, rebuild.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::catalogue::{Catalogue, Component, Domain, Platform, Product};
use domain::key::IncidentKey;
use serde_json::json;
use store::{Changes, Delivery, JournalFilter, Receipt, State, Store};
use tempfile::TempDir;

use crate::support::{add, deliveries, deployment, dump, event, memory, open, story, webhook};

fn catalogue(component: &str) -> Catalogue {
    let component = Component { name: component.to_owned(), ..Component::default() };
    let product = Product { name: "shop".to_owned(), components: vec![component], ..Product::default() };
    let domain = Domain { name: "commerce".to_owned(), products: vec![product], ..Domain::default() };
    let platform = Platform { name: "web".to_owned(), domains: vec![domain], ..Platform::default() };
    Catalogue { platforms: vec![platform], ..Catalogue::default() }
}

/// Follows the changes page by page: what a warehouse would know.
fn follow(store: &Store, from: u64, limit: usize) -> (BTreeMap<String, String>, u64, Vec<Changes>) {
    let (mut known, mut upto, mut pages) = (BTreeMap::new(), from, Vec::new());
    loop {
        let page = store.changes_since(upto, limit).unwrap();
        assert!(page.upto >= upto);
        upto = page.upto;
        for (fact, commits) in &page.deployments {
            known.insert(fact.key.to_string(), format!("{fact:?}{commits:?}"));
        }
        known.extend(page.incidents.iter().map(|fact| (fact.key.to_string(), format!("{fact:?}"))));
        known.extend(page.others.iter().map(|fact| (fact.key.to_string(), format!("{fact:?}"))));
        for key in page.removed_deployments.iter().chain(&page.removed_incidents) {
            known.remove(&key.to_string());
        }
        let more = page.more;
        pages.push(page);
        if !more {
            return (known, upto, pages);
        }
    }
}

#[test]
fn changes_can_be_followed_in_pages_of_any_length() {
    let store = memory();
    let seen = Arc::new(AtomicU64::new(0));
    let last = seen.clone();
    store.on_change(Box::new(move |change| last.store(change, Ordering::Release)));
    let (mut early, _, _) = follow(&store, 0, 3);
    assert!(early.is_empty());
    let mut at = 0;
    for events in story().chunks(4) {
        add(&store, deliveries(events.to_vec()));
        store.settle().unwrap();
        let (news, upto, pages) = follow(&store, at, 2);
        assert!(pages.iter().all(|page| page.deployments.len() + page.incidents.len() + page.others.len() <= 2));
        early.extend(news);
        at = upto;
    }
    let (whole, upto, pages) = follow(&store, 0, 10_000);
    assert_eq!(pages.len(), 1);
    assert!(pages[0].tree && !pages[0].rebuilt);
    assert_eq!((early, at), (whole, upto));
    assert_eq!(seen.load(Ordering::Acquire), upto);
    assert!(follow(&store, upto, 5).0.is_empty());
}

#[test]
fn a_removed_fact_is_told_once_to_each_and_comes_back_as_a_change() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let told = |withdrawn: bool, minute: u32| {
        let at = format!("2025-01-02T00:{minute:02}:00Z");
        let fields = json!({"type": "incident", "id": "i9", "product": "shop", "opened_at": "2025-01-02T00:00:00Z",
            "withdrawn": withdrawn, "updated_at": at});
        add(&store, vec![Delivery::Event(event(fields))]);
        store.settle().unwrap();
    };
    add(&store, deliveries(story()));
    told(false, 1);
    let (all, before, _) = follow(&store, 0, 5);
    told(true, 2);
    let page = store.changes_since(before, 100).unwrap();
    assert_eq!(page.removed_incidents, [IncidentKey::new("tests", "i9")]);
    assert!(page.incidents.is_empty() && !page.more && page.upto > before);
    assert!(store.changes_since(page.upto, 100).unwrap().removed_incidents.is_empty());
    // Whoever begins now hears of it too, and of everything else once.
    assert_eq!(follow(&store, 0, 1).0.len(), all.len() - 1);
    told(false, 3);
    let again = store.changes_since(page.upto, 100).unwrap();
    assert_eq!((again.incidents.len(), again.removed_incidents.len()), (1, 0));
    assert!(store.changes_since(before, 100).unwrap().removed_incidents.is_empty());
    told(true, 4);
    assert_eq!(store.changes_since(before, 100).unwrap().removed_incidents.len(), 1);
    let expected = dump(&store);
    store.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(dump(&store), expected);
    let rebuilt = store.changes_since(before, 10_000).unwrap();
    assert!(rebuilt.rebuilt && rebuilt.removed_incidents.is_empty());
}

#[test]
fn a_catalogue_is_applied_in_its_place_and_once() {
    let store = memory();
    add(&store, vec![Delivery::Event(deployment(1, "cart", 5, 1))]);
    let receipts = add(
        &store,
        vec![
            Delivery::Catalogue(catalogue("cart"), "file".to_owned()),
            Delivery::Catalogue(catalogue("cart"), "file".to_owned()),
            Delivery::Catalogue(catalogue(""), "file".to_owned()),
            Delivery::Event(deployment(2, "cart", 6, 2)),
        ],
    );
    assert!(matches!(receipts[..3], [Receipt::Accepted(2), Receipt::Duplicate(2), Receipt::Accepted(3)]));
    store.settle().unwrap();
    assert_eq!(store.catalogue().unwrap(), catalogue("cart"));
    let rejected = JournalFilter { state: Some(State::Rejected), ..JournalFilter::default() };
    assert_eq!(store.journal(rejected).unwrap()[0].reason.as_ref().unwrap().code, "catalogue_invalid");
    let hints = store.product_hints().unwrap();
    assert_eq!(hints["shop"].domain.as_deref(), Some("commerce"));
    assert!(store.changes_since(0, 100).unwrap().tree);
}

#[test]
fn the_dump_does_not_depend_on_the_order_of_arrival() {
    let mut events = story();
    let straight = memory();
    add(&straight, deliveries(events.clone()));
    add(&straight, vec![Delivery::Catalogue(catalogue("cart"), "file".to_owned())]);
    straight.settle().unwrap();
    let expected = dump(&straight);
    assert!(expected.0.contains("\"type\":\"product\"") && expected.0.contains("\"type\":\"other\""));
    for round in 0..4 {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        events.rotate_left(7);
        if round % 2 == 0 {
            events.reverse();
        }
        add(&store, vec![Delivery::Catalogue(catalogue("cart"), "file".to_owned())]);
        for (n, some) in events.chunks(5).enumerate() {
            add(&store, deliveries(some.to_vec()));
            if n % 2 == round % 2 {
                store.settle().unwrap();
            }
            add(&store, deliveries(some.iter().rev().cloned().collect()));
        }
        store.settle().unwrap();
        assert_eq!(dump(&store), expected);
    }
}

#[test]
fn a_rebuild_gives_the_same_facts_with_greater_change_numbers() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    add(&store, vec![Delivery::Catalogue(catalogue("api"), "file".to_owned())]);
    add(&store, deliveries(story()));
    add(&store, vec![webhook("broken", "{"), webhook("panics", "panic"), webhook("empty", "[]")]);
    add(&store, vec![Delivery::Catalogue(catalogue("cart"), "file".to_owned())]);
    store.settle().unwrap();
    let (expected, counts) = (dump(&store), store.journal_counts().unwrap());
    let before = store.changes_since(0, 10_000).unwrap();
    let mut steps = Vec::new();
    store.rebuild(&mut |done, all| steps.push((done, all))).unwrap();
    assert_eq!(dump(&store), expected);
    assert_eq!(store.journal_counts().unwrap(), counts);
    assert_eq!(steps.first().map(|step| step.0), Some(0));
    assert!(steps.last().is_some_and(|(done, all)| done == all && *all > 20));
    assert_eq!(store.catalogue().unwrap(), catalogue("cart"));
    let after = store.changes_since(before.upto, 10_000).unwrap();
    assert!(after.rebuilt && after.tree);
    assert_eq!(after.deployments.len(), before.deployments.len());
    assert!(!store.changes_since(after.upto, 10).unwrap().rebuilt);
    // Life goes on.
    add(&store, vec![Delivery::Event(deployment(99, "cart", 900, 9))]);
    store.settle().unwrap();
    assert_eq!(store.pending(), 0);
    drop(store);
    let store = open(&folder);
    assert_eq!(store.changes_since(0, 10_000).unwrap().deployments.len(), before.deployments.len() + 1);
}

#[test]
fn facts_that_leave_a_month_are_told_with_it_until_that_is_forgotten() {
    let store = memory();
    let finished = |id: usize, at: &str, updated: usize| {
        Delivery::Event(event(json!({
            "type": "deployment", "id": format!("d{id}"), "component": "api", "product": "shop",
            "environment": "production", "status": "succeeded", "finished_at": at,
            "updated_at": format!("2025-05-30T00:00:{updated:02}Z"),
        })))
    };
    let before = |since: u64| {
        let page = store.changes_since(since, 100).unwrap();
        let mut named: Vec<String> = page
            .before
            .iter()
            .map(|(key, month)| format!("{} {}", key.id, month.map_or("-".to_owned(), |month| month.to_string())))
            .collect();
        named.sort();
        (page.upto, named)
    };
    add(&store, vec![finished(1, "2025-01-31T23:59:59.999999Z", 1), finished(2, "2025-01-10T00:00:00Z", 1)]);
    add(
        &store,
        vec![Delivery::Event(event(json!({
            "type": "incident", "id": "i1", "product": "shop", "opened_at": "2025-01-05T00:00:00Z",
        })))],
    );
    store.settle().unwrap();
    let (first, named) = before(0);
    assert_eq!(named, Vec::<String>::new());
    // To the next microsecond is another month; within the month is none.
    add(&store, vec![finished(1, "2025-02-01T00:00:00Z", 2), finished(2, "2025-01-20T00:00:00Z", 2)]);
    add(
        &store,
        vec![Delivery::Event(event(json!({
            "type": "incident", "id": "i1", "product": "shop", "opened_at": "2025-01-05T00:00:00Z",
            "started_at": "2024-12-31T00:00:00Z",
        })))],
    );
    store.settle().unwrap();
    let (second, named) = before(first);
    assert_eq!(named, ["d1 2025-01", "i1 2025-01"]);
    add(&store, vec![finished(1, "1969-12-31T23:59:59.5Z", 3)]);
    store.settle().unwrap();
    // The incident changed too, as another deployment caused it now.
    let of_first = |mut named: Vec<String>| {
        named.retain(|name| name.starts_with("d1"));
        named
    };
    let (third, named) = before(second);
    assert_eq!(of_first(named), ["d1 2025-01", "d1 2025-02"], "what was not followed yet may stand in either");
    add(&store, vec![finished(1, "2025-05-01T00:00:00Z", 4)]);
    store.settle().unwrap();
    assert_eq!(of_first(before(third).1), ["d1 1969-12", "d1 2025-01", "d1 2025-02"]);
    let (mark, change) = store.moves().unwrap();
    assert_eq!(change, store.change_number().unwrap());
    store.forget_moves(mark).unwrap();
    assert_eq!(before(0).1, Vec::<String>::new());
}
