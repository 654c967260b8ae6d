//! Issues that are incidents.

use domain::event::{EventKind, Incident, entity_key};
use serde_json::{Value, json};

use super::{merged, send, told};

fn issue(action: &str, updated: &str, labels: &[&str], more: Value) -> (&'static str, Value) {
    let labels: Vec<_> = labels.iter().map(|name| json!({"id": 1, "name": name})).collect();
    let mut issue = json!({"id": 44, "number": 7, "state": "open", "title": "Nobody can pay", "labels": labels,
        "created_at": "2025-01-03T13:00:00Z", "updated_at": updated, "closed_at": null, "state_reason": null,
        "html_url": "https://github.com/acme/cart/issues/7"});
    for (name, value) in more.as_object().unwrap() {
        issue[name] = value.clone();
    }
    ("issues", json!({"action": action, "issue": issue}))
}

fn read(deliveries: &[(&str, Value)]) -> Option<Incident> {
    Incident::read(&entity_key(EventKind::Incident, "github", "acme/cart#7"), &merged(deliveries))
}

fn closed(at: &str) -> (&'static str, Value) {
    issue("closed", at, &["incident"], json!({"state": "closed", "closed_at": at, "state_reason": "completed"}))
}

#[test]
fn an_issue_with_the_label_is_an_incident() {
    let labels = ["incident", "sev2", "instance: eu"];
    insta::assert_snapshot!(told("issues", issue("opened", "2025-01-03T13:00:00Z", &labels, json!({})).1), @r#"
    incident github/acme/cart#7
      component: "acme/cart"
      id: "acme/cart#7"
      instance: "eu"
      labels: {"incident":"","sev2":"","instance: eu":""}
      opened_at: "2025-01-03T13:00:00Z"
      repo: "acme/cart"
      severity: "high"
      severity_original: "sev2"
      title: "Nobody can pay"
      updated_at: "2025-01-03T13:00:00Z"
      url: "https://github.com/acme/cart/issues/7"
      withdrawn: false
    "#);
}

#[test]
fn labels_say_what_is_an_incident_and_how_bad() {
    for (label, severity) in [
        ("incident", Some("unknown")),
        ("Outage", Some("unknown")),
        ("type: incident", Some("unknown")),
        ("kind/incident", Some("unknown")),
        ("SEV-1", Some("critical")),
        ("sev3", Some("medium")),
        ("P1", Some("critical")),
        ("P3", None),
        ("bug", None),
        ("several", None),
        ("post-incident", None),
        ("type: bug", None),
    ] {
        let parsed =
            send("issues", &super::body(issue("opened", "2025-01-03T13:00:00Z", &[label], json!({})).1).to_string());
        let parsed = parsed.unwrap();
        let told = parsed.events.first().map(|event| event.as_ref().unwrap().fields["severity"].as_str().unwrap());
        assert_eq!((told, parsed.ignored.is_none()), (severity, severity.is_some()), "{label}");
    }
    let worst =
        read(&[issue("opened", "2025-01-03T13:00:00Z", &["incident", "P3", "severity: high"], json!({}))]).unwrap();
    assert_eq!(worst.severity.text(), "high");
    assert!(read(&[issue("typed", "2025-01-03T13:00:00Z", &[], json!({"type": {"name": "Incident"}}))]).is_some());
}

#[test]
fn closing_resolves_and_opening_again_takes_it_back() {
    let opened = issue("opened", "2025-01-03T13:00:00Z", &["incident"], json!({}));
    let reopened =
        issue("reopened", "2025-01-03T16:00:00Z", &["incident"], json!({"closed_at": "2025-01-03T15:00:00Z"}));
    let end = |deliveries: &[(&str, Value)]| read(deliveries).unwrap().resolved_at.map(|at| at.to_string());
    let first = closed("2025-01-03T15:00:00Z");
    assert_eq!(end(&[opened.clone(), first.clone()]).as_deref(), Some("2025-01-03T15:00:00Z"));
    assert_eq!(end(&[opened.clone(), first.clone(), reopened.clone()]), None);
    let last = closed("2025-01-03T18:00:00Z");
    assert_eq!(end(&[opened, first, reopened, last]).as_deref(), Some("2025-01-03T18:00:00Z"));
}

#[test]
fn the_label_makes_and_unmakes_an_incident() {
    let labeled = |at: &str| issue("labeled", at, &["incident"], json!({}));
    let mut unlabeled = issue("unlabeled", "2025-01-03T14:00:00Z", &["bug"], json!({}));
    unlabeled.1["label"] = json!({"name": "incident"});
    assert!(read(&[labeled("2025-01-03T13:30:00Z")]).is_some());
    assert!(read(&[labeled("2025-01-03T13:30:00Z"), unlabeled.clone()]).is_none());
    assert!(read(&[labeled("2025-01-03T13:30:00Z"), unlabeled.clone(), labeled("2025-01-03T15:00:00Z")]).is_some());
    unlabeled.1["label"] = json!({"name": "bug"});
    assert_eq!(told("issues", unlabeled.1), "ignored: the issue has no label that makes it an incident");
    assert!(read(&[issue("transferred", "2025-01-03T14:00:00Z", &["incident"], json!({}))]).is_none());
    let request = issue("opened", "2025-01-03T13:00:00Z", &["incident"], json!({"pull_request": {"url": "x"}}));
    assert_eq!(told("issues", request.1), "ignored: the issue is a pull request");
}

#[test]
fn labels_may_name_what_suffers() {
    let incident =
        read(&[issue("opened", "2025-01-03T13:00:00Z", &["incident", "component: till", "product/shop"], json!({}))])
            .unwrap();
    assert_eq!((incident.component.as_deref(), incident.product.as_deref()), (Some("till"), Some("shop")));
}
