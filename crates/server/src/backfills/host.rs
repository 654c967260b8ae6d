//! Where a backfill runs: the store, the clock, and its job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use sources::poll::{Backfill, Halt, Host, Page, PollError, Progress, Settings};
use store::{Delivery, Store, StoreError, Webhook};

use super::job::{Job, Record, Stage};
use crate::clock;

/// When more than so many rows wait to be applied, reading waits for them: a page holds up to a hundred events.
const FAR_BEHIND: u64 = 200;

pub(super) struct Here {
    store: Store,
    /// The source by its configured name.
    name: String,
    /// Its parser.
    parser: &'static str,
    job: Arc<Job>,
}

impl Here {
    pub(super) fn new(store: Store, name: String, parser: &'static str, job: Arc<Job>) -> Self {
        Here { store, name, parser, job }
    }

    /// Reads to the end, or until something stops it; the record of it.
    pub(super) fn read(mut self, backfill: &Backfill, settings: &Settings) -> Record {
        tracing::info!(source = self.name, since = ?settings.since, "reading begins");
        let ran = catch_unwind(AssertUnwindSafe(|| (backfill.run)(settings, &mut self)));
        let (progress, done) = ran.unwrap_or_else(|_| {
            let message = "it ran into a fault of Leadline's own; the log says more".to_owned();
            (self.job.record().progress, Err(PollError::Failed(message)))
        });
        // Whoever waits for its end asks for numbers next.
        let done = done.and_then(|()| self.store.settle().map_err(|error| PollError::Failed(error.to_string())));
        let (state, message) = match done {
            Ok(()) => (Stage::Done, None),
            Err(PollError::Failed(message)) => (Stage::Failed, Some(message)),
            Err(PollError::Stopped) if self.job.is_stopped() => (Stage::Stopped, None),
            // The server stops: it goes on with the next start.
            Err(PollError::Stopped) => (Stage::Running, None),
        };
        tracing::info!(source = self.name, ?state, message, pages = progress.pages, "reading ends");
        self.job.change(|record| {
            let ends = state != Stage::Running;
            (record.state, record.message, record.progress) = (state, message, progress);
            record.finished_at = ends.then(clock::now);
        });
        self.job.record()
    }
}

/// A number from 0 to 1.
pub(crate) fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness several wait equally long.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

fn failed(error: StoreError) -> Halt {
    match error {
        // The server is going.
        StoreError::Closed => Halt::Stopped,
        other => Halt::Failed(other.to_string()),
    }
}

impl Host for Here {
    fn now(&mut self) -> Timestamp {
        clock::now()
    }

    fn pause(&mut self, how_long: Duration) -> Result<(), Halt> {
        if self.job.pause(how_long) { Err(Halt::Stopped) } else { Ok(()) }
    }

    fn chance(&mut self) -> f64 {
        chance()
    }

    fn recall(&mut self, key: &str) -> Result<Option<String>, Halt> {
        self.store.cursor(&self.name, key).map_err(failed)
    }

    fn remember(&mut self, key: &str, value: &str) -> Result<(), Halt> {
        self.store.put_cursor(&self.name, key, value, clock::now()).map_err(failed)
    }

    fn keep(&mut self, page: Page) -> Result<(), Halt> {
        if self.store.pending() > FAR_BEHIND {
            self.store.settle().map_err(failed)?;
        }
        let webhook = Webhook {
            source: self.name.clone(),
            parser: self.parser.to_owned(),
            delivery_id: page.delivery_id(),
            event: Page::EVENT.to_owned(),
            headers: page.headers(),
            body: page.body,
        };
        self.store.append(vec![Delivery::Webhook(webhook)], clock::now()).map_err(failed)?;
        Ok(())
    }

    fn unknown_commits(&mut self, repository: &str, heads: &[String], ancestors: bool) -> Result<Vec<String>, Halt> {
        self.store.settle().map_err(failed)?;
        self.store.unknown_commits(repository, heads, ancestors).map_err(failed)
    }

    fn tell(&mut self, progress: &Progress) {
        self.job.change(|record| record.progress = progress.clone());
    }
}
