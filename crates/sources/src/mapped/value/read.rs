//! A body to a value, without anything in between.

use std::fmt;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Fields, Nested, Val};

/// Reads a body. It nests at most 128 deep: the reader of JSON sees to that.
pub(in crate::mapped) fn read(body: &[u8]) -> Result<Val, serde_json::Error> {
    serde_json::from_slice(body)
}

impl<'de> Deserialize<'de> for Val {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Val;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Val, E> {
        Ok(Val::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Val, E> {
        Ok(Val::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Val, E> {
        Ok(i64::try_from(value).map_or(Val::Float(value as f64), Val::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Val, E> {
        Ok(Val::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Val, E> {
        Ok(Val::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Val, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Val::List(Nested::new(list, |items| items.iter().map(Val::depth).max())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Val, A::Error> {
        let mut fields = Fields::new();
        while let Some((name, value)) = items.next_entry::<Name, Val>()? {
            fields.insert(name.0, value);
        }
        Ok(Val::Map(Nested::new(fields, |fields| fields.values().map(Val::depth).max())))
    }
}

/// The name of a field, copied once.
struct Name(Rc<str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, value: &str) -> Result<Name, E> {
                Ok(Name(value.into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
