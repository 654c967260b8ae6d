//! The commit graph: the default branch, and what tags, deployments and pull requests name beside it.
//!
//! The history of one commit never changes, so it is read from a fixed one back and no page of it ever moves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::seconds;
use super::repositories::Repository;
use super::{Part, Reader, Trail};
use crate::json::text;
use crate::poll::Refusal;

/// Commits beside the default branch from which history is read, of one repository and in one run.
const HEADS: usize = 5_000;

/// Why the history of a commit did not bring it.
#[derive(Debug, Serialize, Deserialize)]
struct Missed {
    /// It is not there.
    gone: bool,
    /// It is older than this, in microseconds.
    since: Option<i64>,
}

/// How far the history of the default branch has been read.
#[derive(Debug, Serialize, Deserialize)]
struct Walk {
    /// From which commit.
    head: String,
    /// Not beyond this time, in microseconds.
    since: Option<i64>,
    /// The next page; none when it was read to its end.
    next: Option<String>,
    /// Whether it ends where everything is known: somebody has read the rest.
    to_known: bool,
    /// But not before this commit, at which the walk before began: webhooks tell commits too, and less of them.
    past: Option<String>,
}

impl Walk {
    /// Whether it has read all that one not beyond `since` reads.
    fn reaches(&self, since: Option<i64>) -> bool {
        self.since.is_none_or(|own| since.is_some_and(|since| own <= since))
    }
}

impl Reader<'_> {
    /// All of it the first time, what is new after that.
    pub(super) fn default_branch(&mut self, repository: &Repository) -> Part<()> {
        let since = self.since().map(domain::Timestamp::micros);
        let key = format!("walk {}", repository.name);
        let known = self.host.recall(&key)?.and_then(|text| serde_json::from_str::<Walk>(&text).ok());
        let mut known = known.filter(|walk| walk.reaches(since));
        if let Some(walk) = known.as_mut().filter(|walk| walk.next.is_some()) {
            self.walk(repository, &key, walk)?;
        }
        let Some(head) = self.head(repository)? else { return Ok(()) };
        if known.as_ref().is_some_and(|walk| walk.head == head) {
            return Ok(());
        }
        let next = Some(self.history(repository, &head));
        let (to_known, since) = (known.is_some(), known.as_ref().map_or(since, |walk| walk.since));
        let past = known.map(|walk| walk.head);
        self.walk(repository, &key, &mut Walk { head, since, next, to_known, past })
    }

    /// What nobody has told of yet: the commits of `heads` and, without a beginning in time, everything below what is
    /// known.
    pub(super) fn unknown_commits(&mut self, repository: &Repository, heads: &[String]) -> Part<()> {
        let mut tried = BTreeSet::new();
        loop {
            let unknown = self.host.unknown_commits(&repository.name, heads, self.since().is_none())?;
            let unknown: Vec<String> = unknown.into_iter().filter(|sha| !tried.contains(sha)).collect();
            if unknown.is_empty() || tried.len() >= HEADS {
                return Ok(());
            }
            for head in unknown {
                tried.insert(head.clone());
                self.below(repository, head)?;
            }
        }
    }

    /// The history of a commit that may be known by now, or may never be.
    fn below(&mut self, repository: &Repository, head: String) -> Part<()> {
        let since = self.since().map(domain::Timestamp::micros);
        let key = format!("head {} {head}", repository.name);
        let missed = self.host.recall(&key)?.and_then(|text| serde_json::from_str::<Missed>(&text).ok());
        // What was not there, or was older than what was asked for, is asked for again only further back.
        if missed.is_some_and(|missed| {
            missed.gone || since.is_some_and(|since| missed.since.is_some_and(|own| own <= since))
        }) {
            return Ok(());
        }
        let one = std::slice::from_ref(&head);
        if self.host.unknown_commits(&repository.name, one, false)?.is_empty() {
            return Ok(());
        }
        let next = Some(self.history(repository, &head));
        let mut walk = Walk { head: head.clone(), since, next, to_known: true, past: None };
        let gone = match self.pages(repository, &mut walk, |_, _| Ok(())) {
            // A commit that was thrown away, or is of another repository.
            Err(Refusal::This { status: Some(404 | 409 | 422), .. }) => true,
            walked => walked.map(|()| false)?,
        };
        if gone || !self.host.unknown_commits(&repository.name, one, false)?.is_empty() {
            let text = serde_json::to_string(&Missed { gone, since });
            self.host.remember(&key, &text.map_err(|error| Refusal::everything(error.to_string()))?)?;
        }
        Ok(())
    }

    /// The commit the default branch stands at; none of an empty repository.
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

    /// The first page of the history of a commit.
    fn history(&self, repository: &Repository, head: &str) -> String {
        let since = self.since().map(|since| format!("&since={}", seconds(since))).unwrap_or_default();
        self.url(&repository.path(&format!("/commits?sha={head}&per_page=100{since}")))
    }

    /// Reads on, and remembers after each page how far it is.
    fn walk(&mut self, repository: &Repository, key: &str, walk: &mut Walk) -> Part<()> {
        self.pages(repository, walk, |reader, walk| {
            let text = serde_json::to_string(walk).map_err(|error| Refusal::everything(error.to_string()))?;
            Ok(reader.host.remember(key, &text)?)
        })
    }

    fn pages(
        &mut self,
        repository: &Repository,
        walk: &mut Walk,
        mut read: impl FnMut(&mut Self, &Walk) -> Part<()>,
    ) -> Part<()> {
        let what = format!("commits of {}", repository.name);
        let mut trail = Trail::default();
        while let Some(url) = walk.next.clone() {
            trail.go(&url, &what)?;
            let answer = self.get(repository.owner(), &url, &what, None)?;
            let page: Vec<Value> = serde_json::from_slice(&answer.body)
                .map_err(|_| Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")))?;
            let shas: Vec<String> =
                page.iter().filter_map(|commit| text(commit.get("sha")).map(str::to_owned)).collect();
            walk.past = walk.past.take().filter(|past| !shas.contains(past));
            let ends = walk.to_known && walk.past.is_none();
            let known = ends && self.host.unknown_commits(&repository.name, &shas, false)?.is_empty();
            self.count(page.len());
            if !page.is_empty() && !known {
                self.keep(&repository.name, "commits", Vec::new(), answer.body)?;
            }
            walk.next = answer.next.filter(|_| !known);
            read(self, walk)?;
        }
        Ok(())
    }
}
