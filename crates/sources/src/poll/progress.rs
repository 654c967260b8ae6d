//! How far a backfill is, for people.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a backfill is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The repository being read.
    pub repository: Option<String>,
    /// What of it.
    pub resource: Option<String>,
    /// Repositories read to their end.
    pub repositories_done: u64,
    /// Repositories to read, as far as is known.
    pub repositories_total: u64,
    /// Pages that came.
    pub pages: u64,
    /// Pages that had not changed since they came last.
    pub unchanged_pages: u64,
    /// Things on those that came: commits, tags, deployments, ….
    pub items: u64,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// What the vendor said last about how often it may be asked.
    pub rate_limit: Option<RateLimit>,
    /// What could not be read; everything else was.
    pub failures: Vec<Failure>,
}

/// A pause that the vendor or its trouble imposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Until when.
    pub until: Timestamp,
    /// For what, in a few words.
    pub why: String,
}

/// A vendor's limit of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Requests left.
    pub remaining: u64,
    /// Of so many.
    pub limit: u64,
    /// When there are that many again.
    pub resets_at: Timestamp,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Of which repository, or owner.
    pub repository: String,
    /// What.
    pub resource: String,
    /// Why, and what to do.
    pub message: String,
}
