//! ServiceNow: incidents of its Table API, and the same records sent by a business rule.
//!
//! A record is known by its `sys_id`: numbers are given twice where instances were merged or tables imported. Times are
//! the raw values, which are UTC whoever reads them.

mod backfill;
mod place;
mod record;

use domain::{Code, Problem};
use serde_json::{Map, Value};

use crate::json::{clip, hook, kind_of, missing, value, wrong};
use crate::poll::Page;
use crate::{Answer, Delivery, Parsed, Route, Source, Verification, fields};

pub(crate) const SOURCE: Source = Source {
    name: "servicenow",
    title: "ServiceNow",
    doc: "Incidents, with their configuration item, business service and group.",
    routes: &[Route {
        path: "/webhooks/servicenow",
        event: "webhook",
        doc: "An incident as the Table API has it, sent by a business rule.",
        headers: &["content-type", fields::OPTION],
        id_header: None,
        answer: Answer::Recorded,
    }],
    verification: Verification::Token,
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

/// Header with the address of the instance, for links to its records.
const SITE: &str = "leadline-site";
const RESULT: &str = "result";

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let page = delivery.event == Page::EVENT;
    let mut body = if page { object(value(delivery.body)?)? } else { hook(delivery)? };
    let records = match body.remove(RESULT) {
        Some(Value::Array(records)) => records,
        Some(Value::Object(record)) => vec![Value::Object(record)],
        None if !page && body.contains_key("sys_id") => vec![Value::Object(body)],
        Some(other) => return Err(wrong(RESULT, "a record or a list of records", &other)),
        None => return Err(missing(RESULT, "it holds the records, unless the body is one with a `sys_id`.")),
    };
    let fields = fields::of(delivery)?;
    let (mut events, mut others) = (Vec::new(), None);
    for item in records {
        match item {
            Value::Object(item) => {
                let record = record::Record::read(delivery, item);
                match record.class().filter(|class| !page && !class.contains("incident")) {
                    Some(class) => {
                        let class = clip(class, 64).escape_debug().to_string();
                        others = Some(format!("the record is a `{class}`, which is no incident"));
                    }
                    None => events.push(record.incident(&fields)),
                }
            }
            other => events.push(Err(wrong(RESULT, "records", &other))),
        }
    }
    let ignored = events.is_empty().then(|| others.unwrap_or_else(|| "there is no record in it".to_owned()));
    Ok(Parsed { events, ignored })
}

fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(Problem::new(Code::NotAnObject, format!("expected an object, found {}", kind_of(&other)))),
    }
}
