//! What is seen in clusters, into the journal.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use serde_json::json;
use sources::poll::{Halt, Page};
use store::{Delivery, Store, StoreError, Webhook};
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use watch::{Cluster, Config, Keeper, State, Stop};

use super::{FeedStates, keep, told};
use crate::backfills::chance;
use crate::clock;

/// The kind of source whose parser reads what is seen.
const PARSER: &str = "kubernetes";

/// The store, as a watch sees it.
struct Here {
    store: Store,
    states: FeedStates,
}

fn failed(error: StoreError) -> Halt {
    match error {
        StoreError::Closed => Halt::Stopped,
        other => Halt::Failed(other.to_string()),
    }
}

/// Cursors of a cluster stand apart from those of others that belong to the same source.
fn key(cluster: &Cluster, key: &str) -> String {
    format!("cluster {} {key}", cluster.name)
}

impl Here {
    /// The store blocks.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Halt> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done.map_err(failed),
            Err(_) => Err(Halt::Stopped),
        }
    }
}

impl Keeper for Here {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    async fn pause(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }

    fn chance(&self) -> f64 {
        chance()
    }

    async fn recall(&self, cluster: &Cluster, name: &str) -> Result<Option<String>, Halt> {
        let (source, key) = (cluster.source.clone(), key(cluster, name));
        let known = self.ask(move |store| store.cursor(&source, &key)).await?;
        // Forgotten is kept as nothing.
        Ok(known.filter(|value| !value.is_empty()))
    }

    async fn remember(&self, cluster: &Cluster, name: &str, value: Option<&str>) -> Result<(), Halt> {
        let (source, key) = (cluster.source.clone(), key(cluster, name));
        let value = value.unwrap_or_default().to_owned();
        self.ask(move |store| store.put_cursor(&source, &key, &value, clock::now())).await
    }

    async fn keep(&self, cluster: &Cluster, page: Page) -> Result<(), Halt> {
        let webhook = Webhook {
            source: cluster.source.clone(),
            parser: PARSER.to_owned(),
            delivery_id: page.delivery_id(),
            event: Page::EVENT.to_owned(),
            headers: page.headers(),
            body: page.body,
        };
        match keep(&self.store, Delivery::Webhook(webhook)).await {
            Some(kept) => kept.map_err(failed),
            None => Err(Halt::Stopped),
        }
    }

    fn tell(&self, cluster: &Cluster, kind: &'static str, state: State) {
        let (state, why) = match state {
            State::Fresh => ("fresh", None),
            State::Waiting { why, .. } => ("waiting", Some(why)),
            State::Ended { why } => ("ended", Some(why)),
        };
        let told = json!({
            "cluster": cluster.name, "source": cluster.source, "kind": kind, "state": state, "why": why,
            "at": clock::now(),
        });
        let mut known = self.states.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((cluster.name.clone(), kind), told);
    }
}

pub(super) fn start(
    clusters: Vec<Cluster>,
    store: &Store,
    states: &FeedStates,
    stopping: channel::Receiver<bool>,
) -> JoinHandle<()> {
    let keeper = Arc::new(Here { store: store.clone(), states: states.clone() });
    tokio::spawn(async move {
        let (tell, stop) = Stop::new();
        let config = Config { clusters };
        let watching = watch::run(&config, keeper, stop);
        tokio::pin!(watching);
        let ended = tokio::select! {
            ended = &mut watching => ended,
            () = told(stopping) => {
                let _ = tell.send(true);
                watching.await
            }
        };
        if let Err(why) = ended {
            tracing::error!(why, "clusters are not watched: mend the configuration and start again");
        }
    })
}
