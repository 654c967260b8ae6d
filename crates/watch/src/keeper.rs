//! What watching needs from where it runs.

use std::future::Future;
use std::time::Duration;

use domain::Timestamp;
use sources::poll::{Halt, Page};
use tokio::sync::watch;

use crate::Cluster;

/// A place for deliveries and for what has to be remembered, a clock, sleep and chance. A test's takes no time.
///
/// Keys are those of one cluster; two clusters may use the same.
pub trait Keeper: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Lets time pass.
    fn pause(&self, how_long: Duration) -> impl Future<Output = ()> + Send;

    /// A number from 0 to 1, so that several who wait do not all come back at once.
    fn chance(&self) -> f64;

    /// What was remembered under a key, also by an earlier process.
    ///
    /// # Errors
    /// It cannot be read: the cluster is watched no further.
    fn recall(&self, cluster: &Cluster, key: &str) -> impl Future<Output = Result<Option<String>, Halt>> + Send;

    /// Remembers something under a key; none forgets it.
    ///
    /// # Errors
    /// It cannot be written.
    fn remember(
        &self,
        cluster: &Cluster,
        key: &str,
        value: Option<&str>,
    ) -> impl Future<Output = Result<(), Halt>> + Send;

    /// Makes a page durable as a delivery of the source [`Cluster::source`] before it returns. One that is known already
    /// does no harm: [`Page::delivery_id`] tells.
    ///
    /// # Errors
    /// It cannot be written.
    fn keep(&self, cluster: &Cluster, page: Page) -> impl Future<Output = Result<(), Halt>> + Send;

    /// How it goes with one kind of workload in one cluster, for people and for the promise of freshness
    /// ([`sources::kubernetes::FRESH_WITHIN`]).
    fn tell(&self, cluster: &Cluster, kind: &'static str, state: State);
}

/// How it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything up to now is known.
    Fresh,
    /// Something is in the way: what happened, to what, what to do. It is tried again after the pause.
    Waiting {
        /// For people.
        why: String,
        /// How long.
        pause: Duration,
    },
    /// The keeper failed, and it is watched no further.
    Ended {
        /// For people.
        why: String,
    },
}

/// Tells to stop: its sender sends `true`, or goes away.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The two ends. Dropping the first stops too.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Stop) {
        let (sender, receiver) = watch::channel(false);
        (sender, Stop(receiver))
    }

    /// Waits until it is told.
    pub(crate) async fn told(&self) {
        let mut receiver = self.0.clone();
        // An error says that the sender has gone.
        let _ = receiver.wait_for(|told| *told).await;
    }
}
