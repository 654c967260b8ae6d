//! Which projects are read: those that are named, and all of a group and the groups within it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Reader;
use crate::json::text;
use crate::poll::{Part, PollError, Refusal, Trail};

/// A project to read.
#[derive(Clone, Debug)]
pub(super) struct Project {
    /// Its number, which stays when it is renamed.
    pub(super) id: u64,
    /// `group/name`, as GitLab writes it.
    pub(super) path: String,
    /// The branch whose commits are read.
    pub(super) branch: Option<String>,
    /// Whether nothing was ever pushed.
    pub(super) is_empty: bool,
    /// Parts of it that are switched off.
    off: Vec<&'static str>,
}

/// Parts that can be switched off, and GitLab's name of the switch.
const SWITCHES: &[(&str, &str)] = &[
    ("commits", "repository_access_level"),
    ("tags", "repository_access_level"),
    ("releases", "releases_access_level"),
    ("pipelines", "builds_access_level"),
    ("deployments", "environments_access_level"),
    ("merge_requests", "merge_requests_access_level"),
    ("issues", "issues_access_level"),
];

impl Project {
    /// The path of something of it, below the API's root.
    pub(super) fn below(&self, rest: &str) -> String {
        format!("/projects/{}{rest}", self.id)
    }

    pub(super) fn has(&self, part: &str) -> bool {
        !self.off.contains(&part)
    }

    fn read(project: &Value) -> Option<Self> {
        let off = |switch: &str| text(project.get(switch)) == Some("disabled");
        Some(Project {
            id: project.get("id")?.as_u64()?,
            path: text(project.get("path_with_namespace"))?.to_owned(),
            branch: text(project.get("default_branch")).map(str::to_owned),
            is_empty: project.get("empty_repo") == Some(&Value::Bool(true)),
            off: SWITCHES.iter().filter(|(_, switch)| off(switch)).map(|(part, _)| *part).collect(),
        })
    }
}

/// A path in one step of an address.
fn one_step(path: &str) -> String {
    path.replace('/', "%2F")
}

impl Reader<'_> {
    /// Each once, in the order of the settings. One that cannot be read is noted.
    pub(super) fn projects(&mut self) -> Result<Vec<Project>, PollError> {
        self.client.progress.resource = Some("projects".to_owned());
        self.host.tell(&self.client.progress);
        let mut found = Vec::new();
        for path in &self.settings.repositories {
            match self.named(path) {
                Ok(project) => found.push(project),
                Err(refusal) => self.note(path, "project", refusal)?,
            }
        }
        for group in &self.settings.owners {
            match self.of_group(group) {
                Ok(projects) => found.extend(projects),
                Err(refusal) => self.note(group, "projects", refusal)?,
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|project| seen.insert(project.id));
        Ok(found)
    }

    fn named(&mut self, path: &str) -> Part<Project> {
        let url = self.url(&format!("/projects/{}", one_step(path)));
        let answer = self.get(&url, &format!("the project {path}"))?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Project::read(&body).ok_or_else(|| {
            Refusal::this(None, format!("what is told of {path} is no project of GitLab; is `api_url` right?"))
        })
    }

    /// All of a group but forks, whose history is somebody else's. In the order of their numbers, so that a new one comes
    /// last and moves no other.
    fn of_group(&mut self, group: &str) -> Part<Vec<Project>> {
        let what = format!("the projects of {group}");
        let query = "include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100";
        let mut next = Some(self.url(&format!("/groups/{}/projects?{query}", one_step(group))));
        let mut found = Vec::new();
        let mut trail = Trail::default();
        while let Some(url) = next {
            trail.go(&url, &what)?;
            let page = self.get(&url, &what)?;
            let items: Vec<Value> = serde_json::from_slice(&page.body)
                .map_err(|_| Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")))?;
            let own = items.iter().filter(|item| item.get("forked_from_project").is_none_or(Value::is_null));
            found.extend(own.filter_map(Project::read));
            next = page.next;
        }
        Ok(found)
    }
}
