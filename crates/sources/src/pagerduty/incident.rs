//! An incident, in the shape that webhooks and the API share.

use domain::event::Event;
use domain::time::SECOND;
use domain::{Problem, Timestamp};
use serde_json::Value;

use crate::body::{Body, Draft};
use crate::json::text;
use crate::severity;

/// The instant without what is less than a second.
pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros().div_euclid(SECOND) * SECOND)
}

/// What is told of an incident; times that are not told stay as they are known.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    id: String,
    service: String,
    marks: Vec<(&'static str, String)>,
    title: Option<String>,
    url: Option<String>,
    severity: (&'static str, Option<String>),
    /// Merged into another incident, which tells the same trouble.
    merged: bool,
    updated_at: Timestamp,
    pub(super) opened_at: Option<Timestamp>,
    pub(super) acknowledged_at: Option<Timestamp>,
    pub(super) resolved_at: Option<Timestamp>,
    pub(super) reopened_at: Option<Timestamp>,
}

impl Incident {
    /// What is the same in webhooks and pages.
    pub(super) fn read(incident: &Body<'_>, updated_at: Timestamp) -> Result<Self, Problem> {
        let service = incident.text("/service/summary").or_else(|| incident.text("/service/name"));
        let service = match service {
            Some(name) => name,
            None => incident.need("/service/id", "it names the service that suffers.")?,
        };
        let instant = |pointer: &str| incident.instant(pointer).map(|at| at.map(whole));
        Ok(Incident {
            id: incident.need("/id", "it is the incident's id.")?.to_owned(),
            service: service.to_owned(),
            marks: marks(incident, service),
            title: incident.text("/title").or_else(|| incident.text("/summary")).map(str::to_owned),
            url: incident.text("/html_url").map(str::to_owned),
            severity: grade(incident),
            merged: incident.text("/resolve_reason/type").is_some_and(|kind| kind.starts_with("merge_resolve_reason")),
            updated_at,
            opened_at: instant("/created_at")?,
            acknowledged_at: None,
            // One that was opened again may still have its end.
            resolved_at: instant("/resolved_at")?
                .filter(|_| incident.text("/status").is_none_or(|status| status == "resolved")),
            reopened_at: None,
        })
    }

    /// The event. One that does not say when the incident was opened leaves that to the others.
    pub(super) fn tell(self, draft: Draft<'_>) -> Result<Event, Problem> {
        let times = [
            ("acknowledged_at", self.acknowledged_at),
            ("resolved_at", self.resolved_at),
            ("reopened_at", self.reopened_at),
        ];
        // Every incident is checked to have been opened; what is not told here is taken out again.
        let first = times.iter().filter_map(|(_, at)| *at).min().unwrap_or(self.updated_at);
        let mut draft = draft
            .set("id", self.id)
            .set("component", self.service)
            .at("opened_at", self.opened_at.unwrap_or(first))
            .maybe("title", self.title)
            .maybe("url", self.url)
            .set("severity", self.severity.0)
            .maybe("severity_original", self.severity.1)
            .set("withdrawn", self.merged)
            .at("updated_at", self.updated_at);
        for (name, at) in times {
            draft = draft.maybe(name, at.map(|at| at.to_string()));
        }
        for (kind, name) in &self.marks {
            draft = draft.mark(kind, Some(name));
        }
        let mut event = draft.event()?;
        if self.opened_at.is_none() {
            event.fields.remove("opened_at");
        }
        Ok(event)
    }
}

/// The service by name and by id, and the teams.
fn marks(incident: &Body<'_>, service: &str) -> Vec<(&'static str, String)> {
    let mut marks = vec![("pagerduty_service", service.to_owned())];
    marks.extend(incident.text("/service/id").map(|id| ("pagerduty_service", id.to_owned())));
    let teams = incident.get("/teams").and_then(Value::as_array).into_iter().flatten();
    marks.extend(teams.filter_map(|team| Some(("team", text(team.get("summary"))?.to_owned()))));
    marks
}

/// The priority where the account has some and its name says how bad it is, else the urgency.
fn grade(incident: &Body<'_>) -> (&'static str, Option<String>) {
    let priority = incident.text("/priority/summary").or_else(|| incident.text("/priority/name"));
    let urgency = incident.text("/urgency");
    let by_priority = priority.map_or("unknown", severity);
    let native = if by_priority == "unknown" { urgency.map_or("unknown", severity) } else { by_priority };
    (native, priority.or(urgency).map(str::to_owned))
}
