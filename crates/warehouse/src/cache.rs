//! Answers by question, for one snapshot: who asks the same waits for the one who asked first.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use domain::Problem;
use tokio::sync::OnceCell;

type Cell<T> = Arc<OnceCell<Arc<T>>>;

pub(crate) struct Cache<T> {
    /// How many answers are kept: as many as memory is to be spent on, by their usual size.
    capacity: usize,
    inner: Mutex<Known<T>>,
}

struct Known<T> {
    snapshot: u64,
    by_question: HashMap<String, Cell<T>>,
    /// First asked first.
    order: VecDeque<String>,
}

impl<T> Cache<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let known = Known { snapshot: 0, by_question: HashMap::new(), order: VecDeque::new() };
        Cache { capacity, inner: Mutex::new(known) }
    }

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
        let mut known = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if snapshot < known.snapshot {
            return None;
        }
        if snapshot > known.snapshot {
            *known = Known { snapshot, by_question: HashMap::new(), order: VecDeque::new() };
        }
        if let Some(cell) = known.by_question.get(&key) {
            return Some(cell.clone());
        }
        if known.order.len() >= self.capacity
            && let Some(oldest) = known.order.pop_front()
        {
            known.by_question.remove(&oldest);
        }
        known.order.push_back(key.clone());
        Some(known.by_question.entry(key).or_default().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_asked_first_is_forgotten_first_and_everything_with_the_next_snapshot() {
        let cache = Cache::new(2);
        let ask = async |snapshot, key: &str, value: u8| {
            *cache.get(snapshot, key.to_owned(), async { Ok(value) }).await.unwrap()
        };
        assert_eq!(ask(1, "a", 1).await, 1);
        assert_eq!(ask(1, "b", 2).await, 2);
        assert_eq!(ask(1, "a", 9).await, 1);
        assert_eq!(ask(1, "c", 3).await, 3);
        assert_eq!((ask(1, "b", 9).await, ask(1, "a", 4).await), (2, 4));
        assert_eq!(ask(2, "a", 5).await, 5);
        // Who still looks at an older snapshot gets an answer and leaves none.
        assert_eq!((ask(1, "a", 6).await, ask(2, "a", 9).await), (6, 5));
    }
}
