//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::catalogue::{Node, NodeRef, Tree};
use domain::definition::Definition;
use domain::{Code, Problem, Timestamp};
use store::Store;
use tokio::sync::watch;
use warehouse::Warehouse;

use crate::backfills::Backfills;
use crate::config::Config;
use crate::error::ApiError;
use crate::feeds::FeedStates;
use crate::rebuilding::Rebuilding;
use crate::senders::Senders;
use crate::sync::Calls;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) shown: Arc<Shown>,
    pub(crate) synced: watch::Receiver<Synced>,
    /// To whoever keeps the warehouse as the store is.
    pub(crate) calls: Arc<Calls>,
    /// Turns true when the server is told to stop: answers that never end by themselves end then.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) backfills: Arc<Backfills>,
    pub(crate) rebuilding: Arc<Rebuilding>,
    pub(crate) feeds: FeedStates,
}

/// What answers are given from: swapped as a whole when everything was rebuilt.
pub(crate) struct Shown {
    pub(crate) warehouse: ArcSwap<Warehouse>,
    pub(crate) tree: ArcSwap<Tree>,
    /// Those that come with Leadline, then those of the catalogue.
    pub(crate) definitions: ArcSwap<Vec<Definition>>,
}

/// How far the warehouse has followed the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// Change number it holds.
    pub(crate) change: u64,
    /// When it was read.
    pub(crate) at: Timestamp,
    /// Whether everything there was at the start has been read.
    pub(crate) ready: bool,
}

/// A reader waits at most this long for what was accepted before it asked.
const FRESH: Duration = Duration::from_secs(5);

impl App {
    /// Runs something that blocks, away from the threads that answer.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => Err(ApiError::internal("a request could not be finished", &error)),
        }
    }

    /// Waits until what was accepted before this call can be seen, for a short while; returns when that was read.
    ///
    /// Whoever posts an event and then asks finds it. Under a flood of events the answer is a little older instead of
    /// late, and `as_of` tells.
    pub(crate) async fn fresh(&self) -> Result<Timestamp, ApiError> {
        if self.store.pending() > 0 {
            let store = self.store.clone();
            let settled = self.blocking(move || store.settle().map_err(ApiError::from));
            if let Ok(done) = tokio::time::timeout(FRESH, settled).await {
                done?;
            }
        }
        let store = self.store.clone();
        let wanted = self.blocking(move || store.change_number().map_err(ApiError::from)).await?;
        let mut synced = self.synced.clone();
        if synced.borrow().change < wanted {
            self.calls.wanted.notify_one();
        }
        let seen = tokio::time::timeout(FRESH, synced.wait_for(|synced| synced.ready && synced.change >= wanted)).await;
        match seen {
            Ok(Ok(_)) => Ok(crate::clock::now()),
            Ok(Err(_)) => Err(ApiError::new(Code::Unavailable, "the server is stopping").retry_after(5)),
            Err(_) if self.synced.borrow().ready => Ok(self.synced.borrow().at),
            Err(_) => Err(ApiError::new(Code::Unavailable, "the server is still reading its data").retry_after(2)),
        }
    }

    pub(crate) fn warehouse(&self) -> Arc<Warehouse> {
        self.shown.warehouse.load_full()
    }

    pub(crate) fn node(&self, text: Option<&str>) -> Result<Node, Problem> {
        let node: NodeRef = text.unwrap_or("group").parse()?;
        self.shown.tree.load().resolve(&node)
    }

    pub(crate) fn definition(&self, id: Option<&str>) -> Result<Definition, Problem> {
        let id = id.unwrap_or(&self.config.metrics.definition);
        let definitions = self.shown.definitions.load();
        definitions.iter().find(|definition| definition.id == id).cloned().ok_or_else(|| {
            let known: Vec<_> = definitions.iter().map(|definition| definition.id.as_str()).collect();
            let id: String = id.chars().take(64).collect();
            Problem::new(
                Code::DefinitionUnknown,
                format!("there is no definition `{id}`; there are {}", known.join(", ")),
            )
        })
    }
}
