//! Which repositories are read: those that are named, and all of an owner.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PER_PAGE, Part, Reader, Trail};
use crate::json::text;
use crate::poll::{PollError, Refusal};

/// A repository to read.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    /// `owner/name`, as GitHub writes it.
    pub(super) name: String,
    /// The branch whose commits are read.
    pub(super) branch: Option<String>,
}

impl Repository {
    pub(super) fn owner(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The path of something of it, below the API's root.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}{rest}", self.name)
    }

    fn read(repository: &Value) -> Option<Self> {
        let name = text(repository.get("full_name"))?.to_owned();
        Some(Repository { name, branch: text(repository.get("default_branch")).map(str::to_owned) })
    }
}

impl Reader<'_> {
    /// Each once, in the order of the settings. One that cannot be read is noted.
    pub(super) fn repositories(&mut self) -> Result<Vec<Repository>, PollError> {
        self.client.progress.resource = Some("repositories".to_owned());
        self.host.tell(&self.client.progress);
        let mut found = Vec::new();
        for name in &self.settings.repositories {
            match self.named(name) {
                Ok(repository) => found.push(repository),
                Err(refusal) => self.note(name, "repository", refusal)?,
            }
        }
        for owner in self.owners()? {
            match self.of_owner(&owner) {
                Ok(repositories) => found.extend(repositories),
                Err(refusal) => self.note(&owner, "repositories", refusal)?,
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|repository| seen.insert(repository.name.to_ascii_lowercase()));
        Ok(found)
    }

    /// Owners of the settings; of an app with nothing named wherever it is installed.
    fn owners(&mut self) -> Result<Vec<String>, PollError> {
        if !self.settings.owners.is_empty() || !self.settings.repositories.is_empty() {
            return Ok(self.settings.owners.clone());
        }
        match self.auth.installed(&mut self.client, self.host) {
            Ok(installed) => Ok(installed.unwrap_or_default()),
            Err(refusal) => self.note("the app", "installations", refusal).map(|()| Vec::new()),
        }
    }

    fn named(&mut self, name: &str) -> Part<Repository> {
        let owner = name.split('/').next().unwrap_or_default();
        let url = self.url(&format!("/repos/{name}"));
        let answer = self.get(owner, &url, &format!("the repository {name}"), None)?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Repository::read(&body).ok_or_else(|| {
            Refusal::this(None, format!("what is told of {name} is no repository of GitHub; is `api_url` right?"))
        })
    }

    /// All of an owner but forks: their history is somebody else's. An app sees those it is installed for.
    fn of_owner(&mut self, owner: &str) -> Part<Vec<Repository>> {
        let what = format!("the repositories of {owner}");
        let first = if self.auth.renews() {
            self.url("/installation/repositories?per_page=100")
        } else {
            let url = self.url(&format!("/users/{owner}"));
            let answer = self.get(owner, &url, owner, None)?;
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            // Sorted by when they were made, so that a new one comes last and moves no other.
            let place = if text(body.get("type")) == Some("Organization") { "orgs" } else { "users" };
            self.url(&format!("/{place}/{owner}/repos?per_page={PER_PAGE}&sort=created&direction=asc"))
        };
        let mut found = Vec::new();
        let mut next = Some(first);
        let mut trail = Trail::default();
        while let Some(url) = next {
            trail.go(&url, &what)?;
            let page = self.get(owner, &url, &what, None)?;
            let body: Value = serde_json::from_slice(&page.body).unwrap_or_default();
            let items = body.get("repositories").unwrap_or(&body).as_array().cloned().unwrap_or_default();
            let own = items.iter().filter(|item| item.get("fork") != Some(&Value::Bool(true)));
            found.extend(own.filter_map(Repository::read));
            next = page.next;
        }
        Ok(found)
    }
}
