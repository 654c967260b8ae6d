//! Moves the bodies of old journal rows into the archive of the lake, a closed day at a time: written, read back and
//! compared, and only then taken out of the store. A process may end between any two steps: what is there twice has the
//! same name, and the next time goes on from what it finds.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use domain::time::{DAY, Day};
use domain::{Problem, Timestamp};
use store::{Archive, Archived, JournalRow, Store, StoreError};
use warehouse::{ArchivedRow, JournalArchive};

/// Rows written, compared and taken out together.
const PAGE: usize = 2_000;
/// Pages of the database given back at a time: whoever wants to write waits that long.
const SPACE: usize = 2_000;

/// The archive as the store sees it.
struct Shelf(Arc<JournalArchive>);

impl Archive for Shelf {
    fn bodies(&self, day: Day, wanted: &[Archived]) -> Result<Vec<Vec<u8>>, Problem> {
        let names: Vec<_> = wanted.iter().map(|name| (name.seq, name.digest)).collect();
        self.0.bodies(day, &names)
    }
}

/// Opens the archive below a lake's folder and lets the store read bodies from it.
///
/// # Errors
/// `unavailable` with what is wrong on disk.
pub async fn open_archive(store: &Store, lake: &Path) -> Result<Arc<JournalArchive>, Problem> {
    let archive = Arc::new(JournalArchive::open(lake).await?);
    store.keep_archive(Arc::new(Shelf(Arc::clone(&archive))));
    Ok(archive)
}

/// Why a day was not moved. Nothing is lost by it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Archive(#[from] Problem),
    /// The archive does not have what was just written there.
    #[error("of {day} the archive gives back {found} of {wanted} bodies; they stay in the journal")]
    Differs { day: Day, found: usize, wanted: usize },
    /// The server stops; a test ends it here.
    #[error("stopped {0}")]
    Stopped(String),
}

/// Asked before each step with its name: the server may have been told to stop, a test stops at each in turn.
pub(crate) type Step<'s> = dyn FnMut(&str) -> Result<(), ArchiveError> + Send + 's;

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) days: usize,
    pub(crate) bodies: usize,
}

/// Moves every day that has been over for so many days. Blocks.
pub(crate) fn move_days(
    store: &Store,
    archive: &JournalArchive,
    journal_days: u32,
    now: Timestamp,
    step: &mut Step<'_>,
) -> Result<Moved, ArchiveError> {
    let mut moved = Moved::default();
    if journal_days == 0 {
        return Ok(moved);
    }
    let before = Day::of(now.plus(-i64::from(journal_days).saturating_mul(DAY)));
    let mut from = Day::of(Timestamp::MIN);
    while let Some(day) = store.first_day_with_bodies(from, before)? {
        from = day.next();
        // Replayed, or accepted while the clock was wrong: its turn comes when it has been applied.
        if store.pending_on(day)? {
            continue;
        }
        let bodies = Moving { store, archive, day }.run(now, step)?;
        moved.days += usize::from(bodies > 0);
        moved.bodies += bodies;
    }
    Ok(moved)
}

struct Moving<'m> {
    store: &'m Store,
    archive: &'m JournalArchive,
    day: Day,
}

impl Moving<'_> {
    fn run(&self, now: Timestamp, step: &mut Step<'_>) -> Result<usize, ArchiveError> {
        step("before a day is written")?;
        self.write(now, step)?;
        step("before it is read back")?;
        let there = self.names()?;
        let bodies = self.compare(&there)?;
        let mut gone = 0;
        loop {
            step("before bodies are taken out")?;
            // Those taken out are no longer among them, so it is always the first page.
            let names: Vec<Archived> = self.page(0)?.iter().map(name).filter(|name| there.contains(name)).collect();
            let went = if names.is_empty() { 0 } else { self.store.release_bodies(names)? };
            if went == 0 {
                break;
            }
            gone += went;
        }
        step("before space is given back")?;
        self.give_back()?;
        tracing::info!(day = %self.day, bodies, "a day of the journal was archived");
        Ok(gone)
    }

    fn page(&self, after: i64) -> Result<Vec<JournalRow>, StoreError> {
        self.store.journal_rows(self.day, after, PAGE)
    }

    fn names(&self) -> Result<HashSet<Archived>, ArchiveError> {
        let names = block(self.archive.names(self.day))?;
        Ok(names.into_iter().map(|(seq, digest)| Archived { seq, digest }).collect())
    }

    /// Writes what the archive does not have yet: after a crash it may have all of it.
    fn write(&self, now: Timestamp, step: &mut Step<'_>) -> Result<(), ArchiveError> {
        let known = self.names()?;
        let mut file = self.archive.begin(self.day)?;
        let mut after = 0;
        loop {
            let mut rows = self.page(after)?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            rows.retain(|row| !known.contains(&name(row)));
            step("before rows are written")?;
            file.write(&rows.into_iter().map(archived).collect::<Vec<_>>())?;
        }
        step("before the file is ended")?;
        let Some(written) = file.finish()? else { return Ok(()) };
        step("before the commit")?;
        block(self.archive.commit(written, now))?;
        Ok(())
    }

    /// How many bodies there are here, when every one of them is there.
    fn compare(&self, there: &HashSet<Archived>) -> Result<usize, ArchiveError> {
        let (mut after, mut found, mut wanted) = (0, 0, 0);
        loop {
            let rows = self.page(after)?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            wanted += rows.len();
            found += rows.iter().filter(|row| there.contains(&name(row))).count();
        }
        if found == wanted { Ok(found) } else { Err(ArchiveError::Differs { day: self.day, found, wanted }) }
    }

    fn give_back(&self) -> Result<(), StoreError> {
        let mut left = u64::MAX;
        loop {
            let now = self.store.give_back_space(SPACE)?;
            // Others write meanwhile and free pages of their own.
            if now == 0 || now >= left {
                return Ok(());
            }
            left = now;
        }
    }
}

/// This thread may wait: it is none of those that answer.
fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(work)
}

fn name(row: &JournalRow) -> Archived {
    Archived::of(row.seq, &row.body)
}

fn archived(row: JournalRow) -> ArchivedRow {
    let digest = name(&row).digest;
    let (code, message) = row.reason.map(|reason| (reason.code, reason.message)).unzip();
    ArchivedRow {
        seq: row.seq,
        kind: row.kind.text(),
        source: row.source,
        type_: row.type_,
        id: row.id,
        event: row.event,
        received_at: row.received_at,
        headers: row.headers,
        state: row.state.text(),
        code,
        message,
        content_hash: row.content_hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()),
        digest,
        body: row.body,
    }
}
