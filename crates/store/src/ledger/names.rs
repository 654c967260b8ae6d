//! Numbers for what stands in many index entries: words, deployments, repositories.

use std::collections::HashMap;

use domain::DeploymentKey;
use domain::fact::Lane;
use rusqlite::params;

use super::{Result, SqliteLedger};
use crate::StoreError;
use crate::sql::{one, run};

/// More than this is not remembered: a start anew costs little.
const REMEMBERED: usize = 50_000;

/// Numbers that were looked up before. True only of what is committed and of the running transaction: forget them when
/// it is rolled back.
#[derive(Debug, Default)]
pub(crate) struct Names {
    words: HashMap<String, i64>,
    deployments: HashMap<DeploymentKey, i64>,
    repos: HashMap<String, u32>,
    /// The number the next new commit of a repository gets.
    next_commit: HashMap<u32, u32>,
}

impl Names {
    pub(crate) fn forget(&mut self) {
        *self = Names::default();
    }
}

/// The text that stands for a lane: no two lanes have the same, whatever their names hold.
pub(super) fn lane_text(lane: &Lane) -> String {
    let component = lane.component.as_str();
    format!("{} {} {component}{}{}", component.len(), lane.instance.len(), lane.instance, lane.environment)
}

impl SqliteLedger<'_> {
    /// The number of a word, given now when it has none.
    pub(super) fn word(&mut self, text: &str) -> Result<i64> {
        if let Some(number) = self.names.words.get(text) {
            return Ok(*number);
        }
        let number = match self.known_word(text)? {
            Some(number) => number,
            None => {
                run(self.conn, "INSERT INTO word (text) VALUES (?)", [text])?;
                self.conn.last_insert_rowid()
            }
        };
        if self.names.words.len() >= REMEMBERED {
            self.names.words.clear();
        }
        self.names.words.insert(text.to_owned(), number);
        Ok(number)
    }

    /// The number of a word, none when nothing has it.
    pub(super) fn known_word(&self, text: &str) -> Result<Option<i64>> {
        if let Some(number) = self.names.words.get(text) {
            return Ok(Some(*number));
        }
        one(self.conn, "SELECT number FROM word WHERE text = ?", [text], |row| Ok(row.get(0)?))
    }

    /// The number of a deployment, given now when it has none.
    pub(super) fn number(&mut self, key: &DeploymentKey) -> Result<i64> {
        if let Some(number) = self.known_number(key)? {
            return Ok(number);
        }
        run(self.conn, "INSERT INTO deployment (source, id) VALUES (?, ?)", params![key.source, key.id])?;
        let number = self.conn.last_insert_rowid();
        self.remember(key, number);
        Ok(number)
    }

    pub(super) fn remember(&mut self, key: &DeploymentKey, number: i64) {
        if self.names.deployments.len() >= REMEMBERED {
            self.names.deployments.clear();
        }
        self.names.deployments.insert(key.clone(), number);
    }

    /// The number of a deployment, none when nothing speaks of it.
    pub(super) fn known_number(&mut self, key: &DeploymentKey) -> Result<Option<i64>> {
        if let Some(number) = self.names.deployments.get(key) {
            return Ok(Some(*number));
        }
        let sql = "SELECT number FROM deployment WHERE source = ? AND id = ?";
        let number = one(self.conn, sql, params![key.source, key.id], |row| Ok(row.get(0)?))?;
        if let Some(number) = number {
            self.remember(key, number);
        }
        Ok(number)
    }

    /// The number of a repository, given now when it has none.
    pub(super) fn repo(&mut self, repo: &str) -> Result<u32> {
        if let Some(number) = self.names.repos.get(repo) {
            return Ok(*number);
        }
        let number = match self.known_repo(repo)? {
            Some(number) => number,
            None => {
                run(self.conn, "INSERT INTO repo (name) VALUES (?)", [repo])?;
                u32::try_from(self.conn.last_insert_rowid())
                    .map_err(|error| StoreError::unreadable("the number of a repository", error))?
            }
        };
        if self.names.repos.len() >= REMEMBERED {
            self.names.repos.clear();
        }
        self.names.repos.insert(repo.to_owned(), number);
        Ok(number)
    }

    pub(super) fn known_repo(&self, repo: &str) -> Result<Option<u32>> {
        one(self.conn, "SELECT number FROM repo WHERE name = ?", [repo], |row| Ok(row.get(0)?))
    }

    /// The number for a commit of a repository that has none yet.
    pub(super) fn next_commit(&mut self, repo: u32) -> Result<u32> {
        let next = match self.names.next_commit.get(&repo) {
            Some(next) => *next,
            None => {
                let sql = "SELECT max(number) FROM commit_node WHERE repo = ?";
                let last: Option<Option<u32>> = one(self.conn, sql, [repo], |row| Ok(row.get(0)?))?;
                last.flatten().map_or(0, |last| last + 1)
            }
        };
        self.names.next_commit.insert(repo, next + 1);
        Ok(next)
    }

    /// Tells that a number of a repository is taken.
    pub(super) fn took_commit(&mut self, repo: u32, number: u32) {
        if let Some(next) = self.names.next_commit.get_mut(&repo) {
            *next = (*next).max(number + 1);
        }
    }
}
