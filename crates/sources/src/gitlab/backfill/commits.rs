//! The commit graph, as GitLab tells it.

use domain::Timestamp;
use serde_json::Value;

use super::Reader;
use super::projects::Project;
use crate::json::text;
use crate::poll::{Fetched, History, Host, Part, Refusal, seconds};

impl History for Reader<'_> {
    type Repository = Project;

    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn since(&self) -> Option<Timestamp> {
        self.settings.since
    }

    fn name(project: &Project) -> &str {
        &project.path
    }

    fn hash() -> &'static str {
        "id"
    }

    fn head(&mut self, project: &Project) -> Part<Option<String>> {
        let Some(branch) = &project.branch else { return Ok(None) };
        let mut url = url::Url::parse(&self.url(&project.below("/repository/branches")))
            .map_err(|_| Refusal::everything("api_url is not an address"))?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(branch);
        }
        let what = format!("the branch {branch} of {}", project.path);
        let answer = match self.get(url.as_str(), &what) {
            // A project without commits has a name for its branch all the same.
            Err(Refusal::This { status: Some(404), .. }) if project.is_empty => return Ok(None),
            answer => answer?,
        };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let sha = text(body.pointer("/commit/id")).filter(|sha| sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
        sha.map(|sha| Some(sha.to_owned())).ok_or_else(|| {
            Refusal::this(None, format!("what is told of {what} is no branch of GitLab; is `api_url` right?"))
        })
    }

    fn history(&self, project: &Project, head: &str) -> String {
        let since = self.settings.since.map(|since| format!("&since={}", seconds(since))).unwrap_or_default();
        self.url(&project.below(&format!("/repository/commits?ref_name={head}&per_page=100{since}")))
    }

    fn page(&mut self, _: &Project, url: &str, what: &str) -> Part<Fetched> {
        self.get(url, what)
    }

    fn keep_commits(&mut self, project: &Project, page: Vec<u8>) -> Part<()> {
        self.keep(project, "commits", Vec::new(), page)
    }

    fn count(&mut self, items: usize) {
        self.counted(items);
    }
}
