//! OTLP over HTTP: the CI/CD conventions, in protobuf and in JSON.

mod deployments;
mod requests;

use domain::event::Event;
use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};
use sources::{Delivery, Parsed, find};

pub(crate) const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

pub(crate) fn send(headers: &[(&str, &str)], body: &[u8]) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery = Delivery { source: "ci", event: "traces", headers: &headers, body, received_at };
    (find("opentelemetry").unwrap().parse)(&delivery)
}

/// Attributes of OTLP's JSON from an object.
fn attributes(of: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Array(items) => {
            let values: Vec<_> = items.iter().map(|item| json!({"stringValue": item})).collect();
            json!({"arrayValue": {"values": values}})
        }
        text => json!({"stringValue": text}),
    };
    let pairs = of.as_object().unwrap().iter().map(|(key, item)| json!({"key": key, "value": value(item)}));
    pairs.collect()
}

/// A span of five minutes.
pub(crate) fn span(id: &str, kind: u8, of: &Value) -> Value {
    json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "name": "RUN Deploy", "kind": kind,
        "startTimeUnixNano": "1735725600000000000", "endTimeUnixNano": "1735725900500000000",
        "attributes": attributes(of)})
}

pub(crate) fn request(resource: &Value, spans: Vec<Value>) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"spans": spans}]}]})
}

/// All events, fields in alphabetical order; or why there are none.
pub(crate) fn told(body: &Value) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match send(&[], body.to_string().as_bytes()) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

/// Fields of the one event of a kind.
pub(crate) fn only(kind: &str, body: &Value) -> Map<String, Value> {
    let parsed = send(&[], body.to_string().as_bytes()).unwrap();
    let mut events = parsed.events.into_iter().map(Result::unwrap).filter(|event| event.key.kind.text() == kind);
    let event = events.next().unwrap_or_else(|| panic!("no {kind} in {body}"));
    assert!(events.next().is_none(), "one {kind}");
    event.fields
}
