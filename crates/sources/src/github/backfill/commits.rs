//! The commit graph, as GitHub tells it.

use domain::Timestamp;
use serde_json::Value;

use super::repositories::Repository;
use super::{Part, Reader};
use crate::json::text;
use crate::poll::{Fetched, History, Host, Refusal, seconds};

impl History for Reader<'_> {
    type Repository = Repository;

    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn since(&self) -> Option<Timestamp> {
        self.settings.since
    }

    fn name(repository: &Repository) -> &str {
        &repository.name
    }

    fn hash() -> &'static str {
        "sha"
    }

    fn head(&mut self, repository: &Repository) -> Part<Option<String>> {
        let Some(branch) = &repository.branch else { return Ok(None) };
        let mut url = url::Url::parse(&self.url(&repository.path("/git/ref/heads")))
            .map_err(|_| Refusal::everything("api_url is not an address"))?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(branch.split('/'));
        }
        let what = format!("the branch {branch} of {}", repository.name);
        let answer = match self.get(repository.owner(), url.as_str(), &what, None) {
            // An empty repository has no commits.
            Err(Refusal::This { status: Some(409), .. }) => return Ok(None),
            answer => answer?,
        };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let sha = text(body.pointer("/object/sha")).filter(|sha| sha.bytes().all(|byte| byte.is_ascii_hexdigit()));
        sha.map(|sha| Some(sha.to_owned())).ok_or_else(|| {
            Refusal::this(None, format!("what is told of {what} is no branch of GitHub; is `api_url` right?"))
        })
    }

    fn history(&self, repository: &Repository, head: &str) -> String {
        let since = self.since().map(|since| format!("&since={}", seconds(since))).unwrap_or_default();
        self.url(&repository.path(&format!("/commits?sha={head}&per_page=100{since}")))
    }

    fn page(&mut self, repository: &Repository, url: &str, what: &str) -> Part<Fetched> {
        self.get(repository.owner(), url, what, None)
    }

    fn keep_commits(&mut self, repository: &Repository, page: Vec<u8>) -> Part<()> {
        self.keep(&repository.name, "commits", Vec::new(), page)
    }

    fn count(&mut self, items: usize) {
        Reader::count(self, items);
    }
}
