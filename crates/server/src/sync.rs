//! Keeps the warehouse and the tree as the store is: woken by each applied batch, page by page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::catalogue::{Catalogue, ComponentId, Tree};
use domain::definition::Definition;
use store::{Changes, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use warehouse::{Batch, Removed, Warehouse};

use crate::clock;
use crate::config::{RetentionConfig, WarehouseConfig};
use crate::seal::seal;
use crate::state::{Shown, Synced};

const PAGE: usize = 5_000;
/// While events stream in, the buckets they touch are built anew this often at most, and no more than half of the time.
const PACE: Duration = Duration::from_millis(200);
/// Nor is what is shown older than this for its sake.
const LAST: Duration = Duration::from_millis(800);

/// What the follower listens to.
#[derive(Default)]
pub(crate) struct Calls {
    /// Something was applied.
    pub(crate) applied: Notify,
    /// Somebody waits for the numbers.
    pub(crate) wanted: Notify,
}

/// Follows the store until the task is aborted.
pub(crate) async fn follow(
    store: Store,
    shown: Arc<Shown>,
    calls: Arc<Calls>,
    synced: watch::Sender<Synced>,
    config: WarehouseConfig,
    retention: RetentionConfig,
) {
    // What was accepted before a crash and not yet applied belongs to the data of the start.
    let settling = store.clone();
    match tokio::task::spawn_blocking(move || settling.settle()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(error = %error, "what was pending could not be applied"),
        Err(error) => tracing::error!(error = %error, "what was pending could not be applied"),
    }
    let mut follower = Follower::new(store, shown, synced, &config, retention);
    loop {
        let began = Instant::now();
        if let Err(error) = follower.catch_up().await {
            tracing::error!(error = %error, "the warehouse could not follow the store; trying again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        let took = began.elapsed();
        let earliest = Instant::now() + PACE.saturating_sub(took).max(took).min(LAST);
        calls.applied.notified().await;
        tokio::select! {
            () = tokio::time::sleep_until(earliest) => {}
            () = calls.wanted.notified() => {}
        }
    }
}

/// Where the tables on disk are; none for a store that lives in memory.
pub(crate) fn lake(store: &Store) -> Option<PathBuf> {
    store.folder().map(lake_of)
}

/// Where the tables of a data folder are.
#[must_use]
pub fn lake_of(folder: &Path) -> PathBuf {
    folder.join("lake")
}

struct Follower {
    store: Store,
    shown: Arc<Shown>,
    synced: watch::Sender<Synced>,
    change: u64,
    /// Where components are known to run.
    places: BTreeSet<(ComponentId, String)>,
    /// While everything is made anew: the warehouse that will take the place of the one that is shown.
    staged: Option<Arc<Warehouse>>,
    /// Bytes in memory at which this does not go on before they are sealed.
    bound: usize,
    /// Months that are not to come back when everything is made anew.
    retention: RetentionConfig,
    /// Whether what is sealed on disk is of no use: of another version, or ahead of the store.
    useless: bool,
}

#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Warehouse(#[from] domain::Problem),
    #[error("the reader stopped: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Follower {
    /// Goes on from what is sealed on disk.
    fn new(
        store: Store,
        shown: Arc<Shown>,
        synced: watch::Sender<Synced>,
        config: &WarehouseConfig,
        retention: RetentionConfig,
    ) -> Self {
        let warehouse = shown.warehouse.load_full();
        let change = warehouse.sealed();
        let useless = warehouse.stale() || store.change_number().is_ok_and(|last| last < change);
        if useless {
            tracing::warn!("the tables on disk do not fit the store; they are made anew from it");
        }
        let change = if useless { 0 } else { change };
        // Much in memory is sealed beside this; it waits for that only when it comes in faster.
        let bound = config.bytes().saturating_mul(2);
        Follower { store, shown, synced, change, places: BTreeSet::new(), staged: None, bound, retention, useless }
    }

    async fn catch_up(&mut self) -> Result<(), SyncError> {
        let mut tree = !self.synced.borrow().ready;
        loop {
            let (store, change) = (self.store.clone(), self.change);
            // Read before the page, so that `as_of` never says more than is known.
            let at = clock::now();
            let page = tokio::task::spawn_blocking(move || store.changes_since(change, PAGE)).await??;
            let anew = page.rebuilt || self.useless;
            if anew {
                // Answers come from the old one until the new one is whole.
                self.staged = Some(Arc::new(self.empty().await?));
                self.useless = false;
                self.places.clear();
            }
            let target = self.staged.clone().unwrap_or_else(|| self.shown.warehouse.load_full());
            let (upto, more) = (page.upto, page.more);
            tree |= page.tree | anew | self.new_places(&page);
            let batch = Batch {
                deployments: page.deployments,
                incidents: page.incidents,
                others: page.others,
                removed: Removed { deployments: page.removed_deployments, incidents: page.removed_incidents },
                before: page.before,
                change: upto,
            };
            let taking = Arc::clone(&target);
            tokio::task::spawn_blocking(move || taking.take(batch)).await??;
            self.change = upto;
            if target.in_memory() >= self.bound && seal(&self.store, &target).await.is_err() {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            drop(target);
            if more {
                continue;
            }
            self.put_staged().await?;
            let target = self.shown.warehouse.load_full();
            if tree {
                self.set_tree(&target).await?;
            }
            self.synced.send_replace(Synced { change: upto, at, ready: true });
            return Ok(());
        }
    }

    /// An empty warehouse beside the one that is shown.
    async fn empty(&self) -> Result<Warehouse, SyncError> {
        let empty = match lake(&self.store) {
            Some(folder) => Warehouse::staged(&folder).await?,
            None => Warehouse::new()?,
        };
        empty.keep_from(&self.retention.first_months(clock::now()));
        Ok(empty)
    }

    /// Shows what was made anew, whole. When that fails it is kept and tried again: what is shown is no longer followed.
    async fn put_staged(&mut self) -> Result<(), SyncError> {
        let Some(staged) = self.staged.clone() else { return Ok(()) };
        self.set_tree(&staged).await?;
        drop(staged);
        // Nobody else knows it yet.
        if let Some(staged) = self.staged.as_mut().and_then(Arc::get_mut) {
            staged.promote(clock::now()).await?;
        }
        if let Some(staged) = self.staged.take() {
            self.shown.warehouse.store(staged);
        }
        Ok(())
    }

    /// Whether a page shows a component where none was seen before, or moves something the names of others depend on.
    fn new_places(&mut self, page: &Changes) -> bool {
        let removed = page.removed_deployments.len() + page.removed_incidents.len();
        let mut news = !page.incidents.is_empty() || removed > 0;
        for (fact, _) in &page.deployments {
            let place = (fact.lane.component.clone(), fact.lane.instance.to_string());
            news |= self.places.insert(place);
        }
        news
    }

    /// Builds the tree from the catalogue, what events told of products, and what the warehouse holds now.
    async fn set_tree(&mut self, target: &Arc<Warehouse>) -> Result<(), SyncError> {
        let store = self.store.clone();
        let read = move || Ok::<_, StoreError>((store.catalogue()?, store.product_hints()?));
        let (catalogue, hints) = tokio::task::spawn_blocking(read).await??;
        let places = target.places().await?;
        let seen = places.components.iter().map(|(component, instance)| (component, instance.as_deref()));
        let products = places.products.iter().map(String::as_str);
        let tree = Tree::build(&catalogue, &hints, seen, products);
        self.places = places
            .components
            .iter()
            .filter_map(|(component, instance)| Some((component.clone(), instance.clone()?)))
            .collect();
        target.set_tree(tree.clone());
        self.shown.tree.store(Arc::new(tree));
        self.shown.definitions.store(Arc::new(definitions(&catalogue)));
        Ok(())
    }
}

/// Those that come with Leadline, and those of the catalogue that can be used. They were checked when they came in; one
/// that another version of Leadline took is not answered by instead of answered wrongly.
fn definitions(catalogue: &Catalogue) -> Vec<Definition> {
    let mut definitions = domain::definition::shipped();
    for declared in &catalogue.definitions {
        match declared.definition() {
            Ok(whole) => definitions.push(whole),
            Err(problem) => tracing::error!(error = %problem, "a definition of the catalogue cannot be used"),
        }
    }
    definitions
}
