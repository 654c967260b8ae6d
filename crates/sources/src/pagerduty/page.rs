//! Pages of PagerDuty's REST API: incidents as they are, and log entries, which tell what happened to them and when.

use std::collections::BTreeSet;

use domain::event::{Event, EventKind};
use domain::{Code, Problem};
use serde_json::{Map, Value};

use super::incident::{Incident, whole};
use crate::body::Body;
use crate::json::{kind_of, missing, text, value, wrong};
use crate::poll::Page;
use crate::{Delivery, Parsed};

/// Incidents by when they were made.
pub(super) const INCIDENTS: &str = "incidents";
/// What happened to any incident.
pub(super) const LOG_ENTRIES: &str = "log_entries";
/// Header with the ids of the services that are read, where not all are: log entries cannot be asked for by service.
pub(super) const SERVICES: &str = "leadline-services";

/// What a log entry says by itself.
const OWN: &[&str] = &["id", "component", "marks", "acknowledged_at", "resolved_at", "reopened_at", "updated_at"];

pub(super) fn read(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let resource = delivery.header(Page::RESOURCE).filter(|name| !name.is_empty());
    let resource = resource.ok_or_else(|| missing(Page::RESOURCE, "a page is kept with it."))?;
    let read = match resource {
        INCIDENTS => incident,
        LOG_ENTRIES => log_entry,
        other => {
            return Err(Problem::new(
                Code::UnknownValue,
                format!("`{other}` is no resource of PagerDuty that is read"),
            ));
        }
    };
    let mut body = value(delivery.body)?;
    let items = match body.get_mut(resource).map(Value::take) {
        Some(Value::Array(items)) => items,
        other => {
            let found = kind_of(&other.unwrap_or_default());
            return Err(Problem::new(Code::WrongType, format!("a page of `{resource}` is a list, not {found}")));
        }
    };
    let services: Option<BTreeSet<&str>> = delivery.header(SERVICES).map(|ids| ids.split(',').collect());
    let mut events = Vec::new();
    for item in items {
        match item {
            Value::Object(item) if of_others(&item, services.as_ref()) => {}
            Value::Object(item) => match read(delivery, item) {
                Ok(told) => events.extend(told.into_iter().map(Ok)),
                Err(problem) => events.push(Err(problem)),
            },
            other => events.push(Err(wrong(resource, "objects", &other))),
        }
    }
    let ignored =
        events.is_empty().then(|| "nothing on the page says anything about an incident that is read".to_owned());
    Ok(Parsed { events, ignored })
}

/// Whether a thing belongs to a service that is not read.
fn of_others(item: &Map<String, Value>, services: Option<&BTreeSet<&str>>) -> bool {
    let Some(services) = services else { return false };
    let within = item.get("incident").and_then(|incident| text(incident.pointer("/service/id")));
    let id = within.or_else(|| text(item.get("service")?.get("id")));
    id.is_none_or(|id| !services.contains(id))
}

/// An incident as it is: of what was before only what its fields remember.
fn incident(delivery: &Delivery<'_>, item: Map<String, Value>) -> Result<Vec<Event>, Problem> {
    let item = Body::part(delivery, item);
    let opened_at = item.need_instant("/created_at", "it says when the incident was triggered.")?;
    let changed_at = item.instant("/last_status_change_at")?;
    let updated_at = item.instant("/updated_at")?.or(changed_at).unwrap_or(opened_at);
    let mut incident = Incident::read(&item, updated_at)?;
    let changed_at = changed_at.map(whole);
    match item.text("/status") {
        Some("resolved") => incident.resolved_at = incident.resolved_at.or(changed_at),
        None if incident.resolved_at.is_some() => {}
        status => {
            // It is open, and was since its status changed: an end before that counts no more.
            incident.reopened_at = changed_at.filter(|at| *at > whole(opened_at));
            if status == Some("acknowledged") {
                let last = acknowledged(&item)?.or(changed_at);
                incident.acknowledged_at = last;
            }
        }
    }
    Ok(vec![incident.tell(item.draft(EventKind::Incident))?])
}

/// When it was acknowledged last.
fn acknowledged(item: &Body<'_>) -> Result<Option<domain::Timestamp>, Problem> {
    let count = item.get("/acknowledgements").and_then(Value::as_array).map_or(0, Vec::len);
    let mut last = None;
    for index in 0..count {
        last = last.max(item.instant(&format!("/acknowledgements/{index}/at"))?.map(whole));
    }
    Ok(last)
}

/// What a log entry says happened, and the incident as it is where the entry holds it.
fn log_entry(delivery: &Delivery<'_>, mut item: Map<String, Value>) -> Result<Vec<Event>, Problem> {
    let whole_incident = match item.get("incident") {
        Some(Value::Object(held)) if held.contains_key("status") => Some(held.clone()),
        _ => None,
    };
    let mut events = Vec::new();
    if let Some(held) = whole_incident {
        events.extend(incident(delivery, held)?);
    }
    // The entry has its incident's id and service in other places than an incident has.
    let of = item.get("incident").cloned().unwrap_or_default();
    for name in ["id", "service"] {
        let known = of.get(name).or_else(|| (name == "service").then(|| item.get(name)).flatten()).cloned();
        item.insert(name.to_owned(), known.unwrap_or_default());
    }
    let entry = Body::part(delivery, item);
    let kind = entry.need("/type", "it says what happened.")?.to_owned();
    let kind = kind.trim_end_matches("_reference").trim_end_matches("_log_entry");
    if !matches!(kind, "acknowledge" | "resolve" | "reopen") {
        return Ok(events);
    }
    let at = entry.need_instant("/created_at", "it says when it happened.")?;
    let mut told = Incident::read(&entry, at)?;
    told.opened_at = None;
    let place = match kind {
        "acknowledge" => &mut told.acknowledged_at,
        "resolve" => &mut told.resolved_at,
        _ => &mut told.reopened_at,
    };
    *place = Some(whole(at));
    let mut event = told.tell(entry.draft(EventKind::Incident))?;
    event.fields.retain(|name, _| OWN.contains(&name.as_str()));
    events.push(event);
    Ok(events)
}
