//! GitHub's past through its REST API.
//!
//! Repositories one after another; of each its commits, tags, releases, deployments with their statuses, pull requests
//! with their commits and reviews, workflow runs and issues. What cannot be read is noted and does not stop the rest.
//! Whatever was read in a run is not asked for again in it, however often it is interrupted; in a later run a page that
//! has not changed costs nothing of the rate limit.

mod auth;
mod check;
mod commits;
mod explain;
mod lists;
mod parts;
mod repositories;
mod resources;

use std::time::Duration;

use self::auth::Auth;
use self::repositories::Repository;
use crate::poll::{
    Ask, Backfill, Client, Failure, Fetched, History, Host, Outcome, Page, Part, PollError, Progress, Refusal,
    Settings, Trail, same_server,
};

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "https://api.github.com",
    permissions: "a fine-grained token or a GitHub App that may read Metadata, Contents, Deployments, Actions, Pull \
                  requests and Issues of the repositories; of a classic token the scope `repo`",
    options: &[],
    every: Duration::from_secs(3_600),
    overlap: Duration::from_secs(600),
    check: check::check,
    run,
};

/// Most things GitHub gives on a page.
const PER_PAGE: usize = 100;
/// Header of a 403 that names the permission it lacks.
const LACKING: &str = "x-accepted-github-permissions";

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    let mut reader = match Auth::new(settings) {
        Ok(auth) => Reader { settings, host, client: Client::new("GitHub", LACKING), auth },
        Err(why) => return (Progress::default(), Err(PollError::Failed(why))),
    };
    let done = reader.everything();
    let mut progress = reader.client.progress;
    progress.repository = None;
    progress.resource = None;
    progress.waiting = None;
    (progress, done)
}

struct Reader<'a> {
    settings: &'a Settings,
    host: &'a mut dyn Host,
    client: Client,
    auth: Auth,
}

impl Reader<'_> {
    fn everything(&mut self) -> Result<(), PollError> {
        let repositories = self.repositories()?;
        self.client.progress.repositories_total = repositories.len() as u64;
        for repository in &repositories {
            let key = format!("done {}", repository.name);
            if self.host.recall(&key)?.as_deref() != Some(&self.settings.run) {
                let before = self.client.progress.failures.len();
                self.repository(repository)?;
                // What failed is tried again when this run goes on.
                if self.client.progress.failures.len() == before {
                    self.host.remember(&key, &self.settings.run)?;
                }
            }
            self.client.progress.repositories_done += 1;
            self.host.tell(&self.client.progress);
        }
        Ok(())
    }

    /// Commits come first: whatever names a commit is linked when it arrives, and not once more when the commit does.
    fn repository(&mut self, repository: &Repository) -> Result<(), PollError> {
        self.client.progress.repository = Some(repository.name.clone());
        let mut heads = Vec::new();
        self.part(repository, "commits", |reader| reader.default_branch(repository))?;
        heads.extend(self.part(repository, "tags", |reader| reader.tags(repository))?.unwrap_or_default());
        self.part(repository, "releases", |reader| reader.releases(repository))?;
        // Before deployments: a workflow that deploys tells whether a person started it.
        let by_hand = self.part(repository, "runs", |reader| reader.runs(repository))?.unwrap_or_default();
        let deployed = self.part(repository, "deployments", |reader| reader.deployments(repository, &by_hand))?;
        heads.extend(deployed.unwrap_or_default());
        self.part(repository, "pull_requests", |reader| reader.pull_requests(repository))?;
        self.part(repository, "commits", |reader| reader.unknown_commits(repository, &heads))?;
        self.part(repository, "issues", |reader| reader.issues(repository))?;
        Ok(())
    }

    /// Reads one part of a repository; what is wrong with it is noted and stops nothing else.
    fn part<T>(
        &mut self,
        repository: &Repository,
        resource: &'static str,
        read: impl FnOnce(&mut Self) -> Part<T>,
    ) -> Result<Option<T>, PollError> {
        self.client.progress.resource = Some(resource.to_owned());
        self.host.tell(&self.client.progress);
        match read(self) {
            Ok(read) => Ok(Some(read)),
            Err(refusal) => self.note(&repository.name, resource, refusal).map(|()| None),
        }
    }

    fn note(&mut self, repository: &str, resource: &str, refusal: Refusal) -> Result<(), PollError> {
        match refusal {
            Refusal::Everything(error) => Err(error),
            Refusal::This { message, .. } => {
                let (repository, resource) = (repository.to_owned(), resource.to_owned());
                self.client.progress.failures.push(Failure { repository, resource, message });
                self.host.tell(&self.client.progress);
                Ok(())
            }
        }
    }

    /// An address below the API's root.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.api_url)
    }

    /// Asks for a page as whoever may read what belongs to `owner`.
    fn get(&mut self, owner: &str, url: &str, what: &str, etag: Option<&str>) -> Part<Fetched> {
        // A page names the next one: the token is for the API alone.
        if !same_server(url, &self.settings.api_url) {
            return Err(Refusal::this(
                None,
                format!("GitHub names a page of {what} on another server, which is not asked"),
            ));
        }
        let mut again = self.auth.renews();
        loop {
            let bearer = self.auth.bearer(&mut self.client, self.host, owner)?;
            let ask = Ask { url, what, headers: auth::headers(&bearer), etag, post: None };
            let explain =
                |status: u16, body: &str, lacking: Option<&str>| explain::refusal(what, status, body, lacking);
            match self.client.ask(self.host, &ask, &explain) {
                Err(Refusal::This { status: Some(401), message }) => {
                    // An app's token lasts an hour, and less when somebody changes the app.
                    if !std::mem::take(&mut again) {
                        return Err(Refusal::everything(message));
                    }
                    self.auth.forget(owner);
                }
                other => return other,
            }
        }
    }

    fn keep(
        &mut self,
        repository: &str,
        resource: &'static str,
        context: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Part<()> {
        self.host.keep(Page { resource, repository: repository.to_owned(), context, body })?;
        Ok(())
    }

    /// Counts a page that came, with so many things on it.
    fn count(&mut self, items: usize) {
        self.client.progress.pages += 1;
        self.client.progress.items += items as u64;
        self.host.tell(&self.client.progress);
    }

    fn count_unchanged(&mut self) {
        self.client.progress.unchanged_pages += 1;
        self.host.tell(&self.client.progress);
    }
}
