//! Jira and Jira Service Management, in the cloud and on servers: issues that are incidents, by webhooks and by search.
//!
//! Which issues are incidents, options say; by default those of a type or with a label that is called so. How an issue
//! stands is told by the category of its status: statuses have names in any language.

mod backfill;
mod history;
mod issue;
mod rules;

use domain::{Code, Problem};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::json::{clip, kind_of, missing, value, wrong};
use crate::poll::Page;
use crate::{Answer, Delivery, Digits, Parsed, Route, Scheme, Signs, Source, Verification, fields};
use issue::{Issue, Told};
use rules::Rules;

pub(crate) const SOURCE: Source = Source {
    name: "jira",
    title: "Jira",
    doc: "Issues that are incidents, of Jira and Jira Service Management: opened, resolved, opened again, deleted.",
    routes: &[Route {
        path: "/webhooks/jira",
        event: "webhook",
        doc: "A webhook of Jira, or a rule of its automation that sends issues.",
        headers: &["content-type", rules::TYPES, rules::LABELS, rules::PROJECTS, fields::OPTION],
        id_header: Some("x-atlassian-webhook-identifier"),
        answer: Answer::Recorded,
    }],
    verification: Verification::Secret(&[Scheme::Hmac {
        header: "x-hub-signature",
        prefix: "sha256=",
        digits: Digits::Hex,
        signs: Signs::Body,
    }]),
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    if delivery.event == Page::EVENT {
        return page(delivery);
    }
    let body = Body::read(delivery)?;
    let event = body.text("/webhookEvent");
    if let Some(other) = event.filter(|event| !event.starts_with("jira:issue_")) {
        let other = clip(other, 64).escape_debug();
        return Ok(Parsed::ignored(format!("the event `{other}` says nothing about the course of an issue")));
    }
    // Automation sends an issue alone, or beside what else its rule says.
    let issue = match body.get("/issue") {
        Some(Value::Object(issue)) => issue.clone(),
        Some(other) => return Err(wrong("issue", "an object", other)),
        None if body.get("/fields").is_some() => body.fields().clone(),
        None => return Err(missing("issue", "it is what the webhook is about.")),
    };
    let issue = Body::part(delivery, issue);
    let deleted = event == Some("jira:issue_deleted") || (event.is_none() && body.text("/action") == Some("deleted"));
    let told = Issue::read(&issue, body.get("/changelog"), deleted, body.get("/timestamp").and_then(Value::as_i64))?;
    match told.events(&Rules::of(delivery), &fields::of(delivery)?) {
        Told::Incident(events) => Ok(Parsed { events, ignored: None }),
        Told::Other(why) => Ok(Parsed::ignored(why)),
    }
}

/// A page of a search.
fn page(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let mut body = value(delivery.body)?;
    let issues = match body.get_mut(backfill::ISSUES).map(Value::take) {
        Some(Value::Array(issues)) => issues,
        other => {
            let found = kind_of(&other.unwrap_or_default());
            return Err(Problem::new(Code::WrongType, format!("a page of issues is a list, not {found}")));
        }
    };
    let (rules, fields) = (Rules::of(delivery), fields::of(delivery)?);
    let read = |issue: Map<String, Value>| {
        let issue = Body::part(delivery, issue);
        Issue::read(&issue, None, false, None).map(|issue| issue.events(&rules, &fields))
    };
    let mut events = Vec::new();
    for issue in issues {
        match issue {
            Value::Object(issue) => match read(issue) {
                Ok(Told::Incident(told)) => events.extend(told),
                Ok(Told::Other(_)) => {}
                Err(problem) => events.push(Err(problem)),
            },
            other => events.push(Err(wrong("issues", "objects", &other))),
        }
    }
    let ignored = events.is_empty().then(|| "no issue on the page is an incident".to_owned());
    Ok(Parsed { events, ignored })
}
