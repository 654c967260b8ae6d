//! One backfill: its record, and how it is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sources::poll::Progress;

/// Where a backfill stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// There never was one.
    #[default]
    Never,
    /// It reads, also over restarts.
    Running,
    /// It came to its end; what could not be read stands in its failures.
    Done,
    /// Somebody stopped it.
    Stopped,
    /// It could not go on; the message says why.
    Failed,
}

/// What is known of a source's last backfill.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The same for as long as it goes on.
    pub(crate) run: String,
    pub(crate) state: Stage,
    /// Nothing older was asked for.
    pub(crate) since: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// Why it could not go on.
    pub(crate) message: Option<String>,
    /// How far it came since it was started or gone on with last.
    pub(crate) progress: Progress,
}

impl Record {
    /// About how long it goes on, from how long the repositories read so far took; none while nothing can be said.
    pub(crate) fn remaining(&self, now: Timestamp) -> Option<Duration> {
        let (done, total) = (self.progress.repositories_done, self.progress.repositories_total);
        let spent = u64::try_from(now.since(self.started_at?)).ok().filter(|_| self.state == Stage::Running)?;
        let left = u128::from(spent) * u128::from(total.checked_sub(done)?) / u128::from(done).max(1);
        (done > 0).then(|| Duration::from_micros(u64::try_from(left).unwrap_or(u64::MAX)))
    }
}

/// How it was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    /// For now: the server stops.
    Halt,
    /// By a person.
    Stop,
}

/// Whoever stops one waits so long for it.
const MOMENT: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Job {
    record: Mutex<Record>,
    told: Mutex<Told>,
    wake: Condvar,
    changed: Condvar,
    /// Whether whoever works on it has left it.
    left: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job {
    pub(super) fn new(record: Record) -> Self {
        Job { record: Mutex::new(record), ..Job::default() }
    }

    pub(super) fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Record)) {
        change(&mut lock(&self.record));
        self.changed.notify_all();
    }

    pub(super) fn is_worked_on_by(&self, thread: JoinHandle<()>) {
        *lock(&self.thread) = Some(thread);
    }

    fn tell(&self, what: Told) {
        *lock(&self.told) = what;
        self.wake.notify_all();
    }

    /// For now.
    pub(super) fn halt(&self) {
        self.tell(Told::Halt);
    }

    /// For good; waits a moment until it has. One that waits for an answer of its vendor stops when that comes.
    pub(super) fn stop(&self) -> Record {
        self.tell(Told::Stop);
        let record = lock(&self.record);
        let runs = |record: &mut Record| record.state == Stage::Running;
        let (record, _) = self.changed.wait_timeout_while(record, MOMENT, runs).unwrap_or_else(PoisonError::into_inner);
        record.clone()
    }

    /// Nobody works on it any more.
    pub(super) fn leave(&self) {
        self.change(|_| self.left.store(true, Ordering::Release));
    }

    /// Whether nobody works on it any more.
    pub(super) fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Tells it to stop for now and waits a moment; whether it has.
    pub(super) fn give_way(&self) -> bool {
        self.halt();
        let works = |_: &mut Record| !self.is_left();
        let record = lock(&self.record);
        let _ended = self.changed.wait_timeout_while(record, MOMENT, works).unwrap_or_else(PoisonError::into_inner);
        self.is_left()
    }

    /// Whether somebody stopped it for good.
    pub(super) fn is_stopped(&self) -> bool {
        *lock(&self.told) == Told::Stop
    }

    /// Waits so long, or until it is told to stop; whether it was.
    pub(super) fn pause(&self, how_long: Duration) -> bool {
        let told = lock(&self.told);
        let nothing = |told: &mut Told| *told == Told::Nothing;
        let (told, _) = self.wake.wait_timeout_while(told, how_long, nothing).unwrap_or_else(PoisonError::into_inner);
        *told != Told::Nothing
    }

    pub(super) fn join(&self) {
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            // It catches its own panics.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_what_was_read() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let mut record = Record { state: Stage::Running, started_at: Some(at(100)), ..Record::default() };
        record.progress.repositories_total = 10;
        assert_eq!(record.remaining(at(160)), None);
        record.progress.repositories_done = 4;
        assert_eq!(record.remaining(at(160)), Some(Duration::from_secs(90)));
        assert_eq!(record.remaining(at(0)), None);
        record.state = Stage::Done;
        assert_eq!(record.remaining(at(160)), None);
    }
}
