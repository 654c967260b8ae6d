//! The lists of a project, and the parts each thing on them has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Reader;
use super::lists::{Item, List};
use super::projects::Project;
use crate::gitlab::page::{AUTHOR, NUMBER, UPDATED_AT};
use crate::poll::{Part, Refusal, Trail, seconds};

/// What is remembered of the parts of a thing.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Read {
    /// The run they were read in.
    run: String,
    /// Version of the thing they were read for.
    version: String,
}

/// Parts of a thing.
struct Of<'a> {
    resource: &'static str,
    path: String,
    context: Vec<(&'static str, String)>,
    item: &'a Item,
    /// They are one delivery however many pages they are.
    whole: bool,
}

impl Reader<'_> {
    /// The commits tags name.
    pub(super) fn tags(&mut self, project: &Project) -> Part<Vec<String>> {
        let path = "/repository/tags?order_by=name&sort=asc&per_page=100";
        let tags = self.list(project, &List { resource: "tags", path, oldest: None, keep: true })?;
        Ok(tags.into_iter().filter_map(|tag| tag.sha).collect())
    }

    pub(super) fn releases(&mut self, project: &Project) -> Part<()> {
        let path = "/releases?order_by=released_at&sort=desc&per_page=100";
        let oldest = self.settings.since;
        self.list(project, &List { resource: "releases", path, oldest, keep: true }).map(|_| ())
    }

    /// The commits deployments name.
    pub(super) fn deployments(&mut self, project: &Project) -> Part<Vec<String>> {
        let path = format!("/deployments?{}", self.changed("id"));
        let list = List { resource: "deployments", path: &path, oldest: None, keep: true };
        Ok(self.list(project, &list)?.into_iter().filter_map(|deployment| deployment.sha).collect())
    }

    /// Each whole, for the list does not say when one ended, and with its jobs.
    pub(super) fn pipelines(&mut self, project: &Project) -> Part<()> {
        let path = format!("/pipelines?{}", self.changed("id"));
        let list = List { resource: "pipelines", path: &path, oldest: None, keep: false };
        for item in &self.list(project, &list)? {
            let path = format!("/pipelines/{}", item.id);
            let jobs = format!("{path}/jobs?include_retried=true&per_page=100");
            self.parts(project, Of { resource: "pipeline", path, context: Vec::new(), item, whole: false })?;
            let context = Vec::new();
            self.parts(project, Of { resource: "pipeline_jobs", path: jobs, context, item, whole: false })?;
        }
        Ok(())
    }

    /// Of those that were merged also their commits and remarks.
    pub(super) fn merge_requests(&mut self, project: &Project) -> Part<()> {
        let path = format!("/merge_requests?state=all&scope=all&{}", self.changed("created_at"));
        let list = List { resource: "merge_requests", path: &path, oldest: None, keep: true };
        for item in self.list(project, &list)?.iter().filter(|request| request.marked) {
            let number = (NUMBER, item.id.clone());
            let context = vec![number.clone(), (UPDATED_AT, item.version.clone())];
            let path = format!("/merge_requests/{}/commits?per_page=100", item.id);
            self.parts(project, Of { resource: "merge_request_commits", path, context, item, whole: true })?;
            let context = vec![number, (AUTHOR, item.author.clone().unwrap_or_default())];
            let path = format!("/merge_requests/{}/notes?order_by=created_at&sort=asc&per_page=100", item.id);
            self.parts(project, Of { resource: "merge_request_notes", path, context, item, whole: false })?;
        }
        Ok(())
    }

    /// All of them: which are incidents is for the same rules to say that read webhooks. Of those also when they were
    /// opened again.
    pub(super) fn issues(&mut self, project: &Project) -> Part<()> {
        let path = format!("/issues?scope=all&{}", self.changed("created_at"));
        let list = List { resource: "issues", path: &path, oldest: None, keep: true };
        for item in self.list(project, &list)?.iter().filter(|issue| issue.marked) {
            let path = format!("/issues/{}/resource_state_events?per_page=100", item.id);
            let context = vec![(NUMBER, item.id.clone())];
            self.parts(project, Of { resource: "issue_state_events", path, context, item, whole: false })?;
        }
        Ok(())
    }

    /// What changed since the beginning that is asked for, in the order of its changes; else all of it by `order`, in which
    /// nothing moves but what is deleted.
    fn changed(&self, order: &str) -> String {
        match self.settings.since {
            Some(since) => format!("updated_after={}&order_by=updated_at&sort=asc&per_page=100", seconds(since)),
            None => format!("order_by={order}&sort=asc&per_page=100"),
        }
    }

    fn parts(&mut self, project: &Project, of: Of<'_>) -> Part<()> {
        let key = format!("parts {}", project.below(&of.path));
        let known: Read = match self.host.recall(&key)? {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => Read::default(),
        };
        if known.version == of.item.version && !known.run.is_empty() {
            return Ok(());
        }
        match self.pages_of(project, &of) {
            // What was there when the list was read is gone: nothing is missing.
            Err(Refusal::This { status: Some(404 | 410), .. }) => return Ok(()),
            read => read?,
        }
        let read = Read { run: self.settings.run.clone(), version: of.item.version.clone() };
        let text = serde_json::to_string(&read).map_err(|error| Refusal::everything(error.to_string()))?;
        self.host.remember(&key, &text)?;
        Ok(())
    }

    /// Keeps all pages of the parts of a thing.
    fn pages_of(&mut self, project: &Project, of: &Of<'_>) -> Part<()> {
        let what = format!("{} of {} {}", of.resource.replace('_', " "), project.path, of.item.id);
        let mut all = Vec::new();
        let mut next = Some(self.url(&project.below(&of.path)));
        let mut trail = Trail::default();
        while let Some(url) = next {
            trail.go(&url, &what)?;
            let answer = self.get(&url, &what)?;
            let body: Value = serde_json::from_slice(&answer.body)
                .map_err(|_| Refusal::this(None, format!("a page of {what} is not JSON; is `api_url` right?")))?;
            let items = body.as_array().map_or(1, Vec::len);
            self.counted(items);
            if of.whole {
                all.extend(body.as_array().cloned().unwrap_or_default());
            } else if items > 0 {
                self.keep(project, of.resource, of.context.clone(), answer.body)?;
            }
            next = answer.next;
        }
        if of.whole && !all.is_empty() {
            self.keep(project, of.resource, of.context.clone(), Value::Array(all).to_string().into_bytes())?;
        }
        Ok(())
    }
}
