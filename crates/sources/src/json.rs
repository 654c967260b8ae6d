//! JSON bodies, and what to tell the sender of one that is not JSON.

use domain::time::TimestampError;
use domain::{Code, Problem, Timestamp};
use serde_json::{Map, Value};

use crate::Delivery;

/// Where a text begins in the body it was cut from, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A whole body as one JSON value.
pub(crate) fn value(body: &[u8]) -> Result<Value, Problem> {
    value_by(body, |body| serde_json::from_slice(body))
}

/// A whole body as one JSON value of another kind.
pub(crate) fn value_by<T>(body: &[u8], read: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>) -> Result<T, Problem> {
    let body = without_mark(body);
    if body.trim_ascii().is_empty() {
        return Err(Problem::new(Code::MalformedJson, "the body is empty"));
    }
    read(body).map_err(|error| malformed(&error, Origin::default()))
}

/// A whole body as one JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match value(body)? {
        Value::Object(object) => Ok(object),
        other => Err(Problem::new(Code::NotAnObject, format!("expected an object, found {}", kind_of(&other)))),
    }
}

/// The body of a hook as an object.
pub(crate) fn hook(delivery: &Delivery<'_>) -> Result<Map<String, Value>, Problem> {
    object(delivery.body).map_err(|problem| told_of_forms(delivery, problem))
}

/// Who sends a form is told so, instead of what is not JSON in it.
pub(crate) fn told_of_forms(delivery: &Delivery<'_>, problem: Problem) -> Problem {
    let form = delivery.header("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
    if form && delivery.body.starts_with(b"payload=") {
        return Problem::new(
            Code::UnsupportedMediaType,
            "the hook sends a form; set its content type to application/json",
        );
    }
    problem
}

/// A part of a body as one JSON value.
pub(crate) fn part(bytes: &[u8], origin: Origin) -> Result<Value, Problem> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&error, origin))
}

/// The sender sees where the mistake is in the whole body.
fn malformed(error: &serde_json::Error, origin: Origin) -> Problem {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let column = if error.line() <= 1 { origin.column + error.column() } else { error.column() };
    let line = origin.line + error.line().max(1);
    Problem::new(Code::MalformedJson, format!("not JSON: {what} at line {line} column {column}"))
}

/// Without the byte order mark that some shells and spreadsheets write.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// The first `bytes` bytes, cut where a character ends.
pub(crate) fn clip(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A text that is not blank.
pub(crate) fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// An instant, and whether UTC had to be assumed.
pub(crate) fn read_instant(name: &str, text: &str) -> Result<(Timestamp, bool), Problem> {
    Timestamp::parse_assuming_utc(text).map_err(|error| {
        let code = match error {
            TimestampError::WithoutOffset(_) => Code::TimestampWithoutOffset,
            TimestampError::Invalid(_) => Code::TimestampInvalid,
        };
        Problem::new(code, format!("`{name}`: {error}"))
    })
}

pub(crate) fn missing(name: &str, why: &str) -> Problem {
    Problem::new(Code::MissingField, format!("`{name}` is missing or empty: {why}"))
}

pub(crate) fn wrong(name: &str, wanted: &str, found: &Value) -> Problem {
    Problem::new(Code::WrongType, format!("`{name}` takes {wanted}, not {}", kind_of(found)))
}

pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_placed_in_the_whole_body() {
        let problem = value(b"{\"a\": 1,\n \"b\": }").unwrap_err();
        assert_eq!(problem.code, Code::MalformedJson);
        assert_eq!(problem.message, "not JSON: expected value at line 2 column 7");
        let cut = part(b"{\"a\" 1}", Origin { line: 4, column: 10 }).unwrap_err();
        assert_eq!(cut.message, "not JSON: expected `:` at line 5 column 16");
    }

    #[test]
    fn a_byte_order_mark_is_no_mistake() {
        assert_eq!(value(b"\xef\xbb\xbf{}").unwrap(), Value::Object(Map::new()));
        assert_eq!(value(b"\xef\xbb\xbf ").unwrap_err().message, "the body is empty");
    }
}
