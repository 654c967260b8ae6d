//! Argo CD's API, from one of this machine.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde_json::{Value, json};
use sources::find;
use sources::poll::{Credentials, PollError, Settings};

use super::{application, read};
use crate::backfill::host::{Desk, Entities, merge};
use crate::backfill::hub::{Asked, Data, Fault, Hub, Response};
use crate::told::events;

const TOKEN: &str = "argocd-0123456789";
const LIST: &str = "/api/v1/applications";

fn respond(data: &Data, asked: &Asked) -> Response {
    let path = asked.target.split('?').next().unwrap_or_default();
    let no = |status: u16, message: &str| (status, Vec::new(), json!({"error": message, "code": 16}).to_string());
    match data.lists.get(path) {
        _ if asked.headers.get("authorization") != Some(&format!("Bearer {TOKEN}")) => {
            no(401, "no session information")
        }
        Some(items) if !items.is_empty() => (200, Vec::new(), json!({"metadata": {}, "items": items}).to_string()),
        Some(_) => (200, Vec::new(), json!({"metadata": {}, "items": null}).to_string()),
        None => no(404, "Not Found"),
    }
}

fn named(name: &str, changes: Value) -> Value {
    let mut application = application(changes);
    application["metadata"]["name"] = json!(name);
    application["metadata"]["uid"] = json!(format!("uid-{name}"));
    application
}

fn hub(items: Vec<Value>) -> Hub {
    Hub::start(Data { lists: [(LIST.to_owned(), items)].into(), vendor: Some(respond), ..Data::default() })
}

fn settings(hub: &Hub) -> Settings {
    Settings {
        run: "1".to_owned(),
        api_url: hub.url(),
        credentials: Credentials::Token(TOKEN.to_owned()),
        repositories: Vec::new(),
        owners: Vec::new(),
        since: None,
        options: BTreeMap::new(),
    }
}

fn told(items: &[Value]) -> Entities {
    let mut entities = Entities::new();
    merge(&mut entities, events(items.iter().map(|item| read(&item.to_string()))));
    entities
}

#[test]
fn every_application_is_read_as_a_notification_of_it_would_be() {
    let items = vec![named("cart", json!({})), named("pay", json!({"/status/operationState/phase": "Failed"}))];
    let hub = hub(items.clone());
    let mut desk = Desk::of("argocd");
    let progress = desk.read(&settings(&hub));
    assert_eq!((progress.repositories_done, progress.items, desk.pages.len()), (2, 2, 2));
    assert_eq!(desk.entities, told(&items));
    assert_eq!(desk.entities.len(), 5);
}

#[test]
fn trouble_and_limits_change_nothing() {
    let items = vec![named("cart", json!({}))];
    let hub = hub(items.clone());
    hub.script(|number, _, _| match number {
        0 => Some(Fault::Answer(502, Vec::new(), String::new())),
        1 => Some(Fault::CutWithin),
        2 => Some(Fault::Answer(429, vec![("retry-after", "7".to_owned())], String::new())),
        3 => Some(Fault::Cut),
        _ => None,
    });
    let mut desk = Desk::of("argocd");
    desk.read(&settings(&hub));
    assert_eq!(desk.entities, told(&items));
}

#[test]
fn a_poll_keeps_only_what_has_changed() {
    let (cart, pay) = (named("cart", json!({})), named("pay", json!({})));
    let hub = hub(vec![cart, pay.clone()]);
    let mut desk = Desk::of("argocd");
    desk.read(&settings(&hub));
    let degraded = json!({"status": "Degraded", "lastTransitionTime": "2025-01-03T13:00:00Z"});
    let changed = named("cart", json!({"/status/health": degraded}));
    hub.change(|data| drop(data.lists.insert(LIST.to_owned(), vec![pay.clone(), changed.clone()])));
    let since = Some(Timestamp::parse("2025-01-03T12:30:00Z").unwrap());
    let progress = desk.read(&Settings { run: "2".to_owned(), since, ..settings(&hub) });
    assert_eq!((progress.items, progress.unchanged_pages, desk.pages.len()), (1, 1, 3));
    let last = desk.entities.iter().find(|(key, _)| &*key.id == "uid-cart/1").unwrap().1;
    assert_eq!(last.text("health"), Some("degraded"));
}

#[test]
fn no_parameters_of_charts_are_asked_for_or_kept() {
    let mut item = named("cart", json!({}));
    let source = json!({"repoURL": "https://charts.example", "chart": "cart", "helm": {"parameters": [{"name": "password", "value": "hunter2"}]}});
    item["spec"]["sources"] = json!([source]);
    item["status"]["history"][0]["source"] = source;
    let hub = hub(vec![item]);
    let mut desk = Desk::of("argocd");
    let repositories = vec!["shop".to_owned()];
    let options = BTreeMap::from([("selector".to_owned(), "team=shop".to_owned())]);
    desk.read(&Settings { repositories, options, ..settings(&hub) });
    assert!(desk.pages.values().all(|page| !String::from_utf8_lossy(&page.body).contains("hunter2")));
    let asked = &hub.asked()[0];
    assert!(
        asked.starts_with("/api/v1/applications?projects=shop&selector=team%3Dshop&fields=items.metadata.name"),
        "{asked}"
    );
}

#[test]
fn nothing_there_is_no_trouble_and_a_wrong_token_ends_it() {
    let hub = hub(Vec::new());
    let mut desk = Desk::of("argocd");
    assert_eq!(desk.read(&settings(&hub)).items, 0);
    let (_, done) = desk.run(&Settings { credentials: Credentials::Token("other".to_owned()), ..settings(&hub) });
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert!(message.starts_with("Argo CD does not accept the token (401, \"no session information\"): "), "{message}");
    let check = find("argocd").unwrap().backfill.unwrap().check;
    let nowhere = Settings { api_url: String::new(), ..settings(&hub) };
    assert_eq!(
        check(&nowhere),
        Err("nothing says where it is; set `api_url`, such as https://argocd.example".to_owned())
    );
    let (progress, done) = desk.run(&Settings { api_url: format!("{}/argo", hub.url()), ..settings(&hub) });
    assert_eq!(done, Ok(()));
    assert_eq!(progress.failures[0].message, "there is no API of Argo CD (404); is `api_url` right?");
}
