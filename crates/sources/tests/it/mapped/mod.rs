//! Tools that are read by programs.

mod bounds;
mod fixtures;
mod language;
mod merged;
pub(crate) mod own;
mod shared;

use domain::{Problem, Timestamp};
use serde_json::Value;
use sources::{Delivery, Parsed, Source, Tool};

pub(crate) const RECEIVED_AT: &str = "2026-11-01T00:00:00Z";

/// A tool that is nothing but a program.
pub(crate) fn tool(program: &str) -> Tool {
    Tool { name: "test".to_owned(), program: Some(program.to_owned()), ..Tool::default() }
}

pub(crate) fn send(source: &Source, headers: &[(String, String)], body: &str) -> Result<Parsed, Problem> {
    let received_at = Timestamp::parse(RECEIVED_AT).unwrap();
    let delivery = Delivery { source: source.name, event: "webhook", headers, body: body.as_bytes(), received_at };
    (source.parse)(&delivery)
}

/// What a program makes of a body.
pub(crate) fn run(program: &str, body: &str) -> Result<Parsed, Problem> {
    send(&tool(program).source().unwrap(), &[], body)
}

/// An event as it would be sent: its fields, with its type.
pub(crate) fn native(event: &domain::event::Event) -> Value {
    let mut fields = event.fields.clone();
    fields.insert("type".to_owned(), Value::from(event.key.kind.text()));
    Value::Object(fields)
}
