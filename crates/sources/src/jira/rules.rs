//! Which issues are incidents.

use serde_json::Value;

use super::history::Change;
use crate::Delivery;
use crate::body::Body;
use crate::json::text;

/// Headers with the options: a page carries those of its backfill; automation may set them too.
pub(super) const TYPES: &str = "x-leadline-issue-types";
pub(super) const LABELS: &str = "x-leadline-labels";
pub(super) const PROJECTS: &str = "x-leadline-projects";

/// The types that Jira Service Management and others bring.
pub(super) const DEFAULT_TYPES: &str = "Incident, [System] Incident, Major incident, Outage, Service outage";
pub(super) const DEFAULT_LABELS: &str = "incident, outage";

/// An issue is an incident by its type, by a label, or because all of its project are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    types: Vec<String>,
    labels: Vec<String>,
    projects: Vec<String>,
}

impl Rules {
    pub(super) fn of(delivery: &Delivery<'_>) -> Self {
        let list = |header: &str, default: &str| {
            let given = delivery.header(header).filter(|given| !given.is_empty()).unwrap_or(default);
            given.split(',').map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect()
        };
        Rules { types: list(TYPES, DEFAULT_TYPES), labels: list(LABELS, DEFAULT_LABELS), projects: list(PROJECTS, "") }
    }

    pub(super) fn fit(&self, issue: &Body<'_>) -> bool {
        let labels = issue.get("/fields/labels").and_then(Value::as_array).into_iter().flatten();
        any(&self.types, [issue.text("/fields/issuetype/name"), issue.text("/fields/issuetype/id")])
            || any(&self.projects, [issue.text("/fields/project/key"), issue.text("/fields/project/id")])
            || any(&self.labels, labels.map(|label| text(Some(label))))
    }

    /// Whether it was one before this change.
    pub(super) fn fitted(&self, change: &Change) -> bool {
        let before = [change.from.as_deref(), change.from_id.as_deref()];
        match change.field.as_str() {
            "issuetype" => any(&self.types, before),
            "project" => any(&self.projects, before),
            "labels" => any(&self.labels, change.from.as_deref().unwrap_or_default().split(' ').map(Some)),
            // `OPS-7` became `WEB-9`.
            "key" => {
                any(&self.projects, [change.from.as_deref().and_then(|key| key.rsplit_once('-')).map(|(key, _)| key)])
            }
            _ => false,
        }
    }
}

fn any<'a>(names: &[String], words: impl IntoIterator<Item = Option<&'a str>>) -> bool {
    words.into_iter().flatten().any(|word| names.contains(&word.to_lowercase()))
}
