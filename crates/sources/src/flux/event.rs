//! What every event has, and what one about a Kustomization means.

use domain::event::EventKind;
use domain::{Problem, Timestamp};
use serde_json::Value;

use super::revision::Revision;
use crate::Parsed;
use crate::body::{Body, Draft};
use crate::first_time::earliest_wins;
use crate::json::{clip, text};

/// Before any first time: failures are older than what came of them in the end.
const LONG_AGO: i64 = -100 * 365 * domain::time::DAY;

/// An event.
pub(super) struct Told<'a> {
    pub(super) body: &'a Body<'a>,
    pub(super) kind: &'a str,
    pub(super) reason: &'a str,
    pub(super) failed: bool,
    pub(super) message: Option<&'a str>,
    pub(super) at: Timestamp,
    name: &'a str,
}

impl<'a> Told<'a> {
    pub(super) fn read(body: &'a Body<'a>) -> Result<Self, Problem> {
        Ok(Told {
            body,
            kind: body.need("/involvedObject/kind", "it says what the event is about.")?,
            name: body.need("/involvedObject/name", "it says what the event is about.")?,
            reason: body.need("/reason", "it says what happened.")?,
            failed: body.text("/severity") == Some("error"),
            message: body.text("/message"),
            at: body.need_instant("/timestamp", "it says when it happened.")?,
        })
    }

    /// One deployment a revision, however often it is tried: the first success stays, whatever fails before or after.
    pub(super) fn kustomization(&self) -> Result<Parsed, Problem> {
        let status = match self.reason {
            "ReconciliationSucceeded" => "succeeded",
            "Progressing" => "in_progress",
            "DependencyNotReady" | "ArtifactFailed" => {
                return Ok(Parsed::ignored("it waits for what it depends on: nothing of it has begun"));
            }
            _ if self.failed => "failed",
            other => return Ok(self.says_nothing(other)),
        };
        let Some(revision) = self.revision() else {
            return Ok(Parsed::ignored("the event does not say which revision it is about"));
        };
        let first = earliest_wins(self.at);
        let (in_the_end, on_the_way) = (first, first.plus(LONG_AGO));
        let draft = self.draft(&format!("{}:{}", self.object(), revision.name), &revision).set("status", status);
        match status {
            "succeeded" => draft.at("finished_at", self.at).at("updated_at", in_the_end),
            "failed" => {
                draft.at("finished_at", self.at).copy_text("status_reason", self.message).at("updated_at", on_the_way)
            }
            _ => draft.at("started_at", self.at).at("updated_at", on_the_way.plus(LONG_AGO)),
        }
        .alone()
    }

    pub(super) fn says_nothing(&self, reason: &str) -> Parsed {
        Parsed::ignored(format!(
            "the event `{}` does not say that something was deployed",
            clip(reason, 64).escape_debug()
        ))
    }

    /// The object by its uid, which a new one of the same name does not have.
    pub(super) fn object(&self) -> String {
        self.body.text("/involvedObject/uid").map_or_else(
            || format!("{}/{}/{}", self.kind, self.namespace().unwrap_or("default"), self.name),
            str::to_owned,
        )
    }

    fn namespace(&self) -> Option<&str> {
        self.body.text("/involvedObject/namespace")
    }

    /// A value of the event's metadata: what the controller or the alert says. Some names have the controller's before them.
    fn metadata(&self, name: &str) -> Option<&str> {
        let all = self.body.get("/metadata").and_then(Value::as_object)?;
        let named =
            |known: &str| known == name || known.strip_suffix(name).is_some_and(|before| before.ends_with(".io/"));
        text(all.get(name)).or_else(|| all.iter().find_map(|(known, value)| text(Some(value)).filter(|_| named(known))))
    }

    /// Where artifacts are made of a commit and pushed to a registry, the commit is their origin.
    pub(super) fn revision(&self) -> Option<Revision> {
        self.metadata("originRevision").or_else(|| self.metadata("revision")).map(Revision::read)
    }

    /// What is told of every deployment.
    pub(super) fn draft(&self, id: &str, revision: &Revision) -> Draft<'a> {
        let environment = self.metadata("environment").or_else(|| self.metadata("env"));
        let mut draft = self
            .body
            .draft(EventKind::Deployment)
            .set("id", id)
            .set("component", self.metadata("component").unwrap_or(self.name))
            .set("environment", environment.unwrap_or("production"))
            .maybe("environment_assumed", environment.is_none().then_some(true))
            .set("revision", revision.name.as_str())
            .maybe("revision_original", revision.original.as_deref())
            .maybe("version", self.metadata("app-version"))
            .set("trigger", "automated")
            .mark("application", Some(self.name))
            .mark("namespace", self.namespace())
            .mark("cluster", self.metadata("cluster"));
        for name in ["product", "instance", "team"] {
            draft = draft.maybe(name, self.metadata(name));
        }
        draft
    }
}
