//! The lists of a repository, and the parts each thing on them has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::repositories::Repository;
use super::resources::{ALL_PULL_REQUESTS, DEPLOYMENTS, ISSUES, Item, PULL_REQUESTS, RELEASES, RUNS, TAG_REFS, TAGS};
use super::{Part, Reader, Trail};
use crate::github::page::{AUTHOR, NUMBER, TRIGGER, UPDATED_AT};
use crate::json::text;
use crate::poll::{Refusal, seconds};

/// Attempts of one run, at most.
const ATTEMPTS: u64 = 100;

/// What is remembered of the parts of a thing.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Read {
    /// The run they were read in.
    run: String,
    /// Version of the thing they were read for.
    version: String,
    /// Tag of their only page.
    etag: Option<String>,
}

/// Parts of a thing.
struct Of<'a> {
    resource: &'static str,
    path: String,
    context: Vec<(&'static str, String)>,
    item: &'a Item,
    /// What else has to be known to read a page of them.
    more: &'a dyn Fn(&Value) -> Option<(&'static str, String)>,
    /// They change only when the thing does.
    versioned: bool,
    /// They are one delivery however many pages they are.
    whole: bool,
}

impl Reader<'_> {
    /// The commits tags name.
    pub(super) fn tags(&mut self, repository: &Repository) -> Part<Vec<String>> {
        let tags = self.list(repository, &TAGS, "/tags?per_page=100", None, true)?;
        let references = self.list(repository, &TAG_REFS, "/git/matching-refs/tags/?per_page=100", None, false)?;
        for item in references.iter().filter(|reference| reference.marked) {
            let Some(sha) = &item.sha else { continue };
            let path = format!("/git/tags/{sha}");
            self.object(repository, "tag_object", path, item)?;
        }
        Ok(tags.into_iter().filter_map(|tag| tag.sha).collect())
    }

    pub(super) fn releases(&mut self, repository: &Repository) -> Part<()> {
        self.list(repository, &RELEASES, "/releases?per_page=100", self.settings.since, true).map(|_| ())
    }

    /// The commits deployments name. `by_hand`: runs that a person started.
    pub(super) fn deployments(&mut self, repository: &Repository, by_hand: &BTreeSet<String>) -> Part<Vec<String>> {
        let mut deployments =
            self.list(repository, &DEPLOYMENTS, "/deployments?per_page=100", self.settings.since, true)?;
        // Newest first: what people look at is there first.
        deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.at));
        // A status of a workflow's job links to its run.
        let more = |page: &Value| {
            let statuses = page.as_array().into_iter().flatten();
            let by_person = statuses.filter_map(run_of).any(|run| by_hand.contains(run));
            by_person.then(|| (TRIGGER, "manual".to_owned()))
        };
        for item in &deployments {
            let path = format!("/deployments/{}/statuses?per_page=100", item.id);
            let context = vec![(NUMBER, item.id.clone())];
            self.parts(
                repository,
                Of {
                    resource: "deployment_statuses",
                    path,
                    context,
                    item,
                    more: &more,
                    versioned: false,
                    whole: false,
                },
            )?;
        }
        Ok(deployments.into_iter().filter_map(|deployment| deployment.sha).collect())
    }

    /// Of those that were merged also their commits and reviews.
    pub(super) fn pull_requests(&mut self, repository: &Repository) -> Part<()> {
        let since = self.settings.since;
        let requests = match since {
            Some(_) => {
                let path = "/pulls?state=all&sort=updated&direction=desc&per_page=100";
                self.list(repository, &PULL_REQUESTS, path, since, true)?
            }
            None => {
                let path = "/pulls?state=all&sort=created&direction=asc&per_page=100";
                self.list(repository, &ALL_PULL_REQUESTS, path, None, true)?
            }
        };
        for item in requests.iter().filter(|request| request.marked) {
            let number = (NUMBER, item.id.clone());
            let context = vec![number.clone(), (UPDATED_AT, item.version.clone())];
            let path = format!("/pulls/{}/commits?per_page=100", item.id);
            self.parts(
                repository,
                Of { resource: "pull_request_commits", path, context, item, more: &none, versioned: true, whole: true },
            )?;
            let context = vec![number, (AUTHOR, item.author.clone().unwrap_or_default())];
            let path = format!("/pulls/{}/reviews?per_page=100", item.id);
            self.parts(
                repository,
                Of {
                    resource: "pull_request_reviews",
                    path,
                    context,
                    item,
                    more: &none,
                    versioned: true,
                    whole: false,
                },
            )?;
        }
        Ok(())
    }

    /// Of runs that were tried again also the earlier attempts: the list has the last one only. Those a person started.
    pub(super) fn runs(&mut self, repository: &Repository) -> Part<BTreeSet<String>> {
        let runs = self.list(repository, &RUNS, "/actions/runs?per_page=100", self.settings.since, true)?;
        for item in &runs {
            for attempt in 1..item.attempt.unwrap_or(1).min(ATTEMPTS) {
                let path = format!("/actions/runs/{}/attempts/{attempt}", item.id);
                self.object(repository, "run_attempt", path, item)?;
            }
        }
        Ok(runs.into_iter().filter(|run| run.marked).map(|run| run.id).collect())
    }

    /// All of them: which are incidents is for the same rules to say that read webhooks.
    pub(super) fn issues(&mut self, repository: &Repository) -> Part<()> {
        let since = self.settings.since.map(|since| format!("&since={}", seconds(since))).unwrap_or_default();
        let path = format!("/issues?state=all&sort=created&direction=asc&per_page=100{since}");
        match self.list(repository, &ISSUES, &path, None, true) {
            // Issues are switched off in this repository.
            Err(Refusal::This { status: Some(410), .. }) => Ok(()),
            read => read.map(|_| ()),
        }
    }

    /// One object, which is told in full nowhere else.
    fn object(&mut self, repository: &Repository, resource: &'static str, path: String, item: &Item) -> Part<()> {
        self.parts(
            repository,
            Of { resource, path, context: Vec::new(), item, more: &none, versioned: true, whole: false },
        )
    }

    fn parts(&mut self, repository: &Repository, of: Of<'_>) -> Part<()> {
        let key = format!("parts {}", repository.path(&of.path));
        let known: Read = match self.host.recall(&key)? {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => Read::default(),
        };
        let same = known.version == of.item.version;
        if same && !known.run.is_empty() && (of.versioned || known.run == self.settings.run) {
            return Ok(());
        }
        let etag = known.etag.filter(|_| !of.whole);
        let read = match self.pages_of(repository, &of, etag.as_deref()) {
            // What was there when the list was read is gone: nothing is missing.
            Err(Refusal::This { status: Some(404 | 410), .. }) => return Ok(()),
            read => read?,
        };
        let read = Read { run: self.settings.run.clone(), version: of.item.version.clone(), etag: read };
        let text = serde_json::to_string(&read).map_err(|error| Refusal::everything(error.to_string()))?;
        self.host.remember(&key, &text)?;
        Ok(())
    }

    /// Keeps all pages of the parts of a thing; the tag of the page when there is only one.
    fn pages_of(&mut self, repository: &Repository, of: &Of<'_>, etag: Option<&str>) -> Part<Option<String>> {
        let what = format!("{} of {} {}", of.resource.replace('_', " "), repository.name, of.item.id);
        let mut all = Vec::new();
        let mut etag = etag;
        let mut next = Some(self.url(&repository.path(&of.path)));
        let (mut pages, mut last) = (0, None);
        let mut trail = Trail::default();
        while let Some(url) = next {
            trail.go(&url, &what)?;
            let answer = self.get(repository.owner(), &url, &what, etag.take())?;
            if answer.unchanged {
                self.count_unchanged();
                return Ok(etag_of(1, answer.etag));
            }
            let body: Value = serde_json::from_slice(&answer.body)
                .map_err(|_| Refusal::this(None, format!("a page of {what} is not JSON; is `api_url` right?")))?;
            let items = body.as_array().map_or(1, Vec::len);
            self.count(items);
            if of.whole {
                all.extend(body.as_array().cloned().unwrap_or_default());
            } else if items > 0 {
                let context = of.context.iter().cloned().chain((of.more)(&body)).collect();
                self.keep(&repository.name, of.resource, context, answer.body)?;
            }
            pages += 1;
            last = answer.etag;
            next = answer.next;
        }
        if of.whole && !all.is_empty() {
            self.keep(&repository.name, of.resource, of.context.clone(), Value::Array(all).to_string().into_bytes())?;
        }
        Ok(etag_of(pages, last))
    }
}

fn none(_: &Value) -> Option<(&'static str, String)> {
    None
}

/// The workflow run a deployment's status links to.
fn run_of(status: &Value) -> Option<&str> {
    let link = ["log_url", "target_url"].iter().find_map(|name| text(status.get(*name)))?;
    let (_, rest) = link.split_once("/actions/runs/")?;
    rest.split(['/', '?', '#']).next()
}

/// A tag of one page says nothing of others.
fn etag_of(pages: usize, etag: Option<String>) -> Option<String> {
    etag.filter(|_| pages == 1)
}
