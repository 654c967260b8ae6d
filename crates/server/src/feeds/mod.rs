//! What is read for as long as the server runs: clusters that are watched, streams that are consumed.

mod clusters;
mod streams;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use store::{Delivery, Store, StoreError};
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use crate::clock;
use crate::config::Config;

/// All of them, running.
#[derive(Debug)]
pub(crate) struct Feeds {
    tasks: Vec<JoinHandle<()>>,
}

/// A stream by its name, and how it goes.
type Counted = (String, Arc<stream::Counts>);

/// How they go, for who asks.
#[derive(Clone, Default)]
pub(crate) struct FeedStates {
    clusters: Arc<Mutex<BTreeMap<(String, &'static str), Value>>>,
    streams: Arc<Mutex<Vec<Counted>>>,
}

impl FeedStates {
    /// By cluster and kind of workload, and by stream.
    pub(crate) fn shown(&self) -> (Vec<Value>, Vec<Value>) {
        let clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        let clusters = clusters.values().cloned().collect();
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(name, counts): &Counted| {
            json!({
                "stream": name, "attached": counts.attached(), "kept": counts.kept(), "refused": counts.refused(),
                "retried": counts.retried(),
            })
        };
        (clusters, streams.iter().map(of).collect())
    }
}

impl Feeds {
    /// Starts what the configuration names. `stopping` turns true when the server is told to stop.
    pub(crate) fn start(
        config: &Config,
        store: &Store,
        states: &FeedStates,
        stopping: &channel::Receiver<bool>,
    ) -> Result<Self, String> {
        let mut tasks = Vec::new();
        for settings in &config.streams {
            tasks.push(streams::start(settings, store, states, stopping.clone())?);
        }
        if !config.clusters.is_empty() {
            tasks.push(clusters::start(config.clusters.clone(), store, states, stopping.clone()));
        }
        Ok(Feeds { tasks })
    }

    /// Waits until what was being kept is kept: they were told to stop before.
    pub(crate) async fn join(self) {
        for task in self.tasks {
            // One that broke has said so in the log.
            let _ = task.await;
        }
    }
}

/// Makes a delivery durable; none when the store is closed.
async fn keep(store: &Store, delivery: Delivery) -> Option<Result<(), StoreError>> {
    let (done, kept) = tokio::sync::oneshot::channel();
    let answer = Box::new(move |result: Result<Vec<_>, StoreError>| {
        // Whoever waits may have gone; the delivery is on disk all the same.
        let _ = done.send(result.map(|_| ()));
    });
    store.append_then(vec![delivery], clock::now(), answer);
    kept.await.ok()
}

/// Turns ready when the server is told to stop, or has gone.
async fn told(mut stopping: channel::Receiver<bool>) {
    let _ = stopping.wait_for(|told| *told).await;
}
