//! An account of PagerDuty: what happens in it is told by webhooks while it happens, and by its API after.

use domain::Timestamp;
use domain::time::SECOND;
use serde_json::{Value, json};

use crate::vendor::{Asked, Reply, SECRET};

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) incidents: Vec<Value>,
    pub(crate) entries: Vec<Value>,
    pub(crate) webhooks: Vec<Value>,
    /// Most rows on a page, whatever is asked for.
    pub(crate) page: usize,
    /// Lists begin at another row each time.
    pub(crate) restless: usize,
    /// The most rows it counts.
    pub(crate) rows: Option<usize>,
}

fn text(at: Timestamp) -> String {
    Timestamp::from_micros(at.micros().div_euclid(SECOND) * SECOND).to_string()
}

impl Account {
    fn incident(&mut self, id: &str) -> &mut Value {
        self.incidents.iter_mut().find(|incident| incident["id"] == id).unwrap()
    }

    /// Something happens to an incident: a log entry and a webhook tell of it.
    fn tell(&mut self, id: &str, event: &str, entry: &str, at: Timestamp) {
        let incident = self.incident(id);
        incident["updated_at"] = json!(text(at));
        let incident = incident.clone();
        let mut data = incident.clone();
        let fields = data.as_object_mut().unwrap();
        // A webhook has no such fields.
        for name in ["updated_at", "last_status_change_at", "resolved_at", "acknowledgements"] {
            fields.remove(name);
        }
        self.webhooks.push(json!({"event": {"id": format!("E{}", self.webhooks.len()), "event_type": event,
            "occurred_at": at.plus(412_000).to_string(), "data": data}}));
        self.entries.push(json!({"id": format!("R{}", self.entries.len()), "type": format!("{entry}_log_entry"),
            "created_at": text(at), "service": incident["service"], "teams": [],
            "incident": {"id": id, "type": "incident_reference", "summary": incident["title"]}}));
    }

    fn status(&mut self, id: &str, status: &str, at: Timestamp) {
        let incident = self.incident(id);
        incident["status"] = json!(status);
        incident["last_status_change_at"] = json!(text(at));
        incident["acknowledgements"] = if status == "acknowledged" { json!([{ "at": text(at) }]) } else { json!([]) };
        incident["resolved_at"] = if status == "resolved" { json!(text(at)) } else { Value::Null };
    }

    pub(crate) fn trigger(&mut self, id: &str, service: &str, at: Timestamp) {
        let service = json!({"id": service, "summary": format!("The {service}"), "type": "service_reference"});
        self.incidents.push(
            json!({"id": id, "type": "incident", "incident_number": 1, "title": format!("Trouble {id}"),
            "created_at": text(at), "service": service, "teams": [], "urgency": "high", "priority": null,
            "html_url": format!("https://acme.pagerduty.com/incidents/{id}"), "resolve_reason": null}),
        );
        self.status(id, "triggered", at);
        self.tell(id, "incident.triggered", "trigger", at);
    }

    pub(crate) fn acknowledge(&mut self, id: &str, at: Timestamp) {
        self.status(id, "acknowledged", at);
        self.tell(id, "incident.acknowledged", "acknowledge", at);
    }

    pub(crate) fn resolve(&mut self, id: &str, at: Timestamp) {
        self.status(id, "resolved", at);
        self.tell(id, "incident.resolved", "resolve", at);
    }

    pub(crate) fn reopen(&mut self, id: &str, at: Timestamp) {
        self.status(id, "triggered", at);
        self.tell(id, "incident.reopened", "reopen", at);
    }

    pub(crate) fn prioritise(&mut self, id: &str, priority: &str, at: Timestamp) {
        self.incident(id)["priority"] = json!({"id": "PPRIO", "summary": priority, "type": "priority"});
        self.tell(id, "incident.priority_updated", "priority_change", at);
    }

    pub(crate) fn merge(&mut self, id: &str, into: &str, at: Timestamp) {
        self.status(id, "resolved", at);
        self.incident(id)["resolve_reason"] = json!({"type": "merge_resolve_reason", "incident": {"id": into}});
        self.tell(id, "incident.resolved", "resolve", at);
    }

    pub(crate) fn answer(&mut self, asked: &Asked) -> Reply {
        let no =
            |status, message: &str| (status, Vec::new(), json!({"error": {"message": message, "code": 1}}).to_string());
        if asked.headers.get("authorization") != Some(&format!("Token token={SECRET}")) {
            return no(401, "Unauthorized");
        }
        if asked.headers.get("accept").is_none_or(|accept| accept != "application/vnd.pagerduty+json;version=2") {
            return no(400, "Version");
        }
        let (offset, limit) = (asked.number("offset").unwrap_or(0), asked.number("limit").unwrap_or(25));
        if offset + limit > 10_000 {
            return no(400, "Offset+limit exceeds maximum allowed value of 10000");
        }
        let at = |value: &Value| Timestamp::parse(value["created_at"].as_str().unwrap()).unwrap();
        let (list, name) = match &*asked.path {
            "/incidents" => (&self.incidents, "incidents"),
            "/log_entries" => (&self.entries, "log_entries"),
            _ => return no(404, "Not Found"),
        };
        let everything = asked.get("date_range") == Some("all");
        let bound = |name: &str| asked.get(name).map(|text| Timestamp::parse(text).unwrap());
        if !everything {
            let (since, until) = (bound("since").unwrap(), bound("until").unwrap());
            if until.since(since) > 180 * 24 * 3_600 * SECOND {
                return no(400, "The date range is longer than six months");
            }
        }
        let services = asked.all("service_ids[]");
        let mut rows: Vec<Value> = list
            .iter()
            .filter(|row| everything || (at(row) >= bound("since").unwrap() && at(row) <= bound("until").unwrap()))
            .filter(|row| services.is_empty() || services.contains(&row["service"]["id"].as_str().unwrap()))
            .cloned()
            .collect();
        if asked.get("is_overview") == Some("true") {
            rows.retain(|row| row["type"] != "priority_change_log_entry");
        }
        rows.sort_by_key(at);
        if self.restless > 0 && !everything && !rows.is_empty() {
            self.restless -= 1;
            let turn = (7 * self.restless) % rows.len();
            rows.rotate_left(turn);
        }
        if name == "log_entries" && asked.get("include[]") == Some("incidents") {
            for row in &mut rows {
                row["incident"] = self.incidents.iter().find(|one| one["id"] == row["incident"]["id"]).unwrap().clone();
            }
        }
        let total = rows.len().max(self.rows.filter(|_| rows.len() > 5).unwrap_or(0));
        let page = if self.page == 0 { limit } else { limit.min(self.page) };
        // Pages are as long as they are asked for; a short page of a test stands for a long one.
        let start = offset / limit * page;
        let shown: Vec<Value> = rows.iter().skip(start).take(page).cloned().collect();
        let more = rows.len() > start + page;
        let total = if asked.get("total") == Some("true") { json!(total) } else { Value::Null };
        let mut body = json!({"limit": limit, "offset": offset, "more": more, "total": total});
        body[name] = json!(shown);
        (200, Vec::new(), body.to_string())
    }
}
