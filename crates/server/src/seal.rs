//! Seals what the warehouse holds in memory: when it is much, when it is old; and tidies up once a day.

use std::sync::Arc;
use std::time::Duration;

use domain::Problem;
use store::{Store, StoreError};
use tokio::time::Instant;
use warehouse::{Sealing, Warehouse};

use crate::clock;
use crate::config::WarehouseConfig;
use crate::state::Shown;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until the task is aborted: a seal that is cut off has changed nothing or everything of a table.
pub(crate) async fn keep(store: Store, shown: Arc<Shown>, config: WarehouseConfig) {
    let mut since: Option<Instant> = None;
    let mut tidied = Instant::now();
    let mut failed: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let warehouse = shown.warehouse.load_full();
        let held = warehouse.in_memory();
        since = if held == 0 { None } else { since.or_else(|| Some(Instant::now())) };
        // One that failed is tried again after a minute: the disk may be full, and the log should stay readable.
        if failed.is_some_and(|at| at.elapsed() < Duration::from_secs(60)) {
            continue;
        }
        failed = None;
        let old = since.is_some_and(|since| since.elapsed() >= Duration::from_secs(config.seal_after_s));
        if held >= config.bytes() || old {
            since = None;
            if seal(&store, &warehouse).await.is_err() {
                failed = Some(Instant::now());
            }
        }
        if tidied.elapsed() >= Duration::from_secs(config.tidy_every_s) {
            tidied = Instant::now();
            tidy(&warehouse).await;
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
