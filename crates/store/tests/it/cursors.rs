//! What backfills remember, and what they ask the commit graph.

use serde_json::json;
use store::Delivery;

use crate::support::{event, memory, now, open};

#[test]
fn a_source_finds_what_it_remembered_also_after_a_restart_and_a_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    assert_eq!(store.cursor("acme", "page 1").unwrap(), None);
    for value in ["one", "two"] {
        store.put_cursor("acme", "page 1", value, now()).unwrap();
    }
    store.put_cursor("other", "page 1", "three", now()).unwrap();
    store.rebuild(&mut |_, _| {}).unwrap();
    drop(store);
    let store = open(&folder);
    assert_eq!(store.cursor("acme", "page 1").unwrap().as_deref(), Some("two"));
    assert_eq!(store.cursor("other", "page 1").unwrap().as_deref(), Some("three"));
    assert_eq!(store.cursor("acme", "page 2").unwrap(), None);
}

#[test]
fn commits_are_unknown_until_they_are_told_in_their_repository() {
    let store = memory();
    let sha = |number: u8| format!("{number:040x}");
    let heads = [sha(2), sha(3), sha(2)];
    assert_eq!(store.unknown_commits("a/b", &heads, true).unwrap(), [sha(2), sha(3)]);
    let commit = json!({"type": "change", "repo": "a/b", "sha": sha(2), "committed_at": "2025-01-01T00:00:00Z", "parents": [sha(1)]});
    store.append(vec![Delivery::Event(event(commit))], now()).unwrap();
    store.settle().unwrap();
    assert_eq!(store.unknown_commits("a/b", &heads, false).unwrap(), [sha(3)]);
    assert_eq!(store.unknown_commits("a/b", &heads, true).unwrap(), [sha(3), sha(1)]);
    assert_eq!(store.unknown_commits("a/b", &[sha(1)], true).unwrap(), [sha(1)], "each once");
    assert_eq!(store.unknown_commits("a/c", &heads[..1], true).unwrap(), [sha(2)]);
}
