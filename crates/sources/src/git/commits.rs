//! Commits as change events.

use domain::event::{Checks, Event, GIT, parse};
use domain::{Code, Problem, Timestamp};
use gix::ObjectId;
use serde_json::{Map, Value};

use super::paths::{self, Paths};
use super::times::usable;
use super::walk::Graph;
use super::{GitError, Repository, SkipReason, object};
use crate::json::clip;

const MESSAGE_BYTES: usize = 4 * 1024;
const AUTHOR_BYTES: usize = 512;

/// What to read of each commit.
#[derive(Clone, Copy, Debug)]
pub struct CommitOptions {
    /// The files it touches against its first parent; never for a merge. Without them reading is several times faster.
    pub paths: bool,
    /// The present instant: what lies after it is a wrong clock.
    pub now: Timestamp,
}

/// The commits of a repository, as change events in the order of [`Repository::commits`].
///
/// A time that cannot be (before the year 1, in the future, unreadable) is replaced: the commit's by the author's, else
/// by the latest of its parents', else by 1970; the author's is left out. Such an event is marked `time_assumed`.
///
/// Where the paths were asked for and cannot be told, `paths_left_out` says `too many` or `unknown`.
pub struct Commits<'a> {
    repository: &'a Repository,
    options: CommitOptions,
    graph: Graph,
    order: std::vec::IntoIter<u32>,
    /// `committed_at` as told, by the number of the node.
    told: Vec<Option<Timestamp>>,
    state: gix::diff::tree::State,
}

impl<'a> Commits<'a> {
    pub(super) fn new(repository: &'a Repository, options: CommitOptions) -> Result<Self, GitError> {
        let mut graph = Graph::read(repository)?;
        let order = graph.order();
        let told = vec![None; graph.nodes.len()];
        let state = gix::diff::tree::State::default();
        Ok(Commits { repository, options, graph, order: order.into_iter(), told, state })
    }

    /// How many parents of these commits are not in the repository: more than none in a shallow clone.
    #[must_use]
    pub fn missing_parents(&self) -> usize {
        self.graph.missing.len()
    }

    /// Branches and tags that lead to no commit, and why.
    #[must_use]
    pub fn skipped(&self) -> &[(String, SkipReason)] {
        &self.graph.skipped
    }

    fn event(&mut self, index: u32) -> Result<Event, Problem> {
        let now = self.options.now;
        let id = self.graph.nodes[index as usize].id;
        let found =
            self.repository.inner.find_object(id).map_err(|error| {
                Problem::new(Code::Internal, format!("commit {id} cannot be read any more: {error}"))
            })?;
        let commit = object::commit(&found.data);
        let (authored, committed) = (usable(commit.authored, now), usable(commit.committed, now));
        let parents = || commit.parents.iter().filter_map(|parent| self.graph.position(parent));
        let latest = || parents().filter_map(|parent| self.told[parent]).max();
        let at = committed.or(authored).or_else(latest).unwrap_or_default();

        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("type", Value::from("change"));
        set("repo", Value::from(self.repository.name()));
        set("sha", Value::from(id.to_string()));
        set("committed_at", Value::from(at.to_string()));
        if let Some(authored) = authored {
            set("authored_at", Value::from(authored.to_string()));
        }
        if committed.is_none() || authored.is_none() {
            set("time_assumed", Value::from(true));
        }
        set("parents", commit.parents.iter().map(|parent| Value::from(parent.to_string())).collect());
        let author = commit.author.map(|author| commit.text(author)).unwrap_or_default();
        if !author.trim().is_empty() {
            set("author", Value::from(clip(author.trim(), AUTHOR_BYTES)));
        }
        set("message", Value::from(clip(commit.text(commit.message).trim_end(), MESSAGE_BYTES)));
        if self.options.paths {
            match touched(self.repository, &self.graph, &commit, &mut self.state) {
                Some(Paths::Listed(paths)) => drop(set("paths", Value::from(paths))),
                Some(Paths::TooMany) => drop(set("paths_left_out", Value::from("too many"))),
                None if commit.parents.len() < 2 => drop(set("paths_left_out", Value::from("unknown"))),
                None => {}
            }
        }
        self.told[index as usize] = Some(at);
        parse(Value::Object(fields), Checks { default_source: GIT, now })
    }
}

fn touched(
    repository: &Repository,
    graph: &Graph,
    commit: &object::Commit<'_>,
    state: &mut gix::diff::tree::State,
) -> Option<Paths> {
    let tree = |parent: &ObjectId| graph.node(parent)?.tree;
    let before = match commit.parents.as_slice() {
        [] => None,
        [parent] => Some(tree(parent)?),
        _ => return None,
    };
    paths::between(&repository.inner, before, commit.tree?, state)
}

impl Iterator for Commits<'_> {
    type Item = Result<Event, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.order.next()?;
        Some(self.event(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl ExactSizeIterator for Commits<'_> {}
