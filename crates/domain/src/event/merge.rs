//! What is known of one thing: all contents ever received for it, merged field by field.
//!
//! The merge takes the greatest stamp of each field, so it is associative, commutative and idempotent: the order in
//! which events arrive, and how often, never counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Event;
use crate::Timestamp;

/// How new a content is: by its time, then by its place in life, then by hash so that no two contents are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// `updated_at`, else the latest time the content speaks of.
    pub at: Timestamp,
    /// Rank of the status: what comes later in life is newer.
    pub rank: u8,
    /// First half of the content's SHA-256, as a number.
    pub hash: u128,
}

/// A value and the stamp of the content it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// The value, never null.
    pub value: Value,
    /// Which content said so.
    pub stamp: Stamp,
}

/// The merge of all contents of one identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Entity {
    /// In the order of their names. There are few, so the place of one is found by looking at each: names differ in
    /// length before they are read, where a tree compares them letter by letter.
    fields: Vec<(Box<str>, Stamped)>,
}

impl Entity {
    /// Takes in one event; says whether any value changed.
    pub fn merge(&mut self, event: &Event) -> bool {
        let stamp = event.stamp();
        let mut changed = false;
        for (name, value) in &event.fields {
            match self.fields.binary_search_by(|(known, _)| (**known).cmp(name)) {
                Ok(place) => {
                    let known = &mut self.fields[place].1;
                    if known.stamp < stamp {
                        changed |= known.value != *value;
                        *known = Stamped { value: value.clone(), stamp };
                    }
                }
                Err(place) => {
                    self.fields.insert(place, (name.as_str().into(), Stamped { value: value.clone(), stamp }));
                    changed = true;
                }
            }
        }
        changed
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.stamped(name).map(|stamped| &stamped.value)
    }

    /// The value of a field and which content it came from.
    #[must_use]
    pub fn stamped(&self, name: &str) -> Option<&Stamped> {
        self.fields.iter().find(|(known, _)| **known == *name).map(|(_, stamped)| stamped)
    }

    /// A field that holds a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A field that holds an instant.
    #[must_use]
    pub fn instant(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(self.text(name)?).ok()
    }

    /// A field that holds `true` or `false`.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// A field that holds a list of texts.
    #[must_use]
    pub fn names(&self, name: &str) -> Vec<String> {
        let items = self.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// All values without their stamps.
    #[must_use]
    pub fn values(&self) -> Map<String, Value> {
        self.fields.iter().map(|(name, stamped)| (name.as_ref().to_owned(), stamped.value.clone())).collect()
    }

    /// Whether nothing was ever merged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// The stored form: each stamp once (an entity has few contents and many fields), in order, as texts.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// `[time in microseconds, rank, hash in hexadecimal]`.
    stamps: Vec<(i64, u8, String)>,
    /// `name: [index of the stamp, value]`.
    fields: BTreeMap<String, (usize, Value)>,
}

impl From<Entity> for Stored {
    fn from(entity: Entity) -> Self {
        let mut stamps: Vec<Stamp> = entity.fields.iter().map(|(_, stamped)| stamped.stamp).collect();
        stamps.sort_unstable();
        stamps.dedup();
        let index = |stamp: Stamp| stamps.binary_search(&stamp).unwrap_or_default();
        let fields = entity.fields.into_iter();
        let fields = fields.map(|(name, stamped)| (name.into(), (index(stamped.stamp), stamped.value))).collect();
        let text = |stamp: &Stamp| (stamp.at.micros(), stamp.rank, format!("{:032x}", stamp.hash));
        Stored { stamps: stamps.iter().map(text).collect(), fields }
    }
}

impl From<Stored> for Entity {
    fn from(stored: Stored) -> Self {
        let oldest = Stamp { at: Timestamp::MIN, rank: 0, hash: 0 };
        let stamp = |index: usize| {
            stored.stamps.get(index).map_or(oldest, |(at, rank, hash)| Stamp {
                at: Timestamp::from_micros(*at),
                rank: *rank,
                hash: u128::from_str_radix(hash, 16).unwrap_or_default(),
            })
        };
        let fields = stored.fields.into_iter();
        let stamped =
            |(name, (index, value)): (String, (usize, Value))| (name.into(), Stamped { value, stamp: stamp(index) });
        Entity { fields: fields.map(stamped).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::event::{EventKind, entity_key};

    fn event(fields: Value) -> Event {
        let Value::Object(fields) = fields else { unreachable!("the tests write objects") };
        Event { key: entity_key(EventKind::Incident, "pager", "1"), fields }
    }

    #[test]
    fn a_later_content_wins_field_by_field_and_silence_keeps_what_is_known() {
        let opened = event(json!({"opened_at": "2025-01-02T13:00:00Z", "title": "slow", "severity": "low"}));
        let resolved = event(
            json!({"opened_at": "2025-01-02T13:00:00Z", "resolved_at": "2025-01-02T15:00:00Z", "severity": "high"}),
        );
        let mut one = Entity::default();
        assert!(one.merge(&opened) && one.merge(&resolved) && !one.merge(&opened));
        let mut other = Entity::default();
        assert!(other.merge(&resolved) && other.merge(&opened));
        assert_eq!(one, other);
        assert_eq!(one.text("severity"), Some("high"));
        assert_eq!(one.text("title"), Some("slow"));
    }

    #[test]
    fn the_stored_form_is_the_same_entity() {
        let mut entity = Entity::default();
        entity.merge(&event(json!({"opened_at": "2025-01-02T13:00:00Z", "labels": {"b": "1", "a": "2"}})));
        entity.merge(&event(json!({"resolved_at": "2025-01-02T15:00:00Z"})));
        let text = serde_json::to_string(&entity).unwrap();
        assert_eq!(serde_json::from_str::<Entity>(&text).unwrap(), entity);
    }

    proptest! {
        #[test]
        fn order_and_repeats_never_count(
            contents in prop::collection::vec((0i64..4, 0u8..3, 0u8..3, any::<bool>()), 1..8),
            order in prop::collection::vec(0usize..8, 1..24),
        ) {
            let events: Vec<Event> = contents.iter().map(|(hour, severity, title, titled)| {
                let mut fields = json!({"opened_at": format!("2025-01-01T0{hour}:00:00Z"), "severity": (["low", "high", "medium"][*severity as usize])});
                if *titled { fields["title"] = json!(title.to_string()); }
                event(fields)
            }).collect();
            let mut straight = Entity::default();
            for event in &events { straight.merge(event); }
            let mut shuffled = Entity::default();
            for index in order { shuffled.merge(&events[index % events.len()]); }
            for event in events.iter().rev() { shuffled.merge(event); }
            prop_assert_eq!(straight, shuffled);
        }
    }
}
