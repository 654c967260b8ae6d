//! ServiceNow: records sent, and its Table API on this machine.

mod instance;
mod poll;
mod records;
mod shared;

use domain::event::Event;
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

pub(crate) fn send_with(headers: &[(&str, &str)], body: &Value) -> Result<Parsed, Problem> {
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = body.to_string();
    let delivery =
        Delivery { source: "servicenow", event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
    (find("servicenow").unwrap().parse)(&delivery)
}

pub(crate) fn send(body: &Value) -> Result<Parsed, Problem> {
    send_with(&[], body)
}

pub(crate) const ID: &str = "9d385017c611228701d22104cc95c371";

/// A record with raw values and what people see.
fn record(more: Value) -> Value {
    let both = |value: &str, display: &str| json!({"value": value, "display_value": display});
    let mut record = json!({"sys_id": ID, "number": "INC0010007", "sys_class_name": "incident", "active": "true",
        "short_description": "Nobody can pay", "state": both("2", "In Progress"), "priority": both("2", "2 - High"),
        "severity": both("3", "3 - Low"), "opened_at": both("2025-01-03 13:00:00", "2025-01-03 05:00:00"),
        "sys_created_on": both("2025-01-03 13:04:00", "2025-01-03 05:04:00"), "resolved_at": "", "closed_at": "",
        "sys_updated_on": both("2025-01-03 13:10:00", "2025-01-03 05:10:00"), "sys_mod_count": "2",
        "cmdb_ci": both("109562a3c611227500a7b7ff98cc0dc7", "cart-prod"),
        "business_service": both("27d32778c0a8000b00db970eeaa60f16", "Checkout"),
        "assignment_group": both("8a5055c9c61122780043563ef53438e3", "Payments")});
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

fn told(body: &Value) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match send(body) {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}
