//! Alertmanager's webhook, version 4: a group of alerts, each of which is an incident while it fires.

mod alert;

use domain::{Code, Problem};
use serde_json::Value;

use crate::body::Body;
use crate::json::{clip, missing, wrong};
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};

pub(crate) const SOURCE: Source = Source {
    name: "alertmanager",
    title: "Alertmanager",
    doc: "Alerts of Prometheus: each is an incident from when it fires until it is resolved.",
    routes: &[Route {
        path: "/webhooks/alertmanager",
        event: "webhook",
        doc: "A webhook receiver (version 4).",
        headers: &["content-type"],
        id_header: None,
        answer: Answer::Recorded,
    }],
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

/// The version of the body that is read.
const VERSION: &str = "4";

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = Body::read(delivery)?;
    if let Some(version) = body.text("/version").filter(|version| *version != VERSION) {
        let version = clip(version, 64).escape_debug();
        let why = format!("`version` is `{version}`; this address takes version {VERSION} of Alertmanager");
        return Err(Problem::new(Code::UnknownValue, why));
    }
    let alerts = match body.get("/alerts") {
        Some(Value::Array(alerts)) => alerts,
        Some(other) => return Err(wrong("alerts", "a list", other)),
        None => return Err(missing("alerts", "it holds the alerts of the group.")),
    };
    let (mut events, mut quiet) = (Vec::new(), None);
    for alert in alerts {
        let Value::Object(fields) = alert else {
            events.push(Err(wrong("alerts", "objects", alert)));
            continue;
        };
        let alert = Body::part(delivery, fields.clone());
        match alert::no_incident(&alert) {
            Some(why) => quiet = Some(why),
            None => events.push(alert::incident(&alert, body.text("/status"))),
        }
    }
    // What Alertmanager cut off nobody can tell; that it did is told.
    if let Some(count) = body.get("/truncatedAlerts").and_then(Value::as_u64).filter(|count| *count > 0) {
        let why =
            format!("`alerts` is short of {count}, which Alertmanager cut off; set `max_alerts: 0` at its receiver");
        events.push(Err(Problem::new(Code::MissingField, why)));
    }
    let ignored = events.is_empty().then(|| quiet.unwrap_or_else(|| "the group holds no alert".to_owned()));
    Ok(Parsed { events, ignored })
}
