//! The body of a request, taken field by field: what is taken is translated, what is left is kept.

use domain::event::{Checks, Event, EventKind, FieldKind, entity_key, parse, schema};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use super::NAME;
use crate::json::{missing, read_instant, wrong};
use crate::table;

/// What Go's templates print for a value that is not there.
const NO_VALUE: &str = "<no value>";

/// An object on its way to a native event.
pub(super) struct Fields {
    left: Map<String, Value>,
    native: Map<String, Value>,
    /// Names of native fields and what the sender calls them, so that a problem speaks the sender's language.
    renamed: Vec<(&'static str, &'static str)>,
    time_assumed: bool,
}

impl Fields {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        let missing = |value: &Value| value.is_null() || value.as_str() == Some(NO_VALUE);
        let left = object.into_iter().filter(|(_, value)| !missing(value)).collect();
        Fields { left, native: Map::new(), renamed: Vec::new(), time_assumed: false }
    }

    /// A name for the content: equal for equal contents, whatever their spacing and order.
    pub(super) fn content_id(&self, kind: EventKind) -> String {
        let content = Event { key: entity_key(kind, NAME, ""), fields: self.left.clone() };
        table::hex(&content.content_hash()[..16])
    }

    pub(super) fn set(&mut self, native: &'static str, value: impl Into<Value>) {
        self.native.insert(native.to_owned(), value.into());
    }

    /// A text, or a whole number as text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(name, "a text", &other)),
        }
    }

    /// A text that has to be there.
    pub(super) fn required(&mut self, name: &'static str, why: &str) -> Result<String, Problem> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name, why))
    }

    /// Moves a text that has to be there to its native field.
    pub(super) fn rename(&mut self, name: &'static str, native: &'static str, why: &str) -> Result<String, Problem> {
        let text = self.required(name, why)?;
        self.renamed.push((native, name));
        self.set(native, text.as_str());
        Ok(text)
    }

    /// Moves an instant to its native field; without an offset it is read as UTC, and marked. None when it is missing
    /// or empty.
    pub(super) fn instant(&mut self, name: &'static str, native: &'static str) -> Result<Option<Timestamp>, Problem> {
        let text = match self.left.remove(name) {
            None => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text,
            Some(other) => return Err(wrong(name, "a text such as 2025-01-31T12:00:00Z", &other)),
        };
        let (at, assumed) = read_instant(name, &text)?;
        self.time_assumed |= assumed;
        self.renamed.push((native, name));
        self.set(native, at.to_string());
        Ok(Some(at))
    }

    /// `true` or `false`, also as the words and digits that scripts write; false when missing.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Problem> {
        match self.left.remove(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(word)) if matches!(&*word.to_ascii_lowercase(), "true" | "1") => Ok(true),
            Some(Value::String(word)) if matches!(&*word.to_ascii_lowercase(), "false" | "0" | "") => Ok(false),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    pub(super) fn assume_time(&mut self) {
        self.time_assumed = true;
    }

    /// The checked event. What was not taken is kept; where it is a native field it is checked like one, and its
    /// instants are read as UTC too.
    pub(super) fn event(mut self, kind: EventKind, received_at: Timestamp) -> Result<Event, Problem> {
        let mut fields = Map::new();
        for (name, value) in self.left {
            let instant = schema(kind).field(&name).is_some_and(|field| field.kind == FieldKind::Timestamp);
            let value = match value {
                Value::String(text) if instant => {
                    let (at, assumed) = read_instant(&name, &text)?;
                    self.time_assumed |= assumed;
                    Value::from(at.to_string())
                }
                other => other,
            };
            fields.insert(name, value);
        }
        fields.extend(self.native);
        fields.insert("type".to_owned(), Value::from(kind.text()));
        fields.insert("source".to_owned(), Value::from(NAME));
        if self.time_assumed {
            fields.insert("time_assumed".to_owned(), Value::from(true));
        }
        let checks = Checks { default_source: NAME, now: received_at };
        parse(Value::Object(fields), checks).map_err(|mut problem| {
            for (native, name) in &self.renamed {
                problem.message = problem.message.replace(&format!("`{native}`"), &format!("`{name}`"));
            }
            problem
        })
    }
}
