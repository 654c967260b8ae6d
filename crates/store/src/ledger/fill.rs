//! A ledger filled with what another one holds, each piece once: nothing is looked for that cannot be there.

use std::collections::HashMap;

use correlate::CommitNode;
use correlate::indexed::{Piece, WholeDeployment};
use rusqlite::params;

use super::{Result, SqliteLedger};
use crate::StoreError;
use crate::sql::run;

/// The numbers that repositories of the other ledger have here.
pub(crate) type Repos = HashMap<u32, u32>;

impl SqliteLedger<'_> {
    /// Takes one piece. Repositories come whole, so their commits keep their numbers.
    pub(crate) fn fill(&mut self, piece: &Piece, repos: &Repos) -> Result<()> {
        let here = |repo: &u32| {
            repos.get(repo).copied().ok_or_else(|| StoreError::unreadable("a repository", "it has no number here"))
        };
        match piece {
            Piece::Repo(..) => Ok(()),
            Piece::Commit(repo, id, node) => self.add_commit_node(here(repo)?, *id, node),
            Piece::Tag(repo, name, normalised, sha) => self.write_tag(repo, name, normalised, sha),
            Piece::PullRequest(key, repo, sha) => self.write_pull_request(key, repo, sha),
            Piece::Deployment(whole) => self.add_deployment(whole, here),
            Piece::Reached(reach, repo, commits) => self.write_reached(reach, here(repo)?, commits),
            Piece::Incident(fact, names) => {
                self.write_incident(fact)?;
                if names.is_empty() { Ok(()) } else { self.write_incident_names(&fact.key, names) }
            }
            Piece::Names(key, names) => self.write_incident_names(key, names),
            Piece::Other(fact) => self.write_other(fact),
        }
    }

    /// The number of a repository of another ledger in this one.
    pub(crate) fn take_repo(&mut self, name: &str) -> Result<u32> {
        self.repo(name)
    }

    /// A number that is taken already stops everything: two parts would have had one repository.
    fn add_commit_node(&mut self, repo: u32, id: u32, node: &CommitNode) -> Result<()> {
        let at = node.committed_at.map(domain::Timestamp::micros);
        let parents = node.parents.as_deref().map(super::graph::to_bytes);
        let sql = "INSERT INTO commit_node (repo, number, sha, committed_at, parents) VALUES (?, ?, ?, ?, ?)";
        run(self.conn, sql, params![repo, id, node.sha, at, parents])?;
        Ok(())
    }

    fn add_deployment(&mut self, whole: &WholeDeployment, here: impl Fn(&u32) -> Result<u32>) -> Result<()> {
        let key = &whole.fact.key;
        self.write_deployment(&whole.fact)?;
        let number = self.number(key)?;
        self.add_commits(number, &whole.commits)?;
        if let Some(arrived) = &whole.arrived {
            let mut arrived = arrived.clone();
            arrived.repo = here(&arrived.repo)?;
            self.write_arrived(key, Some(&arrived))?;
        }
        for wait in &whole.waits {
            let sql = "INSERT OR IGNORE INTO wait (text, deployment) VALUES (?, ?)";
            run(self.conn, sql, params![wait.text(), number])?;
        }
        if whole.reverts.is_empty() { Ok(()) } else { self.write_reverts(key, &whole.reverts) }
    }
}
