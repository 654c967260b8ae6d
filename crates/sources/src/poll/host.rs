//! What a backfill needs from where it runs.

use std::time::Duration;

use domain::Timestamp;

use super::{Page, Progress};

/// Why a backfill goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Somebody told it to stop; it can be started again.
    Stopped,
    /// Where it runs, something failed: what a person is told.
    Failed(String),
}

/// Where a backfill runs: a place for pages and for what it has to remember, a clock, sleep and chance.
pub trait Host {
    /// The present instant.
    fn now(&mut self) -> Timestamp;

    /// Lets time pass; of no time at all it only asks whether to go on.
    ///
    /// # Errors
    /// Somebody told it to stop.
    fn pause(&mut self, how_long: Duration) -> Result<(), Halt>;

    /// A number from 0 to 1, so that several who wait do not all come back at once.
    fn chance(&mut self) -> f64;

    /// What was remembered under a key, also by an earlier process.
    ///
    /// # Errors
    /// It cannot be read.
    fn recall(&mut self, key: &str) -> Result<Option<String>, Halt>;

    /// Remembers something under a key.
    ///
    /// # Errors
    /// It cannot be written.
    fn remember(&mut self, key: &str, value: &str) -> Result<(), Halt>;

    /// Makes a page durable before it returns. A page that is known already does no harm.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&mut self, page: Page) -> Result<(), Halt>;

    /// Which of these commits nobody has told of yet; with `ancestors` also the parents of known commits that nobody has
    /// told of. Everything kept before counts.
    ///
    /// # Errors
    /// It cannot be read.
    fn unknown_commits(&mut self, repository: &str, heads: &[String], ancestors: bool) -> Result<Vec<String>, Halt>;

    /// How far it is.
    fn tell(&mut self, progress: &Progress);
}
