//! How a CDEvent travels: as a CloudEvent whose envelope is the body (structured) or stands in headers (binary), several
//! in a batch, or bare.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Code, Problem};
use serde_json::{Map, Value};

use crate::Delivery;
use crate::json::{self, kind_of, missing, wrong};

/// How many events one batch may hold.
const MOST_EVENTS: usize = 10_000;
/// What the type of a CDEvent begins with; `dev.cdeventsx.` is a tool's own event in the same clothes.
pub(super) const PREFIX: &str = "dev.cdevents.";

/// What one envelope holds.
pub(super) enum Item {
    CdEvent(Map<String, Value>),
    /// A CloudEvent of another kind, by its type.
    Other(String),
}

/// The events of a body in order, each with what is wrong with it.
pub(super) fn items(delivery: &Delivery<'_>) -> Result<Vec<Result<Item, Problem>>, Problem> {
    let kind = delivery.header("ce-type");
    if let Some(other) = kind.filter(|kind| !kind.starts_with(PREFIX)) {
        return Ok(vec![Ok(Item::Other(other.to_owned()))]);
    }
    match json::value(delivery.body)? {
        Value::Array(events) if events.is_empty() => Err(Problem::new(Code::MissingField, "the batch has no events")),
        Value::Array(events) if events.len() > MOST_EVENTS => Err(Problem::new(
            Code::TooManyEvents,
            format!("{} events in one batch; at most {MOST_EVENTS} are taken", events.len()),
        )),
        Value::Array(events) => Ok(events.into_iter().map(item).collect()),
        one => Ok(vec![item(one)]),
    }
}

fn item(value: Value) -> Result<Item, Problem> {
    let Value::Object(mut fields) = value else {
        return Err(Problem::new(Code::NotAnObject, format!("expected an event, found {}", kind_of(&value))));
    };
    if fields.contains_key("specversion") && !fields.contains_key("context") {
        let kind = json::text(fields.get("type")).ok_or_else(|| missing("type", "it says what the CloudEvent is."))?;
        if !kind.starts_with(PREFIX) {
            return Ok(Item::Other(kind.to_owned()));
        }
        fields = data(&mut fields)?;
    }
    let why = "a CDEvent says there what happened.";
    match fields.get("context").and_then(|context| context.get("type")) {
        Some(Value::String(kind)) if kind.starts_with(PREFIX) => Ok(Item::CdEvent(fields)),
        Some(Value::String(kind)) if !kind.trim().is_empty() => Ok(Item::Other(kind.trim().to_owned())),
        Some(Value::String(_) | Value::Null) | None => Err(missing("context.type", why)),
        Some(other) => Err(wrong("context.type", "a text", other)),
    }
}

/// What a structured CloudEvent carries.
fn data(fields: &mut Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    match (fields.remove("data"), fields.remove("data_base64")) {
        (Some(Value::Object(data)), _) => Ok(data),
        (None | Some(Value::Null), Some(Value::String(text))) => {
            let bytes = BASE64
                .decode(text.trim())
                .map_err(|_| Problem::new(Code::WrongType, "`data_base64` is not written in base64"))?;
            json::object(&bytes)
        }
        (None | Some(Value::Null), _) => Err(missing("data", "it holds the CDEvent.")),
        (Some(other), _) => Err(wrong("data", "an object", &other)),
    }
}

/// Whether what came to the address of native events is a CloudEvent or a bare CDEvent.
pub(crate) fn is_sent_as_one(delivery: &Delivery<'_>) -> bool {
    let kind = delivery.header("content-type").unwrap_or_default();
    let named = kind.get(..23).is_some_and(|start| start.eq_ignore_ascii_case("application/cloudevents"));
    if named || delivery.header("ce-type").is_some() || delivery.header("ce-specversion").is_some() {
        return true;
    }
    // Read only where the word stands in its first event: most bodies here are native events, and some are long.
    let start = delivery.body.get(..65_536).unwrap_or(delivery.body);
    let has = |word: &[u8]| start.windows(word.len()).any(|part| part == word);
    if !has(b"\"specversion\"") && !has(PREFIX.as_bytes()) {
        return false;
    }
    let Ok(body) = json::value(delivery.body) else { return false };
    let first = if body.is_array() { body.get(0) } else { Some(&body) };
    first.is_some_and(|event| {
        let kind = event.pointer("/context/type").and_then(Value::as_str);
        let native = event.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.contains('.'));
        kind.is_some_and(|kind| kind.starts_with(PREFIX)) || (event.get("specversion").is_some() && !native)
    })
}
