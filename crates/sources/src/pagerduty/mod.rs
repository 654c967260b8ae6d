//! PagerDuty: webhooks v3, and incidents with their log entries of its REST API.
//!
//! A component is named like PagerDuty's service. Its API tells times in whole seconds and webhooks in milliseconds, so
//! both are read in whole seconds: what both tell is the same.

mod backfill;
mod incident;
mod page;

use domain::event::EventKind;
use domain::{Code, Problem};

use crate::body::Body;
use crate::json::{clip, missing, wrong};
use crate::poll::Page;
use crate::{Answer, Delivery, Digits, Parsed, Route, Scheme, Signs, Source, Verification};

pub(crate) const SOURCE: Source = Source {
    name: "pagerduty",
    title: "PagerDuty",
    doc: "Incidents: triggered, acknowledged, resolved, opened again, with urgency and priority.",
    routes: &[Route {
        path: "/webhooks/pagerduty",
        event: "webhook",
        doc: "A webhook subscription (v3) of an account, a team or a service.",
        headers: &["content-type"],
        // A delivery that is sent again has the id of its event in the body, and the same body.
        id_header: None,
        answer: Answer::Recorded,
    }],
    verification: Verification::Secret(&[Scheme::Hmac {
        header: "x-pagerduty-signature",
        prefix: "v1=",
        digits: Digits::Hex,
        signs: Signs::Body,
    }]),
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    if delivery.event == Page::EVENT {
        return page::read(delivery);
    }
    let body = Body::read(delivery)?;
    if body.get("/event").is_none() && body.get("/messages").is_some() {
        let why = "this is a webhook of version 2; make a subscription of version 3";
        return Err(Problem::new(Code::UnknownValue, why));
    }
    let event = body.need("/event/event_type", "it says what happened.")?;
    let kind = match body.get("/event/data") {
        Some(serde_json::Value::Object(data)) => data.get("type").and_then(serde_json::Value::as_str),
        Some(other) => return Err(wrong("event.data", "an object", other)),
        None => return Err(missing("event.data", "it is what the event is about.")),
    };
    if kind != Some("incident") || !event.starts_with("incident.") {
        return Ok(Parsed::ignored(why_ignored(event)));
    }
    let at = body.need_instant("/event/occurred_at", "it says which of two events is newer.")?;
    let data = body.get("/event/data").and_then(serde_json::Value::as_object).cloned().unwrap_or_default();
    let data = Body::part(delivery, data);
    let mut incident = incident::Incident::read(&data, at)?;
    let second = incident::whole(at);
    match event {
        "incident.triggered" => incident.opened_at = incident.opened_at.or(Some(second)),
        "incident.acknowledged" => incident.acknowledged_at = Some(second),
        "incident.resolved" => incident.resolved_at = incident.resolved_at.or(Some(second)),
        "incident.reopened" => incident.reopened_at = Some(second),
        _ => {}
    }
    Ok(Parsed { events: vec![Ok(incident.tell(data.draft(EventKind::Incident))?)], ignored: None })
}

fn why_ignored(event: &str) -> String {
    if event == "pagey.ping" {
        return "a ping".to_owned();
    }
    format!("the event `{}` says nothing about the course of an incident", clip(event, 64).escape_debug())
}
