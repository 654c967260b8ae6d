//! The crate against Debian's own `nats-server`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod access;
mod journal;
mod killed;
mod nats;
mod taken;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use journal::Journal;
use stream::{Consumer, Counts, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// 2026-11-01.
fn now() -> Timestamp {
    Timestamp::from_micros(1_793_491_200_000_000)
}

/// A consumer that runs, until it is told to stop.
struct Running {
    counts: Arc<Counts>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), stream::Error>>,
}

impl Running {
    fn start(settings: Settings, journal: &Arc<Journal>) -> Self {
        let consumer = Consumer::new(settings, sources::find).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (counts, journal) = (consumer.counts(), Arc::clone(journal));
        let task = tokio::spawn(async move { consumer.run(&*journal, now, async move { _ = stopped.await }).await });
        Running { counts, stop, task }
    }

    /// Stops it as a server that shuts down does.
    async fn stop(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(20), self.task).await.expect("it stops").unwrap().unwrap();
    }

    /// Ends it as a power cut does.
    async fn cut(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// Waits until something is so, for a minute at most.
async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "never: {what}");
}
