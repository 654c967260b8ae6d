//! The commit graph of a repository: the default branch, and what tags, deployments and pull requests name beside it.
//!
//! The history of one commit never changes, so it is read from a fixed one back and no page of it ever moves.

use std::collections::BTreeSet;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fetched, Host, Part, Refusal, Trail};
use crate::json::text;

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
pub(crate) struct Walk {
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

/// Who can be asked for commits.
pub(crate) trait History {
    /// A repository as its host knows it.
    type Repository;

    /// Where it runs.
    fn host(&mut self) -> &mut dyn Host;
    /// Nothing older is wanted.
    fn since(&self) -> Option<Timestamp>;
    /// The name under which the repository's commits are known.
    fn name(repository: &Self::Repository) -> &str;
    /// Where a commit has its hash.
    fn hash() -> &'static str;
    /// The commit the default branch stands at; none of an empty repository.
    fn head(&mut self, repository: &Self::Repository) -> Part<Option<String>>;
    /// The first page of the history of a commit, newest first.
    fn history(&self, repository: &Self::Repository, head: &str) -> String;
    /// Asks for a page of it.
    fn page(&mut self, repository: &Self::Repository, url: &str, what: &str) -> Part<Fetched>;
    /// Keeps one that is news.
    fn keep_commits(&mut self, repository: &Self::Repository, page: Vec<u8>) -> Part<()>;
    /// Counts one that came.
    fn count(&mut self, items: usize);

    /// All of it the first time, what is new after that.
    fn default_branch(&mut self, repository: &Self::Repository) -> Part<()> {
        let since = self.since().map(Timestamp::micros);
        let key = format!("walk {}", Self::name(repository));
        let known = self.host().recall(&key)?.and_then(|text| serde_json::from_str::<Walk>(&text).ok());
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
    fn unknown_commits(&mut self, repository: &Self::Repository, heads: &[String]) -> Part<()> {
        let mut tried = BTreeSet::new();
        loop {
            let all = self.since().is_none();
            let unknown = self.host().unknown_commits(Self::name(repository), heads, all)?;
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
    fn below(&mut self, repository: &Self::Repository, head: String) -> Part<()> {
        let since = self.since().map(Timestamp::micros);
        let key = format!("head {} {head}", Self::name(repository));
        let missed = self.host().recall(&key)?.and_then(|text| serde_json::from_str::<Missed>(&text).ok());
        // What was not there, or was older than what was asked for, is asked for again only further back.
        if missed.is_some_and(|missed| {
            missed.gone || since.is_some_and(|since| missed.since.is_some_and(|own| own <= since))
        }) {
            return Ok(());
        }
        let one = std::slice::from_ref(&head);
        if self.host().unknown_commits(Self::name(repository), one, false)?.is_empty() {
            return Ok(());
        }
        let next = Some(self.history(repository, &head));
        let mut walk = Walk { head: head.clone(), since, next, to_known: true, past: None };
        let gone = match self.pages(repository, &mut walk, |_, _| Ok(())) {
            // A commit that was thrown away, or is of another repository.
            Err(Refusal::This { status: Some(404 | 409 | 422), .. }) => true,
            walked => walked.map(|()| false)?,
        };
        if gone || !self.host().unknown_commits(Self::name(repository), one, false)?.is_empty() {
            let text = serde_json::to_string(&Missed { gone, since });
            self.host().remember(&key, &text.map_err(|error| Refusal::everything(error.to_string()))?)?;
        }
        Ok(())
    }

    /// Reads on, and remembers after each page how far it is.
    fn walk(&mut self, repository: &Self::Repository, key: &str, walk: &mut Walk) -> Part<()> {
        self.pages(repository, walk, |reader, walk| {
            let text = serde_json::to_string(walk).map_err(|error| Refusal::everything(error.to_string()))?;
            Ok(reader.host().remember(key, &text)?)
        })
    }

    fn pages(
        &mut self,
        repository: &Self::Repository,
        walk: &mut Walk,
        mut read: impl FnMut(&mut Self, &Walk) -> Part<()>,
    ) -> Part<()> {
        let what = format!("commits of {}", Self::name(repository));
        let mut trail = Trail::default();
        while let Some(url) = walk.next.clone() {
            trail.go(&url, &what)?;
            let answer = self.page(repository, &url, &what)?;
            let page: Vec<Value> = serde_json::from_slice(&answer.body)
                .map_err(|_| Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")))?;
            let shas: Vec<String> =
                page.iter().filter_map(|commit| text(commit.get(Self::hash())).map(str::to_owned)).collect();
            walk.past = walk.past.take().filter(|past| !shas.contains(past));
            let ends = walk.to_known && walk.past.is_none();
            let known = ends && self.host().unknown_commits(Self::name(repository), &shas, false)?.is_empty();
            self.count(page.len());
            if !page.is_empty() && !known {
                self.keep_commits(repository, answer.body)?;
            }
            walk.next = answer.next.filter(|_| !known);
            read(self, walk)?;
        }
        Ok(())
    }
}
