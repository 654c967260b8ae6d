//! `leadline sources test`: what became of a delivery, step by step.

use std::process::ExitCode;

use serde_json::Value;

use super::one_line;
use crate::cli::{TargetArgs, TextFormat};
use crate::client::encoded;
use crate::failure::Failure;
use crate::format::{Paint, Tone};
use crate::out;
use crate::report::pretty;
use crate::session::Session;

/// Runs the command. The exit code is 1 when something in the delivery could not be read or placed.
pub(crate) fn run(
    name: &str,
    delivery: Option<&str>,
    form: TextFormat,
    target: &TargetArgs,
) -> Result<ExitCode, Failure> {
    let session = Session::open(target)?;
    let path = format!("/api/v1/sources/{}/test", encoded(name).replace('/', "%2F"));
    let query: Vec<(&str, &str)> = delivery.map(|id| ("delivery", id)).into_iter().collect();
    let answer = session.client().get(&path, &query);
    session.close()?;
    let answer = answer?;
    match form {
        TextFormat::Json => out::line(&pretty(&answer)?)?,
        TextFormat::Text => out::answer(&as_text(&answer, out::paint()))?,
    }
    Ok(if is_well(&answer) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn events(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["events"].as_array().into_iter().flatten()
}

fn is_well(answer: &Value) -> bool {
    let bad = |event: &Value| {
        event["problem"].is_object() || event["place"]["would_place"].as_array().is_some_and(|ways| !ways.is_empty())
    };
    !answer["problem"].is_object() && !events(answer).any(bad)
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn as_text(answer: &Value, paint: Paint) -> String {
    let delivery = &answer["delivery"];
    let mut text = Text { paint, lines: String::new() };
    let title = format!("{} delivery {}", word(answer, "source"), delivery["seq"]);
    text.head(&title);
    text.step(
        "came",
        &format!("{}, {}, {} bytes", word(delivery, "received_at"), word(delivery, "what"), delivery["bytes"]),
    );
    text.step("id", word(delivery, "id"));
    text.step("verified", word(answer, "verified"));
    let reason = problem(&delivery["reason"]).map(|reason| format!(": {reason}")).unwrap_or_default();
    text.step("journal", &format!("{}{reason}", word(delivery, "state")));
    text.step("parser", word(answer, "parser"));
    text.step("cannot be read", &problem(&answer["problem"]).unwrap_or_default());
    text.step("ignored", word(answer, "ignored"));
    for event in events(answer) {
        text.event(event);
    }
    if answer["more_events"].as_u64() > Some(0) {
        text.head(&format!("and {} more events", answer["more_events"]));
    }
    text.lines
}

fn problem(value: &Value) -> Option<String> {
    value.is_object().then(|| format!("{} ({})", word(value, "message"), word(value, "code")))
}

struct Text {
    paint: Paint,
    lines: String,
}

impl Text {
    fn head(&mut self, title: &str) {
        let space = if self.lines.is_empty() { "" } else { "\n" };
        self.lines.push_str(&format!("{space}{}\n", self.paint.apply(Tone::Strong, &one_line(title))));
    }

    /// A step with what it says; nothing where it says nothing.
    fn step(&mut self, name: &str, says: &str) {
        if !says.is_empty() {
            let name = format!("{:<14}", one_line(name));
            self.lines.push_str(&format!("  {} {}\n", self.paint.apply(Tone::Faint, &name), one_line(says)));
        }
    }

    fn event(&mut self, event: &Value) {
        if let Some(problem) = problem(&event["problem"]) {
            self.head("an event that cannot be taken");
            return self.step("because", &problem);
        }
        self.head(&format!("{} {}", word(event, "type"), word(event, "id")));
        for (name, value) in event["fields"].as_object().into_iter().flatten().filter(|(name, _)| *name != "id") {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let long = shown.chars().count() > 160;
            self.step(name, &if long { shown.chars().take(160).chain(['…']).collect() } else { shown });
        }
        let marks: Vec<&str> = event["marks"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.step("has marks", &marks.join(", "));
        let place = &event["place"];
        let at: Vec<&str> =
            ["component", "product"].iter().map(|name| word(place, name)).filter(|name| !name.is_empty()).collect();
        let on: Vec<&str> =
            ["instance", "environment"].iter().map(|name| word(place, name)).filter(|name| !name.is_empty()).collect();
        let on = if on.is_empty() { String::new() } else { format!(" ({})", on.join(", ")) };
        if let Some(at) = at.first() {
            self.step("placed in", &format!("{at}{on}"));
        }
        self.step("because", word(place, "why"));
        for way in place["would_place"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.step("would place it", way);
        }
        for link in event["links"].as_array().into_iter().flatten() {
            self.step(word(link, "link"), word(link, "text"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_told_and_what_says_nothing_is_left_out() {
        let answer = json!({
            "source": "acme", "verified": "a token let it in", "parser": "native", "problem": null, "ignored": null,
            "delivery": {"seq": 7, "id": "x", "what": "deployment", "received_at": "2025-01-01T00:00:00Z", "state": "applied",
                "reason": null, "bytes": 12},
            "events": [
                {"type": "deployment", "id": "x", "fields": {"id": "x", "component": "cart"}, "problem": null,
                 "marks": ["namespace:shop"], "links": [{"link": "kind", "text": "code: new"}],
                 "place": {"component": "unassigned/cart", "product": "unassigned", "why": "nobody knows `cart`",
                    "instance": null, "environment": "prod", "would_place": ["a rule"]}},
                {"problem": {"code": "missing_field", "message": "no id"}},
            ],
            "more_events": 0,
        });
        assert_eq!(
            as_text(&answer, Paint::Plain),
            "acme delivery 7
  came           2025-01-01T00:00:00Z, deployment, 12 bytes
  id             x
  verified       a token let it in
  journal        applied
  parser         native

deployment x
  component      cart
  has marks      namespace:shop
  placed in      unassigned/cart (prod)
  because        nobody knows `cart`
  would place it a rule
  kind           code: new

an event that cannot be taken
  because        no id (missing_field)
"
        );
        assert!(!is_well(&answer));
    }
}
