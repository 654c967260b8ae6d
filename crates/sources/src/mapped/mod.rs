//! Tools as data: what a tool sends is turned into native events by a program in jq, not by code. Those that come with
//! Leadline are folders in `crates/sources/mapped`; others stand in the configuration.
//!
//! A program gets the body as its input, the headers it asked for as `$headers` (names in lower case) and when the
//! delivery came as `$received_at`. It gives native events, lists of them, `{ignored: why}`, or `{problem: …}` for one
//! that cannot be read; the events are checked as if they had been sent as such. It has no files, no clock and no
//! network, and what it may use up is bounded: see `meter`.

mod meter;
mod natives;
mod program;
mod tool;
mod value;

use std::sync::OnceLock;

use domain::event::{self, Checks, Event};
use domain::{Code, Problem};
use serde_json::Value;

use crate::native::Limits;
use crate::{Delivery, Parsed, json};
use program::Program;

pub(crate) use tool::Shipped;
pub use tool::{Tool, ToolError, Way};

/// A tool's program, compiled when it is first needed.
pub(crate) struct Mapped {
    code: String,
    headers: Vec<String>,
    program: OnceLock<Result<Program, String>>,
}

impl Mapped {
    pub(crate) fn new(code: String, headers: Vec<String>) -> Self {
        Mapped { code, headers, program: OnceLock::new() }
    }

    /// The program, or what is wrong with it.
    fn program(&self) -> Result<&Program, &str> {
        self.program.get_or_init(|| Program::new(&self.code)).as_ref().map_err(String::as_str)
    }

    pub(crate) fn parse(&self, delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
        let program = self
            .program()
            .map_err(|why| Problem::new(Code::Internal, format!("the program of this source cannot be used: {why}")))?;
        let headers: Vec<(&str, &str)> =
            self.headers.iter().filter_map(|name| Some((name.as_str(), delivery.header(name)?))).collect();
        let outputs = program
            .run(delivery.body, &headers, delivery.received_at)
            .map_err(|problem| json::told_of_forms(delivery, problem))?;
        gathered(outputs, Checks { default_source: delivery.source, now: delivery.received_at })
    }
}

/// Outputs of a program as what a delivery says.
fn gathered(outputs: Vec<Value>, checks: Checks<'_>) -> Result<Parsed, Problem> {
    let most = Limits::default().max_events;
    if outputs.len() > most {
        let message = format!("the program gives {} events for one delivery; at most {most} are taken", outputs.len());
        return Err(Problem::new(Code::TooManyEvents, message));
    }
    let mut parsed = Parsed::default();
    for output in outputs {
        match output.get("type") {
            None if output.get("ignored").is_some() => {
                let why = output.get("ignored").and_then(Value::as_str).unwrap_or("the program of this source says so");
                parsed.ignored.get_or_insert_with(|| program::shown(why));
            }
            None if output.get("problem").is_some() => parsed.events.push(Err(raised(&output["problem"]))),
            _ => parsed.events.push(checked(output, checks)),
        }
    }
    if !parsed.events.is_empty() {
        parsed.ignored = None;
    } else if parsed.ignored.is_none() {
        return Err(Problem::new(
            Code::UnknownValue,
            "the program of this source gives nothing for this body: it is to give events, or {ignored: why}",
        ));
    }
    Ok(parsed)
}

/// Field of an output with the names of fields that the check needs but this delivery does not itself tell: another one
/// about the same thing does, and its word counts.
const FORGET: &str = "forget";

fn checked(mut output: Value, checks: Checks<'_>) -> Result<Event, Problem> {
    let forget = output.as_object_mut().and_then(|fields| fields.remove(FORGET));
    let mut event = event::parse(output, checks)?;
    for name in forget.iter().flat_map(|names| names.as_array().into_iter().flatten()).filter_map(Value::as_str) {
        event.fields.remove(name);
    }
    Ok(event)
}

/// What a program caught of one thing in a list.
fn raised(value: &Value) -> Problem {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let code = text("code").and_then(|code| Code::ALL.iter().copied().find(|known| known.text() == code));
    let message = text("message").or(value.as_str()).unwrap_or("the program of this source cannot read it");
    // The interpreter's own errors are texts.
    let otherwise = if value.is_string() { Code::WrongType } else { Code::UnknownValue };
    Problem::new(code.filter(|code| code.status() < 500).unwrap_or(otherwise), program::shown(message))
}
