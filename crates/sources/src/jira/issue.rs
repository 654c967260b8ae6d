//! An issue, in the shape that webhooks and searches share.

use domain::event::{Event, EventKind};
use domain::time::SECOND;
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use super::history::{self, Change};
use super::rules::Rules;
use crate::body::Body;
use crate::fields::{self, Fields};
use crate::json::{clip, read_instant, text};
use crate::severity;

/// A status changes its category when an issue is made; what follows later is a change.
const MADE: i64 = SECOND;

/// What an issue tells.
pub(super) enum Told {
    Incident(Vec<Result<Event, Problem>>),
    /// It is no incident, for this reason.
    Other(String),
}

pub(super) struct Issue<'a> {
    issue: &'a Body<'a>,
    changes: Vec<Change>,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted: bool,
}

impl<'a> Issue<'a> {
    /// `changelog` and `timestamp`, in milliseconds since 1970, are those of a webhook.
    pub(super) fn read(
        issue: &'a Body<'a>,
        changelog: Option<&Value>,
        deleted: bool,
        timestamp: Option<i64>,
    ) -> Result<Self, Problem> {
        issue.need("/key", "it is the issue's key.")?;
        let created_at = issue.need_instant("/fields/created", "it says when the issue was made.")?;
        let changed_at = issue.instant("/fields/updated")?.unwrap_or(created_at);
        let changes = history::read(changelog, issue.get("/changelog"), changed_at);
        let sent_at = timestamp.and_then(|millis| millis.checked_mul(1_000)).map(Timestamp::from_micros);
        // An issue that is deleted was changed by that last of all.
        let updated_at = if deleted { sent_at.unwrap_or(changed_at).max(changed_at.plus(SECOND)) } else { changed_at };
        Ok(Issue { issue, changes, created_at, updated_at, deleted })
    }

    /// The incident it is; withdrawn where it is none any more, or by the key it had before it was moved.
    pub(super) fn events(&self, rules: &Rules, fields: &Fields<'_>) -> Told {
        let key = self.issue.text("/key").unwrap_or_default();
        let is_one = rules.fit(self.issue);
        let was_one = self.changes.iter().any(|change| rules.fitted(change));
        if !is_one && !was_one {
            let kind = self.issue.text("/fields/issuetype/name").unwrap_or("without a type");
            let (key, kind) = (clip(key, 64).escape_debug(), clip(kind, 64).escape_debug());
            return Told::Other(format!("the issue {key} ({kind}) is no incident by the options of the source"));
        }
        let mut events = vec![self.incident(key, fields, self.deleted || !is_one, self.updated_at)];
        let keys = self.changes.iter().filter(|change| change.field == "key");
        for (before, at) in keys.filter_map(|change| Some((change.from.as_deref()?, change.at))) {
            // A key may come back with the issue.
            if before != key {
                events.push(self.incident(before, fields, true, at));
            }
        }
        Told::Incident(events)
    }

    fn incident(&self, key: &str, fields: &Fields<'_>, withdrawn: bool, at: Timestamp) -> Result<Event, Problem> {
        let issue = self.issue;
        let (grade, original) = self.severity();
        let mut draft = issue
            .draft(EventKind::Incident)
            .set("id", key)
            .set("component", self.component(key))
            .at("opened_at", self.created_at)
            .copy("title", "/fields/summary")
            .maybe("url", self.url(key))
            .set("severity", grade)
            .maybe("severity_original", original)
            .maybe("version", self.first("versions").or_else(|| self.first("fixVersions")))
            .set("withdrawn", withdrawn)
            .at("updated_at", at);
        let moved_at = self.moved_at()?;
        if issue.text("/fields/status/statusCategory/key") == Some("done") {
            // A resolution of before it was opened again may be left in it: then the end is when it was closed.
            let resolved_at = issue.instant("/fields/resolutiondate")?.or(moved_at);
            draft = draft.maybe("resolved_at", resolved_at.map(|at| at.to_string()));
            draft = draft.maybe("closed_at", moved_at.map(|at| at.to_string()));
        } else {
            // It is not done since then: an end before that counts no more.
            let since = moved_at.filter(|at| at.since(self.created_at) > MADE);
            draft = draft.maybe("reopened_at", since.map(|at| at.to_string()));
        }
        draft = draft.mark("jira_project", Some(self.project(key)));
        for component in self.names("components") {
            draft = draft.mark("jira_component", Some(component));
        }
        let mut labels = Map::new();
        for label in issue.get("/fields/labels").and_then(Value::as_array).into_iter().flatten() {
            if let Some(label) = text(Some(label)) {
                draft = draft.mark("jira_label", Some(label));
                labels.insert(label.to_owned(), Value::from(""));
            }
        }
        let own = |own: &str| issue.get(&format!("/fields/{own}"));
        let instant = |name: &str| match own(name) {
            Some(Value::String(text)) => read_instant(name, text).map(|(at, _)| Some(at)),
            _ => Ok(None),
        };
        let draft = fields::tell(fields, draft, instant, |name| named(own(name)?))?;
        draft.set("labels", labels).event()
    }

    /// When its status came to the category it has: in the cloud a field tells, else the last change of the status.
    fn moved_at(&self) -> Result<Option<Timestamp>, Problem> {
        let last = || self.changes.iter().filter(|change| change.field == "status").map(|change| change.at).max();
        Ok(self.issue.instant("/fields/statuscategorychangedate")?.or_else(last))
    }

    /// The first of Jira's components, else the project.
    fn component(&self, key: &str) -> String {
        self.first("components").unwrap_or_else(|| self.project(key).to_owned())
    }

    /// The project the key is of; a key of before a move is of another than the issue is now.
    fn project<'k>(&self, key: &'k str) -> &'k str {
        key.rsplit_once('-').map_or(key, |(project, _)| project)
    }

    fn names(&self, list: &str) -> impl Iterator<Item = &str> {
        let items = self.issue.get(&format!("/fields/{list}")).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| text(item.get("name")))
    }

    fn first(&self, list: &str) -> Option<String> {
        self.names(list).next().map(str::to_owned)
    }

    /// By the priority's name, or, in another language, by the ids Jira gives its own: 1, the highest, to 5.
    fn severity(&self) -> (&'static str, Option<&str>) {
        let name = self.issue.text("/fields/priority/name");
        let by_name = name.map_or("unknown", severity);
        let id = self.issue.text("/fields/priority/id").filter(|id| id.len() == 1);
        (if by_name == "unknown" { id.map_or("unknown", severity) } else { by_name }, name)
    }

    /// Where people see it; the address of the API tells it, unless it goes through Atlassian's own.
    fn url(&self, key: &str) -> Option<String> {
        let (site, _) = self.issue.text("/self")?.split_once("/rest/api/")?;
        (!site.contains("/ex/jira/")).then(|| format!("{site}/browse/{key}"))
    }
}

/// The name of what a field of one's own holds: a text, a choice, a person, or the first of several.
fn named(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(choice) => {
            let name = ["value", "name", "displayName", "key"].into_iter().find_map(|part| text(choice.get(part)));
            name.map(str::to_owned)
        }
        Value::Array(several) => several.first().and_then(named),
        Value::Null | Value::Bool(_) => None,
    }
}
