//! Jira: webhooks, and its search on this machine.

mod issues;
mod poll;
mod shared;
mod site;

use domain::event::Event;
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

pub(crate) fn send_with(headers: &[(&str, &str)], body: &Value) -> Result<Parsed, Problem> {
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = body.to_string();
    let delivery = Delivery { source: "jira", event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
    (find("jira").unwrap().parse)(&delivery)
}

pub(crate) fn send(body: &Value) -> Result<Parsed, Problem> {
    send_with(&[], body)
}

/// A webhook about OPS-7 with some of its fields.
fn hook(event: &str, more: Value) -> Value {
    let mut fields = json!({"summary": "Nobody can pay", "issuetype": {"id": "10100", "name": "Incident"},
        "project": {"id": "10000", "key": "OPS", "name": "Operations"},
        "status": {"id": "1", "name": "À faire", "statusCategory": {"id": 2, "key": "new", "name": "À faire"}},
        "priority": {"id": "1", "name": "Highest"}, "labels": ["checkout"], "components": [{"id": "1", "name": "cart"}],
        "versions": [], "fixVersions": [], "resolutiondate": null, "created": "2025-01-03T14:00:00.000+0100",
        "updated": "2025-01-03T14:00:00.000+0100"});
    for (name, value) in more.as_object().unwrap() {
        fields[name] = value.clone();
    }
    json!({"timestamp": 1_735_909_200_000_u64, "webhookEvent": event, "issue_event_type_name": "issue_generic",
        "issue": {"id": "10007", "key": "OPS-7", "self": "https://acme.atlassian.net/rest/api/2/issue/10007", "fields": fields}})
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
