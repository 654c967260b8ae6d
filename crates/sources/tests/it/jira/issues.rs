//! What an issue says.

use domain::Timestamp;
use domain::event::{Event, EventKind, Incident, entity_key};
use serde_json::{Value, json};
use sources::{find, verify};

use super::{hook, send, send_with, told};
use crate::support::sign;
use crate::vendor::{Entities, merge};

fn events(body: &Value) -> Vec<Event> {
    send(body).unwrap().events.into_iter().map(Result::unwrap).collect()
}

/// The incident of a key as several webhooks tell it, in whatever order they come.
fn read(key: &str, bodies: &[Value]) -> Option<Incident> {
    let all: Vec<Event> = bodies.iter().flat_map(events).collect();
    let (mut entities, mut reversed) = (Entities::new(), Entities::new());
    merge(&mut entities, all.clone());
    merge(&mut reversed, all.into_iter().rev());
    assert_eq!(entities, reversed);
    let key = entity_key(EventKind::Incident, "jira", key);
    Incident::read(&key, entities.get(&key)?)
}

fn status(category: &str, at: &str) -> Value {
    json!({"status": {"id": "9", "name": "Fertig?", "statusCategory": {"key": category}}, "updated": at, "statuscategorychangedate": at})
}

fn with(mut one: Value, other: Value) -> Value {
    for (name, value) in other.as_object().unwrap() {
        one[name] = value.clone();
    }
    one
}

#[test]
fn an_issue_of_the_type_is_an_incident() {
    insta::assert_snapshot!(told(&hook("jira:issue_created", json!({}))), @r#"
    incident jira/OPS-7
      component: "cart"
      id: "OPS-7"
      labels: {"checkout":""}
      marks: ["jira_project:OPS","jira_component:cart","jira_label:checkout"]
      opened_at: "2025-01-03T13:00:00Z"
      severity: "critical"
      severity_original: "Highest"
      title: "Nobody can pay"
      updated_at: "2025-01-03T13:00:00Z"
      url: "https://acme.atlassian.net/browse/OPS-7"
      withdrawn: false
    "#);
}

#[test]
fn type_label_or_project_make_an_incident_by_options() {
    let issue = |kind: &str, labels: Value| {
        hook("jira:issue_created", json!({"issuetype": {"id": "10004", "name": kind}, "labels": labels}))
    };
    let is_one = |headers: &[(&str, &str)], body: &Value| send_with(headers, body).unwrap().ignored.is_none();
    for (kind, labels, wanted) in [
        ("Incident", json!([]), true),
        ("[System] Incident", json!([]), true),
        ("Bug", json!([]), false),
        ("Bug", json!(["Incident"]), true),
        ("Task", json!(["outage", "x"]), true),
        ("Störung", json!([]), false),
    ] {
        assert_eq!(is_one(&[], &issue(kind, labels)), wanted, "{kind}");
    }
    let bug = issue("Störung", json!(["sev"]));
    for header in [
        ("X-Leadline-Issue-Types", "Bug, störung"),
        ("x-leadline-issue-types", "10004"),
        ("x-leadline-labels", "sev"),
        ("x-leadline-projects", "WEB,OPS"),
    ] {
        assert!(is_one(&[header], &bug), "{header:?}");
    }
    assert!(
        !is_one(&[("x-leadline-issue-types", "Bug")], &issue("Incident", json!([]))),
        "an option takes the default's place"
    );
    assert_eq!(told(&bug), "ignored: the issue OPS-7 (St\u{f6}rung) is no incident by the options of the source");
}

#[test]
fn the_category_says_how_it_stands_in_any_language() {
    let open = hook("jira:issue_created", json!({}));
    let working = hook("jira:issue_updated", status("indeterminate", "2025-01-03T13:10:00.000+0000"));
    let done = status("done", "2025-01-03T15:00:00.250+0000");
    let done = hook("jira:issue_updated", with(done, json!({"resolutiondate": "2025-01-03T15:00:00.200+0000"})));
    let ended = |bodies: &[Value]| read("OPS-7", bodies).unwrap().resolved_at.map(|at| at.to_string());
    assert_eq!(ended(&[open.clone(), working.clone()]), None);
    assert_eq!(ended(&[open.clone(), working.clone(), done.clone()]).as_deref(), Some("2025-01-03T15:00:00.2Z"));
    // A workflow that sets no resolution: it is over since its status is done.
    let plain = hook("jira:issue_updated", status("done", "2025-01-03T15:00:00.250+0000"));
    assert_eq!(ended(&[open.clone(), plain]).as_deref(), Some("2025-01-03T15:00:00.25Z"));
    // A resolution that was left in an open issue is none.
    let left = status("new", "2025-01-03T16:00:00.000+0000");
    let left = hook("jira:issue_updated", with(left, json!({"resolutiondate": "2025-01-03T15:00:00.200+0000"})));
    assert_eq!(ended(&[open.clone(), done.clone(), left.clone()]), None);
    // And still stands there when it is done again.
    let again = status("done", "2025-01-03T17:00:00.000+0000");
    let again = hook("jira:issue_updated", with(again, json!({"resolutiondate": "2025-01-03T15:00:00.200+0000"})));
    assert_eq!(ended(&[open, done, left, again]).as_deref(), Some("2025-01-03T17:00:00Z"));
}

#[test]
fn a_server_tells_when_the_status_changed_by_its_changes() {
    let change =
        json!({"items": [{"field": "status", "from": "3", "fromString": "Doing", "to": "9", "toString": "Done"}]});
    let mut done = hook("jira:issue_updated", status("done", "2025-01-03T15:00:00.000+0000"));
    done["issue"]["fields"].as_object_mut().unwrap().remove("statuscategorychangedate");
    assert_eq!(read("OPS-7", std::slice::from_ref(&done)).unwrap().resolved_at, None, "nothing tells when");
    done["changelog"] = change.clone();
    assert_eq!(
        read("OPS-7", std::slice::from_ref(&done)).unwrap().resolved_at.unwrap().to_string(),
        "2025-01-03T15:00:00Z"
    );
    let mut open = hook("jira:issue_updated", status("indeterminate", "2025-01-03T16:00:00.000+0000"));
    open["issue"]["fields"].as_object_mut().unwrap().remove("statuscategorychangedate");
    open["changelog"] = change;
    assert_eq!(read("OPS-7", &[done, open]).unwrap().resolved_at, None);
}

#[test]
fn priority_is_severity_by_name_or_by_jiras_own_id() {
    for (priority, native) in [
        (json!({"id": "1", "name": "Highest"}), "critical"),
        (json!({"id": "2", "name": "Hoch"}), "high"),
        (json!({"id": "3", "name": "中"}), "medium"),
        (json!({"id": "10007", "name": "P1"}), "critical"),
        (json!({"id": "10007", "name": "Bald"}), "unknown"),
        (json!({"id": "5", "name": "Lowest"}), "low"),
        (Value::Null, "unknown"),
    ] {
        let event = events(&hook("jira:issue_created", json!({ "priority": priority }))).remove(0);
        assert_eq!(event.fields["severity"], native, "{priority}");
    }
}

#[test]
fn without_a_component_it_is_the_project() {
    let more = json!({"components": [], "versions": [{"name": "1.4.2"}], "fixVersions": [{"name": "1.4.3"}]});
    let event = events(&hook("jira:issue_created", more)).remove(0);
    assert_eq!((&event.fields["component"], &event.fields["version"]), (&json!("OPS"), &json!("1.4.2")));
    let event = events(&hook("jira:issue_created", json!({"fixVersions": [{"name": "1.4.3"}]}))).remove(0);
    assert_eq!(event.fields["version"], "1.4.3");
}

#[test]
fn fields_of_ones_own_tell_what_jira_has_no_field_for() {
    let more = json!({"customfield_1": "2025-01-03T13:30:00.000+0100", "customfield_2": {"value": "Sev-2"},
        "customfield_3": [{"name": "shop"}, {"name": "till"}], "customfield_4": null});
    let option = "started_at=customfield_1, severity=customfield_2, product=customfield_3, version=customfield_4";
    let parsed = send_with(&[("x-leadline-fields", option)], &hook("jira:issue_created", more)).unwrap();
    let event = parsed.events[0].as_ref().unwrap();
    assert_eq!(event.fields["started_at"], "2025-01-03T12:30:00Z");
    assert_eq!((&event.fields["severity"], &event.fields["severity_original"]), (&json!("high"), &json!("Sev-2")));
    assert_eq!(event.fields["product"], "shop");
    assert!(!event.fields.contains_key("version"));
}

#[test]
fn what_is_deleted_or_no_incident_any_more_is_withdrawn() {
    let opened = hook("jira:issue_created", json!({}));
    assert!(read("OPS-7", std::slice::from_ref(&opened)).is_some());
    assert!(read("OPS-7", &[opened.clone(), hook("jira:issue_deleted", json!({}))]).is_none());
    let mut changed = hook(
        "jira:issue_updated",
        json!({"issuetype": {"id": "10004", "name": "Bug"}, "updated": "2025-01-03T13:20:00.000+0000"}),
    );
    assert!(told(&changed).starts_with("ignored: the issue OPS-7 (Bug)"), "it may never have been one");
    changed["changelog"] = json!({"items": [{"field": "issuetype", "from": "10100", "fromString": "Incident", "to": "10004", "toString": "Bug"}]});
    assert!(read("OPS-7", &[opened.clone(), changed]).is_none());
    let mut unlabelled = hook(
        "jira:issue_updated",
        json!({"issuetype": {"name": "Bug"}, "labels": [], "updated": "2025-01-03T13:20:00.000+0000"}),
    );
    unlabelled["changelog"] = json!({"items": [{"field": "labels", "fromString": "slow incident", "toString": ""}]});
    assert!(read("OPS-7", &[opened, unlabelled]).is_none());
}

#[test]
fn an_issue_that_is_moved_is_the_incident_of_its_new_key() {
    let opened = hook("jira:issue_created", json!({}));
    let mut moved = hook(
        "jira:issue_updated",
        json!({"project": {"id": "10001", "key": "WEB"}, "updated": "2025-01-03T13:20:00.000+0000"}),
    );
    moved["issue"]["key"] = json!("WEB-9");
    moved["changelog"] = json!({"items": [{"field": "project", "from": "10000", "fromString": "Operations"},
        {"field": "Key", "fromString": "OPS-7", "toString": "WEB-9"}]});
    assert!(read("OPS-7", &[opened.clone(), moved.clone()]).is_none());
    assert_eq!(read("WEB-9", &[opened, moved]).unwrap().title.as_deref(), Some("Nobody can pay"));
}

#[test]
fn automation_sends_an_issue_alone() {
    let whole = hook("jira:issue_created", json!({}));
    let alone = whole["issue"].clone();
    assert_eq!(events(&alone), events(&whole));
    assert_eq!(events(&json!({"action": "created", "issue": alone})), events(&whole));
}

#[test]
fn other_events_are_ignored_and_what_is_missing_is_named() {
    let comment = json!({"webhookEvent": "comment_created", "comment": {}, "issue": {"key": "OPS-7"}});
    assert_eq!(told(&comment), "ignored: the event `comment_created` says nothing about the course of an issue");
    assert!(told(&json!({"webhookEvent": "jira:issue_created"})).contains("`issue` is missing"));
    assert!(told(&hook("jira:issue_created", json!({"created": null}))).contains("`fields.created` is missing"));
    assert!(told(&hook("jira:issue_created", json!({"updated": "soon"}))).contains("`fields.updated`"));
}

#[test]
fn a_signature_by_sha_256_is_needed() {
    let body = hook("jira:issue_created", json!({})).to_string();
    let check = |value: String| {
        let headers = [("X-Hub-Signature".to_owned(), value)];
        verify(find("jira").unwrap(), &headers, body.as_bytes(), b"secret", Timestamp::from_micros(0))
    };
    assert_eq!(check(format!("sha256={}", sign(body.as_bytes(), b"secret"))), Ok(()));
    assert!(check(format!("sha256={}", sign(body.as_bytes(), b"other"))).is_err());
    assert!(check(format!("sha1={}", "0".repeat(40))).unwrap_err().message.contains("sha256="));
}
