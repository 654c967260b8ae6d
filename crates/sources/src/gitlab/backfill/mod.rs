//! GitLab's past through its REST API.
//!
//! Projects one after another; of each its commits, tags, releases, pipelines with their jobs, deployments, merge requests
//! with their commits and remarks, and issues. What cannot be read is noted and does not stop the rest. Whatever was read
//! in a run is not asked for again in it, however often it is interrupted.

mod check;
mod commits;
mod explain;
mod lists;
mod parts;
mod projects;

use std::time::Duration;

use self::projects::Project;
use crate::poll::{
    Ask, Backfill, Client, Credentials, Failure, Fetched, History, Host, Outcome, Page, Part, PollError, Progress,
    Refusal, Settings, same_server,
};

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "https://gitlab.com/api/v4",
    permissions: "a project or group access token, or a personal one, with the scope `read_api` and the role Reporter",
    options: &[],
    every: Duration::from_secs(3_600),
    overlap: Duration::from_secs(600),
    check: check::check,
    run,
};

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    let Credentials::Token(token) = &settings.credentials else {
        return (Progress::default(), Err(PollError::Failed(check::WAYS.to_owned())));
    };
    let mut reader = Reader { settings, host, client: Client::new("GitLab", "www-authenticate"), token };
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
    token: &'a str,
}

impl Reader<'_> {
    fn everything(&mut self) -> Result<(), PollError> {
        let projects = self.projects()?;
        self.client.progress.repositories_total = projects.len() as u64;
        for project in &projects {
            let key = format!("done {}", project.id);
            if self.host.recall(&key)?.as_deref() != Some(&self.settings.run) {
                let before = self.client.progress.failures.len();
                self.project(project)?;
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
    fn project(&mut self, project: &Project) -> Result<(), PollError> {
        self.client.progress.repository = Some(project.path.clone());
        let mut heads = Vec::new();
        self.part(project, "commits", |reader| reader.default_branch(project))?;
        heads.extend(self.part(project, "tags", |reader| reader.tags(project))?.unwrap_or_default());
        self.part(project, "releases", |reader| reader.releases(project))?;
        self.part(project, "pipelines", |reader| reader.pipelines(project))?;
        heads.extend(self.part(project, "deployments", |reader| reader.deployments(project))?.unwrap_or_default());
        self.part(project, "merge_requests", |reader| reader.merge_requests(project))?;
        self.part(project, "commits", |reader| reader.unknown_commits(project, &heads))?;
        self.part(project, "issues", |reader| reader.issues(project))?;
        Ok(())
    }

    /// Reads one part of a project; what is wrong with it is noted and stops nothing else.
    fn part<T>(
        &mut self,
        project: &Project,
        resource: &'static str,
        read: impl FnOnce(&mut Self) -> Part<T>,
    ) -> Result<Option<T>, PollError> {
        self.client.progress.resource = Some(resource.to_owned());
        self.host.tell(&self.client.progress);
        match read(self) {
            Ok(read) => Ok(Some(read)),
            // What is switched off in a project has nothing to tell.
            Err(Refusal::This { status: Some(403), .. }) if !project.has(resource) => Ok(None),
            Err(refusal) => self.note(&project.path, resource, refusal).map(|()| None),
        }
    }

    fn note(&mut self, of: &str, resource: &str, refusal: Refusal) -> Result<(), PollError> {
        match refusal {
            Refusal::Everything(error) => Err(error),
            Refusal::This { message, .. } => {
                let (repository, resource) = (of.to_owned(), resource.to_owned());
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

    fn get(&mut self, url: &str, what: &str) -> Part<Fetched> {
        // A page names the next one: the token is for the API alone.
        if !same_server(url, &self.settings.api_url) {
            let why = format!("GitLab names a page of {what} on another server, which is not asked");
            return Err(Refusal::this(None, why));
        }
        let headers = vec![("private-token", self.token.to_owned()), ("accept", "application/json".to_owned())];
        let ask = Ask { url, what, headers, etag: None, post: None };
        let explain = |status: u16, body: &str, _: Option<&str>| explain::refusal(what, status, body);
        match self.client.ask(self.host, &ask, &explain) {
            Err(Refusal::This { status: Some(401), message }) => Err(Refusal::everything(message)),
            other => other,
        }
    }

    fn keep(
        &mut self,
        project: &Project,
        resource: &'static str,
        context: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Part<()> {
        self.host.keep(Page { resource, repository: project.path.clone(), context, body })?;
        Ok(())
    }

    /// Counts a page that came, with so many things on it.
    fn counted(&mut self, items: usize) {
        self.client.progress.pages += 1;
        self.client.progress.items += items as u64;
        self.host.tell(&self.client.progress);
    }
}
