//! An Application: its history, how its last sync went, its health.
//! <https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml>

use domain::event::{Event, EventKind, image_name};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use crate::Parsed;
use crate::body::{Body, Draft};
use crate::first_time::earliest_after;
use crate::json::{text, wrong};

/// Labels that name the environment, the more telling first.
const ENVIRONMENTS: &[&str] = &["info/environment", "app.kubernetes.io/environment", "environment", "env"];

/// What every deployment of an application has.
struct Application<'a> {
    body: &'a Body<'a>,
    name: &'a str,
    /// By its uid, which a new application of the same name does not have.
    id: String,
}

pub(super) fn read(body: &Body<'_>) -> Result<Parsed, Problem> {
    let name = body.need("/metadata/name", "it names the application.")?;
    let id = body.text("/metadata/uid").map_or_else(
        || body.text("/metadata/namespace").map_or_else(|| name.to_owned(), |space| format!("{space}/{name}")),
        str::to_owned,
    );
    let application = Application { body, name, id };
    let mut events = application.history()?;
    events.extend(application.last_sync()?);
    let phase = body.text("/status/operationState/phase");
    let ignored = events.is_empty().then(|| match phase {
        Some("Running" | "Terminating") => "the sync is still going on".to_owned(),
        _ => "the application has not been synced yet".to_owned(),
    });
    Ok(Parsed { events, ignored })
}

impl Application<'_> {
    fn history(&self) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let entries = match self.body.get("/status/history") {
            None => return Ok(Vec::new()),
            Some(Value::Array(entries)) => entries,
            Some(other) => return Err(wrong("status.history", "a list", other)),
        };
        let deployed_at = |entry: &Value| text(entry.get("deployedAt")).and_then(|at| Timestamp::parse(at).ok());
        let last = entries.iter().filter_map(deployed_at).max();
        let told = entries.iter().map(|entry| match entry {
            Value::Object(fields) => self.entry(fields, deployed_at(entry).is_some_and(|at| Some(at) == last)),
            other => Err(wrong("status.history", "objects", other)),
        });
        Ok(told.collect())
    }

    /// One deployment. `last`: nothing was deployed since, so that what runs now is of it.
    fn entry(&self, fields: &Map<String, Value>, last: bool) -> Result<Event, Problem> {
        let entry = Body::part(self.body.delivery(), fields.clone());
        let number = entry.number("/id", "it is the entry's own.")?;
        let at = entry.need_instant("/deployedAt", "it says when the sync ended.")?;
        let began = entry.instant("/deployStartedAt")?.filter(|began| *began <= at);
        let by =
            if last { ["/initiatedBy", "/status/operationState/operation/initiatedBy"] } else { ["/initiatedBy"; 2] };
        let by = entry.get(by[0]).or_else(|| self.body.get(by[1]));
        let mut draft = revision(self.draft(&format!("{}/{number}", self.id), by), fields)
            .set("status", "succeeded")
            .maybe("started_at", began.map(|at| at.to_string()))
            .at("finished_at", at)
            .at("updated_at", at);
        if !last {
            return draft.event();
        }
        if self.runs_the_last() {
            draft = self.images(draft);
        }
        match self.body.text("/status/health/status") {
            Some("Healthy") => draft = draft.set("health", "healthy").at("health_at", self.health_at()?.max(at)),
            // The first time counts, and no recovery takes it back.
            Some("Degraded") if self.health_at()? >= began.unwrap_or(at) => {
                let since = self.health_at()?;
                draft = draft
                    .set("health", "degraded")
                    .at("health_at", since)
                    .copy_text("status_reason", self.body.text("/status/health/message"))
                    .at("updated_at", earliest_after(at, since));
            }
            _ => {}
        }
        draft.event()
    }

    /// A sync that did not go well is in no history.
    fn last_sync(&self) -> Result<Option<Result<Event, Problem>>, Problem> {
        let state = "/status/operationState";
        let phase = self.body.text(&format!("{state}/phase"));
        let told = self.body.get("/status/history").is_some();
        let status = match phase {
            Some("Failed" | "Error") => "failed",
            // By a template that tells no history.
            Some("Succeeded") if !told => "succeeded",
            _ => return Ok(None),
        };
        let began = self.body.need_instant(&format!("{state}/startedAt"), "it says when the sync began.")?;
        let ended = self.body.need_instant(&format!("{state}/finishedAt"), "it says when the sync ended.")?.max(began);
        let none = Map::new();
        let fields = |place: &str| self.body.get(&format!("{state}/{place}")).and_then(Value::as_object);
        let told = [fields("syncResult"), fields("operation/sync")].into_iter().flatten();
        let result = told.into_iter().find(|fields| revision_of(fields).is_some()).unwrap_or(&none);
        let by = self.body.get(&format!("{state}/operation/initiatedBy"));
        let draft = revision(self.draft(&format!("{}@{began}", self.id), by), result)
            .set("status", status)
            .copy_text("status_reason", self.body.text(&format!("{state}/message")).filter(|_| status == "failed"))
            .at("started_at", began)
            .at("finished_at", ended)
            .at("updated_at", ended);
        Ok(Some(if status == "succeeded" { self.images(draft) } else { draft }.event()))
    }

    /// What is told of every deployment.
    fn draft(&self, id: &str, by: Option<&Value>) -> Draft<'_> {
        let body = self.body;
        let labels = body.get("/metadata/labels");
        let environment = ENVIRONMENTS.iter().find_map(|name| text(labels?.get(name)));
        let person = by.and_then(|by| text(by.get("username")));
        let machine = by.is_some_and(|by| by.get("automated") == Some(&Value::Bool(true)));
        let trigger = if machine { Some("automated") } else { person.map(|_| "manual") };
        let mut draft = body
            .draft(EventKind::Deployment)
            .set("id", id)
            .set("component", self.name)
            .set("environment", environment.unwrap_or("production"))
            .maybe("environment_assumed", environment.is_none().then_some(true))
            .maybe("trigger", trigger)
            .maybe("actor", person)
            .copy("url", "/url")
            .mark("application", Some(self.name))
            .mark("project", body.text("/spec/project"))
            .mark("namespace", body.text("/spec/destination/namespace"))
            .mark("cluster", body.text("/spec/destination/name").or_else(|| body.text("/spec/destination/server")));
        for source in self.sources() {
            draft = draft.mark("repository", text(source.get("repoURL")).map(repository));
        }
        for image in self.image_names() {
            draft = draft.mark("image", Some(image_name(image)));
        }
        draft
    }

    fn sources(&self) -> impl Iterator<Item = &Value> {
        let several = self.body.get("/spec/sources").and_then(Value::as_array).into_iter().flatten();
        self.body.get("/spec/source").into_iter().chain(several)
    }

    fn image_names(&self) -> impl Iterator<Item = &str> {
        let images = self.body.get("/status/summary/images").and_then(Value::as_array).into_iter().flatten();
        images.filter_map(|image| text(Some(image)))
    }

    fn images<'d>(&self, draft: Draft<'d>) -> Draft<'d> {
        let images: Vec<Value> = self.image_names().map(Value::from).collect();
        if images.is_empty() { draft } else { draft.set("images", images) }
    }

    /// Whether the images listed are those of the last deployment: nothing is on its way.
    fn runs_the_last(&self) -> bool {
        let going_on = matches!(self.body.text("/status/operationState/phase"), Some("Running" | "Terminating"));
        self.body.text("/status/sync/status") == Some("Synced") && !going_on
    }

    /// Older versions do not say since when it is: then it is now.
    fn health_at(&self) -> Result<Timestamp, Problem> {
        Ok(self.body.instant("/status/health/lastTransitionTime")?.unwrap_or_else(|| self.body.received_at()))
    }
}

/// One revision; of an application of several sources the first, and all of them besides.
fn revision<'a>(draft: Draft<'a>, fields: &Map<String, Value>) -> Draft<'a> {
    let all: Vec<Value> = fields.get("revisions").and_then(Value::as_array).cloned().unwrap_or_default();
    let several = (all.len() > 1).then_some(Value::Array(all));
    draft.maybe("revision", revision_of(fields)).maybe("revisions", several)
}

fn revision_of(fields: &Map<String, Value>) -> Option<&str> {
    let several = fields.get("revisions").and_then(Value::as_array).into_iter().flatten();
    text(fields.get("revision")).or_else(|| several.into_iter().find_map(|revision| text(Some(revision))))
}

/// `https://host/owner/name.git` and `git@host:owner/name` as `owner/name`.
fn repository(address: &str) -> &str {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => address.split_once(':').map_or(address, |(_, path)| path),
    };
    path.strip_suffix(".git").unwrap_or(path).trim_matches('/')
}
