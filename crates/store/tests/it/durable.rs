//! What is answered is on disk, once, whoever sends it and however often.

use std::sync::Arc;
use std::sync::mpsc::channel;

use domain::DeploymentKey;
use store::{Delivery, Location, Receipt, Store, StoreError};
use tempfile::TempDir;

use crate::support::{Lists, add, deliveries, deployment, dump, memory, now, open, open_held, story, webhook};

#[test]
fn what_was_answered_is_there_when_opened_again() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let receipts = add(&store, deliveries(story()));
    assert!(receipts.iter().all(|receipt| matches!(receipt, Receipt::Accepted(_))));
    store.settle().unwrap();
    let before = dump(&store);
    assert!(before.0.lines().count() > 15, "{}", before.0);
    drop(store);
    let store = open(&folder);
    assert_eq!(store.pending(), 0);
    assert_eq!(dump(&store), before);
    let key = DeploymentKey::new("tests", "d1");
    assert_eq!(store.deployment(&key).unwrap().unwrap().0.key, key);
    assert!(store.incident(&DeploymentKey::new("tests", "i1")).unwrap().is_some());
    assert!(store.incident(&DeploymentKey::new("tests", "d1")).unwrap().is_none());
}

#[test]
fn a_delivery_is_taken_once_also_across_restarts() {
    let folder = TempDir::new().unwrap();
    let again = || vec![Delivery::Event(deployment(1, "cart", 5, 1)), webhook("w1", "[]"), webhook("w2", "[]")];
    let store = open(&folder);
    let first = add(&store, again());
    assert_eq!(first, [Receipt::Accepted(1), Receipt::Accepted(2), Receipt::Accepted(3)]);
    drop(store);
    let store = open(&folder);
    let second = add(&store, again());
    assert_eq!(second, [Receipt::Duplicate(1), Receipt::Duplicate(2), Receipt::Duplicate(3)]);
    // The same identity with another content is news; the same delivery id from another source is too.
    let mut other = again();
    if let Delivery::Webhook(webhook) = &mut other[1] {
        webhook.source = "github".to_owned();
    }
    let third = add(&store, vec![Delivery::Event(deployment(1, "cart", 6, 1)), other.remove(1)]);
    assert!(third.iter().all(|receipt| matches!(receipt, Receipt::Accepted(_))), "{third:?}");
    store.settle().unwrap();
    let counts = store.journal_counts().unwrap();
    assert_eq!((counts.duplicates, counts.pending, counts.applied, counts.ignored), (3, 0, 2, 3));
}

#[test]
fn many_clients_share_commits_and_each_gets_its_own_answer() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    std::thread::scope(|scope| {
        for client in 0..16 {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0..25 {
                    let id = client * 100 + n;
                    let receipts = add(&store, vec![Delivery::Event(deployment(id, "cart", id, id))]);
                    assert!(matches!(receipts[..], [Receipt::Accepted(_)]));
                    let all = add(&store, vec![Delivery::Event(deployment(9_999, "cart", 1, 1))]);
                    assert_eq!(all.len(), 1);
                }
            });
        }
    });
    store.settle().unwrap();
    let counts = store.journal_counts().unwrap();
    assert_eq!((counts.applied, counts.duplicates, counts.pending), (401, 399, 0));
}

#[test]
fn an_append_that_does_not_wait_is_answered_in_order() {
    let store = memory();
    let (sender, receiver) = channel();
    for n in 0..50 {
        let sender = sender.clone();
        let one = vec![Delivery::Event(deployment(n, "cart", n, n))];
        store.append_then(one, now(), Box::new(move |receipts| sender.send(receipts.unwrap()[0].seq()).unwrap()));
    }
    drop(sender);
    let order: Vec<i64> = receiver.iter().collect();
    assert_eq!(order, (1..=50).collect::<Vec<i64>>());
    // A callback that panics does not take the writer with it.
    store.append_then(Vec::new(), now(), Box::new(|_| panic!("a bug in a callback")));
    store.settle().unwrap();
    assert_eq!(store.pending(), 0);
}

#[test]
fn rows_that_were_not_applied_are_when_opened_again() {
    let folder = TempDir::new().unwrap();
    let held = open_held(&folder);
    add(&held, deliveries(story()));
    let rows = held.journal_counts().unwrap().pending;
    assert!(rows > 20 && held.pending() == rows);
    assert_eq!(dump(&held).0, "");
    drop(held);
    let store = open(&folder);
    store.settle().unwrap();
    let straight = memory();
    add(&straight, deliveries(story()));
    straight.settle().unwrap();
    assert_eq!(dump(&store), dump(&straight));
}

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let location = Location::Folder(folder.path().to_owned());
    let error = Store::open(location, Arc::new(Lists)).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }));
    let text = error.to_string();
    assert!(text.contains(&format!("(pid {})", std::process::id())) && text.contains("--url"), "{text}");
    drop(store);
    open(&folder);
}

#[test]
fn a_newer_database_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(&folder));
    let conn = rusqlite::Connection::open(folder.path().join("leadline.db")).unwrap();
    let known: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert!(known >= 2);
    conn.pragma_update(None, "user_version", known + 1).unwrap();
    drop(conn);
    let error = Store::open(Location::Folder(folder.path().to_owned()), Arc::new(Lists)).unwrap_err();
    assert!(error.to_string().contains("install a newer leadline"), "{error}");
}
