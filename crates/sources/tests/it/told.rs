//! What a delivery tells, as text for snapshots, and what several tell together.

use domain::event::{Entity, Event};
use domain::{Problem, Timestamp};
use serde_json::Value;
use sources::{Delivery, Parsed, find};

/// When deliveries of these tests come.
pub(crate) const NOW: &str = "2026-11-01T00:00:00Z";

/// Reads a delivery of a source, at its event.
pub(crate) fn send(source: &str, event: &str, headers: &[(&str, &str)], body: &str) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let received_at = Timestamp::parse(NOW).unwrap();
    (find(source).unwrap().parse)(&Delivery { source, event, headers: &headers, body: body.as_bytes(), received_at })
}

/// All events, fields in alphabetical order.
pub(crate) fn tell(parsed: Result<Parsed, Problem>) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match parsed {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

/// The events of deliveries, all of which can be taken.
pub(crate) fn events(deliveries: impl IntoIterator<Item = Result<Parsed, Problem>>) -> Vec<Event> {
    deliveries.into_iter().flat_map(|parsed| parsed.unwrap().events).map(Result::unwrap).collect()
}

/// The one entity that events tell of, the same in whatever order they come.
pub(crate) fn merged(events: &[Event]) -> Entity {
    assert!(events.iter().all(|event| event.key == events[0].key), "{events:?}");
    let (mut entity, mut reversed) = (Entity::default(), Entity::default());
    events.iter().for_each(|event| {
        entity.merge(event);
    });
    events.iter().rev().for_each(|event| {
        reversed.merge(event);
    });
    assert_eq!(entity, reversed);
    entity
}

/// Some values of an entity, as text.
pub(crate) fn values(entity: &Entity, names: &[&str]) -> String {
    let value = |name: &&str| format!("{name}={}", entity.get(name).map(Value::to_string).unwrap_or_default());
    names.iter().map(value).collect::<Vec<_>>().join(" ")
}
