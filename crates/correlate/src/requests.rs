//! Which pull request brought a commit to the branch that is deployed.
//!
//! The innermost one whose merge brought it: along first parents each merge brings what was not there before it. Where a
//! merge has one parent (a fast-forward, or a push, which tells a line), the pull request's own list of commits tells, else
//! so many first parents from its head as it counts.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::event::PullRequest;
use roaring::RoaringBitmap;

use crate::ledger::{Ledger, Result};

/// The pull request whose merge made this commit.
pub(crate) fn merged_by(ledger: &mut impl Ledger, repo: &str, sha: &str) -> Result<Option<PullRequest>> {
    let Some(key) = ledger.pull_request_of(repo, sha)? else { return Ok(None) };
    let request = ledger.entity(&key)?.as_deref().and_then(PullRequest::read);
    // It may have been told of another merge since.
    Ok(request.filter(|request| request.merge_sha.as_deref() == Some(sha)))
}

/// The pull requests of a range of commits.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    merged: HashMap<u32, PullRequest>,
    brought: HashMap<u32, String>,
}

impl Requests {
    /// The one whose merge this commit is.
    pub(crate) fn merged(&self, commit: u32) -> Option<&PullRequest> {
        self.merged.get(&commit)
    }

    /// Number of the one that brought this commit.
    pub(crate) fn brought(&self, commit: u32) -> Option<&str> {
        self.brought.get(&commit).map(String::as_str)
    }
}

/// A line of first parents, newest first, and the pull request it came with.
struct Line {
    commits: Vec<u32>,
    came_with: Option<String>,
}

/// Those of the commits of `range`, all of which `head` reaches.
pub(crate) fn of_range(
    ledger: &mut impl Ledger,
    name: &str,
    (repo, head): (u32, u32),
    range: &RoaringBitmap,
) -> Result<Requests> {
    let mut found = Requests::default();
    let mut taken = HashSet::new();
    // By number, so that what several lay claim to does not depend on the walk.
    let mut claims: BTreeMap<String, u32> = BTreeMap::new();
    let mut lines = vec![line(ledger, (repo, head), range, &mut taken, None)?];
    while let Some(line) = lines.last_mut() {
        // The oldest first: what an older merge brought is not brought again.
        let Some(id) = line.commits.pop() else {
            lines.pop();
            continue;
        };
        let mut number = line.came_with.clone();
        let Some(node) = ledger.commit_node(repo, id)? else { continue };
        let parents = node.parents.as_deref().unwrap_or_default();
        if let Some(request) = merged_by(ledger, name, &node.sha)? {
            if parents.len() < 2 {
                claims.insert(request.number.clone(), id);
            }
            number = Some(request.number.clone());
            found.merged.insert(id, request);
        }
        if let Some(number) = &number {
            found.brought.insert(id, number.clone());
        }
        // Of several the first is walked first.
        for parent in parents.iter().copied().skip(1).rev() {
            let came_with = number.clone();
            lines.push(self::line(ledger, (repo, parent), range, &mut taken, came_with)?);
        }
    }
    for (number, merge) in claims {
        for id in own_commits(ledger, repo, found.merged.get(&merge), range)? {
            found.brought.entry(id).or_insert_with(|| number.clone());
        }
    }
    Ok(found)
}

fn line(
    ledger: &mut impl Ledger,
    (repo, head): (u32, u32),
    range: &RoaringBitmap,
    taken: &mut HashSet<u32>,
    came_with: Option<String>,
) -> Result<Line> {
    let mut commits = Vec::new();
    let mut next = Some(head);
    while let Some(id) = next.filter(|id| range.contains(*id) && taken.insert(*id)) {
        commits.push(id);
        let node = ledger.commit_node(repo, id)?;
        next = node.and_then(|node| node.parents.as_ref()?.first().copied());
    }
    Ok(Line { commits, came_with })
}

/// A pull request's own commits as far as they lie in the range: a squash leaves them off.
fn own_commits(
    ledger: &mut impl Ledger,
    repo: u32,
    request: Option<&PullRequest>,
    range: &RoaringBitmap,
) -> Result<Vec<u32>> {
    let Some(request) = request else { return Ok(Vec::new()) };
    let mut own = Vec::new();
    for commit in &request.commits {
        own.push(ledger.commit_id(repo, &commit.sha)?);
    }
    if own.is_empty()
        && let (Some(head), Some(count)) = (request.head_sha.as_deref(), request.commit_count)
    {
        let mut next = Some(ledger.commit_id(repo, head)?);
        while let Some(id) = next.filter(|id| range.contains(*id) && (own.len() as u64) < count) {
            own.push(id);
            let node = ledger.commit_node(repo, id)?;
            next = node.and_then(|node| node.parents.as_ref()?.first().copied());
        }
    }
    own.retain(|id| range.contains(*id));
    Ok(own)
}
