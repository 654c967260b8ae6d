//! The warehouse: facts in, answers out.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use domain::catalogue::{Node, Tree};
use domain::definition::Definition;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::key::IncidentKey;
use domain::metric::Metric;
use domain::time::Month;
use domain::{Code, DeploymentKey, EntityKey, Problem, Timestamp};
use metrics::{Answer, NodeValues, Question, Window, headline};

use crate::asking::Asking;
use crate::cache::Cache;
use crate::digest::Digests;
use crate::engine::{self, problem};
use crate::fill::{Fill, Filled};
use crate::firsts::{Firsts, Kind};
use crate::grounds::Grounds;
use crate::kept::Kept;
use crate::lake::{BaseFile, Crash, Keys, Lake, Outcome, merge_tables};
use crate::shares::Shares;
use crate::snapshot::{Snapshot, TableData};
use crate::tables::places::Places;
use crate::writers::{Puts, Rows, Writers};

/// Answers kept about one node: some 10 KB each.
const ANSWERS: usize = 1_000;
/// Answers kept about all that is below a node: up to a thousand of those.
const ANSWERS_BELOW: usize = 32;
/// Trees kept: a few MB each for a thousand products.
const TREES: usize = 4;
/// Rows that a question groups or joins in memory at once: some 400 bytes each.
const AT_ONCE: usize = 100_000;

/// Facts that are no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Deployments; their commits go with them.
    pub deployments: Vec<DeploymentKey>,
    /// Incidents.
    pub incidents: Vec<IncidentKey>,
}

/// What changed in the store, whole: a key is in one of the lists at most.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// New state of deployments, each with all its commits.
    pub deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    /// New state of incidents.
    pub incidents: Vec<IncidentFact>,
    /// New state of the others.
    pub others: Vec<OtherFact>,
    /// What is no longer.
    pub removed: Removed,
    /// Months under which changed facts were filed before: sealed rows are looked for there too.
    pub before: Vec<(EntityKey, Option<Month>)>,
    /// The change number up to which everything is in with this.
    pub change: u64,
}

/// What sealing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Everything up to this change number stands in the tables on disk.
    pub change: u64,
    /// Rows written, those merged with them included.
    pub rows: usize,
}

/// Facts in columns: sealed months on disk when it was opened on a folder, everything else in memory. One writer at a
/// time; readers never wait for it.
pub struct Warehouse {
    writers: Mutex<Writers>,
    current: ArcSwap<Snapshot>,
    pub(crate) runtime: Arc<RuntimeEnv>,
    answers: Cache<Answer>,
    children: Cache<Vec<Answer>>,
    trees: Cache<Vec<NodeValues>>,
    pub(crate) lake: Option<Lake>,
    nothing_sealed: Keys,
    firsts: Firsts,
    pub(crate) digests: Arc<Digests>,
    pub(crate) shares: Shares,
    pub(crate) at_once: usize,
    pub(crate) sealing: tokio::sync::Mutex<()>,
}

impl Warehouse {
    /// An empty one that lives in memory only.
    ///
    /// # Errors
    /// `internal` when the query engine does not start.
    pub fn new() -> Result<Self, Problem> {
        Self::made(Writers::new(), None, &HashMap::new(), Places::default()).map_err(|error| problem(&error))
    }

    /// Opens the sealed tables below a folder; makes them when there are none. What changed after
    /// [`Warehouse::sealed`] has to be applied to it.
    ///
    /// # Errors
    /// `unavailable` with what is wrong on disk: the folder can be deleted, it is made anew from the store.
    pub async fn open(folder: &Path) -> Result<Self, Problem> {
        Self::opened(folder, false).await
    }

    /// An empty one that takes the place of the tables below a folder only when it is promoted: what was sealed before
    /// stays readable until then.
    ///
    /// # Errors
    /// As [`Warehouse::open`].
    pub async fn staged(folder: &Path) -> Result<Self, Problem> {
        Self::opened(folder, true).await
    }

    async fn opened(folder: &Path, staged: bool) -> Result<Self, Problem> {
        let broken = |error: DataFusionError| {
            let told = error.strip_backtrace();
            Problem::new(
                Code::Unavailable,
                format!(
                    "{told}; the tables in {} follow from the store: move them away, all but `journal`, and they are \
                     written anew",
                    folder.display()
                ),
            )
        };
        let writers = Writers::new();
        let shapes = writers.shapes();
        let lake = Lake::open(folder, &shapes, staged).await.map_err(broken)?;
        let files = lake.files().map_err(broken)?;
        let places = lake.places.read().map_err(broken)?;
        Self::made(writers, Some(lake), &files, places).map_err(|error| problem(&error))
    }

    fn made(
        writers: Writers,
        lake: Option<Lake>,
        files: &HashMap<&'static str, Vec<Arc<BaseFile>>>,
        places: Places,
    ) -> datafusion::error::Result<Self> {
        let change = lake.as_ref().filter(|lake| !lake.staged && !lake.stale()).map_or(0, Lake::sealed);
        let tables = writers.shapes().into_iter().map(|shape| {
            let base = files.get(shape.name).cloned().unwrap_or_default();
            (shape.name, Arc::new(TableData::new(shape, base)))
        });
        let empty = Snapshot {
            number: 0,
            change,
            tree: Arc::new(Tree::default()),
            tables: tables.collect(),
            places: Arc::new(places),
            kept: Arc::new(
                lake.as_ref().filter(|lake| !lake.staged && !lake.stale()).map_or_else(Kept::new, Lake::kept),
            ),
            session: OnceLock::new(),
            grounds: OnceLock::new(),
            grounds_before: None,
            firsts: Mutex::default(),
        };
        Ok(Warehouse {
            writers: Mutex::new(writers),
            current: ArcSwap::from_pointee(empty),
            runtime: engine::runtime()?,
            answers: Cache::new(ANSWERS),
            children: Cache::new(ANSWERS_BELOW),
            trees: Cache::new(TREES),
            lake,
            nothing_sealed: Keys::default(),
            firsts: Firsts::default(),
            digests: Arc::default(),
            shares: Shares::default(),
            at_once: AT_ONCE,
            sealing: tokio::sync::Mutex::default(),
        })
    }

    /// Has questions group or join no more than about so many rows in memory at once: those about more are asked for some
    /// of the products after the other.
    pub fn group_at_once(&mut self, rows: usize) {
        self.at_once = rows.max(1);
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> &Keys {
        self.lake.as_ref().map_or(&self.nothing_sealed, |lake| &lake.keys)
    }

    /// Takes the whole new state of facts: rows of a key replace what stood under it, also in another product. Queries
    /// see all of it or nothing.
    ///
    /// # Errors
    /// `internal` when rows cannot be laid out; then nothing is published.
    pub fn apply(
        &self,
        changed: Vec<(DeploymentFact, Vec<CommitFact>)>,
        incidents: Vec<IncidentFact>,
        others: Vec<OtherFact>,
    ) -> Result<(), Problem> {
        let change = self.current.load().change;
        self.take(Batch { deployments: changed, incidents, others, change, ..Batch::default() })
    }

    /// Takes what changed, in one step: queries see all of it or nothing.
    ///
    /// # Errors
    /// `internal` when rows cannot be laid out or a sealed file cannot be read; then nothing is published.
    pub fn take(&self, batch: Batch) -> Result<(), Problem> {
        let mut writers = self.writers();
        let mut next = self.current.load().next();
        next.change = next.change.max(batch.change);
        let mut puts = Puts::of(batch);
        puts.leave(&next.kept);
        Writers::name(&mut next.places, &puts)
            .and_then(|()| writers.apply(&mut next, puts, self.keys()))
            .map_err(|error| problem(&error))?;
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// Writes everything that stands in memory to the tables on disk, merged with what they hold. `now` is only noted in
    /// their logs. Facts can be applied
    /// meanwhile; queries see the same rows before and after. Nothing happens without a folder.
    ///
    /// # Errors
    /// `conflict` when another process sealed later changes, `unavailable` when the disk fails; then memory stays as
    /// it is and nothing is lost.
    pub async fn seal(&self, now: Timestamp) -> Result<Sealing, Problem> {
        self.seal_until(false, now, &|_| Ok(())).await
    }

    /// As [`Warehouse::seal`], and makes one file of every month that has several: fewer files are read faster.
    ///
    /// # Errors
    /// As [`Warehouse::seal`].
    pub async fn compact(&self, now: Timestamp) -> Result<Sealing, Problem> {
        self.seal_until(true, now, &|_| Ok(())).await
    }

    /// As [`Warehouse::seal`], but `step` is asked before each step with its name, and ends everything there when it
    /// refuses, as the end of the process would. For tests.
    ///
    /// # Errors
    /// As [`Warehouse::seal`].
    #[doc(hidden)]
    pub async fn seal_stepwise(
        &self,
        now: Timestamp,
        step: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<Sealing, Problem> {
        let crash = |name: &str| {
            if step(name) { Ok(()) } else { Err(DataFusionError::Execution(format!("stopped {name}"))) }
        };
        self.seal_until(false, now, &crash).await
    }

    async fn seal_until(&self, whole: bool, now: Timestamp, crash: &Crash<'_>) -> Result<Sealing, Problem> {
        let Some(lake) = &self.lake else { return Ok(Sealing::default()) };
        let _one_at_a_time = self.sealing.lock().await;
        let pinned = {
            let mut writers = self.writers();
            writers.each(|writer| writer.note());
            self.current.load_full()
        };
        // A process that ended between two tables left one ahead of the other: the facts between them come first.
        if lake.ahead_of(pinned.change) {
            self.writers().forget();
            return Ok(Sealing { change: self.sealed(), rows: 0 });
        }
        let context = engine::task(&self.runtime);
        let merged = merge_tables(lake, &pinned, &context, whole, now, crash).await;
        let done = merged.and_then(|outcomes| {
            crash("before memory is emptied")?;
            self.settle(outcomes)
        });
        match done {
            Ok(rows) => Ok(Sealing { change: pinned.change, rows }),
            Err(error) => {
                self.writers().forget();
                Err(sealing_problem(&error))
            }
        }
    }

    fn settle(&self, outcomes: BTreeMap<&'static str, Outcome>) -> datafusion::error::Result<usize> {
        let mut writers = self.writers();
        let mut next = self.current.load().next();
        let mut rows = 0;
        for (name, outcome) in outcomes {
            rows += outcome.rows;
            let data = &next.tables[name];
            let after = writers.one(name).map(|writer| writer.after(data, outcome.files, self.keys())).transpose()?;
            if let Some(after) = after {
                next.tables.insert(name, Arc::new(after));
            }
        }
        writers.each(|writer| writer.settle());
        // Queries see the same rows as before: answers that are known stay good.
        next.number -= 1;
        self.current.store(Arc::new(next));
        Ok(rows)
    }

    /// Begins to fill the tables on disk anew, with everything up to a change number.
    ///
    /// # Errors
    /// `unavailable` when there are no tables on disk.
    pub fn fill(&self, change: u64) -> Result<Fill<'_>, Problem> {
        let none = || Problem::new(Code::Unavailable, "this warehouse lives in memory only");
        let now = self.current.load();
        let places = Places::clone(&now.places);
        self.lake.as_ref().map(|lake| Fill::new(lake, places, now.kept.clone(), change)).ok_or_else(none)
    }

    /// Makes what was filled the content of the tables, and of this warehouse, in the place of all that was there.
    ///
    /// # Errors
    /// As [`Warehouse::seal`].
    pub async fn put_filled(&self, filled: Filled, now: Timestamp) -> Result<Sealing, Problem> {
        let Some(lake) = &self.lake else { return Ok(Sealing::default()) };
        let _one_at_a_time = self.sealing.lock().await;
        let Filled { tables, places, change } = filled;
        let mut sealing = Sealing { change, rows: 0 };
        let mut next = self.current.load().next();
        next.change = change;
        lake.places.save(&places, now).await.map_err(|error| sealing_problem(&error))?;
        next.places = Arc::new(places);
        for (name, written) in tables {
            let Some(table) = lake.tables.get(name) else { continue };
            let (files, adds): (Vec<_>, Vec<_>) = written.into_iter().unzip();
            sealing.rows += files.iter().map(|file| file.rows).sum::<usize>();
            table
                .replace(adds, change, next.kept.get(name).copied(), now)
                .await
                .map_err(|error| sealing_problem(&error))?;
            let shape = next.tables[name].shape.clone();
            next.tables.insert(name, Arc::new(TableData::new(shape, files)));
        }
        let mut writers = self.writers();
        *writers = Writers::new();
        self.current.store(Arc::new(next));
        Ok(sealing)
    }

    /// Puts a staged warehouse in the place of the tables it was staged beside: all of its rows become readable there
    /// at once, and those of before are no longer.
    ///
    /// # Errors
    /// As [`Warehouse::seal`].
    pub async fn promote(&mut self, now: Timestamp) -> Result<Sealing, Problem> {
        let sealing = self.seal(now).await?;
        let change = self.current.load().change;
        let Some(lake) = self.lake.as_mut().filter(|lake| lake.staged) else { return Ok(sealing) };
        let pinned = self.current.load_full();
        lake.promote(&pinned, change, now).await.map_err(|error| sealing_problem(&error))?;
        Ok(Sealing { change, ..sealing })
    }

    /// The change number up to which the tables on disk hold everything; 0 without any.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.lake.as_ref().filter(|lake| !lake.staged && !lake.stale()).map_or(0, Lake::sealed)
    }

    /// Whether what was sealed cannot be used: by another version of Leadline, without columns this one counts by. A
    /// staged warehouse, filled from the beginning, takes its place.
    #[must_use]
    pub fn stale(&self) -> bool {
        self.lake.as_ref().is_some_and(|lake| !lake.staged && lake.stale())
    }

    /// Bytes of the rows that stand in memory.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.current.load().tables.values().map(|data| data.bytes).sum()
    }

    /// Deletes files that no version of the tables within their retention (a day) names any more. How many.
    ///
    /// # Errors
    /// `unavailable` when the disk fails.
    pub async fn clean(&self) -> Result<usize, Problem> {
        let Some(lake) = &self.lake else { return Ok(0) };
        let _one_at_a_time = self.sealing.lock().await;
        let mut deleted = 0;
        for table in lake.tables.values() {
            deleted += table.vacuum().await.map_err(|error| sealing_problem(&error))?;
        }
        Ok(deleted)
    }

    /// Changes the snapshot, in turn with whoever brings facts.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let _one_writer = self.writers();
        let mut next = self.current.load().next();
        change(&mut next);
        self.current.store(Arc::new(next));
    }

    pub(crate) fn pinned_kept(&self) -> Arc<Kept> {
        self.current.load().kept.clone()
    }

    /// Takes another tree. No fact changes: platform, domain, team and labels follow the tree when they are read.
    pub fn set_tree(&self, tree: Tree) {
        self.change(|next| next.tree = Arc::new(tree));
    }

    /// The tree as queries see it.
    #[must_use]
    pub fn tree_now(&self) -> Arc<Tree> {
        self.current.load().tree.clone()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> Rows {
        Rows::of(&self.current.load())
    }

    /// Counts up with each change: equal numbers, equal answers.
    #[must_use]
    pub fn snapshot_number(&self) -> u64 {
        self.current.load().number
    }

    /// What its sessions share, for sessions of another kind over the same tables.
    pub(crate) fn runtime(&self) -> Arc<RuntimeEnv> {
        self.runtime.clone()
    }

    /// The end of the first deployment ever by stand; `i64::MAX` where there was none.
    pub(crate) fn firsts_of(
        &self,
        snapshot: &Snapshot,
        grounds: &Grounds,
        kind: Kind,
    ) -> datafusion::error::Result<Arc<Vec<i64>>> {
        let known = || snapshot.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&kind) {
            return Ok(known.clone());
        }
        let mut firsts = vec![i64::MAX; grounds.forest.len()];
        if let Some(data) = snapshot.tables.get("deployments") {
            for (place, at) in self.firsts.of(data, kind)? {
                if let Some(stand) = grounds.by_place.get(&place) {
                    firsts[*stand as usize] = at.min(firsts[*stand as usize]);
                }
            }
        }
        let firsts = Arc::new(firsts);
        known().insert(kind, firsts.clone());
        Ok(firsts)
    }

    /// First deployments as a frequency minds them: in microseconds by number of place, as they are remembered and as the
    /// tables say. For tests.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    #[doc(hidden)]
    pub async fn first_deployments(
        &self,
        question: &Question,
        metric: Metric,
    ) -> Result<[BTreeMap<i64, i64>; 2], Problem> {
        let (snapshot, session) = self.pinned()?;
        let kind = Kind::new(&question.definition, metric);
        let known = match snapshot.tables.get("deployments") {
            Some(data) => self.firsts.of(data, kind).map_err(|error| problem(&error))?,
            None => Default::default(),
        };
        let sql = metrics::query::firsts(question, metric, question.window);
        let batches = engine::run(&session, &sql).await.map_err(|error| problem(&error))?;
        let found = engine::firsts(&batches).map_err(|error| problem(&error))?;
        Ok([known.into_iter().collect(), found.into_iter().collect()])
    }

    pub(crate) fn pinned(&self) -> Result<(Arc<Snapshot>, SessionContext), Problem> {
        let snapshot = self.current.load_full();
        let session = engine::session_of(&snapshot, &self.runtime).map_err(|error| problem(&error))?;
        Ok((snapshot, session))
    }

    /// Answers a question. `as_of` is left to whoever has a clock.
    ///
    /// # Errors
    /// `invalid_parameter` for a question that cannot be asked, `unavailable` when it needs too much memory.
    pub async fn answer(&self, question: &Question) -> Result<Arc<Answer>, Problem> {
        question.check()?;
        let (snapshot, session) = self.pinned()?;
        let compute = async {
            let answers = Asking::new(self, &session, &snapshot, question).answers().await?;
            answers.into_iter().next().ok_or_else(|| Problem::new(Code::Internal, "a question without an answer"))
        };
        self.answers.get(snapshot.number, question.key(), compute).await
    }

    /// Answers a question about the nodes right below its own instead of that: one answer a node, in the order of nodes,
    /// from rows that are read once.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    pub async fn children(&self, question: &Question) -> Result<Arc<Vec<Answer>>, Problem> {
        question.check()?;
        let (snapshot, session) = self.pinned()?;
        let nodes = snapshot.tree.children(&question.node);
        let compute = async {
            if nodes.is_empty() {
                return Ok(Vec::new());
            }
            Asking { nodes: &nodes, ..Asking::new(self, &session, &snapshot, question) }.answers().await
        };
        self.children.get(snapshot.number, question.key(), compute).await
    }

    /// Headline values (the five DORA metrics) of every node of the tree, in the order of [`Node`], from one query a
    /// metric. With `metrics` given, those instead.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    pub async fn tree(
        &self,
        definition: &Definition,
        window: Window,
        labels: &[(String, String)],
        metrics: Option<&[Metric]>,
    ) -> Result<Arc<Vec<NodeValues>>, Problem> {
        let question = Question {
            metrics: metrics.map_or_else(|| headline(definition).to_vec(), <[Metric]>::to_vec),
            labels: labels.to_vec(),
            ..Question::new(Node::Group, definition.clone(), window)
        };
        question.check()?;
        let (snapshot, session) = self.pinned()?;
        let asking = Asking::new(self, &session, &snapshot, &question);
        self.trees.get(snapshot.number, question.key(), async { asking.tree(false).await }).await
    }

    /// As [`Warehouse::tree`], if asked for with the statistics of each node where the metric has any. Nothing is kept
    /// for the next one who asks.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    pub async fn tree_anew(
        &self,
        definition: &Definition,
        window: Window,
        metrics: &[Metric],
        statistics: bool,
    ) -> Result<Vec<NodeValues>, Problem> {
        let question = Question { metrics: metrics.to_vec(), ..Question::new(Node::Group, definition.clone(), window) };
        question.check()?;
        let (snapshot, session) = self.pinned()?;
        Asking::new(self, &session, &snapshot, &question).tree(statistics).await
    }

    /// Runs one reading statement on the tables. For tests and the SQL port.
    ///
    /// # Errors
    /// `invalid_parameter` with the engine's words when the statement cannot be run.
    pub async fn sql(&self, text: &str) -> Result<Vec<RecordBatch>, Problem> {
        let (_snapshot, session) = self.pinned()?;
        engine::run(&session, text).await.map_err(|error| problem(&error))
    }
}

/// What a client may know of a failed seal, and the log may tell.
pub(crate) fn sealing_problem(error: &DataFusionError) -> Problem {
    let told = error.strip_backtrace();
    Problem::new(Code::Unavailable, format!("the tables on disk stay as they were: {told}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::catalogue::{Catalogue, PlacedBy};
    use domain::event::Severity;
    use domain::time::DAY;

    use super::*;

    fn incident(product: &str, day: i64) -> IncidentFact {
        let at = Timestamp::from_micros(day * DAY);
        IncidentFact {
            key: domain::DeploymentKey::new("t", format!("{product}{day}")),
            product: product.to_owned(),
            component: None,
            instance: None,
            placed_by: PlacedBy::Event,
            placed_why: None,
            severity: Severity::Unknown,
            title: None,
            opened_at: at,
            started_at: at,
            detected_at: None,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            causes: Default::default(),
            url: None,
            labels: Default::default(),
        }
    }

    /// How many batches the plan of a statement holds.
    async fn read(warehouse: &Warehouse, condition: &str) -> usize {
        let (_snapshot, session) = warehouse.pinned().unwrap();
        let frame = session.sql(&format!("SELECT id FROM incidents WHERE {condition}")).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(true).to_string();
        match shown.split_once("partition_sizes=[") {
            Some((_, rest)) => rest.split(']').next().unwrap().split(", ").map(|n| n.parse::<usize>().unwrap()).sum(),
            None => 0,
        }
    }

    #[tokio::test]
    async fn only_the_buckets_a_filter_allows_are_read() {
        let warehouse = Warehouse::new().unwrap();
        let facts = ["a", "b", "c"].iter().flat_map(|product| [10, 100, 200].map(|day| incident(product, day)));
        warehouse.apply(vec![], facts.collect(), vec![]).unwrap();
        let hint = domain::catalogue::ProductHint { platform: Some("p".to_owned()), ..Default::default() };
        let hints = BTreeMap::from([("a".to_owned(), hint)]);
        warehouse.set_tree(Tree::build(&Catalogue::default(), &hints, [], ["a", "b", "c"]));
        assert_eq!(read(&warehouse, "true").await, 9);
        assert_eq!(read(&warehouse, "product = 'a'").await, 3);
        assert_eq!(read(&warehouse, "product IN ('a', 'c')").await, 6);
        assert_eq!(read(&warehouse, "product >= 'b' AND product < 'c'").await, 3);
        assert_eq!(read(&warehouse, "(product < 'c' OR product IS NULL)").await, 6);
        assert_eq!(read(&warehouse, "platform = 'p'").await, 3);
        assert_eq!(read(&warehouse, "platform = 'unassigned'").await, 6);
        assert_eq!(read(&warehouse, "started_at >= instant('1970-03-01T00:00:00Z')").await, 6);
        let or_unknown = "started_at >= instant('1970-03-01T00:00:00Z') OR started_at IS NULL";
        assert_eq!(read(&warehouse, or_unknown).await, 6);
        let month = "started_at >= instant('1970-03-01T00:00:00Z') AND started_at < instant('1970-05-01T00:00:00Z')";
        assert_eq!(read(&warehouse, &format!("product = 'b' AND {month}")).await, 1);
    }
}
