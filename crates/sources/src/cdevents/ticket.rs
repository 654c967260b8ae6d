//! Tickets: one whose type or label says so is an incident.

use domain::Problem;
use domain::event::EventKind;
use serde_json::{Map, Value};

use super::Told;
use super::event::{CdEvent, ID};
use crate::severity;

/// `ticket.created`, `ticket.updated`, `ticket.closed`: each tells the whole ticket.
pub(super) fn told(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let kind = EventKind::Incident;
    let labels: Vec<&str> = match event.get("/subject/content/labels") {
        Some(Value::Array(labels)) => labels.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let typed = event.text("/subject/content/ticketType");
    if !typed.iter().chain(&labels).any(|word| says_incident(word)) {
        return Ok(Told::nothing("the ticket has no type or label that makes it an incident"));
    }
    let priority = event.text("/subject/content/priority");
    let names: Map<String, Value> = labels.iter().map(|label| ((*label).to_owned(), Value::from(""))).collect();
    let mut draft = event
        .started(kind)
        .copy("id", ID)
        .at("opened_at", event.at())
        // A ticket names no service: it concerns its tracker, until a rule of the catalogue says better.
        .copy("component", "/context/source")
        .copy("component", "/subject/source")
        .copy("title", "/subject/content/summary")
        .copy("url", "/subject/content/uri")
        .maybe("severity", priority.map(severity))
        .maybe("severity_original", priority)
        .mark("team", event.text("/subject/content/group"))
        .set("labels", names);
    for label in labels {
        draft = draft.mark("label", Some(label));
    }
    if event.predicate() == "closed" {
        draft = draft.at("closed_at", event.at()).copy("state_reason", "/subject/content/resolution");
    }
    let unknown: &[&str] = if event.predicate() == "created" { &[] } else { &["opened_at"] };
    Ok(event.finish(draft, kind, unknown)?.into())
}

fn says_incident(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    let word =
        ["type:", "kind:", "type/", "kind/"].iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(&word);
    matches!(word.trim(), "incident" | "outage")
}
