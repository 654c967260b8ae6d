//! What a record says.

use domain::event::{Entity, Event, Incident};
use serde_json::{Value, json};

use super::{ID, record, send, send_with, told};

fn events(bodies: &[Value]) -> Vec<Event> {
    bodies.iter().flat_map(|body| send(body).unwrap().events).map(Result::unwrap).collect()
}

/// What several records of one ticket say together, in whatever order they come.
fn read(bodies: &[Value]) -> Option<Incident> {
    let events = events(bodies);
    let (mut entity, mut reversed) = (Entity::default(), Entity::default());
    for (one, other) in events.iter().zip(events.iter().rev()) {
        entity.merge(one);
        reversed.merge(other);
    }
    assert_eq!(entity, reversed);
    Incident::read(&events[0].key, &entity)
}

#[test]
fn a_record_tells_raw_times_and_all_names() {
    insta::assert_snapshot!(told(&record(json!({}))), @r#"
    incident servicenow/9d385017c611228701d22104cc95c371
      component: "cart-prod"
      id: "9d385017c611228701d22104cc95c371"
      labels: {"number":"INC0010007"}
      marks: ["configuration_item:cart-prod","configuration_item:109562a3c611227500a7b7ff98cc0dc7","business_service:Checkout","business_service:27d32778c0a8000b00db970eeaa60f16","team:Payments","team:8a5055c9c61122780043563ef53438e3"]
      opened_at: "2025-01-03T13:00:00Z"
      severity: "high"
      severity_original: "2 - High"
      title: "Nobody can pay"
      updated_at: "2025-01-03T13:10:00.000002Z"
      withdrawn: false
    "#);
}

#[test]
fn raw_values_alone_are_read_too() {
    let raw = json!({"result": [{"sys_id": ID, "number": "INC1", "state": "6", "priority": "1", "opened_at": "2025-01-03 13:00:00",
        "resolved_at": "2025-01-03 14:00:00", "sys_updated_on": "2025-01-03 14:00:01",
        "cmdb_ci": {"link": "https://acme.service-now.com/api/now/table/cmdb_ci/109562", "value": "109562"}}]});
    let known = read(&[raw]).unwrap();
    assert_eq!((known.component.as_deref(), known.severity.text()), (Some("109562"), "critical"));
    assert_eq!(known.resolved_at.unwrap().to_string(), "2025-01-03T14:00:00Z");
}

#[test]
fn the_start_falls_back_to_creation_and_resolution_to_closure() {
    let known = read(&[record(json!({"opened_at": ""}))]).unwrap();
    assert_eq!(known.opened_at.to_string(), "2025-01-03T13:04:00Z");
    let problem = send(&record(json!({"opened_at": "", "sys_created_on": ""}))).unwrap().events.remove(0).unwrap_err();
    assert!(problem.message.contains("`sys_created_on` is missing too"), "{problem}");
    let closed = json!({"state": "7", "closed_at": "2025-01-04 09:00:00"});
    assert_eq!(read(&[record(closed)]).unwrap().resolved_at.unwrap().to_string(), "2025-01-04T09:00:00Z");
    let both = json!({"state": "7", "resolved_at": "2025-01-03 15:00:00", "closed_at": "2025-01-04 09:00:00"});
    assert_eq!(read(&[record(both)]).unwrap().resolved_at.unwrap().to_string(), "2025-01-03T15:00:00Z");
    // Nothing tells when it ended: nothing is invented.
    assert_eq!(read(&[record(json!({"state": "7"}))]).unwrap().resolved_at, None);
}

#[test]
fn states_are_known_by_their_number() {
    let end = json!("2025-01-03 15:00:00");
    let state = |number: &str, active: &str| {
        let known = read(&[record(json!({"state": number, "active": active, "resolved_at": end}))]);
        known.map(|known| known.resolved_at.is_some())
    };
    for open in ["1", "2", "3"] {
        assert_eq!(state(open, "true"), Some(false), "{open}: what ended before it was opened again");
    }
    for ended in ["6", "7"] {
        assert_eq!(state(ended, "true"), Some(true), "{ended}");
    }
    assert_eq!(state("8", "false"), None, "cancelled: it was none");
    assert_eq!((state("-7", "true"), state("-7", "false")), (Some(false), Some(true)), "states of one's own");
}

#[test]
fn a_ticket_opened_again_has_no_end_until_it_ends_again() {
    let at = |updated: &str, count: &str, more: Value| {
        let mut record = record(more);
        record["sys_updated_on"] = json!(updated);
        record["sys_mod_count"] = json!(count);
        record
    };
    let first = at("2025-01-03 15:00:00", "3", json!({"state": "6", "resolved_at": "2025-01-03 15:00:00"}));
    let again = at("2025-01-03 16:00:00", "4", json!({"state": "2", "reopen_count": "1"}));
    let last = at(
        "2025-01-03 18:00:00",
        "5",
        json!({"state": "6", "reopen_count": "1", "resolved_at": "2025-01-03 18:00:00"}),
    );
    assert!(read(std::slice::from_ref(&first)).unwrap().resolved_at.is_some());
    assert_eq!(read(&[first.clone(), again.clone()]).unwrap().resolved_at, None);
    assert_eq!(read(&[first, again, last]).unwrap().resolved_at.unwrap().to_string(), "2025-01-03T18:00:00Z");
}

#[test]
fn of_two_changes_in_one_second_the_later_counts() {
    let one = record(json!({"sys_mod_count": "8", "short_description": "before"}));
    let two = record(json!({"sys_mod_count": "9", "short_description": "after"}));
    assert_eq!(read(&[two, one]).unwrap().title.as_deref(), Some("after"));
}

#[test]
fn records_that_share_a_number_are_two() {
    let other = record(json!({"sys_id": "1c741bd70b2322007518478d83673af4"}));
    let keys: Vec<_> = events(&[record(json!({})), other]).into_iter().map(|event| event.key).collect();
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn severity_is_the_priority_else_the_three_grades_of_severity() {
    for (priority, severity, native) in
        [("1", "3", "critical"), ("4", "1", "low"), ("", "1", "high"), ("", "3", "low"), ("", "", "unknown")]
    {
        let known = read(&[record(json!({"priority": priority, "severity": severity}))]).unwrap();
        assert_eq!(known.severity.text(), native, "{priority}/{severity}");
    }
}

#[test]
fn without_an_item_it_is_the_services_and_without_a_service_the_sources() {
    let known = |more: Value| read(&[record(more)]).unwrap().component.unwrap();
    assert_eq!(known(json!({"cmdb_ci": ""})), "Checkout");
    assert_eq!(known(json!({"cmdb_ci": "", "business_service": ""})), "servicenow");
}

#[test]
fn fields_of_ones_own_tell_when_it_began_and_which_version_suffers() {
    let more = json!({"u_began": {"value": "2025-01-03 12:30:00", "display_value": "2025-01-03 04:30:00"}, "u_version": "1.4.2",
        "u_place": {"value": "77", "display_value": "eu"}});
    let headers =
        [("X-Leadline-Fields", "started_at=u_began, version=u_version, instance=u_place, product=business_service")];
    let event = send_with(&headers, &record(more.clone())).unwrap().events.remove(0).unwrap();
    let field = |name: &str| event.fields[name].as_str().unwrap();
    assert_eq!(field("started_at"), "2025-01-03T12:30:00Z");
    assert_eq!((field("version"), field("instance"), field("product")), ("1.4.2", "eu", "Checkout"));
    let problem = send_with(&[("x-leadline-fields", "opened=u_began")], &record(more)).unwrap_err();
    assert!(problem.message.contains("`opened=u_began` is no pair"), "{problem}");
}

#[test]
fn a_deleted_record_is_withdrawn_and_other_tables_are_ignored() {
    let deleted = record(json!({"operation": "delete"}));
    assert!(read(&[record(json!({})), deleted]).is_none());
    let change = told(&record(json!({"sys_class_name": "change_request"})));
    assert_eq!(change, "ignored: the record is a `change_request`, which is no incident");
    assert_eq!(told(&json!({"result": []})), "ignored: there is no record in it");
    assert!(told(&json!({"number": "INC1"})).contains("`result` is missing"));
}

#[test]
fn dates_that_contradict_each_other_are_refused_with_both() {
    let problem = send(&record(json!({"state": "6", "resolved_at": "2025-01-02 15:00:00"})))
        .unwrap()
        .events
        .remove(0)
        .unwrap_err();
    assert!(
        problem.message.contains("2025-01-02T15:00:00Z") && problem.message.contains("2025-01-03T13:00:00Z"),
        "{problem}"
    );
}
