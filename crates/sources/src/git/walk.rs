//! The graph of commits, and the order in which they are told.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::ObjectId;

use super::{GitError, Repository, SkipReason, object, unreadable};

/// A commit of the graph.
pub(super) struct Node {
    pub(super) id: ObjectId,
    pub(super) tree: Option<ObjectId>,
    seconds: i64,
}

/// All commits that branches and tags reach.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    index: HashMap<ObjectId, u32>,
    /// (parent, child), both of the graph.
    edges: Vec<(u32, u32)>,
    /// Parents that are not here: beyond the end of a shallow clone, or lost.
    pub(super) missing: HashSet<ObjectId>,
    /// References that lead to no commit, and why.
    pub(super) skipped: Vec<(String, SkipReason)>,
}

impl Graph {
    /// Place of a commit in `nodes`.
    pub(super) fn position(&self, id: &ObjectId) -> Option<usize> {
        self.index.get(id).map(|index| *index as usize)
    }

    pub(super) fn node(&self, id: &ObjectId) -> Option<&Node> {
        self.nodes.get(self.position(id)?)
    }

    pub(super) fn read(repository: &Repository) -> Result<Self, GitError> {
        let mut graph = Graph::default();
        let boundary = boundary(repository);
        let mut open = graph.tips(repository)?;
        while let Some((id, child)) = open.pop() {
            if let Some(known) = graph.index.get(&id) {
                graph.edges.extend(child.map(|child| (*known, child)));
                continue;
            }
            let data = match repository.inner.try_find_object(id).map_err(unreadable)? {
                Some(found) if found.kind == gix::objs::Kind::Commit => found,
                _ => {
                    graph.missing.insert(id);
                    continue;
                }
            };
            let commit = object::commit(&data.data);
            let index = u32::try_from(graph.nodes.len()).map_err(unreadable)?;
            graph.index.insert(id, index);
            graph.nodes.push(Node { id, tree: commit.tree, seconds: commit.committed.unwrap_or(i64::MIN) });
            graph.edges.extend(child.map(|child| (index, child)));
            match boundary.contains(&id) {
                // Git does not look beyond, even where a parent happens to be here.
                true => graph.missing.extend(commit.parents),
                false => open.extend(commit.parents.into_iter().map(|parent| (parent, Some(index)))),
            }
        }
        let Graph { index, missing, .. } = &mut graph;
        missing.retain(|id| !index.contains_key(id));
        Ok(graph)
    }

    /// What branches, tags and HEAD lead to.
    fn tips(&mut self, repository: &Repository) -> Result<Vec<(ObjectId, Option<u32>)>, GitError> {
        let mut tips = Vec::new();
        let references = repository.inner.references().map_err(unreadable)?;
        for prefix in ["refs/heads/", "refs/remotes/", "refs/tags/"] {
            for reference in references.prefixed(prefix).map_err(unreadable)? {
                let mut reference = match reference {
                    Ok(reference) => reference,
                    Err(error) => {
                        self.skipped.push((prefix.to_owned(), SkipReason::Unreadable(error.to_string())));
                        continue;
                    }
                };
                let name = reference.name().as_bstr().to_string();
                let object = reference.follow_to_object().map(|id| id.detach());
                let peeled = object.map_err(|error| SkipReason::Unreadable(error.to_string()));
                match peeled.and_then(|id| repository.peel(id)) {
                    Ok(peeled) => tips.push((peeled.commit, None)),
                    Err(why) => self.skipped.push((name, why)),
                }
            }
        }
        // A checkout of a commit without a branch; an unborn HEAD leads nowhere.
        if let Ok(head) = repository.inner.head_id()
            && let Ok(peeled) = repository.peel(head.detach())
        {
            tips.push((peeled.commit, None));
        }
        Ok(tips)
    }

    /// Indices of the nodes, parents before children, else the oldest first; of the same second, by hash.
    pub(super) fn order(&mut self) -> Vec<u32> {
        self.edges.sort_unstable();
        // A commit may name a parent twice.
        self.edges.dedup();
        let mut waiting = vec![0u32; self.nodes.len()];
        for (_, child) in &self.edges {
            waiting[*child as usize] += 1;
        }
        let key = |index: u32| {
            let node = &self.nodes[index as usize];
            Reverse((node.seconds, node.id, index))
        };
        let roots = (0..).zip(&waiting).filter(|(_, parents)| **parents == 0).map(|(index, _)| key(index));
        let mut ready: BinaryHeap<_> = roots.collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse((_, _, parent))) = ready.pop() {
            order.push(parent);
            let begin = self.edges.partition_point(|(known, _)| *known < parent);
            for (_, child) in self.edges[begin..].iter().take_while(|(known, _)| *known == parent) {
                waiting[*child as usize] -= 1;
                if waiting[*child as usize] == 0 {
                    ready.push(key(*child));
                }
            }
        }
        self.edges = Vec::new();
        order
    }
}

/// Commits whose parents a shallow clone left out.
fn boundary(repository: &Repository) -> HashSet<ObjectId> {
    match repository.inner.shallow_commits() {
        Ok(Some(commits)) => commits.iter().copied().collect(),
        _ => HashSet::new(),
    }
}
