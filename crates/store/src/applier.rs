//! From journal rows to entities and facts.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use correlate::Engine;
use domain::catalogue::Catalogue;
use domain::event::{Event, EventKind, entity_key};
use domain::{Code, Problem, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use crate::archive::{Archived, Slot, name_of};
use crate::journal::{EntryKind, Reason, State, Tally, mark};
use crate::ledger::{Names, SqliteLedger};
use crate::rebuild::tables;
use crate::sql::{Db, all, atomically, one, run};
use crate::{Interpreter, StoreError, Webhook, body};

/// Bodies of one batch together, in bytes; at least one row is taken.
const BATCH_BYTES: usize = 16 << 20;
/// Of the bad events of one webhook so many are named.
const PROBLEMS_NAMED: usize = 10;
/// A reason is no longer than this, in bytes.
const REASON_BYTES: usize = 4_096;

/// A row to apply.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) seq: i64,
    kind: EntryKind,
    state: State,
    /// Whether the journal says why it has its state.
    explained: bool,
    source: String,
    type_: Option<String>,
    id: Option<String>,
    event: Option<String>,
    received_at: Timestamp,
    headers: Option<String>,
    packed: bool,
    body: Vec<u8>,
    /// Its length when it is in the archive.
    archived: Option<usize>,
    name: Option<Archived>,
}

/// Which rows a rebuild reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    /// Events and webhooks after a row.
    After(i64),
    /// Events and webhooks after a row that were received at or after an instant, or came after another row.
    Since { after: i64, from: Timestamp, unless: i64 },
    /// Everything after a row: either events and webhooks, or one catalogue.
    WithCatalogues(i64),
    /// Those that are to be read once more.
    Noted,
}

macro_rules! rows_where {
    ($condition:literal) => {
        concat!(
            "SELECT seq, kind, state, source, type, id, event, received_at, headers, packed, body, code IS NOT NULL,
                 archived, digest FROM journal WHERE ",
            $condition,
            " ORDER BY seq LIMIT ?1"
        )
    };
}

impl Waiting {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let seq = row.get(0)?;
        Ok(Waiting {
            seq,
            kind: EntryKind::at(row.get(1)?)?,
            state: State::at(row.get(2)?)?,
            source: row.get(3)?,
            type_: row.get(4)?,
            id: row.get(5)?,
            event: row.get(6)?,
            received_at: Timestamp::from_micros(row.get(7)?),
            headers: row.get(8)?,
            packed: row.get(9)?,
            body: row.get(10)?,
            explained: row.get(11)?,
            archived: row.get::<_, Option<i64>>(12)?.and_then(|bytes| usize::try_from(bytes).ok()),
            name: name_of(seq, row.get(13)?)?,
        })
    }

    /// The next pending rows, at most `limit`: either events and webhooks, or one catalogue.
    pub(crate) fn pending(conn: &Connection, archive: &Slot, limit: usize) -> Result<Vec<Self>, StoreError> {
        let mut rows = Self::one_catalogue(Self::first(conn, rows_where!("state = 0"), limit, [])?);
        Self::fill(&mut rows, archive)?;
        Ok(rows)
    }

    /// The next rows a rebuild reads, in their order, whatever became of them: the one way to all of the journal.
    pub(crate) fn again(
        conn: &Connection,
        archive: &Slot,
        which: Again,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError> {
        let mut rows = match which {
            Again::After(seq) => Self::first(conn, rows_where!("seq > ?2 AND kind <= 1"), limit, [Value::from(seq)])?,
            Again::Since { after, from, unless } => Self::first(
                conn,
                rows_where!("seq > ?2 AND kind <= 1 AND (received_at >= ?3 OR seq > ?4)"),
                limit,
                [Value::from(after), Value::from(from.micros()), Value::from(unless)],
            )?,
            Again::WithCatalogues(seq) => {
                let rows = rows_where!("seq > ?2 AND kind <= 2");
                Self::one_catalogue(Self::first(conn, rows, limit, [Value::from(seq)])?)
            }
            Again::Noted => {
                let rows = rows_where!("seq IN (SELECT seq FROM next_again)");
                Self::first(conn, rows, limit, [])?
            }
        };
        Self::fill(&mut rows, archive)?;
        Ok(rows)
    }

    /// Gets bodies that are no longer here.
    fn fill(rows: &mut [Self], archive: &Slot) -> Result<(), StoreError> {
        let moved = |row: &Self| row.name.map(|name| (row.received_at, name));
        archive.fill(rows, moved, |row, body| row.body = body)
    }

    /// Whether these were all that could be taken at once.
    pub(crate) fn are_long(rows: &[Self]) -> bool {
        rows.iter().map(|row| row.archived.unwrap_or(row.body.len())).sum::<usize>() >= BATCH_BYTES
    }

    fn one_catalogue(mut rows: Vec<Self>) -> Vec<Self> {
        let catalogue = rows.iter().position(|row| row.kind == EntryKind::Catalogue);
        rows.truncate(catalogue.map_or(rows.len(), |place| place.max(1)));
        rows
    }

    fn first(
        conn: &Connection,
        sql: &str,
        limit: usize,
        more: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Self>, StoreError> {
        let limit = Value::from(i64::try_from(limit).unwrap_or(i64::MAX));
        let params = [limit].into_iter().chain(more);
        let mut bytes = 0;
        let mut rows = Vec::new();
        #[cfg(test)]
        crate::sql::recorded::note(sql);
        let mut statement = conn.prepare_cached(sql)?;
        let mut found = statement.query(rusqlite::params_from_iter(params))?;
        while let Some(row) = found.next()? {
            let row = Waiting::read(row)?;
            bytes += row.archived.unwrap_or(row.body.len());
            rows.push(row);
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        Ok(rows)
    }

    fn unpacked(&self) -> Result<Vec<u8>, Problem> {
        let bad = |_| Problem::new(Code::Internal, "the stored body cannot be read");
        body::unpack(self.body.clone(), self.packed).map_err(bad)
    }

    /// The event a native row holds.
    fn event(&self) -> Result<Event, Problem> {
        let bad = |what: &str| Problem::new(Code::Internal, format!("the stored {what} cannot be read"));
        let kind = self.type_.as_deref().and_then(|kind| kind.parse::<EventKind>().ok()).ok_or_else(|| bad("type"))?;
        let fields = serde_json::from_slice(&self.unpacked()?).map_err(|_| bad("event"))?;
        Ok(Event { key: entity_key(kind, &self.source, self.id.as_deref().unwrap_or_default()), fields })
    }

    /// The delivery a webhook's row holds.
    fn webhook(&self) -> Result<Webhook, Problem> {
        let headers = self.headers.as_deref().unwrap_or("[]");
        Ok(Webhook {
            source: self.source.clone(),
            parser: self.type_.clone().unwrap_or_default(),
            delivery_id: self.id.clone().unwrap_or_default(),
            event: self.event.clone().unwrap_or_default(),
            headers: serde_json::from_str(headers)
                .map_err(|_| Problem::new(Code::Internal, "the stored headers cannot be read"))?,
            body: self.unpacked()?,
        })
    }
}

/// What becomes of a row, and why.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) state: State,
    pub(crate) reason: Option<Reason>,
}

impl Verdict {
    fn rejected(problem: Problem) -> Self {
        let reason = Reason { code: problem.code.text().to_owned(), message: clip(problem.message) };
        Verdict { state: State::Rejected, reason: Some(reason) }
    }

    fn of(state: State) -> Self {
        Verdict { state, reason: None }
    }

    /// Of a row that cannot be applied through no fault of its sender.
    fn failed() -> Self {
        let message = "applying it failed here; the log says why, and it can be replayed";
        Verdict::rejected(Problem::new(Code::Internal, message))
    }

    /// Whether the journal does not say the same already.
    pub(crate) fn is_news(&self, row: &Waiting) -> bool {
        row.state != self.state || row.explained || self.reason.is_some()
    }
}

/// Reads a row: adds what it says to `events`. A panic in a parser is a row that cannot be read.
pub(crate) fn read_guarded(interpreter: &dyn Interpreter, row: &Waiting, events: &mut Vec<Event>) -> Verdict {
    let before = events.len();
    catch_unwind(AssertUnwindSafe(|| interpret(interpreter, row, events))).unwrap_or_else(|panic| {
        tracing::error!(seq = row.seq, panic = panic_text(panic.as_ref()), "a row could not be read and is set aside");
        events.truncate(before);
        Verdict::failed()
    })
}

/// What one transaction did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    /// The last change number given.
    pub(crate) change: u64,
}

/// Applies rows. It lives as long as the writer: the rules keep what events told of the tree in memory.
pub(crate) struct Applier {
    interpreter: Arc<dyn Interpreter>,
    catalogue: Arc<Catalogue>,
    engine: Option<Engine>,
    names: Names,
    /// Whether it applies to the tables a rebuild makes.
    aside: bool,
}

impl Applier {
    /// For the catalogue that was applied last.
    pub(crate) fn new(conn: &Connection, interpreter: Arc<dyn Interpreter>) -> Result<Self, StoreError> {
        let catalogue = Arc::new(read_catalogue(conn)?);
        Ok(Applier { interpreter, catalogue, engine: None, names: Names::default(), aside: false })
    }

    /// The same for the tables a rebuild makes: what becomes of the rows is kept beside the journal.
    pub(crate) fn aside(&self, conn: &Connection) -> Result<Self, StoreError> {
        let catalogue = Arc::new(read_catalogue_named(conn, NEXT_CATALOGUE)?.unwrap_or_default());
        let interpreter = Arc::clone(&self.interpreter);
        Ok(Applier { interpreter, catalogue, engine: None, names: Names::default(), aside: true })
    }

    /// Starts anew on an emptied ledger, with this catalogue.
    pub(crate) fn start_over(&mut self, catalogue: Catalogue) {
        self.forget();
        self.catalogue = Arc::new(catalogue);
    }

    /// Forgets everything that a rolled back transaction may have told.
    pub(crate) fn forget(&mut self) {
        self.engine = None;
        self.names.forget();
    }

    /// Applies rows in one transaction (`nested`: in a savepoint of the one that is open), or, when that fails, each in
    /// its own, so that one row that cannot be applied never stops the others.
    pub(crate) fn apply(&mut self, conn: &Connection, rows: &[Waiting], nested: bool) -> Result<Vec<Done>, StoreError> {
        let error = match self.attempt(conn, rows, nested) {
            Ok(done) => return Ok(vec![done]),
            Err(error) if error.is_environment() => return Err(error),
            Err(error) => error,
        };
        if let [row] = rows {
            tracing::error!(seq = row.seq, error = error.chain(), "a row could not be applied and is set aside");
            return Ok(vec![self.reject(conn, row, nested)?]);
        }
        tracing::warn!(
            rows = rows.len(),
            error = error.chain(),
            "a batch could not be applied; trying its rows singly"
        );
        let mut all = Vec::new();
        for row in rows {
            all.append(&mut self.apply(conn, std::slice::from_ref(row), nested)?);
        }
        Ok(all)
    }

    fn attempt(&mut self, conn: &Connection, rows: &[Waiting], nested: bool) -> Result<Done, StoreError> {
        let before = Arc::clone(&self.catalogue);
        // A panic in a parser or a rule is caught before the transaction ends, so nothing half-done is seen after it.
        let done = atomically(conn, nested, || {
            catch_unwind(AssertUnwindSafe(|| self.write(conn, rows)))
                .unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(panic.as_ref()))))
        });
        if done.is_err() {
            self.forget();
            self.catalogue = before;
        }
        done
    }

    /// Entities, facts, the change number and the rows' states: all in the transaction that is open.
    fn write(&mut self, conn: &Connection, rows: &[Waiting]) -> Result<Done, StoreError> {
        let mut verdicts = Vec::with_capacity(rows.len());
        let mut events = Vec::new();
        let mut catalogue = None;
        for row in rows {
            verdicts.push(match row.kind {
                EntryKind::Catalogue => match read_catalogue_row(row) {
                    Ok(read) => {
                        catalogue = Some(read);
                        Verdict::of(State::Applied)
                    }
                    Err(problem) => Verdict::rejected(problem),
                },
                _ => interpret(&*self.interpreter, row, &mut events),
            });
        }
        let (db, last, named) = match self.aside {
            true => (Db::aside(conn), NEXT_CHANGE, NEXT_CATALOGUE),
            false => (Db::from(conn), CHANGE, CATALOGUE),
        };
        let mut ledger = SqliteLedger::new(db, &mut self.names, read_number(conn, last)?);
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::new(&self.catalogue, &mut ledger)?,
        };
        if !events.is_empty() {
            engine.apply(&mut ledger, &events)?;
        }
        if let Some(catalogue) = catalogue {
            if !catalogue.same_facts(&self.catalogue) {
                engine.change_catalogue(&mut ledger, &catalogue)?;
            }
            ledger.change += 1;
            ledger.tree = Some(ledger.change);
            write_catalogue(conn, named, &catalogue)?;
            self.catalogue = Arc::new(catalogue);
        }
        let mut done = Done { tally: Tally::default(), change: ledger.change };
        write_number(conn, last, ledger.change)?;
        if let Some(tree) = ledger.tree.filter(|_| !self.aside) {
            write_number(conn, TREE, tree)?;
        }
        for (row, verdict) in rows.iter().zip(&verdicts) {
            self.settle(conn, &mut done.tally, row, verdict)?;
        }
        done.tally.write(conn)?;
        self.engine = Some(engine);
        Ok(done)
    }

    fn settle(&self, conn: &Connection, tally: &mut Tally, row: &Waiting, verdict: &Verdict) -> Result<(), StoreError> {
        if self.aside {
            return if verdict.is_news(row) { tables::note_verdict(conn, row.seq, verdict) } else { Ok(()) };
        }
        mark(conn, tally, row.seq, (row.state, verdict.state), verdict.reason.as_ref())
    }

    /// Sets aside a row that cannot be applied through no fault of its sender.
    fn reject(&self, conn: &Connection, row: &Waiting, nested: bool) -> Result<Done, StoreError> {
        atomically(conn, nested, || {
            let mut done = Done { tally: Tally::default(), change: read_number(conn, CHANGE)? };
            self.settle(conn, &mut done.tally, row, &Verdict::failed())?;
            done.tally.write(conn)?;
            Ok(done)
        })
    }
}

/// Adds what a row says to `events`.
fn interpret(interpreter: &dyn Interpreter, row: &Waiting, events: &mut Vec<Event>) -> Verdict {
    if row.kind == EntryKind::Event {
        return match row.event() {
            Ok(event) => {
                events.push(event);
                Verdict::of(State::Applied)
            }
            Err(problem) => Verdict::rejected(problem),
        };
    }
    let found = row.webhook().and_then(|webhook| interpreter.interpret(&webhook, row.received_at));
    let found = match found {
        Ok(found) => found,
        Err(problem) => return Verdict::rejected(problem),
    };
    let (all, before) = (found.len(), events.len());
    let mut problems = Vec::new();
    for (place, event) in (1usize..).zip(found) {
        match event {
            Ok(event) => events.push(event),
            Err(problem) => problems.push((place, problem)),
        }
    }
    let state = match (events.len() > before, problems.is_empty()) {
        (true, _) => State::Applied,
        (false, true) => State::Ignored,
        (false, false) => State::Rejected,
    };
    Verdict { state, reason: several(all, &problems) }
}

/// The problems of single events of one webhook in one reason.
fn several(all: usize, problems: &[(usize, Problem)]) -> Option<Reason> {
    let (_, first) = problems.first()?;
    let named = problems.iter().take(PROBLEMS_NAMED);
    let named: Vec<String> = named.map(|(place, problem)| format!("event {place}: {problem}")).collect();
    let more = if problems.len() > PROBLEMS_NAMED { "; …" } else { "" };
    let message = format!("{} of {all} events could not be used: {}{more}", problems.len(), named.join("; "));
    Some(Reason { code: first.code.text().to_owned(), message: clip(message) })
}

fn clip(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REASON_BYTES));
    text
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// The last change number given.
pub(crate) const CHANGE: &str = "change";
/// The same of the facts a rebuild makes.
pub(crate) const NEXT_CHANGE: &str = "next_change";
/// The catalogue that was applied last.
pub(crate) const CATALOGUE: &str = "catalogue";
/// The one a rebuild makes facts with.
pub(crate) const NEXT_CATALOGUE: &str = "next_catalogue";
/// The change number of the last change of the tree.
pub(crate) const TREE: &str = "tree";
/// The change number before the last rebuild.
pub(crate) const REBUILT: &str = "rebuilt";

pub(crate) fn read_number(conn: &Connection, name: &str) -> Result<u64, StoreError> {
    let found = one(conn, "SELECT value FROM meta WHERE name = ?", [name], |row| Ok(row.get::<_, i64>(0)?))?;
    Ok(found.and_then(|number| u64::try_from(number).ok()).unwrap_or_default())
}

pub(crate) fn write_number(conn: &Connection, name: &str, number: u64) -> Result<(), StoreError> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    run(conn, sql, params![name, number])?;
    Ok(())
}

/// The catalogue that was applied last; an empty one with the default rules when none ever was.
pub(crate) fn read_catalogue(conn: &Connection) -> Result<Catalogue, StoreError> {
    Ok(read_catalogue_named(conn, CATALOGUE)?.unwrap_or_default())
}

pub(crate) fn read_catalogue_named(conn: &Connection, name: &str) -> Result<Option<Catalogue>, StoreError> {
    let sql = "SELECT value FROM meta WHERE name = ?";
    one(conn, sql, [name], |row| body::from_json("the catalogue", row.get_ref(0)?))
}

pub(crate) fn write_catalogue(conn: &Connection, name: &str, catalogue: &Catalogue) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    run(conn, sql, params![name, body::to_json(catalogue)?])?;
    Ok(())
}

fn read_catalogue_row(row: &Waiting) -> Result<Catalogue, Problem> {
    let bad = |error: serde_json::Error| Problem::new(Code::CatalogueInvalid, error.to_string());
    let catalogue: Catalogue = serde_json::from_slice(&row.unpacked()?).map_err(bad)?;
    catalogue.validate()?;
    Ok(catalogue)
}

/// Every catalogue of the journal that could be used, the oldest first.
pub(crate) fn every_catalogue(conn: &Connection) -> Result<Vec<Catalogue>, StoreError> {
    let sql = rows_where!("kind = 2 AND state <= 1");
    let rows = all(conn, sql, [-1], Waiting::read)?;
    Ok(rows.iter().filter_map(|row| read_catalogue_row(row).ok()).collect())
}

/// The latest catalogue of the journal that can be used: what stands after all of them were applied.
pub(crate) fn latest_catalogue(conn: &Connection) -> Result<Catalogue, StoreError> {
    let sql = rows_where!("kind = 2 AND state <= 1");
    let rows = all(conn, sql, [-1], Waiting::read)?;
    Ok(rows.iter().rev().find_map(|row| read_catalogue_row(row).ok()).unwrap_or_default())
}
