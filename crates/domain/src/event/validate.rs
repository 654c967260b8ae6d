//! From a JSON object to a checked [`Event`], or to the one [`Problem`] a person has to mend first.

use serde_json::{Map, Value};

use super::schema::{Field, FieldKind, ONE_STAGE, STAGE_END_PREFIX, STAGE_PREFIX, schema};
use super::{Event, EventKind, GIT, entity_key};
use crate::time::{SECOND, TimestampError};
use crate::{Code, Problem, Timestamp};

/// How far ahead of our clock a sender's may be: ten minutes, in microseconds.
pub const FUTURE_TOLERANCE: i64 = 600 * SECOND;
const NAME_BYTES: usize = 512;
const TEXT_BYTES: usize = 16 * 1024;
const LIST_ITEMS: usize = 100_000;

/// What a check depends on besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Checks<'a> {
    /// Source of an event that names none: the token's name.
    pub default_source: &'a str,
    /// The present instant; later ones are refused beyond [`FUTURE_TOLERANCE`].
    pub now: Timestamp,
}

/// Reads one native event.
///
/// # Errors
/// The first thing that is wrong, with the code a client sees and a message that names the field.
pub fn parse(value: Value, checks: Checks<'_>) -> Result<Event, Problem> {
    let Value::Object(mut object) = value else {
        return Err(Problem::new(Code::NotAnObject, format!("expected an object, found {}", kind_of(&value))));
    };
    let kind = take_kind(&mut object)?;
    let source = match object.remove("source") {
        None | Some(Value::Null) => checks.default_source.to_owned(),
        Some(value) => name(&value).ok_or_else(|| wrong_type("source", FieldKind::Name, &value))?,
    };
    let schema = schema(kind);
    let mut fields = Map::new();
    for (key, value) in object {
        if value.is_null() {
            continue;
        }
        let value = match schema.field(&key) {
            Some(field) => check(field, value, checks.now)?,
            None if kind == EventKind::PipelineRun
                && (key.starts_with(STAGE_PREFIX) || key.starts_with(STAGE_END_PREFIX)) =>
            {
                stage(value, checks.now)?
            }
            None => value,
        };
        fields.insert(key, value);
    }
    for field in schema.fields.iter().filter(|field| field.required) {
        if !fields.contains_key(field.name) {
            return Err(missing(kind, field.name, field.doc));
        }
    }
    across_fields(kind, &fields)?;
    for (first, second) in schema.ordered {
        if let (Some(start), Some(end)) = (instant(&fields, first), instant(&fields, second))
            && end < start
        {
            return Err(Problem::new(
                Code::FinishedBeforeStarted,
                format!("`{second}` ({end}) lies before `{first}` ({start})"),
            ));
        }
    }
    let (source, id) = identity(kind, source, &fields)?;
    Ok(Event { key: entity_key(kind, &source, &id), fields })
}

fn take_kind(object: &mut Map<String, Value>) -> Result<EventKind, Problem> {
    match object.remove("type") {
        Some(Value::String(text)) => match text.parse::<EventKind>() {
            Ok(kind) if kind.is_native() => Ok(kind),
            _ => Err(Problem::new(
                Code::UnknownType,
                format!("`type` is `{}`; the native types are {}", clip(&text, 64), native_types()),
            )),
        },
        Some(value) if !value.is_null() => Err(wrong_type("type", FieldKind::Name, &value)),
        _ => Err(Problem::new(Code::UnknownType, format!("no `type`; the native types are {}", native_types()))),
    }
}

fn native_types() -> String {
    let names: Vec<_> = EventKind::ALL.iter().filter(|kind| kind.is_native()).map(|kind| kind.text()).collect();
    names.join(", ")
}

/// Requirements that concern more than one field.
fn across_fields(kind: EventKind, fields: &Map<String, Value>) -> Result<(), Problem> {
    match kind {
        EventKind::Deployment => {
            let status = fields.get("status").and_then(Value::as_str);
            if status != Some("in_progress") && !fields.contains_key("finished_at") {
                return Err(missing(kind, "finished_at", "A deployment that is not in progress has an end."));
            }
        }
        EventKind::Incident | EventKind::FlagChange | EventKind::SloSample => {
            if !fields.contains_key("product") && !fields.contains_key("component") {
                return Err(missing(kind, "product", "`product` or `component` says whom it concerns."));
            }
            // An incident without a start began when its ticket was opened.
            if let (false, Some(opened), Some(resolved)) =
                (fields.contains_key("started_at"), instant(fields, "opened_at"), instant(fields, "resolved_at"))
                && resolved < opened
            {
                return Err(Problem::new(
                    Code::FinishedBeforeStarted,
                    format!(
                        "`resolved_at` ({resolved}) lies before `opened_at` ({opened}) and no `started_at` is given"
                    ),
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Commits, tags and pull requests are known by repository; a sample by what it measures and when.
fn identity(kind: EventKind, source: String, fields: &Map<String, Value>) -> Result<(String, String), Problem> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(match kind {
        EventKind::Change => {
            let sha = text("sha");
            if !(sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                return Err(Problem::new(
                    Code::WrongType,
                    format!(
                        "`sha` of a change is its full hash of 40 or 64 hexadecimal digits, not `{}`",
                        clip(sha, 80)
                    ),
                ));
            }
            (GIT.to_owned(), format!("{}@{}", text("repo"), sha.to_ascii_lowercase()))
        }
        EventKind::Tag => (GIT.to_owned(), format!("{}:{}", text("repo"), text("name"))),
        EventKind::PullRequest => (GIT.to_owned(), format!("{}#{}", text("repo"), text("number"))),
        EventKind::SloSample => {
            let of = if fields.contains_key("component") { text("component") } else { text("product") };
            let id = match text("id") {
                "" => format!("{}/{}@{}", of, text("slo"), text("at")),
                id => id.to_owned(),
            };
            (source, id)
        }
        _ => (source, text("id").to_owned()),
    })
}

fn check(field: &Field, value: Value, now: Timestamp) -> Result<Value, Problem> {
    let wrong = |value: &Value| wrong_type(field.name, field.kind, value);
    match field.kind {
        FieldKind::Name => {
            let text = name(&value).ok_or_else(|| wrong(&value))?;
            if text.len() > NAME_BYTES {
                return Err(Problem::new(
                    Code::FieldTooLong,
                    format!("`{}` has {} bytes; at most {NAME_BYTES} are taken", field.name, text.len()),
                ));
            }
            Ok(Value::from(if field.name == "sha" { text.to_ascii_lowercase() } else { text }))
        }
        FieldKind::Text => match value {
            Value::String(text) => Ok(Value::from(clip(&text, TEXT_BYTES))),
            Value::Bool(_) | Value::Number(_) => Ok(Value::from(value.to_string())),
            other => Err(wrong(&other)),
        },
        FieldKind::Timestamp => Ok(Value::from(timestamp(field.name, &value, now)?.to_string())),
        FieldKind::Number => match value.as_f64() {
            Some(number) if number.is_finite() => Ok(value),
            _ => Err(wrong(&value)),
        },
        FieldKind::Count => match value.as_u64() {
            Some(_) => Ok(value),
            None => Err(wrong(&value)),
        },
        FieldKind::Flag => match value {
            Value::Bool(_) => Ok(value),
            other => Err(wrong(&other)),
        },
        FieldKind::OneOf(allowed) => match value.as_str() {
            Some(word) if allowed.contains(&word) => Ok(value),
            Some(word) => Err(Problem::new(
                Code::UnknownValue,
                format!("`{}` is `{}`; it takes {}", field.name, clip(word, 64), allowed.join(", ")),
            )),
            None => Err(wrong(&value)),
        },
        FieldKind::Names => {
            let items = match value {
                Value::Array(items) => items,
                single => vec![single],
            };
            limit(field.name, items.len())?;
            let names = items.iter().map(|item| name(item).ok_or_else(|| wrong(item)));
            Ok(Value::Array(names.map(|name| name.map(Value::from)).collect::<Result<_, _>>()?))
        }
        FieldKind::Labels => match value {
            Value::Object(map) => {
                let scalar = |(key, value): (String, Value)| match value {
                    Value::String(_) => Ok((key, value)),
                    Value::Bool(_) | Value::Number(_) => Ok((key, Value::from(value.to_string()))),
                    other => Err(wrong_type(&format!("{}.{}", field.name, clip(&key, 64)), FieldKind::Name, &other)),
                };
                let labels = map.into_iter().filter(|(_, value)| !value.is_null()).map(scalar);
                Ok(Value::Object(labels.collect::<Result<_, _>>()?))
            }
            other => Err(wrong(&other)),
        },
        FieldKind::Commits => objects(field, value, now, "sha", &["authored_at", "committed_at"]),
        FieldKind::Stages => objects(field, value, now, "name", &["queued_at", "started_at", "finished_at"]),
    }
}

/// A list of objects with one name and some times; a bare text stands for an object with only the name.
fn objects(field: &Field, value: Value, now: Timestamp, id: &str, times: &[&str]) -> Result<Value, Problem> {
    let Value::Array(items) = value else { return Err(wrong_type(field.name, field.kind, &value)) };
    limit(field.name, items.len())?;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let mut object = match item {
            Value::Object(object) => object,
            Value::String(text) => Map::from_iter([(id.to_owned(), Value::from(text))]),
            other => return Err(wrong_type(field.name, field.kind, &other)),
        };
        object.retain(|_, value| !value.is_null());
        let label = object
            .get(id)
            .and_then(name)
            .ok_or_else(|| Problem::new(Code::MissingField, format!("an item of `{}` has no `{id}`", field.name)))?;
        let label = if id == "sha" { label.to_ascii_lowercase() } else { label };
        object.insert(id.to_owned(), Value::from(clip(&label, NAME_BYTES)));
        for time in times {
            if let Some(value) = object.get(*time) {
                let at = timestamp(&format!("{}.{time}", field.name), value, now)?;
                object.insert((*time).to_owned(), Value::from(at.to_string()));
            }
        }
        out.push(Value::Object(object));
    }
    Ok(Value::Array(out))
}

/// One stage by itself.
fn stage(value: Value, now: Timestamp) -> Result<Value, Problem> {
    let mut stages = check(&ONE_STAGE, Value::Array(vec![value]), now)?;
    Ok(stages.get_mut(0).map(Value::take).unwrap_or_default())
}

fn timestamp(field: &str, value: &Value, now: Timestamp) -> Result<Timestamp, Problem> {
    let Some(text) = value.as_str() else { return Err(wrong_type(field, FieldKind::Timestamp, value)) };
    let at = Timestamp::parse(text).map_err(|error| {
        let code = match error {
            TimestampError::WithoutOffset(_) => Code::TimestampWithoutOffset,
            TimestampError::Invalid(_) => Code::TimestampInvalid,
        };
        Problem::new(code, format!("`{field}`: {error}"))
    })?;
    if at > now.plus(FUTURE_TOLERANCE) {
        return Err(Problem::new(Code::TimestampInFuture, format!("`{field}` is {at}, and it is {now} now")));
    }
    Ok(at)
}

fn instant(fields: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    Timestamp::parse(fields.get(name)?.as_str()?).ok()
}

/// A text that is not empty, or a whole number as text: tools number their things.
fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

fn limit(field: &str, items: usize) -> Result<(), Problem> {
    if items > LIST_ITEMS {
        return Err(Problem::new(
            Code::FieldTooLong,
            format!("`{field}` has {items} items; at most {LIST_ITEMS} are taken"),
        ));
    }
    Ok(())
}

fn missing(kind: EventKind, field: &str, doc: &str) -> Problem {
    Problem::new(Code::MissingField, format!("a {kind} needs `{field}`: {doc}"))
}

fn wrong_type(field: &str, kind: FieldKind, value: &Value) -> Problem {
    let wanted = match kind {
        FieldKind::Name => "a text that is not empty, or a whole number",
        FieldKind::Text => "a text",
        FieldKind::Timestamp => "an RFC 3339 text such as 2025-01-31T12:00:00Z",
        FieldKind::Number => "a finite number",
        FieldKind::Count => "a whole number from 0",
        FieldKind::Flag => "true or false",
        FieldKind::OneOf(_) => "one of a few words",
        FieldKind::Names => "a list of texts",
        FieldKind::Labels => "an object of texts",
        FieldKind::Commits => "a list of objects with `sha`",
        FieldKind::Stages => "a list of objects with `name`",
    };
    Problem::new(Code::WrongType, format!("`{field}` takes {wanted}, not {}", kind_of(value)))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.trim().is_empty() => "an empty text",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The first `bytes` bytes, cut where a character ends.
fn clip(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
