//! A record of a table, in every form the Table API gives it.

use domain::event::{Event, EventKind};
use domain::time::SECOND;
use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};

use super::SITE;
use crate::Delivery;
use crate::body::Body;
use crate::fields::{self, Fields};
use crate::json::text;

/// A field is a text, or `{value, link}`, or `{value, display_value, link}`, as `sysparm_display_value` was `false`,
/// `all` and references were left in.
pub(super) struct Record<'a> {
    /// What the database holds: numbers of choices, ids of references, UTC.
    raw: Body<'a>,
    /// What people see.
    shown: Map<String, Value>,
    /// Sent because it was deleted.
    deleted: bool,
}

impl<'a> Record<'a> {
    pub(super) fn read(delivery: &'a Delivery<'a>, fields: Map<String, Value>) -> Self {
        let (mut raw, mut shown) = (Map::new(), Map::new());
        for (name, value) in fields {
            let (held, seen) = match value {
                Value::Object(field) => {
                    let part = |name: &str| text(field.get(name)).map(str::to_owned);
                    let linked = || part("link")?.rsplit('/').next().map(str::to_owned);
                    let held = part("value").or_else(linked).or_else(|| part("display_value"));
                    let seen = part("display_value").or_else(|| held.clone());
                    (held, seen)
                }
                Value::String(field) => (Some(field.clone()), Some(field)),
                Value::Bool(_) | Value::Number(_) => (Some(value.to_string()), Some(value.to_string())),
                Value::Null | Value::Array(_) => (None, None),
            };
            let full =
                |field: Option<String>| field.map(|field| field.trim().to_owned()).filter(|field| !field.is_empty());
            raw.extend(full(held).map(|held| (name.clone(), Value::from(held))));
            shown.extend(full(seen).map(|seen| (name, Value::from(seen))));
        }
        let deleted = text(raw.get("operation")) == Some("delete");
        Record { raw: Body::part(delivery, raw), shown, deleted }
    }

    fn raw(&self, name: &str) -> Option<&str> {
        text(self.raw.fields().get(name))
    }

    fn shown(&self, name: &str) -> Option<&str> {
        text(self.shown.get(name))
    }

    fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.raw.instant(&format!("/{name}"))
    }

    /// The table it belongs to.
    pub(super) fn class(&self) -> Option<&str> {
        self.raw("sys_class_name")
    }

    pub(super) fn incident(&self, fields: &Fields<'_>) -> Result<Event, Problem> {
        let id = self.raw.need("/sys_id", "it is the record's id; numbers may be given twice.")?;
        let created_at = self.instant("sys_created_on")?;
        let opened_at = self.instant("opened_at")?.or(created_at);
        let opened_at = opened_at.map_or_else(
            || {
                self.raw.need_instant(
                    "/opened_at",
                    "it says when the ticket was opened, and `sys_created_on` is missing too.",
                )
            },
            Ok,
        )?;
        let state = self.state();
        let mut draft = self
            .raw
            .draft(EventKind::Incident)
            .set("id", id)
            .set("component", self.component())
            .at("opened_at", opened_at)
            .maybe("title", self.shown("short_description"))
            .maybe("root_cause", self.shown("cause"))
            .maybe("url", self.url(id))
            .set("severity", self.severity())
            .maybe("severity_original", self.shown("priority").or_else(|| self.shown("severity")))
            .set("withdrawn", self.deleted || state == State::Cancelled)
            .at("updated_at", self.updated_at(opened_at)?)
            .maybe("labels", self.raw("number").map(|number| json!({ "number": number })));
        let ends = [("resolved_at", self.instant("resolved_at")?), ("closed_at", self.instant("closed_at")?)];
        if state == State::Open {
            draft = draft.maybe("reopened_at", self.reopened_at(&ends)?.map(|at| at.to_string()));
        } else {
            for (name, at) in ends {
                draft = draft.maybe(name, at.map(|at| at.to_string()));
            }
        }
        for (kind, name) in [
            ("configuration_item", "cmdb_ci"),
            ("business_service", "business_service"),
            ("service", "service_offering"),
            ("team", "assignment_group"),
        ] {
            draft = draft.mark(kind, self.shown(name)).mark(kind, self.raw(name));
        }
        let name = |own: &str| self.shown(own).map(str::to_owned);
        fields::tell(fields, draft, |own| self.instant(own), name)?.event()
    }

    /// The configuration item, else the service; where there is neither the source itself.
    fn component(&self) -> &str {
        let named = ["cmdb_ci", "business_service", "service_offering"].into_iter().find_map(|name| self.shown(name));
        named.unwrap_or(self.raw.checks().default_source)
    }

    /// The numbers of ServiceNow's own states; of others, whether the record is active.
    fn state(&self) -> State {
        match self.raw("state").or_else(|| self.raw("incident_state")) {
            Some("1" | "2" | "3" | "4" | "5") => State::Open,
            Some("6" | "7") => State::Ended,
            Some("8") => State::Cancelled,
            Some(_) => match self.raw("active") {
                Some("false" | "0") => State::Ended,
                _ => State::Open,
            },
            // Nothing is said of it: an end that is told is one.
            None => State::Ended,
        }
    }

    /// An end that stands in an open ticket is of before it was opened again.
    fn reopened_at(&self, ends: &[(&str, Option<Timestamp>)]) -> Result<Option<Timestamp>, Problem> {
        let told = self.instant("reopened_time")?;
        let again = self.raw("reopen_count").is_some_and(|count| count != "0");
        let ended = ends.iter().any(|(_, at)| at.is_some());
        match told {
            Some(at) => Ok(Some(at)),
            None if again || ended => self.instant("sys_updated_on"),
            None => Ok(None),
        }
    }

    /// ServiceNow counts changes by the second and numbers them: the later of one second is a microsecond newer.
    fn updated_at(&self, opened_at: Timestamp) -> Result<Timestamp, Problem> {
        let at = self.instant("sys_updated_on")?.or(self.instant("sys_created_on")?).unwrap_or(opened_at);
        let count = self.raw("sys_mod_count").and_then(|count| count.parse::<i64>().ok()).unwrap_or_default();
        let after = if self.deleted { SECOND } else { count.clamp(0, SECOND - 1) };
        Ok(at.plus(after))
    }

    /// The priority, 1 to 5; without one the severity, which has three grades.
    fn severity(&self) -> &'static str {
        match (self.raw("priority"), self.raw("severity")) {
            (Some(priority), _) => crate::severity(priority),
            (None, Some("1")) => "high",
            (None, Some("2")) => "medium",
            (None, Some("3")) => "low",
            _ => "unknown",
        }
    }

    fn url(&self, id: &str) -> Option<String> {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let site = self.raw.delivery().header(SITE).filter(|site| plain && !site.is_empty());
        let table = self.class().unwrap_or("incident");
        let link = site.map(|site| format!("{site}/nav_to.do?uri={table}.do?sys_id={id}"));
        link.or_else(|| self.raw("url").map(str::to_owned))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Cancelled,
}
