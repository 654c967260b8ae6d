//! The handle everybody holds.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use domain::catalogue::{Catalogue, ProductHint};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact};
use domain::key::IncidentKey;
use domain::time::Day;
use domain::{DeploymentKey, Timestamp};
use rusqlite::Connection;

use crate::archive::Slot;
use crate::connect::Readers;
use crate::door::Prepared;
use crate::journal::{self, State, Tally, mark};
use crate::lock::FolderLock;
use crate::sql::{atomically, one, run};
use crate::tokens::{self, Live};
use crate::writer::{Answer, Append, Order, Shared, Writer};
use crate::{
    Archive, Archived, Changes, Delivery, Interpreter, JournalCounts, JournalEntry, JournalFilter, JournalRow,
    Location, Receipt, Scope, StoreError, Token, applier, archive, changes, cursors, dump, rebuild,
};

/// A handle on the store; clones share it. The last one dropped stops the writer: what was answered is on disk, rows
/// not applied yet are when the store is opened again.
///
/// Every method blocks unless it says otherwise. None may be called from a callback or an [`Interpreter`]: those run on
/// the writer's thread, which would wait for itself.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    orders: Mutex<Sender<Order>>,
    readers: Option<Readers>,
    shared: Arc<Shared>,
    tokens: RwLock<Vec<Live>>,
    interpreter: Arc<dyn Interpreter>,
    /// Whether a rebuild is under way.
    rebuilding: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
    folder: Option<PathBuf>,
    // Dropped last, when the writer has stopped.
    _lock: Option<FolderLock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("readers", &self.inner.readers).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.send(Order::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A callback may hold the last handle: the writer cannot wait for itself.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn send(&self, order: Order) -> Result<(), StoreError> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.send(order).map_err(|_| StoreError::Closed)
    }
}

impl Store {
    /// Opens, makes or migrates the database, and goes on with what is pending.
    ///
    /// # Errors
    /// Another process has the folder; a newer leadline wrote the database; the folder or the database cannot be used.
    pub fn open(location: Location, interpreter: Arc<dyn Interpreter>) -> Result<Store, StoreError> {
        Self::open_held(location, interpreter, false)
    }

    /// As [`Store::open`]; `held` rows are made durable but never applied. For tests of what an earlier process left.
    #[doc(hidden)]
    pub fn open_held(location: Location, interpreter: Arc<dyn Interpreter>, held: bool) -> Result<Store, StoreError> {
        let shared = Arc::new(Shared::default());
        shared.held.store(held, Ordering::Release);
        let (lock, folder) = match location {
            Location::Memory => (None, None),
            Location::Folder(folder) => {
                std::fs::create_dir_all(&folder).map_err(|error| StoreError::file(&folder, error))?;
                (Some(FolderLock::take(&folder)?), Some(folder))
            }
        };
        let file = folder.as_ref().map(|folder| folder.join("leadline.db"));
        let writer = Writer::open(file.as_deref(), Arc::clone(&interpreter), shared.clone())?;
        let tokens = tokens::live(&writer.conn)?;
        let (orders, received) = channel();
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || writer.work(&received));
        let thread = thread.map_err(|error| StoreError::file(&PathBuf::from("store-writer"), error))?;
        let inner = Inner {
            orders: Mutex::new(orders),
            readers: file.map(Readers::new),
            shared,
            tokens: RwLock::new(tokens),
            interpreter,
            rebuilding: Arc::default(),
            thread: Mutex::new(Some(thread)),
            folder,
            _lock: lock,
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Makes deliveries durable, all or none; one receipt each, in their order. They are on disk when it returns and
    /// are applied soon after. `now` is their `received_at`.
    ///
    /// # Errors
    /// The database cannot be written; nothing was accepted.
    pub fn append(&self, deliveries: Vec<Delivery>, now: Timestamp) -> Result<Vec<Receipt>, StoreError> {
        let (sender, receiver) = channel();
        self.append_then(
            deliveries,
            now,
            Box::new(move |receipts| {
                let _ = sender.send(receipts);
            }),
        );
        receiver.recv().map_err(|_| StoreError::Closed)?
    }

    /// As [`Store::append`], but does not wait: `done` is called, on the writer's thread, when they are on disk or
    /// could not be made so. It must be quick.
    pub fn append_then(
        &self,
        deliveries: Vec<Delivery>,
        now: Timestamp,
        done: Box<dyn FnOnce(Result<Vec<Receipt>, StoreError>) + Send>,
    ) {
        let rows = match deliveries.into_iter().map(Prepared::new).collect::<Result<Vec<_>, _>>() {
            Ok(rows) => rows,
            Err(error) => return done(Err(error)),
        };
        // An order that nobody takes is dropped, and with it the answer, which then says so.
        let _ = self.inner.send(Order::Append(Append { rows, now, answer: Answer::new(done) }));
    }

    /// Returns when every row accepted before this call has been applied.
    ///
    /// # Errors
    /// Rows cannot be applied now: the disk is full or failing.
    pub fn settle(&self) -> Result<(), StoreError> {
        let (sender, receiver) = channel();
        self.inner.send(Order::Settle(sender))?;
        receiver.recv().map_err(|_| StoreError::Closed)?
    }

    /// How many rows are accepted and not yet applied. Does not block.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.inner.shared.pending.load(Ordering::Acquire)
    }

    /// Calls `f` with the last change number after each transaction that applied rows, on the writer's thread. It must
    /// be quick, and hold no `Store`: it lives as long as the store does.
    pub fn on_change(&self, f: Box<dyn Fn(u64) + Send + Sync>) {
        self.inner.shared.listen(f);
    }

    /// Facts that changed after a change number, in the order in which they did, about `limit` of them: ask again with
    /// `upto` while there is `more`. A fact that changes again meanwhile comes again.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn changes_since(&self, change: u64, limit: usize) -> Result<Changes, StoreError> {
        self.read(move |conn| changes::since(conn, change, limit))
    }

    /// The last change number given.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn change_number(&self) -> Result<u64, StoreError> {
        self.read(changes::number)
    }

    /// Deployments of any source with this id, ordered by source.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn deployments_by_id(&self, id: &str) -> Result<Vec<DeploymentKey>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| changes::deployments_by_id(conn, &id))
    }

    /// Incidents of any source with this id, ordered by source.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn incidents_by_id(&self, id: &str) -> Result<Vec<IncidentKey>, StoreError> {
        let id = id.to_owned();
        self.read(move |conn| changes::incidents_by_id(conn, &id))
    }

    /// The catalogue that was applied last; an empty one with the default rules when none ever was.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn catalogue(&self) -> Result<Catalogue, StoreError> {
        self.read(applier::read_catalogue)
    }

    /// Every catalogue that was ever taken, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn every_catalogue(&self) -> Result<Vec<Catalogue>, StoreError> {
        self.read(applier::every_catalogue)
    }

    /// What events told of products, by name of the product.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn product_hints(&self) -> Result<BTreeMap<String, ProductHint>, StoreError> {
        self.read(changes::product_hints)
    }

    /// A deployment with its commits.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn deployment(&self, key: &DeploymentKey) -> Result<Option<(DeploymentFact, Vec<CommitFact>)>, StoreError> {
        let key = key.clone();
        self.read(move |conn| changes::deployment(conn, &key))
    }

    /// An incident.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn incident(&self, key: &IncidentKey) -> Result<Option<IncidentFact>, StoreError> {
        let key = key.clone();
        self.read(move |conn| changes::incident(conn, &key))
    }

    /// How many journal rows there are by state.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal_counts(&self) -> Result<JournalCounts, StoreError> {
        self.read(journal::counts)
    }

    /// Journal rows, at most 1,000 at a time.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal(&self, filter: JournalFilter) -> Result<Vec<JournalEntry>, StoreError> {
        let archive = self.inner.shared.archive.clone();
        self.read(move |conn| journal::list(conn, &archive, &filter))
    }

    /// The body of a journal row as it came; of an event its fields as JSON.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal_body(&self, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let archive = self.inner.shared.archive.clone();
        self.read(move |conn| journal::body(conn, &archive, seq))
    }

    pub(crate) fn archive(&self) -> Slot {
        self.inner.shared.archive.clone()
    }

    /// Where bodies are that moved out of the journal. Until it is given, what needs one of them fails or waits.
    pub fn keep_archive(&self, archive: Arc<dyn Archive>) {
        self.inner.shared.archive.put(archive);
    }

    /// The first day, not before `from`, that is over before `before` begins and of which bodies stand in the journal.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn first_day_with_bodies(&self, from: Day, before: Day) -> Result<Option<Day>, StoreError> {
        self.read(move |conn| archive::first_day(conn, from, before))
    }

    /// Whether something that came on a day is not applied yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pending_on(&self, day: Day) -> Result<bool, StoreError> {
        self.read(move |conn| archive::pending_on(conn, day))
    }

    /// Rows that came on a day and whose bodies stand in the journal, applied in whatever way, after a row: about `limit`
    /// of them, fewer when they are big. Catalogues are none of them: they stay.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn journal_rows(&self, day: Day, after: i64, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.read(move |conn| archive::rows_of(conn, day, after, limit))
    }

    /// Takes bodies out of the journal that the archive has; the rows stay. A body that is not the one named stays too.
    /// How many went.
    ///
    /// # Errors
    /// The database cannot be written; all are as before.
    pub fn release_bodies(&self, archived: Vec<Archived>) -> Result<usize, StoreError> {
        self.write(move |writer| archive::release(&writer.conn, &archived))
    }

    /// Gives at most so many free pages of the database back to the system; how many are left free. A database made by
    /// a version before this one keeps its length and uses what is free again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn give_back_space(&self, pages: usize) -> Result<u64, StoreError> {
        self.write(move |writer| archive::give_back(&writer.conn, pages))
    }

    /// Which moves of facts between months are known now: a mark for [`Store::forget_moves`], and the last change
    /// number, both of one moment.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn moves(&self) -> Result<(i64, u64), StoreError> {
        self.read(changes::moves)
    }

    /// Forgets moves up to a mark: whoever keeps facts by month has everything up to the change number of the mark.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn forget_moves(&self, mark: i64) -> Result<(), StoreError> {
        self.write(move |writer| {
            run(&writer.conn, "DELETE FROM moved WHERE number <= ?", [mark])?;
            Ok(())
        })
    }

    /// The folder the data is in; none for a store in memory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.inner.folder.as_deref()
    }

    /// Makes a rejected or ignored row pending again; false when there is no such row.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn replay(&self, seq: i64) -> Result<bool, StoreError> {
        self.write(move |writer| {
            let conn = &writer.conn;
            let tally = atomically(conn, false, || {
                let mut tally = Tally::default();
                let sql = "SELECT state FROM journal WHERE seq = ? AND state IN (2, 3)";
                if let Some(state) = one(conn, sql, [seq], |row| State::at(row.get(0)?))? {
                    mark(conn, &mut tally, seq, (state, State::Pending), None)?;
                    tally.write(conn)?;
                    rebuild::replayed(conn, seq)?;
                }
                Ok(tally)
            })?;
            writer.count_pending(tally.pending());
            Ok(tally.pending() > 0)
        })
    }

    /// Writes all facts as JSON lines, ordered by natural key: deployments with their commits, incidents, the others,
    /// what events told of products. Two stores that know the same events write the same bytes. Gives their SHA-256.
    ///
    /// # Errors
    /// The database cannot be read, or `out` does not take it.
    pub fn dump(&self, out: &mut dyn Write) -> Result<[u8; 32], StoreError> {
        if let Some(readers) = &self.inner.readers {
            return readers.borrow()?.read(|conn| dump::dump(conn, out));
        }
        let (bytes, hash) = self.read(|conn| {
            let mut bytes = Vec::new();
            let hash = dump::dump(conn, &mut bytes)?;
            Ok((bytes, hash))
        })?;
        out.write_all(&bytes).map_err(|error| StoreError::Output(Arc::new(error)))?;
        Ok(hash)
    }

    /// What a source remembers under a key.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn cursor(&self, source: &str, key: &str) -> Result<Option<String>, StoreError> {
        let (source, key) = (source.to_owned(), key.to_owned());
        self.read(move |conn| cursors::get(conn, &source, &key))
    }

    /// Remembers something for a source under a key; never a secret.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn put_cursor(&self, source: &str, key: &str, value: &str, now: Timestamp) -> Result<(), StoreError> {
        let (source, key, value) = (source.to_owned(), key.to_owned(), value.to_owned());
        self.write(move |writer| cursors::put(&writer.conn, &source, &key, &value, now))
    }

    /// Those of `heads` that nobody has told of in a repository and, with `ancestors`, parents that only their children
    /// name, at most 1,000 of these. Only what has been applied counts.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn unknown_commits(&self, repo: &str, heads: &[String], ancestors: bool) -> Result<Vec<String>, StoreError> {
        let (repo, heads) = (repo.to_owned(), heads.to_vec());
        self.read(move |conn| cursors::unknown_commits(conn, &repo, &heads, ancestors))
    }

    /// Makes a token and gives its secret (`ll_` and 64 hexadecimal digits), which is kept nowhere.
    ///
    /// # Errors
    /// A live token has this name; the name cannot be used; the database cannot be written.
    pub fn create_token(&self, name: &str, scopes: &[Scope], now: Timestamp) -> Result<String, StoreError> {
        let secret = tokens::new_secret()?;
        let token = tokens::checked(name, scopes, &secret, now)?;
        self.change_tokens(move |conn| tokens::create(conn, &token))?;
        Ok(secret)
    }

    /// Makes a token with a given secret live; one of this name with another secret or scopes is revoked.
    ///
    /// # Errors
    /// The name or the secret cannot be used; the database cannot be written.
    pub fn put_token(&self, name: &str, scopes: &[Scope], secret: &str, now: Timestamp) -> Result<(), StoreError> {
        let token = tokens::checked(name, scopes, secret, now)?;
        self.change_tokens(move |conn| tokens::put(conn, &token))
    }

    /// The live token with this secret. Answers from memory; compares in constant time.
    ///
    /// # Errors
    /// None now; a database may be asked one day.
    pub fn token(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        Ok(tokens::find(&self.inner.tokens.read().unwrap_or_else(PoisonError::into_inner), secret))
    }

    /// Every live token, by name.
    ///
    /// # Errors
    /// None now; a database may be asked one day.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let live = self.inner.tokens.read().unwrap_or_else(PoisonError::into_inner);
        Ok(live.iter().map(|live| live.token.clone()).collect())
    }

    /// Revokes a token, at once; false when no live token has this name.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn revoke_token(&self, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.change_tokens(move |conn| tokens::revoke(conn, &name, now))
    }

    /// Changes tokens, then reads the live ones again: the folder's lock makes this process the only one with any.
    fn change_tokens<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::downgrade(&self.inner);
        self.write(move |writer| {
            let (changed, live) =
                atomically(&writer.conn, false, || Ok((change(&writer.conn)?, tokens::live(&writer.conn)?)))?;
            if let Some(inner) = inner.upgrade() {
                *inner.tokens.write().unwrap_or_else(PoisonError::into_inner) = live;
            }
            Ok(changed)
        })
    }

    pub(crate) fn archive_slot(&self) -> archive::Slot {
        self.inner.shared.archive.clone()
    }

    pub(crate) fn interpreter(&self) -> Arc<dyn Interpreter> {
        Arc::clone(&self.inner.interpreter)
    }

    pub(crate) fn rebuilding(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.inner.rebuilding)
    }

    /// Has the writer do something.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = channel();
        self.inner.send(Order::Task(Box::new(move |writer| {
            let _ = sender.send(work(writer));
        })))?;
        receiver.recv().map_err(|_| StoreError::Closed)?
    }

    /// Reads one snapshot. A database in memory has one connection, and the writer has it.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.inner.readers {
            Some(readers) => readers.borrow()?.read(read),
            None => self.write(|writer| read(&writer.conn)),
        }
    }
}
