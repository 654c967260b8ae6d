//! Walks over the commit graph. Every walk keeps what it has seen, so a cycle in the data ends it like any other path.

use roaring::RoaringBitmap;

use crate::ledger::{Ledger, Result};

/// What a commit reaches beyond what was reached before.
#[derive(Debug, Default)]
pub(crate) struct Range {
    /// Every commit reached, the unknown ones included: they have arrived too.
    pub(crate) commits: RoaringBitmap,
    /// Those of them that nobody told of, or whose parents nobody told: here the known graph has a gap.
    pub(crate) gaps: RoaringBitmap,
}

/// `git rev-list head --not seen`.
pub(crate) fn range(ledger: &mut impl Ledger, repo: u32, head: u32, seen: &RoaringBitmap) -> Result<Range> {
    let mut range = Range::default();
    let mut next = vec![head];
    while let Some(id) = next.pop() {
        if seen.contains(id) || !range.commits.insert(id) {
            continue;
        }
        let node = ledger.commit_node(repo, id)?.filter(|node| node.committed_at.is_some());
        match node.as_ref().and_then(|node| node.parents.as_deref()) {
            Some(parents) => next.extend(parents),
            None => {
                range.gaps.insert(id);
            }
        }
    }
    Ok(range)
}

/// How many commits are looked at before an ancestor is given up.
const ANCESTOR_STEPS: u64 = 100_000;

/// Whether `ancestor` can be reached from `descendant` over parents; a commit is not its own ancestor.
pub(crate) fn is_ancestor(ledger: &mut impl Ledger, repo: u32, ancestor: u32, descendant: u32) -> Result<bool> {
    let mut seen = RoaringBitmap::new();
    let mut next = std::collections::VecDeque::from([descendant]);
    while let Some(id) = next.pop_front() {
        if !seen.insert(id) || seen.len() > ANCESTOR_STEPS {
            continue;
        }
        let node = ledger.commit_node(repo, id)?;
        let parents = node.as_ref().and_then(|node| node.parents.as_deref()).unwrap_or_default();
        if parents.contains(&ancestor) {
            return Ok(ancestor != descendant);
        }
        next.extend(parents);
    }
    Ok(false)
}
