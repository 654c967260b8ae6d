//! Alertmanager's webhook.

mod shared;

use domain::event::{Entity, Event, Incident};
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

fn send(body: &Value) -> Result<Parsed, Problem> {
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let body = body.to_string();
    let delivery =
        Delivery { source: "alertmanager", event: "webhook", headers: &[], body: body.as_bytes(), received_at };
    (find("alertmanager").unwrap().parse)(&delivery)
}

const UNSET: &str = "0001-01-01T00:00:00Z";

fn alert(status: &str, ends: &str, labels: Value) -> Value {
    let mut all = json!({"alertname": "HighErrorRate", "severity": "critical"});
    for (name, value) in labels.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"status": status, "labels": all, "annotations": {"summary": "Nobody can pay"}, "startsAt": "2025-01-03T13:00:00.123456789Z",
        "endsAt": ends, "generatorURL": "http://prometheus/graph?g0.expr=1", "fingerprint": "aac3b474e2c0658c"})
}

fn group(alerts: Value) -> Value {
    json!({"version": "4", "groupKey": "{}:{alertname=\"HighErrorRate\"}", "truncatedAlerts": 0, "status": "firing",
        "receiver": "leadline", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager", "alerts": alerts})
}

fn events(body: &Value) -> Vec<Event> {
    send(body).unwrap().events.into_iter().map(Result::unwrap).collect()
}

fn only(body: &Value) -> String {
    match send(body) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(|event| event.unwrap_err().message).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.message,
    }
}

#[test]
fn an_alert_that_fires_is_an_incident() {
    let labels = json!({"service": "cart", "namespace": "shop", "cluster": "eu-1", "team": "payments", "env": "prod", "pod": "cart-7d9f"});
    let event = events(&group(json!([alert("firing", UNSET, labels)]))).remove(0);
    let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
    fields.sort();
    insta::assert_snapshot!(format!("{}\n{}", event.key, fields.join("\n")), @r#"
    incident alertmanager/aac3b474e2c0658c@2025-01-03T13:00:00.123456Z
      component: "cart"
      environment: "prod"
      id: "aac3b474e2c0658c@2025-01-03T13:00:00.123456Z"
      labels: {"alertname":"HighErrorRate","severity":"critical","service":"cart","namespace":"shop","cluster":"eu-1","team":"payments","env":"prod","pod":"cart-7d9f"}
      marks: ["service:cart","namespace:shop","cluster:eu-1","team:payments","label:alertname=HighErrorRate","label:severity=critical","label:service=cart","label:namespace=shop","label:cluster=eu-1","label:team=payments","label:env=prod"]
      opened_at: "2025-01-03T13:00:00.123456Z"
      severity: "critical"
      severity_original: "critical"
      title: "Nobody can pay"
      updated_at: "2025-01-03T13:00:00.123456Z"
      url: "http://prometheus/graph?g0.expr=1"
    "#);
}

#[test]
fn it_ends_when_it_is_resolved_whatever_comes_first() {
    let firing = events(&group(json!([alert("firing", UNSET, json!({}))])));
    let resolved = events(&group(json!([alert("resolved", "2025-01-03T13:40:00Z", json!({}))])));
    let (mut entity, mut reversed) = (Entity::default(), Entity::default());
    for (one, other) in firing.iter().chain(&resolved).zip(resolved.iter().chain(&firing)) {
        entity.merge(one);
        reversed.merge(other);
    }
    assert_eq!(entity, reversed);
    let known = Incident::read(&firing[0].key, &entity).unwrap();
    assert_eq!(known.resolved_at.unwrap().to_string(), "2025-01-03T13:40:00Z");
    // It fires, and would be given up at some time to come.
    let timeout = events(&group(json!([alert("firing", "2025-01-03T13:05:00Z", json!({}))])));
    assert!(!timeout[0].fields.contains_key("resolved_at"));
    assert!(only(&group(json!([alert("resolved", UNSET, json!({}))]))).contains("`endsAt` is not set"));
}

#[test]
fn a_group_may_hold_what_fires_and_what_is_over() {
    let mut other = alert("resolved", "2025-01-03T13:40:00Z", json!({"service": "till"}));
    other["fingerprint"] = json!("bbc3b474e2c0658c");
    let events = events(&group(json!([alert("firing", UNSET, json!({"service": "cart"})), other])));
    assert_ne!(events[0].key, events[1].key);
    let ended = |event: &Event| event.fields.contains_key("resolved_at");
    assert_eq!((ended(&events[0]), ended(&events[1])), (false, true));
    // Without a status of its own an alert has that of its group.
    let mut plain = alert("", "2025-01-03T13:40:00Z", json!({}));
    plain.as_object_mut().unwrap().remove("status");
    let mut over = group(json!([plain]));
    over["status"] = json!("resolved");
    assert!(ended(&self::events(&over)[0]));
}

#[test]
fn the_same_alert_at_another_time_is_another_incident() {
    let one = events(&group(json!([alert("firing", UNSET, json!({}))]))).remove(0);
    let mut later = alert("firing", UNSET, json!({}));
    later["startsAt"] = json!("2025-01-04T13:00:00Z");
    assert_ne!(one.key, events(&group(json!([later]))).remove(0).key);
    // An older Alertmanager sends no fingerprint: the labels are one, in whatever order they stand.
    let without = |labels: Value| {
        let mut alert = alert("firing", UNSET, labels);
        alert.as_object_mut().unwrap().remove("fingerprint");
        events(&group(json!([alert]))).remove(0).key
    };
    assert_eq!(without(json!({"a": "1", "b": "2"})), without(json!({"b": "2", "a": "1"})));
    assert_ne!(without(json!({"a": "1"})), without(json!({"a": "2"})));
}

#[test]
fn labels_name_what_suffers_and_how_bad_it_is() {
    for (labels, component) in [
        (json!({"service": "kube-state-metrics", "job": "ksm", "deployment": "cart", "namespace": "shop"}), "cart"),
        (json!({"app": "cart", "service": "cart-metrics"}), "cart"),
        (json!({"job": "till"}), "till"),
        (json!({}), "HighErrorRate"),
    ] {
        assert_eq!(events(&group(json!([alert("firing", UNSET, labels)])))[0].fields["component"], component);
    }
    for (word, native) in [
        ("critical", "critical"),
        ("page", "critical"),
        ("warning", "medium"),
        ("info", "low"),
        ("ticket", "low"),
        ("purple", "unknown"),
    ] {
        let event = events(&group(json!([alert("firing", UNSET, json!({ "severity": word }))]))).remove(0);
        assert_eq!((&event.fields["severity"], &event.fields["severity_original"]), (&json!(native), &json!(word)));
    }
}

#[test]
fn alerts_that_are_no_trouble_are_ignored_with_the_reason() {
    let quiet = |labels: Value| only(&group(json!([alert("firing", UNSET, labels)])));
    let watchdog = "ignored: the alert `Watchdog` fires all the time, so that its silence is noticed";
    assert_eq!(quiet(json!({"alertname": "Watchdog", "severity": "none"})), watchdog);
    let none = "ignored: the alert `HighErrorRate` has the severity `none`, by which nobody is to act";
    assert_eq!(quiet(json!({"severity": "none"})), none);
    assert_eq!(only(&group(json!([]))), "ignored: the group holds no alert");
    // Beside one that is trouble it is left out.
    let both = group(json!([alert("firing", UNSET, json!({"severity": "none"})), alert("firing", UNSET, json!({}))]));
    assert_eq!(events(&both).len(), 1);
}

#[test]
fn what_is_wrong_is_told() {
    let mut old = group(json!([]));
    old["version"] = json!("1");
    assert_eq!(only(&old), "`version` is `1`; this address takes version 4 of Alertmanager");
    let mut cut = group(json!([alert("firing", UNSET, json!({}))]));
    cut["truncatedAlerts"] = json!(3);
    let parsed = send(&cut).unwrap();
    assert!(parsed.events[0].is_ok(), "what is there is taken");
    let why = "`alerts` is short of 3, which Alertmanager cut off; set `max_alerts: 0` at its receiver";
    assert_eq!(parsed.events[1].as_ref().unwrap_err().message, why);
    let mut unset = alert("firing", UNSET, json!({}));
    unset["startsAt"] = json!(UNSET);
    assert!(only(&group(json!([unset]))).contains("`startsAt` is not set"));
    assert!(only(&group(json!([alert("odd", UNSET, json!({}))]))).contains("`status` is `odd`"));
}
