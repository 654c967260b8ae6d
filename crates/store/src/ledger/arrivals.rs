//! Which commits arrived where and with which deployment; what waits for commits; reverts.

use std::sync::Arc;

use correlate::{Arrived, Reach, Wait};
use domain::catalogue::ComponentId;
use domain::fact::{CommitFact, CommitRole};
use domain::{DeploymentKey, Timestamp};
use roaring::RoaringBitmap;
use rusqlite::params;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

use super::names::lane_text;
use super::{Result, SqliteLedger, deployment_key};
use crate::body::{from_blob, from_json, pack_sha, to_blob, to_json};
use crate::sql::{Db, all, one, run};

/// A commit as it is stored: repository, hash, written, committed, first arrival, role, pull request.
#[derive(Serialize, Deserialize)]
struct Stored(Option<Arc<str>>, Arc<str>, Option<i64>, i64, bool, CommitRole, #[serde(default)] Option<String>);

impl Stored {
    fn of(fact: &CommitFact) -> Self {
        Stored(
            fact.repo.clone(),
            fact.sha.clone(),
            fact.authored_at.map(Timestamp::micros),
            fact.committed_at.micros(),
            fact.first_arrival,
            fact.role,
            fact.pull_request.clone(),
        )
    }

    fn fact(self, deployment: &DeploymentKey) -> CommitFact {
        CommitFact {
            deployment: deployment.clone(),
            repo: self.0,
            sha: self.1,
            authored_at: self.2.map(Timestamp::from_micros),
            committed_at: Timestamp::from_micros(self.3),
            first_arrival: self.4,
            role: self.5,
            pull_request: self.6,
        }
    }
}

fn parse(stored: ValueRef<'_>) -> Result<Vec<Stored>> {
    from_json("the commits of a deployment", stored)
}

/// The commits of the deployment with this number.
pub(crate) fn read_commits<'c>(conn: impl Into<Db<'c>>, number: i64, key: &DeploymentKey) -> Result<Vec<CommitFact>> {
    let sql = "SELECT body FROM commits WHERE deployment = ?";
    let stored = one(conn, sql, [number], |row| parse(row.get_ref(0)?))?.unwrap_or_default();
    Ok(stored.into_iter().map(|commit| commit.fact(key)).collect())
}

impl SqliteLedger<'_> {
    pub(super) fn read_commits(&mut self, deployment: &DeploymentKey) -> Result<Vec<CommitFact>> {
        let Some(number) = self.known_number(deployment)? else { return Ok(Vec::new()) };
        read_commits(self.conn, number, deployment)
    }

    pub(super) fn write_commits(&mut self, deployment: &DeploymentKey, commits: &[CommitFact]) -> Result<()> {
        let number = self.number(deployment)?;
        let body = to_json(&commits.iter().map(Stored::of).collect::<Vec<_>>())?;
        let sql = "SELECT body FROM commits WHERE deployment = ?";
        let known: Option<Option<Vec<Stored>>> = one(self.conn, sql, [number], |row| {
            let stored = row.get_ref(0)?;
            Ok(if body.is(stored) { None } else { Some(parse(stored)?) })
        })?;
        let known = match known {
            Some(None) => return Ok(()),
            None if commits.is_empty() => return Ok(()),
            None => Vec::new(),
            Some(Some(known)) => known,
        };
        for commit in known {
            let Some(repo) = commit.0 else { continue };
            let sql = "DELETE FROM commit_of WHERE repo = ? AND sha = ? AND deployment = ?";
            run(self.conn, sql, params![self.word(&repo)?, pack_sha(&commit.1), number])?;
        }
        for commit in commits {
            let Some(repo) = &commit.repo else { continue };
            let sql = "INSERT OR IGNORE INTO commit_of (repo, sha, deployment) VALUES (?, ?, ?)";
            run(self.conn, sql, params![self.word(repo)?, pack_sha(&commit.sha), number])?;
        }
        if commits.is_empty() {
            run(self.conn, "DELETE FROM commits WHERE deployment = ?", [number])?;
        } else {
            let sql = "INSERT INTO commits (deployment, body) VALUES (?, ?)
                 ON CONFLICT (deployment) DO UPDATE SET body = excluded.body";
            run(self.conn, sql, params![number, body])?;
        }
        // Whoever follows the changes gets a deployment with all its commits.
        let change = self.next_change();
        let sql = "UPDATE deployment SET change = ? WHERE number = ? AND change IS NOT NULL";
        run(self.conn, sql, [change, number])?;
        Ok(())
    }

    /// Of a deployment without any so far, as part of the change that makes it.
    pub(super) fn add_commits(&mut self, number: i64, commits: &[CommitFact]) -> Result<()> {
        if commits.is_empty() {
            return Ok(());
        }
        let body = to_json(&commits.iter().map(Stored::of).collect::<Vec<_>>())?;
        run(self.conn, "INSERT INTO commits (deployment, body) VALUES (?, ?)", params![number, body])?;
        for commit in commits {
            let Some(repo) = &commit.repo else { continue };
            let sql = "INSERT OR IGNORE INTO commit_of (repo, sha, deployment) VALUES (?, ?, ?)";
            run(self.conn, sql, params![self.word(repo)?, pack_sha(&commit.sha), number])?;
        }
        Ok(())
    }

    pub(super) fn read_deployments_with(&self, repo: &str, sha: &str) -> Result<Vec<DeploymentKey>> {
        let Some(word) = self.known_word(repo)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT source, id FROM commit_of JOIN deployment ON deployment.number = commit_of.deployment
             WHERE commit_of.repo = ? AND commit_of.sha = ? ORDER BY source, id",
            params![word, pack_sha(sha)],
            deployment_key,
        )
    }

    pub(super) fn read_reached(&self, reach: &Reach, repo: u32) -> Result<RoaringBitmap> {
        let (component, text) = place(reach);
        let Some(word) = self.known_word(&text)? else { return Ok(RoaringBitmap::new()) };
        let sql = "SELECT commits FROM reached WHERE repo = ? AND component = ? AND place = ?";
        let found = one(self.conn, sql, params![repo, component, word], |row| {
            from_blob(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)
        })?;
        Ok(found.unwrap_or_default())
    }

    pub(super) fn write_reached(&mut self, reach: &Reach, repo: u32, commits: &RoaringBitmap) -> Result<()> {
        let (component, text) = place(reach);
        let word = self.word(&text)?;
        if commits.is_empty() {
            let sql = "DELETE FROM reached WHERE repo = ? AND component = ? AND place = ?";
            run(self.conn, sql, params![repo, component, word])?;
            return Ok(());
        }
        let sql = "INSERT INTO reached (repo, component, place, commits) VALUES (?, ?, ?, ?)
             ON CONFLICT (repo, component, place) DO UPDATE SET commits = excluded.commits";
        run(self.conn, sql, params![repo, component, word, to_blob(commits)?])?;
        Ok(())
    }

    /// An empty set is never stored.
    pub(super) fn read_reaching(&self, repo: u32) -> Result<Vec<ComponentId>> {
        let sql = "SELECT text FROM reached JOIN word ON word.number = reached.place
             WHERE repo = ? AND component = 1 ORDER BY text";
        all(self.conn, sql, [repo], |row| super::component(row.get(0)?))
    }

    pub(super) fn read_arrived(&mut self, deployment: &DeploymentKey) -> Result<Option<Arrived>> {
        let Some(number) = self.known_number(deployment)? else { return Ok(None) };
        let sql = "SELECT repo, lane, component FROM arrived WHERE deployment = ?";
        one(self.conn, sql, [number], |row| {
            let set = |index: usize| -> Result<RoaringBitmap> {
                from_blob(row.get_ref(index)?.as_blob().map_err(rusqlite::Error::from)?)
            };
            Ok(Arrived { repo: row.get(0)?, lane: set(1)?, component: set(2)? })
        })
    }

    pub(super) fn write_arrived(&mut self, deployment: &DeploymentKey, arrived: Option<&Arrived>) -> Result<()> {
        let Some(arrived) = arrived else {
            if let Some(number) = self.known_number(deployment)? {
                run(self.conn, "DELETE FROM arrived WHERE deployment = ?", [number])?;
            }
            return Ok(());
        };
        let number = self.number(deployment)?;
        run(
            self.conn,
            "INSERT INTO arrived (deployment, repo, lane, component) VALUES (?, ?, ?, ?)
             ON CONFLICT (deployment) DO UPDATE
             SET repo = excluded.repo, lane = excluded.lane, component = excluded.component",
            params![number, arrived.repo, to_blob(&arrived.lane)?, to_blob(&arrived.component)?],
        )?;
        Ok(())
    }

    pub(super) fn write_waits(&mut self, deployment: &DeploymentKey, waits: &[Wait]) -> Result<()> {
        let known = self.known_number(deployment)?;
        if let Some(number) = known {
            run(self.conn, "DELETE FROM wait WHERE deployment = ?", [number])?;
        }
        if waits.is_empty() {
            return Ok(());
        }
        let number = self.number(deployment)?;
        for wait in waits {
            let sql = "INSERT OR IGNORE INTO wait (text, deployment) VALUES (?, ?)";
            run(self.conn, sql, params![wait.text(), number])?;
        }
        Ok(())
    }

    pub(super) fn read_waiting(&self, wait: &Wait) -> Result<Vec<DeploymentKey>> {
        all(
            self.conn,
            "SELECT source, id FROM wait JOIN deployment ON deployment.number = wait.deployment
             WHERE wait.text = ? ORDER BY source, id",
            [wait.text()],
            deployment_key,
        )
    }

    pub(super) fn read_reverts_by(&mut self, deployment: &DeploymentKey) -> Result<Vec<DeploymentKey>> {
        let Some(number) = self.known_number(deployment)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT DISTINCT source, id FROM revert JOIN deployment ON deployment.number = revert.deployment
             WHERE revert.by_deployment = ? ORDER BY source, id",
            [number],
            deployment_key,
        )
    }

    pub(super) fn write_reverts(&mut self, by: &DeploymentKey, reverted: &[(DeploymentKey, String)]) -> Result<()> {
        if let Some(number) = self.known_number(by)? {
            run(self.conn, "DELETE FROM revert WHERE by_deployment = ?", [number])?;
        }
        for (deployment, sha) in reverted {
            let (by, of) = (self.number(by)?, self.number(deployment)?);
            let sql = "INSERT OR IGNORE INTO revert (by_deployment, deployment, sha) VALUES (?, ?, ?)";
            run(self.conn, sql, params![by, of, sha])?;
        }
        Ok(())
    }

    pub(super) fn read_reverts_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<(DeploymentKey, String)>> {
        let Some(number) = self.known_number(deployment)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT source, id, revert.sha FROM revert JOIN deployment ON deployment.number = revert.by_deployment
             WHERE revert.deployment = ? ORDER BY source, id, revert.sha",
            [number],
            |row| Ok((deployment_key(row)?, row.get(2)?)),
        )
    }
}

/// Whether it is a component, and the word for it.
fn place(reach: &Reach) -> (bool, String) {
    match reach {
        Reach::Lane(lane) => (false, lane_text(lane)),
        Reach::Component(component) => (true, component.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_before_pull_requests_are_read() {
        let old = r#"["acme/cart", "c1", null, 5, true, "new"]"#;
        let Stored(repo, .., role, pull_request) = serde_json::from_str(old).unwrap();
        assert_eq!((repo.as_deref(), role, pull_request), (Some("acme/cart"), CommitRole::New, None));
    }
}
