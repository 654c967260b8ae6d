//! Every shared payload of Jira against the meaning its manifest proposes.

use domain::Timestamp;
use domain::event::{Event, Incident};
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, find};

use super::send;
use crate::support::{manifest, shared};
use crate::vendor::{Entities, merge};

fn page(issues: &Value, options: &[(&'static str, &str)]) -> Parsed {
    let body = json!({ "issues": issues }).to_string().into_bytes();
    let context = options.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let headers = Page { resource: "issues", repository: "EE".to_owned(), context, body: body.clone() }.headers();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery = Delivery { source: "jira", event: Page::EVENT, headers: &headers, body: &body, received_at };
    (find("jira").unwrap().parse)(&delivery).unwrap()
}

fn check(file: &str, proposed: &Value, event: &Event) {
    let at = |name: &str| proposed.get(name).map(|at| Timestamp::parse(at.as_str().unwrap()).unwrap());
    let marks = event.fields["marks"].as_array().unwrap();
    assert!(marks.contains(&json!(format!("jira_project:{}", proposed["project"].as_str().unwrap()))), "{file}");
    for label in proposed["labels"].as_array().unwrap() {
        assert!(marks.contains(&json!(format!("jira_label:{}", label.as_str().unwrap()))), "{file}");
    }
    assert_eq!(event.fields["severity_original"], proposed["severity"], "{file}");
    assert_eq!(event.fields["severity"], sources::severity(proposed["severity"].as_str().unwrap()), "{file}");
    assert_eq!(event.fields["updated_at"], at("t_updated").unwrap().to_string(), "{file}");
    let mut entities = Entities::new();
    merge(&mut entities, [event.clone()]);
    let known = Incident::read(&event.key, &entities[&event.key]).unwrap();
    assert_eq!(Some(known.opened_at), at("t_created"), "{file}");
    // By its category EE-1 is still to do, whatever its status is called and whenever it had a resolution: only what is
    // in the category of what is done is over.
    let done = proposed["status_category"] == "done";
    assert_eq!(known.resolved_at, at("t_resolved").filter(|_| done), "{file}");
}

#[test]
fn every_shared_payload_is_taken_as_proposed() {
    let Some(manifest) = manifest("jira/") else { return };
    assert_eq!(manifest.len(), 5);
    for (file, proposed) in manifest {
        let Some(path) = shared(&format!("fixtures/{file}")) else { continue };
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        if file.contains("changelog") {
            changes(&file, &proposed, body);
            continue;
        }
        // None of them is an incident by what is the default; all are when an option says so.
        let plain = if file.contains("webhook") { send(&body).unwrap() } else { page(&list(&body), &[]) };
        assert!(plain.ignored.is_some() && plain.events.is_empty(), "{file}: {plain:?}");
        let proposed = list(&proposed);
        let proposed = proposed.as_array().unwrap();
        let kinds: Vec<&str> = proposed.iter().map(|one| one["type"].as_str().unwrap()).collect();
        let option = ("x-leadline-issue-types", kinds.join(","));
        let parsed = if file.contains("webhook") {
            super::send_with(&[(option.0, &option.1)], &body).unwrap()
        } else {
            page(&list(&body), &[(option.0, &option.1)])
        };
        let events: Vec<Event> = parsed.events.into_iter().map(Result::unwrap).collect();
        assert_eq!(events.iter().filter(|event| event.fields["withdrawn"] == false).count(), proposed.len(), "{file}");
        for one in proposed {
            check(&file, one, events.iter().find(|event| one["id"] == *event.key.id).unwrap());
        }
    }
}

fn list(value: &Value) -> Value {
    if value.is_array() { value.clone() } else { json!([value]) }
}

/// Changes alone say nothing: with an issue they tell when its status came to be what it is.
fn changes(file: &str, proposed: &Value, histories: Value) {
    let mut issue = super::hook(
        "",
        json!({"created": "2021-01-01T00:00:00.000+0800", "updated": "2021-04-01T00:00:00.000+0800",
        "status": {"name": "已完成", "statusCategory": {"key": "done"}}}),
    )["issue"]
        .clone();
    issue["changelog"] = json!({ "histories": histories });
    let parsed = page(&json!([issue]), &[]);
    let event = parsed.events[0].as_ref().unwrap();
    let times =
        proposed.as_array().unwrap().iter().map(|change| Timestamp::parse(change["t"].as_str().unwrap()).unwrap());
    assert_eq!(event.fields["closed_at"], times.max().unwrap().to_string(), "{file}");
}
