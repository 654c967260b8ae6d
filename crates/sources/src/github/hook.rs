//! The body of a webhook, and native events made of it.

use domain::event::{Checks, Event, EventKind, parse};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use crate::json::{self, missing, wrong};
use crate::{Delivery, Parsed};

/// A body with its repository. Places in it are JSON pointers.
pub(super) struct Hook<'a> {
    body: Map<String, Value>,
    repo: String,
    delivery: &'a Delivery<'a>,
}

impl<'a> Hook<'a> {
    pub(super) fn read(delivery: &'a Delivery<'a>) -> Result<Self, Problem> {
        let mut hook = Hook { body: json::hook(delivery)?, repo: String::new(), delivery };
        hook.repo = hook.need("/repository/full_name", "it names the repository.")?.to_owned();
        Ok(hook)
    }

    /// An object of a page as the webhook of its kind would hold it.
    pub(super) fn of_page(delivery: &'a Delivery<'a>, repo: &str, body: Map<String, Value>) -> Self {
        Hook { body, repo: repo.to_owned(), delivery }
    }

    /// When the delivery came.
    pub(super) fn received_at(&self) -> Timestamp {
        self.delivery.received_at
    }

    pub(super) fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// `owner/name`: the repository, and the component it is unless the deployment says otherwise.
    pub(super) fn repo(&self) -> &str {
        &self.repo
    }

    pub(super) fn checks(&self) -> Checks<'a> {
        Checks { default_source: self.delivery.source, now: self.delivery.received_at }
    }

    /// What stands there, unless it is null.
    pub(super) fn get(&self, pointer: &str) -> Option<&Value> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/').unwrap_or((pointer.get(1..)?, ""));
        let value = self.body.get(first)?;
        let value = if rest.is_empty() { Some(value) } else { value.pointer(&pointer[first.len() + 1..]) };
        value.filter(|value| !value.is_null())
    }

    /// A text that is not blank.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        json::text(self.get(pointer))
    }

    /// A text that has to be there.
    pub(super) fn need(&self, pointer: &str, why: &str) -> Result<&str, Problem> {
        match self.get(pointer) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim()),
            None | Some(Value::String(_)) => Err(missing(&name(pointer), why)),
            Some(other) => Err(wrong(&name(pointer), "a text", other)),
        }
    }

    /// A whole number, as text, that has to be there.
    pub(super) fn number(&self, pointer: &str, why: &str) -> Result<String, Problem> {
        match self.get(pointer) {
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            None => Err(missing(&name(pointer), why)),
            Some(other) => Err(wrong(&name(pointer), "a whole number", other)),
        }
    }

    /// An instant, when there is one.
    pub(super) fn instant(&self, pointer: &str) -> Result<Option<Timestamp>, Problem> {
        match self.get(pointer) {
            None => Ok(None),
            Some(Value::String(text)) => json::read_instant(&name(pointer), text).map(|(at, _)| Some(at)),
            Some(other) => Err(wrong(&name(pointer), "a text such as 2025-01-31T12:00:00Z", other)),
        }
    }

    /// An instant that has to be there.
    pub(super) fn need_instant(&self, pointer: &str, why: &str) -> Result<Timestamp, Problem> {
        self.instant(pointer)?.ok_or_else(|| missing(&name(pointer), why))
    }

    /// An instant in whole seconds since 1970, as pushes write some; no later than the delivery came.
    pub(super) fn seconds(&self, pointer: &str) -> Option<Timestamp> {
        let seconds = self.get(pointer)?.as_i64()?;
        let at = Timestamp::from_micros(seconds.checked_mul(domain::time::SECOND)?);
        Some(at.min(self.delivery.received_at)).filter(|_| seconds > 0)
    }

    /// Names of a list of labels, each with an empty value.
    pub(super) fn labels(&self, pointer: &str) -> Map<String, Value> {
        let items = self.get(pointer).and_then(Value::as_array);
        let names = items.into_iter().flatten().filter_map(|label| json::text(label.get("name")));
        names.map(|name| (name.to_owned(), Value::from(""))).collect()
    }

    pub(super) fn draft(&self, kind: EventKind) -> Draft<'_> {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), Value::from(kind.text()));
        Draft { hook: self, fields }
    }
}

/// `/a/b` as `a.b`.
fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// A native event on its way.
pub(super) struct Draft<'a> {
    hook: &'a Hook<'a>,
    fields: Map<String, Value>,
}

impl Draft<'_> {
    pub(super) fn set(mut self, native: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(native.to_owned(), value.into());
        self
    }

    pub(super) fn at(self, native: &str, at: Timestamp) -> Self {
        self.set(native, at.to_string())
    }

    pub(super) fn maybe(self, native: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(native, value),
            None => self,
        }
    }

    /// Takes over a text, unless it is missing or blank.
    pub(super) fn copy(self, native: &str, pointer: &str) -> Self {
        let text = self.hook.text(pointer).map(str::to_owned);
        self.maybe(native, text)
    }

    pub(super) fn copy_instant(self, native: &str, pointer: &str) -> Result<Self, Problem> {
        let at = self.hook.instant(pointer)?;
        Ok(self.maybe(native, at.map(|at| at.to_string())))
    }

    pub(super) fn event(self) -> Result<Event, Problem> {
        parse(Value::Object(self.fields), self.hook.checks())
    }

    /// A delivery of one event: it is wrong as a whole when the event is.
    pub(super) fn alone(self) -> Result<Parsed, Problem> {
        Ok(Parsed { events: vec![Ok(self.event()?)], ignored: None })
    }
}
