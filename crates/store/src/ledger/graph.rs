//! The commit graph: commits, tags, pull requests.

use correlate::CommitNode;
use domain::{EntityKey, Timestamp};
use rusqlite::params;

use super::{Result, SqliteLedger, entity_key, kind_number};
use crate::StoreError;
use crate::sql::{all, one, run};

/// Most commits of one prefix that are told apart.
const ANYWHERE: i64 = 100;

/// What no text that begins with `prefix` reaches. Hashes hold no such character.
fn beyond(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

pub(super) fn to_bytes(parents: &[u32]) -> Vec<u8> {
    parents.iter().flat_map(|parent| parent.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Result<Vec<u32>> {
    let (parents, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(StoreError::unreadable("the parents of a commit", "they are cut"));
    }
    Ok(parents.iter().map(|parent| u32::from_le_bytes(*parent)).collect())
}

impl SqliteLedger<'_> {
    pub(super) fn take_commit(&mut self, repo: u32, sha: &str) -> Result<u32> {
        let sql = "SELECT number FROM commit_node WHERE repo = ? AND sha = ?";
        if let Some(number) = one(self.conn, sql, params![repo, sha], |row| Ok(row.get(0)?))? {
            return Ok(number);
        }
        let number = self.next_commit(repo)?;
        let sql = "INSERT INTO commit_node (repo, number, sha) VALUES (?, ?, ?)";
        run(self.conn, sql, params![repo, number, sha])?;
        Ok(number)
    }

    pub(super) fn read_commit_node(&self, repo: u32, id: u32) -> Result<Option<CommitNode>> {
        let sql = "SELECT sha, committed_at, parents FROM commit_node WHERE repo = ? AND number = ?";
        one(self.conn, sql, [repo, id], |row| {
            let at: Option<i64> = row.get(1)?;
            let parents = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
            Ok(CommitNode {
                sha: row.get(0)?,
                committed_at: at.map(Timestamp::from_micros),
                parents: parents.map(from_bytes).transpose()?,
            })
        })
    }

    pub(super) fn write_commit_node(&mut self, repo: u32, id: u32, node: &CommitNode) -> Result<()> {
        self.took_commit(repo, id);
        let at = node.committed_at.map(Timestamp::micros);
        run(
            self.conn,
            "INSERT INTO commit_node (repo, number, sha, committed_at, parents) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (repo, number) DO UPDATE
             SET sha = excluded.sha, committed_at = excluded.committed_at, parents = excluded.parents",
            params![repo, id, node.sha, at, node.parents.as_deref().map(to_bytes)],
        )?;
        Ok(())
    }

    pub(super) fn read_find_commit(&self, repo: &str, prefix: &str) -> Result<Vec<String>> {
        let Some(repo) = self.known_repo(repo)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT sha FROM commit_node WHERE repo = ? AND sha >= ? AND sha < ? AND committed_at IS NOT NULL
             ORDER BY sha LIMIT 2",
            params![repo, prefix, beyond(prefix)],
            |row| Ok(row.get(0)?),
        )
    }

    pub(super) fn read_find_commit_anywhere(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        all(
            self.conn,
            "SELECT repo.name, sha FROM commit_node JOIN repo ON repo.number = commit_node.repo
             WHERE sha >= ? AND sha < ? AND committed_at IS NOT NULL ORDER BY repo.name, sha LIMIT ?",
            params![prefix, beyond(prefix), ANYWHERE],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub(super) fn read_tags(&self, repo: &str, normalised: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, sha FROM tag WHERE repo = ? AND normalised = ? ORDER BY name";
        all(self.conn, sql, [repo, normalised], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    pub(super) fn write_tag(&self, repo: &str, name: &str, normalised: &str, sha: &str) -> Result<()> {
        run(
            self.conn,
            "INSERT INTO tag (repo, name, normalised, sha) VALUES (?, ?, ?, ?)
             ON CONFLICT (repo, name) DO UPDATE SET normalised = excluded.normalised, sha = excluded.sha",
            [repo, name, normalised, sha],
        )?;
        Ok(())
    }

    pub(super) fn read_pull_request_of(&self, repo: &str, merge_sha: &str) -> Result<Option<EntityKey>> {
        let sql = "SELECT kind, source, id FROM pull_request WHERE repo = ? AND merge_sha = ?";
        one(self.conn, sql, [repo, merge_sha], entity_key)
    }

    /// When two say that they made the commit the smallest key stands, so that the order of arrival does not count.
    pub(super) fn write_pull_request(&self, key: &EntityKey, repo: &str, merge_sha: &str) -> Result<()> {
        run(
            self.conn,
            "INSERT INTO pull_request (repo, merge_sha, kind, source, id) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (repo, merge_sha) DO UPDATE
             SET kind = excluded.kind, source = excluded.source, id = excluded.id
             WHERE (excluded.kind, excluded.source, excluded.id) < (kind, source, id)",
            params![repo, merge_sha, kind_number(key.kind), key.source, key.id],
        )?;
        Ok(())
    }
}
