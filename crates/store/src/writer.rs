//! The one thread that writes. It takes turns: everything that waits to be made durable in one transaction, then one
//! batch of pending rows in another, so that neither starves. While deliveries keep coming, rows are gathered for a
//! moment before they are applied: linking a hundred at once costs much less than a hundred times one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use rusqlite::Connection;

use crate::applier::{Applier, Done, Waiting};
use crate::archive::Slot;
use crate::door::{Prepared, trim_refused};
use crate::journal::{Tally, counts};
use crate::rebuild::Aside;
use crate::sql::{atomically, one};
use crate::{Interpreter, Receipt, StoreError, connect, migrate};

/// Deliveries made durable in one transaction, at most (one append may bring more).
const GROUP: usize = 4_096;
/// Rows applied in one transaction: at the beginning and at most, and at least.
const BATCH: (usize, usize) = (500, 16);
/// What one batch should take: whoever appends meanwhile waits that long.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// How long rows are gathered while deliveries keep coming.
const GATHER: Duration = Duration::from_millis(25);
/// How long to wait before applying again when the disk is full or failing.
const RETRY: Duration = Duration::from_secs(1);

type Call = Box<dyn FnOnce(Result<Vec<Receipt>, StoreError>) + Send>;
type Task = Box<dyn FnOnce(&mut Writer) + Send>;
type Listener = Box<dyn Fn(u64) + Send + Sync>;

/// What the writer is asked to do.
pub(crate) enum Order {
    Append(Append),
    /// Answered when every row accepted before it is applied.
    Settle(Sender<Result<(), StoreError>>),
    /// Anything else that needs the connection.
    Task(Task),
    Stop,
}

pub(crate) struct Append {
    pub(crate) rows: Vec<Prepared>,
    pub(crate) now: Timestamp,
    pub(crate) answer: Answer,
}

/// Takes the answer to an append, once; dropped without one it says that the store is closed.
pub(crate) struct Answer(Option<Call>);

impl Answer {
    pub(crate) fn new(call: Call) -> Self {
        Answer(Some(call))
    }

    fn give(mut self, receipts: Result<Vec<Receipt>, StoreError>) {
        if let Some(call) = self.0.take() {
            guarded("the answer to an append", || call(receipts));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            guarded("the answer to an append", || call(Err(StoreError::Closed)));
        }
    }
}

/// Runs what others wrote: a panic in it must not end the writer.
fn guarded(what: &'static str, call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::error!("{what} panicked");
    }
}

/// What the writer and the handles both see.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) pending: AtomicU64,
    /// Rows are made durable and not applied: for tests of what happens in between.
    pub(crate) held: AtomicBool,
    /// Bodies that moved.
    pub(crate) archive: Slot,
    listeners: Mutex<Vec<Arc<Listener>>>,
}

impl Shared {
    fn listeners(&self) -> MutexGuard<'_, Vec<Arc<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listen(&self, listener: Listener) {
        self.listeners().push(Arc::new(listener));
    }

    fn tell(&self, change: u64) {
        // Called without the lock: a listener may add another one.
        let listeners = self.listeners().clone();
        for listener in listeners {
            guarded("a listener", || listener(change));
        }
    }
}

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) applier: Applier,
    /// Of a rebuild under way.
    pub(crate) aside: Aside,
    pub(crate) shared: Arc<Shared>,
    batch: usize,
    /// Since the last batch ended.
    since: Stopwatch,
    settling: Vec<(i64, Sender<Result<(), StoreError>>)>,
}

impl Writer {
    /// Opens and migrates the database; pending rows of an earlier process are found again.
    pub(crate) fn open(
        file: Option<&Path>,
        interpreter: Arc<dyn Interpreter>,
        shared: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        let conn = connect::writer(file)?;
        migrate::migrate(&conn)?;
        shared.pending.store(counts(&conn)?.pending, Ordering::Release);
        let applier = Applier::new(&conn, interpreter)?;
        Ok(Writer {
            conn,
            applier,
            aside: Aside::default(),
            shared,
            batch: BATCH.0,
            since: Stopwatch::start(),
            settling: Vec::new(),
        })
    }

    /// Works until it is told to stop or nobody is left who could.
    pub(crate) fn work(mut self, orders: &Receiver<Order>) {
        let mut failing = false;
        loop {
            let busy = self.has_pending();
            let first = match (busy, failing) {
                (false, _) => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                (true, true) => orders.recv_timeout(RETRY),
                (true, false) => orders.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                }),
            };
            let idle = first.is_err();
            let go_on = match first {
                Ok(order) => self.take_orders(order, orders),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !go_on {
                return;
            }
            failing = false;
            if self.has_pending()
                && (idle || self.is_due())
                && let Err(error) = self.apply_batch()
            {
                tracing::error!(error = error.chain(), "pending rows cannot be applied now; trying again");
                self.recount();
                self.answer_settling(|_| Some(Err(error.clone())));
                failing = true;
            }
        }
    }

    fn has_pending(&self) -> bool {
        self.shared.pending.load(Ordering::Acquire) > 0 && !self.shared.held.load(Ordering::Acquire)
    }

    /// Whether what is pending is applied although more deliveries may be waiting.
    fn is_due(&self) -> bool {
        let pending = self.shared.pending.load(Ordering::Acquire);
        !self.settling.is_empty() || pending >= self.batch as u64 || self.since.elapsed() >= GATHER
    }

    /// Takes everything that waits; appends first, as one group. False when it is time to stop.
    fn take_orders(&mut self, first: Order, orders: &Receiver<Order>) -> bool {
        let mut group = Vec::new();
        let mut later = Vec::new();
        let (mut rows, mut stop) = (0, false);
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Append(append) => {
                    rows += append.rows.len();
                    group.push(append);
                }
                Order::Stop => stop = true,
                other => later.push(other),
            }
            next = if stop || rows >= GROUP { None } else { orders.try_recv().ok() };
        }
        self.append(group);
        for order in later {
            match order {
                Order::Settle(answer) => self.settle(answer),
                Order::Task(task) => guarded("a task", || task(self)),
                Order::Append(_) | Order::Stop => {}
            }
        }
        !stop
    }

    fn append(&mut self, group: Vec<Append>) {
        if group.is_empty() {
            return;
        }
        let lists: Vec<(&[Prepared], Timestamp)> = group.iter().map(|append| (&*append.rows, append.now)).collect();
        let receipts = match self.write(&lists) {
            Ok(receipts) => receipts.into_iter().map(Ok).collect(),
            // One that cannot be written must not take the others with it.
            Err(error) if error.is_environment() || group.len() == 1 => vec![Err(error); group.len()],
            Err(_) => lists
                .iter()
                .map(|list| self.write(std::slice::from_ref(list)).map(|mut one| one.pop().unwrap_or_default()))
                .collect::<Vec<_>>(),
        };
        for (append, receipts) in group.into_iter().zip(receipts) {
            if let Err(error) = &receipts {
                tracing::error!(error = error.chain(), "deliveries could not be made durable");
            }
            append.answer.give(receipts);
        }
    }

    fn write(&self, lists: &[(&[Prepared], Timestamp)]) -> Result<Vec<Vec<Receipt>>, StoreError> {
        let (receipts, tally) = atomically(&self.conn, false, || {
            let mut tally = Tally::default();
            let mut receipts = Vec::with_capacity(lists.len());
            for (rows, now) in lists {
                let written = rows.iter().map(|row| row.write(&self.conn, *now, &mut tally));
                receipts.push(written.collect::<Result<Vec<_>, _>>()?);
            }
            tally.write(&self.conn)?;
            trim_refused(&self.conn)?;
            Ok((receipts, tally))
        })?;
        self.count_pending(tally.pending());
        Ok(receipts)
    }

    pub(crate) fn count_pending(&self, more: i64) {
        // Only the writer's thread changes it, so nothing is lost between reading and writing.
        let pending = self.shared.pending.load(Ordering::Acquire);
        self.shared.pending.store(pending.saturating_add_signed(more), Ordering::Release);
    }

    fn settle(&mut self, answer: Sender<Result<(), StoreError>>) {
        match one(&self.conn, "SELECT max(seq) FROM journal", [], |row| Ok(row.get::<_, Option<i64>>(0)?)) {
            Ok(last) => {
                self.settling.push((last.flatten().unwrap_or_default(), answer));
                self.answer_settled();
            }
            // Whoever waits is gone when sending fails, here and below.
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    }

    fn answer_settled(&mut self) {
        if self.settling.is_empty() {
            return;
        }
        let sql = "SELECT min(seq) FROM journal WHERE state = 0";
        match one(&self.conn, sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?)) {
            Ok(first) => {
                let first = first.flatten();
                self.answer_settling(|target| first.is_none_or(|first| first > target).then_some(Ok(())));
            }
            Err(error) => self.answer_settling(|_| Some(Err(error.clone()))),
        }
    }

    fn answer_settling(&mut self, answer: impl Fn(i64) -> Option<Result<(), StoreError>>) {
        self.settling.retain(|(target, waiting)| match answer(*target) {
            Some(answer) => {
                let _ = waiting.send(answer);
                false
            }
            None => true,
        });
    }

    fn apply_batch(&mut self) -> Result<(), StoreError> {
        let watch = Stopwatch::start();
        let rows = Waiting::pending(&self.conn, &self.shared.archive, self.batch)?;
        if rows.is_empty() {
            // The count is kept beside the rows; should it ever be wrong, the rows are right.
            self.shared.pending.store(0, Ordering::Release);
            return Ok(());
        }
        let done = self.applier.apply(&self.conn, &rows, false)?;
        self.finish(&done);
        self.since = Stopwatch::start();
        let taken = watch.elapsed().as_micros().max(1);
        // A short batch is mostly the cost of its commit and says little of a long one.
        if rows.len() == self.batch || taken > BATCH_TIME.as_micros() {
            let fits = rows.len() as u128 * BATCH_TIME.as_micros() / taken;
            self.batch = usize::try_from(fits).unwrap_or(BATCH.0).clamp(BATCH.1, BATCH.0);
        }
        Ok(())
    }

    /// Takes the number of pending rows from the database, after something failed half-way.
    pub(crate) fn recount(&self) {
        match counts(&self.conn) {
            Ok(counts) => self.shared.pending.store(counts.pending, Ordering::Release),
            Err(error) => tracing::error!(error = error.chain(), "the journal cannot be counted"),
        }
    }

    /// Tells everybody what transactions changed.
    pub(crate) fn finish(&mut self, done: &[Done]) {
        self.count_pending(done.iter().map(|done| done.tally.pending()).sum());
        if let Some(change) = done.iter().map(|done| done.change).max() {
            self.shared.tell(change);
        }
        self.answer_settled();
    }
}

/// Paces the batches; nothing that is stored depends on it.
struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "how long a batch took decides only how long the next one is")]
    fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
