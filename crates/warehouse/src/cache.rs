//! Answers by question, for one snapshot: who asks the same waits for the one who asked first.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Problem;
use tokio::sync::OnceCell;

/// Questions kept; over that, all are forgotten.
const CAPACITY: usize = 2_000;

type Cell<T> = Arc<OnceCell<Arc<T>>>;

pub(crate) struct Cache<T> {
    inner: Mutex<(u64, HashMap<String, Cell<T>>)>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Cache { inner: Mutex::default() }
    }
}

impl<T> Cache<T> {
    /// The answer to a question on a snapshot, computed at most once. Failures are not kept.
    pub(crate) async fn get(
        &self,
        snapshot: u64,
        key: String,
        compute: impl Future<Output = Result<T, Problem>>,
    ) -> Result<Arc<T>, Problem> {
        match self.cell(snapshot, key) {
            Some(cell) => cell.get_or_try_init(|| async { compute.await.map(Arc::new) }).await.cloned(),
            None => compute.await.map(Arc::new),
        }
    }

    /// None for a snapshot older than the one the cache is at.
    fn cell(&self, snapshot: u64, key: String) -> Option<Cell<T>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if snapshot < inner.0 {
            return None;
        }
        if snapshot > inner.0 || inner.1.len() >= CAPACITY {
            *inner = (snapshot, HashMap::new());
        }
        Some(inner.1.entry(key).or_default().clone())
    }
}
