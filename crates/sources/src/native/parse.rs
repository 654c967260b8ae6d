//! A body to its events.

use domain::event::{self, Checks, Event};
use domain::{Code, Problem};
use serde_json::Value;

use crate::json::{self, Origin};

/// How much one request may hold. The size of the body is limited before it gets here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events in one request.
    pub max_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_events: 10_000 }
    }
}

/// Reads one event, an array of them, or one a line. The results stand in the order of the items; an empty array has
/// none.
///
/// Lines are read where the content type says so, or where the body is not one JSON value and each of its lines begins
/// an object. Blank lines do not count.
///
/// # Errors
/// `malformed_json` for a body that is not JSON (a bad line concerns only itself), `not_an_object` for one that is
/// neither an object nor an array, `too_many_events` over the limit.
pub fn read(
    body: &[u8],
    content_type: Option<&str>,
    checks: Checks<'_>,
    limits: Limits,
) -> Result<Vec<Result<Event, Problem>>, Problem> {
    let body = json::without_mark(body);
    let empty = body.trim_ascii().is_empty();
    if !empty && content_type.is_some_and(is_ndjson) {
        return read_lines(body, checks, limits);
    }
    match json::value(body) {
        Ok(Value::Array(items)) => {
            limit(items.len(), limits)?;
            Ok(items.into_iter().map(|item| event::parse(item, checks)).collect())
        }
        Ok(object @ Value::Object(_)) => Ok(vec![event::parse(object, checks)]),
        Ok(other) => Err(Problem::new(
            Code::NotAnObject,
            format!("expected an event or an array of events, found {}", json::kind_of(&other)),
        )),
        Err(_) if looks_like_lines(body) => read_lines(body, checks, limits),
        Err(problem) => Err(problem),
    }
}

/// Whether a content type says that each line is a value of its own.
#[must_use]
pub fn is_ndjson(content_type: &str) -> bool {
    const NAMES: &[&str] =
        &["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"];
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    NAMES.iter().any(|name| kind.eq_ignore_ascii_case(name))
}

fn read_lines(body: &[u8], checks: Checks<'_>, limits: Limits) -> Result<Vec<Result<Event, Problem>>, Problem> {
    limit(lines(body).count(), limits)?;
    let read = |(line, text)| event::parse(json::part(text, Origin { line, column: 0 })?, checks);
    Ok(lines(body).map(read).collect())
}

/// Lines that are not blank, with their numbers from 0.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    body.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// Whether a body that is not one JSON value is one a line.
pub(crate) fn looks_like_lines(body: &[u8]) -> bool {
    lines(body).nth(1).is_some() && lines(body).all(|(_, line)| line.trim_ascii_start().starts_with(b"{"))
}

fn limit(events: usize, limits: Limits) -> Result<(), Problem> {
    if events > limits.max_events {
        return Err(Problem::new(
            Code::TooManyEvents,
            format!("{events} events in one request; at most {} are taken", limits.max_events),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    const TAG: &str = r#"{"type":"tag","repo":"shop","name":"v1","sha":"abc"}"#;

    fn read_as(body: &str, content_type: Option<&str>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let now = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
        read(body.as_bytes(), content_type, Checks { default_source: "ci", now }, Limits { max_events: 3 })
    }

    fn codes(body: &str, content_type: Option<&str>) -> Vec<Option<Code>> {
        let events = read_as(body, content_type).unwrap();
        events.into_iter().map(|event| event.err().map(|problem| problem.code)).collect()
    }

    #[test]
    fn one_an_array_or_lines() {
        assert_eq!(codes(TAG, None), [None]);
        assert_eq!(codes(&format!("[{TAG}, 1, {{}}]"), None), [None, Some(Code::NotAnObject), Some(Code::UnknownType)]);
        assert_eq!(codes(&format!("{TAG}\r\n\r\n{TAG}\n"), None), [None, None]);
        assert_eq!(codes(TAG, Some("application/x-ndjson; charset=utf-8")), [None]);
        assert_eq!(codes("[]", None), []);
        let pretty = TAG.replace(',', ",\n").replace('{', "{\n");
        assert_eq!(codes(&pretty, Some("application/json")), [None]);
    }

    #[test]
    fn a_bad_line_concerns_only_itself() {
        for content_type in [None, Some("application/x-ndjson")] {
            assert_eq!(
                codes(&format!("{TAG}\n{{\"type\": \n{TAG}"), content_type),
                [None, Some(Code::MalformedJson), None]
            );
        }
        let problem = read_as(&format!("{TAG}\n\n{{\"type\" 1}}"), None).unwrap().pop().unwrap().unwrap_err();
        assert_eq!(problem.message, "not JSON: expected `:` at line 3 column 9");
    }

    #[test]
    fn what_is_no_event_at_all_is_refused_whole() {
        let code = |body: &str| read_as(body, None).unwrap_err().code;
        for body in ["", " \n", "{", "[{]", "x", "{}{}", "[1,2"] {
            assert_eq!(code(body), Code::MalformedJson, "{body}");
        }
        for body in ["null", "1", "\"x\"", "true"] {
            assert_eq!(code(body), Code::NotAnObject, "{body}");
        }
        assert_eq!(code(&"[".repeat(10_000)), Code::MalformedJson);
        assert_eq!(code("[1,2,3,4]"), Code::TooManyEvents);
        assert_eq!(code("{}\n{}\n{}\n{}"), Code::TooManyEvents);
    }

    #[test]
    fn the_source_is_the_tokens_name_unless_given() {
        let body = r#"[{"type":"pipeline_run","id":1,"started_at":"2025-01-01T00:00:00Z","status":"failed"},
            {"type":"pipeline_run","id":1,"started_at":"2025-01-01T00:00:00Z","status":"failed","source":"jenkins"}]"#;
        let sources: Vec<_> =
            read_as(body, None).unwrap().into_iter().map(|event| event.unwrap().key.source.to_string()).collect();
        assert_eq!(sources, ["ci", "jenkins"]);
    }
}
