//! Stores, events and a parser for the tests.

use std::sync::Arc;

use domain::event::{Checks, Event, parse};
use domain::{Code, Problem, Timestamp};
use serde_json::{Value, json};
use store::{Delivery, Interpreter, Location, Receipt, Store, Webhook};
use tempfile::TempDir;

/// Reads a body that is a list of native events; `"?"` in it is a bad event. The word `panic` panics.
pub(crate) struct Lists;

impl Interpreter for Lists {
    fn interpret(&self, row: &Webhook, received_at: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem> {
        assert!(row.body != b"panic", "a bug in a parser");
        let items: Vec<Value> = serde_json::from_slice(&row.body)
            .map_err(|error| Problem::new(Code::MalformedJson, format!("{}: {error}", row.parser)))?;
        let checks = Checks { default_source: &row.source, now: received_at };
        Ok(items.into_iter().map(|item| parse(item, checks)).collect())
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2025-06-01T00:00:00Z").unwrap()
}

pub(crate) fn open(folder: &TempDir) -> Store {
    Store::open(Location::Folder(folder.path().to_owned()), Arc::new(Lists)).unwrap()
}

/// Makes rows durable and never applies them.
pub(crate) fn open_held(folder: &TempDir) -> Store {
    Store::open_held(Location::Folder(folder.path().to_owned()), Arc::new(Lists), true).unwrap()
}

pub(crate) fn memory() -> Store {
    Store::open(Location::Memory, Arc::new(Lists)).unwrap()
}

pub(crate) fn event(fields: Value) -> Event {
    parse(fields, Checks { default_source: "tests", now: now() }).unwrap()
}

/// A succeeded production deployment; minute `at` of a day, sha made of `code`.
pub(crate) fn deployment(id: usize, component: &str, at: usize, code: usize) -> Event {
    event(json!({
        "type": "deployment", "id": format!("d{id}"), "component": component, "product": "shop",
        "environment": "production", "status": "succeeded", "sha": format!("{code:040x}"), "repo": "acme/shop",
        "domain": "commerce", "finished_at": minute(at),
    }))
}

pub(crate) fn minute(at: usize) -> String {
    format!("2025-01-{:02}T{:02}:{:02}:00Z", 1 + at / 1440, at / 60 % 24, at % 60)
}

pub(crate) fn webhook(delivery: &str, body: &str) -> Delivery {
    Delivery::Webhook(Webhook {
        source: "gitlab".to_owned(),
        parser: "lists".to_owned(),
        delivery_id: delivery.to_owned(),
        event: "push".to_owned(),
        headers: vec![("x-event".to_owned(), "push".to_owned())],
        body: body.as_bytes().to_vec(),
    })
}

pub(crate) fn add(store: &Store, deliveries: Vec<Delivery>) -> Vec<Receipt> {
    store.append(deliveries, now()).unwrap()
}

pub(crate) fn dump(store: &Store) -> (String, [u8; 32]) {
    let mut text = Vec::new();
    let hash = store.dump(&mut text).unwrap();
    (String::from_utf8(text).unwrap(), hash)
}

/// Two components over a day: code, a rollback, a hotfix, commits, incidents, a run, a correction.
pub(crate) fn story() -> Vec<Event> {
    let mut events: Vec<Event> = (0..12).map(|n| deployment(n, ["cart", "api"][n % 2], n * 60, n / 2)).collect();
    events.push(deployment(50, "cart", 700, 3));
    for n in 0..6 {
        let parents = if n == 0 { json!([]) } else { json!([format!("{:040x}", n - 1)]) };
        events.push(event(json!({
            "type": "change", "repo": "acme/shop", "sha": format!("{n:040x}"), "parents": parents,
            "committed_at": minute(n * 100), "message": format!("change {n}"),
        })));
    }
    for n in 0..3 {
        events.push(event(json!({
            "type": "incident", "id": format!("i{n}"), "product": "shop", "opened_at": minute(n * 200 + 65),
            "severity": "high", "labels": {"b": "1", "a": "2"},
        })));
        events.push(event(json!({
            "type": "incident", "id": format!("i{n}"), "product": "shop", "opened_at": minute(n * 200 + 65),
            "resolved_at": minute(n * 200 + 100), "title": "slow",
        })));
    }
    events.push(event(json!({
        "type": "pipeline_run", "id": "p1", "started_at": minute(30), "finished_at": minute(40),
        "status": "succeeded", "component": "cart", "product": "shop", "sha": format!("{:040x}", 0),
    })));
    events.push(event(json!({
        "type": "slo_sample", "slo": "up", "at": minute(45), "good": 0.1, "total": 0.30000000000000004,
        "product": "shop",
    })));
    events
}

pub(crate) fn deliveries(events: Vec<Event>) -> Vec<Delivery> {
    events.into_iter().map(Delivery::Event).collect()
}
