//! A journal as the server's is, seen from here: what it has it knows by its identity.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use stream::{Keeper, Received, Refused, Trouble};

#[derive(Default)]
pub(crate) struct Journal {
    rows: Mutex<BTreeMap<String, Received>>,
    refused: Mutex<Vec<Refused>>,
    /// How often it was asked to keep something.
    pub(crate) asked: AtomicUsize,
    /// How often more it says that it cannot.
    failing: AtomicUsize,
    /// How long it takes.
    takes: Duration,
}

impl Journal {
    pub(crate) fn slow(takes: Duration) -> Self {
        Journal { takes, ..Journal::default() }
    }

    pub(crate) fn failing(times: usize) -> Self {
        Journal { failing: AtomicUsize::new(times), ..Journal::default() }
    }

    /// Its rows by identity.
    pub(crate) fn rows(&self) -> Vec<Received> {
        self.rows.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn refused(&self) -> Vec<Refused> {
        self.refused.lock().unwrap().clone()
    }

    async fn work(&self) -> Result<(), Trouble> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        let failing = self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() { Err(Trouble("the disk is full".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Keeper for Journal {
    async fn keep(&self, received: Received) -> Result<(), Trouble> {
        self.work().await?;
        self.rows.lock().unwrap().entry(received.delivery_id.clone()).or_insert(received);
        Ok(())
    }

    async fn refuse(&self, refused: Refused) -> Result<(), Trouble> {
        self.work().await?;
        self.refused.lock().unwrap().push(refused);
        Ok(())
    }
}
