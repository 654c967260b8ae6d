//! Incidents.

use serde_json::{Value, json};

use super::{body, send, told};
use crate::told::{events, merged, values};

fn issue(kind: &str, action: &str, state: &str, updated_at: &str) -> Value {
    json!({"object_attributes": {"iid": 12, "title": "Carts are slow", "type": kind, "severity": "high", "state": state,
        "action": action, "created_at": "2025-01-03 12:00:00 UTC", "updated_at": updated_at,
        "closed_at": if state == "closed" { json!(updated_at) } else { Value::Null },
        "url": "https://gitlab.example/acme/shop/cart/-/issues/12"},
        "labels": [{"title": "product::shop"}, {"title": "db"}], "changes": {}})
}

#[test]
fn an_incident_of_gitlab() {
    insta::assert_snapshot!(told("issue", issue("Incident", "close", "closed", "2025-01-03 15:00:00 +0100")), @r#"
    incident gitlab/acme/shop/cart#12
      closed_at: "2025-01-03T14:00:00Z"
      component: "acme/shop/cart"
      id: "acme/shop/cart#12"
      labels: {"product::shop":"","db":""}
      marks: ["repository:acme/shop/cart","project:acme/shop/cart","label:product::shop","label:db"]
      opened_at: "2025-01-03T12:00:00Z"
      product: "shop"
      repo: "acme/shop/cart"
      severity: "high"
      severity_original: "high"
      title: "Carts are slow"
      updated_at: "2025-01-03T14:00:00Z"
      url: "https://gitlab.example/acme/shop/cart/-/issues/12"
      withdrawn: false
    "#);
    assert_eq!(
        told("work_item", issue("Incident", "close", "closed", "2025-01-03 15:00:00 +0100")),
        told("issue", issue("Incident", "close", "closed", "2025-01-03 15:00:00 +0100"))
    );
}

#[test]
fn an_issue_is_an_incident_by_its_label_as_well_and_no_longer_without_it() {
    assert_eq!(
        told("issue", issue("Issue", "open", "opened", "2025-01-03 12:00:00 UTC")),
        "ignored: the issue is no incident by its type or a label"
    );
    let mut labelled = issue("Issue", "open", "opened", "2025-01-03 12:00:00 UTC");
    labelled["labels"] = json!([{"title": "type::incident"}, {"title": "severity::1"}]);
    labelled["object_attributes"]["severity"] = json!("unknown");
    let mut without = issue("Issue", "update", "opened", "2025-01-03 13:00:00 UTC");
    without["changes"] = json!({"labels": {"previous": [{"title": "type::incident"}], "current": []}});
    let first = events([send(&body("issue", labelled.clone()).to_string())]);
    assert_eq!(values(&merged(&first), &["severity", "withdrawn"]), r#"severity="critical" withdrawn=false"#);
    let all = events([labelled, without].map(|fields| send(&body("issue", fields).to_string())));
    assert_eq!(values(&merged(&all), &["withdrawn"]), "withdrawn=true");
}

#[test]
fn opened_again_it_is_open() {
    let all = events(
        [
            issue("Incident", "close", "closed", "2025-01-03 13:00:00 UTC"),
            issue("Incident", "reopen", "opened", "2025-01-03 14:00:00 UTC"),
        ]
        .map(|fields| send(&body("issue", fields).to_string())),
    );
    assert_eq!(
        values(&merged(&all), &["closed_at", "reopened_at"]),
        r#"closed_at="2025-01-03T13:00:00Z" reopened_at="2025-01-03T14:00:00Z""#
    );
}
