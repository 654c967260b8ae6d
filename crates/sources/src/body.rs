//! The body of a delivery, and native events made of it: what parsers share.

use domain::event::{Checks, Event, EventKind, parse};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use crate::json::{self, missing, wrong};
use crate::{Delivery, Parsed};

/// A body that is an object. Places in it are JSON pointers.
pub(crate) struct Body<'a> {
    fields: Map<String, Value>,
    delivery: &'a Delivery<'a>,
}

impl<'a> Body<'a> {
    /// The body of a hook.
    pub(crate) fn read(delivery: &'a Delivery<'a>) -> Result<Self, Problem> {
        Ok(Body { fields: json::hook(delivery)?, delivery })
    }

    /// A part of a body, such as one of the things on a page, with the delivery it came in.
    pub(crate) fn part(delivery: &'a Delivery<'a>, fields: Map<String, Value>) -> Self {
        Body { fields, delivery }
    }

    /// When the delivery came.
    pub(crate) fn received_at(&self) -> Timestamp {
        self.delivery.received_at
    }

    /// The delivery it came in.
    pub(crate) fn delivery(&self) -> &'a Delivery<'a> {
        self.delivery
    }

    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    pub(crate) fn checks(&self) -> Checks<'a> {
        Checks { default_source: self.delivery.source, now: self.delivery.received_at }
    }

    /// What stands there, unless it is null.
    pub(crate) fn get(&self, pointer: &str) -> Option<&Value> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/').unwrap_or((pointer.get(1..)?, ""));
        let value = self.fields.get(first)?;
        let value = if rest.is_empty() { Some(value) } else { value.pointer(&pointer[first.len() + 1..]) };
        value.filter(|value| !value.is_null())
    }

    /// A text that is not blank.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        json::text(self.get(pointer))
    }

    /// A text that has to be there.
    pub(crate) fn need(&self, pointer: &str, why: &str) -> Result<&str, Problem> {
        match self.get(pointer) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim()),
            None | Some(Value::String(_)) => Err(missing(&name(pointer), why)),
            Some(other) => Err(wrong(&name(pointer), "a text", other)),
        }
    }

    /// A whole number, as text, that has to be there.
    pub(crate) fn number(&self, pointer: &str, why: &str) -> Result<String, Problem> {
        match self.get(pointer) {
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            None => Err(missing(&name(pointer), why)),
            Some(other) => Err(wrong(&name(pointer), "a whole number", other)),
        }
    }

    /// An instant, when there is one.
    pub(crate) fn instant(&self, pointer: &str) -> Result<Option<Timestamp>, Problem> {
        match self.get(pointer) {
            None => Ok(None),
            Some(Value::String(text)) => json::read_instant(&name(pointer), text).map(|(at, _)| Some(at)),
            Some(other) => Err(wrong(&name(pointer), "a text such as 2025-01-31T12:00:00Z", other)),
        }
    }

    /// An instant that has to be there.
    pub(crate) fn need_instant(&self, pointer: &str, why: &str) -> Result<Timestamp, Problem> {
        self.instant(pointer)?.ok_or_else(|| missing(&name(pointer), why))
    }

    /// An instant in whole seconds since 1970, as pushes write some; no later than the delivery came.
    pub(crate) fn seconds(&self, pointer: &str) -> Option<Timestamp> {
        let seconds = self.get(pointer)?.as_i64()?;
        let at = Timestamp::from_micros(seconds.checked_mul(domain::time::SECOND)?);
        Some(at.min(self.delivery.received_at)).filter(|_| seconds > 0)
    }

    /// Names of a list of labels, each with an empty value.
    pub(crate) fn labels(&self, pointer: &str) -> Map<String, Value> {
        let items = self.get(pointer).and_then(Value::as_array);
        let names = items.into_iter().flatten().filter_map(|label| json::text(label.get("name")));
        names.map(|name| (name.to_owned(), Value::from(""))).collect()
    }

    pub(crate) fn draft(&self, kind: EventKind) -> Draft<'_> {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), Value::from(kind.text()));
        Draft { body: self, fields }
    }
}

/// `/a/b` as `a.b`.
fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// A native event on its way.
pub(crate) struct Draft<'a> {
    body: &'a Body<'a>,
    fields: Map<String, Value>,
}

impl Draft<'_> {
    pub(crate) fn set(mut self, native: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(native.to_owned(), value.into());
        self
    }

    pub(crate) fn at(self, native: &str, at: Timestamp) -> Self {
        self.set(native, at.to_string())
    }

    pub(crate) fn maybe(self, native: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(native, value),
            None => self,
        }
    }

    /// Says what the tool itself calls the thing the event is about, for the rules of the catalogue: see
    /// [`domain::event::MARKS`].
    pub(crate) fn mark(mut self, kind: &str, name: Option<&str>) -> Self {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return self };
        let marks = self.fields.entry("marks").or_insert_with(|| Value::Array(Vec::new()));
        let mark = Value::from(format!("{kind}:{name}"));
        if let Some(marks) = marks.as_array_mut().filter(|marks| !marks.contains(&mark)) {
            marks.push(mark);
        }
        self
    }

    /// Takes over a text, unless it is missing or blank.
    pub(crate) fn copy(self, native: &str, pointer: &str) -> Self {
        let text = self.body.text(pointer).map(str::to_owned);
        self.maybe(native, text)
    }

    /// Sets a text, unless it is missing; a long one is cut.
    pub(crate) fn copy_text(self, native: &str, text: Option<&str>) -> Self {
        self.maybe(native, text.map(|text| json::clip(text, 4_096)))
    }

    pub(crate) fn copy_instant(self, native: &str, pointer: &str) -> Result<Self, Problem> {
        let at = self.body.instant(pointer)?;
        Ok(self.maybe(native, at.map(|at| at.to_string())))
    }

    pub(crate) fn event(self) -> Result<Event, Problem> {
        parse(Value::Object(self.fields), self.body.checks())
    }

    /// A delivery of one event: it is wrong as a whole when the event is.
    pub(crate) fn alone(self) -> Result<Parsed, Problem> {
        Ok(Parsed { events: vec![Ok(self.event()?)], ignored: None })
    }
}
