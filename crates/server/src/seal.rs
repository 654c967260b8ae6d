//! Seals what the warehouse holds in memory: when it is much, when it is old; and tidies up once a day: files, months past
//! their retention, bodies of the journal.

use std::sync::Arc;
use std::time::Duration;

use domain::Problem;
use store::{Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use warehouse::{JournalArchive, Sealing, Warehouse};

use crate::archive::{ArchiveError, Moved, move_days};
use crate::clock;
use crate::config::{RetentionConfig, WarehouseConfig};
use crate::state::Shown;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// After a start it is tidied up no later than this: a server that is started anew each day would never be.
const FIRST: Duration = Duration::from_secs(3_600);

/// What keeps the tables on disk, and what of it.
pub(crate) struct Keeping {
    pub(crate) store: Store,
    pub(crate) shown: Arc<Shown>,
    pub(crate) archive: Option<Arc<JournalArchive>>,
    pub(crate) warehouse: WarehouseConfig,
    pub(crate) retention: RetentionConfig,
    /// Turns true when the server is told to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Keeping {
    /// Runs until the task is aborted: a seal that is cut off has changed nothing or everything of a table.
    pub(crate) async fn run(self) {
        let mut since: Option<Instant> = None;
        let pause = Duration::from_secs(self.warehouse.tidy_every_s);
        let mut tidy_at = Instant::now() + pause.min(FIRST);
        let mut failed: Option<Instant> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let warehouse = self.shown.warehouse.load_full();
            let held = warehouse.in_memory();
            since = if held == 0 { None } else { since.or_else(|| Some(Instant::now())) };
            // One that failed is tried again after a minute: the disk may be full, and the log should stay readable.
            if failed.is_some_and(|at| at.elapsed() < Duration::from_secs(60)) {
                continue;
            }
            failed = None;
            let old = since.is_some_and(|since| since.elapsed() >= Duration::from_secs(self.warehouse.seal_after_s));
            if held >= self.warehouse.bytes() || old {
                since = None;
                if seal(&self.store, &warehouse).await.is_err() {
                    failed = Some(Instant::now());
                }
            }
            if Instant::now() >= tidy_at {
                tidy_at = Instant::now() + pause;
                self.forget(&warehouse).await;
                tidy(&warehouse).await;
                drop(warehouse);
                self.move_journal().await;
            }
        }
    }

    /// Takes months past their retention out of the tables.
    async fn forget(&self, warehouse: &Warehouse) {
        let now = clock::now();
        let first = self.retention.first_months(now);
        if first.is_empty() {
            return;
        }
        match warehouse.forget_months(&first, now).await {
            Ok(files) => tracing::info!(files, "months past their retention left the tables"),
            Err(problem) => tracing::error!(error = %problem, "old months could not leave the tables"),
        }
    }

    /// Moves what the journal has kept for long enough to the archive.
    async fn move_journal(&self) {
        let Some(archive) = self.archive.clone() else { return };
        let (store, days, stopping) = (self.store.clone(), self.retention.journal_days, self.stopping.clone());
        let moving = tokio::task::spawn_blocking(move || {
            let mut step =
                |name: &str| if *stopping.borrow() { Err(ArchiveError::Stopped(name.to_owned())) } else { Ok(()) };
            move_days(&store, &archive, days, clock::now(), &mut step)
        });
        match moving.await {
            Ok(Ok(moved)) if moved == Moved::default() => {}
            Ok(Ok(moved)) => tracing::info!(days = moved.days, bodies = moved.bodies, "the journal was archived"),
            Ok(Err(ArchiveError::Stopped(_))) => {}
            Ok(Err(error)) => {
                tracing::error!(error = %error, "the journal could not be archived; its bodies stay where they are");
            }
            Err(error) => tracing::error!(error = %error, "the journal could not be archived"),
        }
    }
}

/// Seals, tells the log, and lets the store forget what it kept for it.
pub(crate) async fn seal(store: &Store, warehouse: &Warehouse) -> Result<Sealing, Problem> {
    let began = Instant::now();
    let moves = blocking(store, Store::moves).await;
    match warehouse.seal(clock::now()).await {
        Ok(done) => {
            tracing::info!(change = done.change, rows = done.rows, took = ?began.elapsed(), "facts were sealed");
            // Moves that are known only now may concern rows that were not sealed with this.
            if let Some((mark, change)) = moves
                && mark > 0
                && done.change >= change
            {
                blocking(store, move |store| store.forget_moves(mark)).await;
            }
            Ok(done)
        }
        Err(problem) => {
            tracing::error!(error = %problem, "facts could not be sealed; they stay in memory and in the store");
            Err(problem)
        }
    }
}

async fn tidy(warehouse: &Warehouse) {
    let done = async {
        let files = warehouse.compact(clock::now()).await?;
        Ok::<_, Problem>((files.rows, warehouse.clean().await?))
    };
    match done.await {
        Ok((rows, deleted)) => tracing::info!(rows, deleted, "the tables on disk were tidied up"),
        Err(problem) => tracing::error!(error = %problem, "the tables on disk could not be tidied up"),
    }
}

async fn blocking<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Option<T> {
    let store = store.clone();
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "moves of facts could not be asked for");
            None
        }
        Err(error) => {
            tracing::error!(error = %error, "moves of facts could not be asked for");
            None
        }
    }
}
