//! A source asked again and again, of a GitHub of this machine.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};
use server::{Config, Span};
use store::Location;

use crate::backfill::hub::{Fault, Hub, TOKEN};
use crate::backfill::{DAY, config, facts, hub};
use crate::support::{Running, start_at, start_with};

const MINUTE: i64 = 60_000_000;

/// As often as can be, and the first time for all there is.
fn polled(hub: &Hub, every: u64) -> Config {
    let mut config = config(hub);
    config.sources[0].poll_every = Some(Span(Duration::from_secs(every)));
    config.sources[0].first_poll = Some(Span(Duration::from_secs(50 * 365 * 86_400)));
    config
}

fn polling(server: &Running) -> Value {
    server.get("/api/v1/sources").expect(200)["configured"][0]["polling"].clone()
}

/// Asks until it is as wanted.
fn until(server: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..6_000 {
        let state = polling(server);
        if wanted(&state) {
            return state;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was as wanted: {}", polling(server))
}

fn instant(state: &Value, name: &str) -> Timestamp {
    Timestamp::parse(state[name].as_str().expect("an instant")).expect("an instant")
}

/// An incident of GitHub that changed last at an instant.
fn issue(hub: &Hub, number: u64, at: Timestamp) {
    let at = at.to_string();
    hub.change(|data| {
        data.lists.entry("/repos/acme/cart/issues".to_owned()).or_default().push(json!({
            "number": number, "title": "Trouble", "state": "open", "labels": [{"name": "incident"}], "updated_at": at,
            "created_at": at, "closed_at": null, "html_url": "https://github.com/acme/cart/issues"}));
    });
}

fn incidents(server: &Running) -> Vec<String> {
    let rows = server.get("/api/v1/incidents?limit=100").expect(200)["incidents"].clone();
    let ids = rows.as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("an id").to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

/// A poll that began after now has ended.
fn one_more(server: &Running) -> Value {
    let now = server::clock::now();
    until(server, |state| state["read_to"].is_string() && instant(state, "read_to") > now)
}

#[test]
fn polls_keep_up_and_what_appears_late_within_the_overlap_is_not_lost() {
    let hub = hub(DAY);
    let server = start_with(polled(&hub, 1));
    let first = until(&server, |state| state["last_success_at"].is_string());
    assert_eq!(
        (&first["circuit"], &first["last_error"], &first["every_s"]),
        (&json!("closed"), &Value::Null, &json!(1))
    );
    let before = incidents(&server);
    let whole = {
        let server = start_with(config(&hub));
        server.admin("POST", "/api/v1/sources/acme/backfill", "application/json", "").expect(202);
        let done = || server.get("/api/v1/sources/acme/backfill").expect(200)["state"] == "done";
        while !done() {
            std::thread::sleep(Duration::from_millis(10));
        }
        facts(&server)
    };
    assert_eq!(facts(&server), whole, "the first poll reads what a backfill reads");
    // GitHub shows an issue only now that changed before the last poll began.
    let read_to = instant(&one_more(&server), "read_to");
    issue(&hub, 901, read_to.plus(-5 * MINUTE));
    issue(&hub, 902, read_to.plus(-20 * MINUTE));
    let state = one_more(&server);
    let asked = instant(&state, "since");
    assert!(asked < read_to && asked > read_to.plus(-11 * MINUTE), "{state}");
    let now = incidents(&server);
    let new: Vec<&String> = now.iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(new, ["acme/cart#901"], "what is older than the overlap is not asked for again");
    // It is found to be none after all, and an incident that was told in an earlier poll is taken back.
    let now = server::clock::now().to_string();
    hub.change(|data| {
        let issues = data.lists.entry("/repos/acme/cart/issues".to_owned()).or_default();
        for issue in issues.iter_mut().filter(|issue| issue["number"] == 901) {
            (issue["labels"], issue["updated_at"]) = (json!([]), json!(now));
        }
    });
    one_more(&server);
    assert_eq!(incidents(&server), before);
    let quality = server.get("/api/v1/quality").expect(200)["polled"].clone();
    assert_eq!((&quality[0]["source"], &quality[0]["circuit"]), (&json!("acme"), &json!("closed")));
}

#[test]
fn one_that_was_cut_off_goes_on_after_a_restart_and_a_done_one_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = || Location::Folder(folder.path().to_owned());
    let hub = hub(DAY);
    hub.script(|_, target, _| {
        let headers = vec![("retry-after", "3000".to_owned())];
        target.contains("/pulls?").then(|| Fault::Answer(429, headers, String::new()))
    });
    let cut = {
        let server = start_at(polled(&hub, 3_600), place());
        until(&server, |state| state["progress"]["waiting"].is_object())
    };
    hub.script(|_, _, _| None);
    let done = {
        let server = start_at(polled(&hub, 3_600), place());
        let done = until(&server, |state| state["last_success_at"].is_string());
        assert!(!incidents(&server).is_empty());
        done
    };
    assert_eq!(done["since"], cut["since"]);
    // It has read what changed before the first try began.
    assert_eq!(instant(&done, "read_to"), instant(&cut, "started_at"));
    assert!(!hub.asked().iter().any(|asked| asked.contains("/statuses")), "what was read is not asked for again");
    hub.script(|_, _, _| None);
    let server = start_at(polled(&hub, 3_600), place());
    let state = polling(&server);
    for name in ["read_to", "last_success_at", "next_at", "since"] {
        assert_eq!(state[name], done[name], "{name}");
    }
    assert!(hub.asked().is_empty() && state["late"] == false);
}

#[test]
fn a_source_that_fails_is_left_alone_and_tried_again() {
    let hub = hub(DAY);
    hub.change(|data| data.tokens.clear());
    let server = start_with(polled(&hub, 1));
    let open = until(&server, |state| state["circuit"] == "open");
    assert!(open["failures_in_a_row"].as_u64() >= Some(5) && open["next_at"].is_string(), "{open}");
    assert!(open["last_error"].as_str().is_some_and(|why| why.contains("does not accept the token")), "{open}");
    assert!(!open.to_string().contains(TOKEN));
    let late = until(&server, |state| state["late"] == true);
    assert_eq!(late["read_to"], Value::Null);
    assert_eq!(server.get("/api/v1/quality").expect(200)["polled"][0]["late"], true);
    hub.change(|data| assert!(data.tokens.insert(TOKEN.to_owned())));
    let closed = until(&server, |state| state["circuit"] == "closed");
    assert_eq!((&closed["failures_in_a_row"], closed["last_success_at"].is_string()), (&json!(0), true));
    assert!(!incidents(&server).is_empty());
}

#[test]
fn a_backfill_comes_first_and_a_poll_never_runs_beside_it() {
    let hub = hub(DAY);
    let blocked = |hub: &Hub| {
        hub.script(|_, target, _| {
            let headers = vec![("retry-after", "3000".to_owned())];
            target.contains("/pulls?").then(|| Fault::Answer(429, headers, String::new()))
        });
    };
    blocked(&hub);
    let server = start_with(polled(&hub, 1));
    until(&server, |state| state["progress"]["waiting"].is_object());
    blocked(&hub);
    let path = "/api/v1/sources/acme/backfill";
    server.admin("POST", path, "application/json", "").expect(202);
    for _ in 0..6_000 {
        if server.get(path).expect(200)["waiting"].is_object() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Long enough for the poll to be due many times over, which is not what this rests on.
    let asked = hub.asked().len();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(hub.asked().len(), asked, "only the backfill asks, and it waits");
    hub.script(|_, _, _| None);
    server.admin("DELETE", path, "application/json", "").expect(200);
    until(&server, |state| state["last_success_at"].is_string());
    assert!(!incidents(&server).is_empty());
}
