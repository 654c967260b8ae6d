//! Bodies with anything anywhere in them: they are read, ignored with a reason, or refused; nothing is dropped.

use proptest::prelude::*;
use serde_json::{Value, json};
use sources::kubernetes::{standing, stripped};

use super::audit::patched;
use super::{deployment, send, watched};
use crate::gke::entry;

fn odd() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(""),
        json!("é\u{0}"),
        json!("2025-01-01T10:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("3"),
        json!("a/b:c@d"),
        json!("NewReplicaSetAvailable"),
        json!("ProgressDeadlineExceeded"),
        json!("StatefulSet"),
        json!("DaemonSet"),
        json!("Rollout"),
        json!("EventList"),
        json!("create"),
        json!("scale"),
        json!([]),
        json!([null, {}, "x", [1]]),
        json!({}),
        json!({"metadata": [], "spec": {"template": "x"}, "path": "/spec/template", "items": {}, "object": 1}),
    ])
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(at_item, item)| {
            places(item, &format!("{at}/{at_item}"), all);
        }),
        _ => {}
    }
}

/// A good body with up to four places bent.
fn bent(body: Value) -> impl Strategy<Value = Value> {
    let mut all = Vec::new();
    places(&body, "", &mut all);
    prop::collection::vec((prop::sample::select(all), odd()), 0..4).prop_map(move |changes| {
        let mut body = body.clone();
        for (place, value) in changes {
            if let Some(found) = body.pointer_mut(&place) {
                *found = value;
            }
        }
        body
    })
}

fn taken(parsed: Result<sources::Parsed, domain::Problem>) -> bool {
    match parsed {
        Ok(parsed) => parsed.events.is_empty() == parsed.ignored.is_some_and(|why| !why.is_empty()),
        Err(problem) => !problem.message.is_empty() && problem.code.status() < 500,
    }
}

proptest! {
    #[test]
    fn workloads(object in bent(deployment()), times in 1usize..4) {
        prop_assert!(taken(send("kubernetes", &[], &object.to_string())));
        prop_assert!(taken(watched(&[("leadline-found", "1")], &object)));
        let list = json!({"kind": "List", "items": vec![object.clone(); times]});
        prop_assert!(taken(send("kubernetes", &[], &list.to_string())));
        if let Value::Object(fields) = object {
            // What is stripped tells the same but for the configuration, and has a standing when that has one.
            let kept = stripped(fields.clone());
            prop_assert_eq!(standing(&fields).is_some(), standing(&kept).is_some());
            let read = |fields| {
                let parsed = watched(&[], &Value::Object(fields));
                parsed.map(|parsed| (parsed.events.into_iter().map(Result::unwrap).map(|mut event| {
                    event.fields.remove("config_hash");
                    event
                }).collect::<Vec<_>>(), parsed.ignored))
            };
            prop_assert_eq!(read(fields), read(kept));
        }
    }

    #[test]
    fn audits(event in bent(patched()), times in 1usize..4) {
        prop_assert!(taken(send("kubernetes", &[], &event.to_string())));
        let list = json!({"kind": "EventList", "items": vec![event.clone(); times]});
        prop_assert!(taken(send("kubernetes", &[], &list.to_string())));
        let lines = format!("{event}\n{event}\n");
        prop_assert!(taken(send("kubernetes", &[], &lines)));
    }

    #[test]
    fn entries(entry in bent(entry())) {
        prop_assert!(taken(send("gke", &[], &entry.to_string())));
    }
}
