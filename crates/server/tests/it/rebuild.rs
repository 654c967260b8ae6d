//! Facts made anew while the server answers: the same numbers before, meanwhile and after.

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};
use server::Config;
use store::{Location, Phase, Rebuild, Store};
use tempfile::TempDir;

use crate::support::{Running, start_at};
use crate::worked_example::{assert_dora, assert_rex, events};

fn on(folder: &TempDir) -> Running {
    start_at(Config::default(), Location::Folder(folder.path().to_owned()))
}

fn how_far(server: &Running) -> Value {
    server.admin("GET", "/api/v1/rebuild", "", "").expect(200)
}

fn rebuild(server: &Running, query: &str) -> Value {
    server.admin("POST", &format!("/api/v1/rebuild{query}"), "", "").expect(200)
}

#[test]
fn every_kind_of_rebuild_gives_the_same_and_says_what_it_did() {
    let folder = TempDir::new().unwrap();
    let server = on(&folder);
    assert_eq!((&how_far(&server)["running"], &how_far(&server)["phase"]), (&json!(false), &Value::Null));
    server.post("/api/v1/events", &json!(events())).expect(202);
    let whole = rebuild(&server, "");
    assert!(whole["rows"].as_u64() > Some(10) && whole["facts"].as_u64() > Some(10), "{whole}");
    let facts = rebuild(&server, "?rules_change=true");
    assert_eq!((&facts["rows"], &facts["facts"]), (&json!(0), &whole["facts"]));
    let late = rebuild(&server, "?from=2030-01-01T00:00:00Z");
    assert_eq!((&late["rows"], &late["entities"]), (&json!(0), &whole["entities"]));
    let early = rebuild(&server, "?from=2020-01-01T00:00:00%2B01:00");
    assert_eq!(early["rows"], whole["rows"]);
    for other in [facts, late, early] {
        assert_eq!(other["facts_sha256"], whole["facts_sha256"]);
    }
    assert_rex(&server);
    assert_dora(&server);
    let told = how_far(&server);
    assert_eq!((&told["running"], &told["phase"], &told["steps"]), (&json!(false), &json!("clearing"), &json!(5)));
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let folder = TempDir::new().unwrap();
    let server = on(&folder);
    for (query, word) in [
        ("?from=2020-01-01T00:00:00", "offset"),
        ("?from=30d", "offset"),
        ("?rules_change=maybe", "true or false"),
        ("?rules_change=true&from=2020-01-01T00:00:00Z", "linked anew"),
        ("?form=2020-01-01T00:00:00Z", "no parameter `form`"),
    ] {
        let answer = server.admin("POST", &format!("/api/v1/rebuild{query}"), "", "").expect(422);
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(word)), "{query}: {answer}");
    }
}

#[test]
fn one_that_was_cut_off_is_gone_on_with_when_the_server_starts() {
    let folder = TempDir::new().unwrap();
    let server = on(&folder);
    server.post("/api/v1/events", &json!(events())).expect(202);
    assert_rex(&server);
    drop(server);
    let store = Store::open(Location::Folder(folder.path().to_owned()), server::interpreter()).unwrap();
    let before = store.change_number().unwrap();
    let mut steps = 0;
    let cut_off = store.rebuild_in_steps_of(2, Rebuild::Everything, &mut |now| {
        steps += 1;
        if now.phase == Phase::Linking && now.done > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(cut_off.unwrap(), None);
    assert!(steps > 5 && store.unfinished_rebuild().unwrap().is_some());
    drop(store);

    let server = on(&folder);
    assert_rex(&server);
    let done = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let told = how_far(&server);
        told["running"] == false && told["phase"] == "clearing"
    });
    assert!(done, "it is not gone on with: {}", how_far(&server));
    assert_rex(&server);
    assert_dora(&server);
    drop(server);
    let store = Store::open(Location::Folder(folder.path().to_owned()), server::interpreter()).unwrap();
    assert_eq!(store.unfinished_rebuild().unwrap(), None);
    assert!(store.changes_since(before, 1).unwrap().rebuilt);
}
