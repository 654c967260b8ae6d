//! The warehouse: facts in, answers out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use domain::catalogue::{Node, Tree};
use domain::definition::Definition;
use domain::event::EventKind;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::key::IncidentKey;
use domain::metric::Metric;
use domain::{DeploymentKey, Problem, Timestamp};
use metrics::answer::{Bands, MetricAnswer, answer, distribution, metric_answer, node_values};
use metrics::inference::changes::{Changes, changes};
use metrics::rollup::Plan;
use metrics::{Answer, Leaf, NodeValues, Point, Presence, Question, Rolled, Window, Zone, headline, query, roll_up};

use crate::cache::Cache;
use crate::engine::{self, problem};
use crate::snapshot::{Put, Snapshot, Writer, place};
use crate::tables::{canary_analyses, commits, deployments, incidents, pipeline_runs};

/// How many rows each table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Deployments.
    pub deployments: usize,
    /// Commits that arrived with them.
    pub commits: usize,
    /// Incidents.
    pub incidents: usize,
    /// Canary analyses.
    pub canary_analyses: usize,
    /// Pipeline runs.
    pub pipeline_runs: usize,
}

/// Facts that are no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Deployments; their commits go with them.
    pub deployments: Vec<DeploymentKey>,
    /// Incidents.
    pub incidents: Vec<IncidentKey>,
}

struct Writers {
    deployments: Writer<deployments::Row>,
    commits: Writer<commits::Row>,
    incidents: Writer<incidents::Row>,
    canary_analyses: Writer<canary_analyses::Row>,
    pipeline_runs: Writer<pipeline_runs::Row>,
}

/// Facts in columns, in memory. One writer at a time; readers never wait for it.
pub struct Warehouse {
    writers: Mutex<Writers>,
    current: ArcSwap<Snapshot>,
    runtime: Arc<RuntimeEnv>,
    answers: Cache<Answer>,
    trees: Cache<Vec<NodeValues>>,
}

impl Warehouse {
    /// An empty one.
    ///
    /// # Errors
    /// `internal` when the query engine does not start.
    pub fn new() -> Result<Self, Problem> {
        let writers = Writers {
            deployments: Writer::new(deployments::table(), &["source", "id"]),
            commits: Writer::new(commits::table(), &["source", "id", "sha"]),
            incidents: Writer::new(incidents::table(), &["source", "id"]),
            canary_analyses: Writer::new(canary_analyses::table(), &["source", "id"]),
            pipeline_runs: Writer::new(pipeline_runs::table(), &["source", "id"]),
        };
        let empty = Snapshot {
            number: 0,
            tree: Arc::new(Tree::default()),
            deployments: Arc::new(writers.deployments.empty()),
            commits: Arc::new(writers.commits.empty()),
            incidents: Arc::new(writers.incidents.empty()),
            canary_analyses: Arc::new(writers.canary_analyses.empty()),
            pipeline_runs: Arc::new(writers.pipeline_runs.empty()),
            session: OnceLock::new(),
        };
        Ok(Warehouse {
            writers: Mutex::new(writers),
            current: ArcSwap::from_pointee(empty),
            runtime: engine::runtime().map_err(|error| problem(&error))?,
            answers: Cache::default(),
            trees: Cache::default(),
        })
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.apply_and_remove(changed, incidents, others, Removed::default())
    }

    /// As [`Warehouse::apply`], and takes away what is no longer, in the same step. A key is in one of the two at most.
    ///
    /// # Errors
    /// As [`Warehouse::apply`].
    pub fn apply_and_remove(
        &self,
        changed: Vec<(DeploymentFact, Vec<CommitFact>)>,
        incidents: Vec<IncidentFact>,
        others: Vec<OtherFact>,
        removed: Removed,
    ) -> Result<(), Problem> {
        let mut writers = self.writers();
        let mut next = self.current.load().next();
        let applied = writers
            .deployments(&mut next, changed, removed.deployments)
            .and_then(|()| writers.incidents(&mut next, incidents, removed.incidents))
            .and_then(|()| writers.others(&mut next, others));
        applied.map_err(|error| problem(&error))?;
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// Takes another tree. No fact changes: platform, domain, team and labels follow the tree when they are read.
    pub fn set_tree(&self, tree: Tree) {
        let _one_writer = self.writers();
        let mut next = self.current.load().next();
        next.tree = Arc::new(tree);
        self.current.store(Arc::new(next));
    }

    /// The tree as queries see it.
    #[must_use]
    pub fn tree_now(&self) -> Arc<Tree> {
        self.current.load().tree.clone()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let now = self.current.load();
        Rows {
            deployments: now.deployments.rows,
            commits: now.commits.rows,
            incidents: now.incidents.rows,
            canary_analyses: now.canary_analyses.rows,
            pipeline_runs: now.pipeline_runs.rows,
        }
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
        let compute = async { Asking { session: &session, tree: &snapshot.tree, question }.answer().await };
        self.answers.get(snapshot.number, question.key(), compute).await
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
        let asking = Asking { session: &session, tree: &snapshot.tree, question: &question };
        self.trees.get(snapshot.number, question.key(), async { asking.tree().await }).await
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

impl Writers {
    fn deployments(
        &mut self,
        next: &mut Snapshot,
        changed: Vec<(DeploymentFact, Vec<CommitFact>)>,
        removed: Vec<DeploymentKey>,
    ) -> datafusion::error::Result<()> {
        if changed.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<_> = removed.iter().cloned().map(nothing).collect();
        let mut brought: Vec<_> = removed.into_iter().map(nothing).collect();
        for (fact, commits) in changed {
            let key = (fact.key.source.clone(), fact.key.id.clone());
            let place = place(fact.lane.component.product(), fact.finished_at);
            let first = commits.iter().filter(|commit| commit.role.used() && commit.first_arrival).count();
            let of = Arc::new(fact.clone());
            brought.push(Put {
                key: key.clone(),
                place: place.clone(),
                rows: commits.into_iter().map(|fact| commits::Row { fact, of: of.clone() }).collect(),
            });
            let first_arrivals = u32::try_from(first).unwrap_or(u32::MAX);
            rows.push(Put { key, place, rows: vec![deployments::Row { fact, first_arrivals }] });
        }
        self.deployments.apply(Arc::make_mut(&mut next.deployments), rows)?;
        self.commits.apply(Arc::make_mut(&mut next.commits), brought)
    }

    fn incidents(
        &mut self,
        next: &mut Snapshot,
        incidents: Vec<IncidentFact>,
        removed: Vec<IncidentKey>,
    ) -> datafusion::error::Result<()> {
        if incidents.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let puts = incidents.into_iter().map(|fact| Put {
            key: (fact.key.source.clone(), fact.key.id.clone()),
            place: place(&fact.product, Some(fact.started_at)),
            rows: vec![fact],
        });
        let puts = removed.into_iter().map(nothing).chain(puts).collect();
        self.incidents.apply(Arc::make_mut(&mut next.incidents), puts)
    }

    fn others(&mut self, next: &mut Snapshot, others: Vec<OtherFact>) -> datafusion::error::Result<()> {
        let (mut analyses, mut runs) = (Vec::new(), Vec::new());
        for fact in others {
            let product = fact.product.clone().unwrap_or_default();
            let key = (fact.key.source.clone(), fact.key.id.clone());
            match fact.key.kind {
                EventKind::CanaryAnalysis => {
                    analyses.push(Put { key, place: place(&product, Some(fact.at)), rows: vec![fact] });
                }
                EventKind::PipelineRun => {
                    let at = pipeline_runs::ended(&fact);
                    runs.push(Put { key, place: place(&product, Some(at)), rows: vec![fact] });
                }
                _ => {}
            }
        }
        if !analyses.is_empty() {
            self.canary_analyses.apply(Arc::make_mut(&mut next.canary_analyses), analyses)?;
        }
        if !runs.is_empty() {
            self.pipeline_runs.apply(Arc::make_mut(&mut next.pipeline_runs), runs)?;
        }
        Ok(())
    }
}

/// No rows for a key; where they would be is of no matter.
fn nothing<R>(key: DeploymentKey) -> Put<R> {
    Put { key: (key.source, key.id), place: place("", None), rows: Vec::new() }
}

/// A question on a snapshot.
pub(crate) struct Asking<'a> {
    pub(crate) session: &'a SessionContext,
    pub(crate) tree: &'a Tree,
    pub(crate) question: &'a Question,
}

/// Who deployed, by the statement that asked: several metrics ask the same.
pub(crate) type Known = HashMap<String, Arc<Vec<Presence>>>;

impl Asking<'_> {
    async fn run(&self, sql: &str) -> Result<Vec<RecordBatch>, Problem> {
        engine::run(self.session, sql).await.map_err(|error| problem(&error))
    }

    /// Leaf groups of a metric in a window, and who has deployed.
    async fn rows(
        &self,
        metric: Metric,
        window: Window,
        known: &mut Known,
    ) -> Result<(Vec<Leaf>, Arc<Vec<Presence>>), Problem> {
        let batches = self.run(&query::leaves(self.question, metric, window)).await?;
        let leaves = engine::leaves(&batches).map_err(|error| problem(&error))?;
        let Some(sql) = query::presence(self.question, metric, window) else { return Ok((leaves, Arc::default())) };
        if let Some(presence) = known.get(&sql) {
            return Ok((leaves, presence.clone()));
        }
        let batches = self.run(&sql).await?;
        let presence = Arc::new(engine::presence(&batches).map_err(|error| problem(&error))?);
        known.insert(sql, presence.clone());
        Ok((leaves, presence))
    }

    fn plan<'p>(&'p self, metric: Metric, window: Window) -> Plan<'p> {
        Plan {
            metric,
            definition: &self.question.definition,
            days: window.days(),
            to: window.to,
            tree: self.tree,
            keep: Some(&self.question.node),
            whole_tree: false,
        }
    }

    fn mine(&self, plan: &Plan<'_>, leaves: &[&Leaf], presence: &[Presence]) -> Rolled {
        let mut rolled = roll_up(plan, leaves.iter().copied(), presence);
        rolled.remove(&self.question.node).unwrap_or_else(|| metrics::rollup::nothing(plan, &self.question.node))
    }

    /// A metric of the question's node in a window.
    pub(crate) async fn rolled(&self, metric: Metric, window: Window, known: &mut Known) -> Result<Rolled, Problem> {
        let (leaves, presence) = self.rows(metric, window, known).await?;
        Ok(self.mine(&self.plan(metric, window), &leaves.iter().collect::<Vec<_>>(), &presence))
    }

    async fn answer(&self) -> Result<Answer, Problem> {
        let bands = Bands::of(&self.question.definition);
        let mut known = Known::new();
        let mut found = BTreeMap::new();
        for metric in &self.question.metrics {
            let window = self.question.window;
            let (leaves, presence) = self.rows(*metric, window, &mut known).await?;
            let rolled = self.mine(&self.plan(*metric, window), &leaves.iter().collect::<Vec<_>>(), &presence);
            let series = self.series(*metric, &leaves, &presence)?;
            let previous = match self.question.compare {
                None => None,
                Some(window) => Some(self.rolled(*metric, window, &mut known).await?),
            };
            let changes = self.changes(*metric, series.as_deref())?;
            let lie = if self.question.distribution { distribution(*metric, &rolled) } else { None };
            let answer = metric_answer(*metric, &bands, rolled, previous.as_ref(), series);
            found.insert(*metric, MetricAnswer { distribution: lie, changes, ..answer });
        }
        Ok(answer(self.question, &bands, found))
    }

    fn series(&self, metric: Metric, leaves: &[Leaf], presence: &[Presence]) -> Result<Option<Vec<Point>>, Problem> {
        let Some(bucket) = self.question.bucket else { return Ok(None) };
        let zone = Zone::named(&self.question.zone)?;
        let window = self.question.window;
        let mut by_period: HashMap<Timestamp, Vec<&Leaf>> = HashMap::new();
        for leaf in leaves {
            if let Some(period) = leaf.period {
                by_period.entry(period).or_default().push(leaf);
            }
        }
        let points = zone.periods(bucket, window.from, window.to).into_iter().map(|(start, end)| {
            let (from, to) = (start.max(window.from), end.min(window.to));
            let days = zone.days(from, to).unwrap_or_default();
            let plan = Plan { days, to, ..self.plan(metric, window) };
            let own: Vec<Presence>;
            let presence = if presence.iter().any(|place| place.period.is_some()) {
                own = presence.iter().map(|place| place.in_period(start)).collect();
                &own
            } else {
                presence
            };
            let rolled = self.mine(&plan, by_period.get(&start).map_or(&[][..], Vec::as_slice), presence);
            Point { from, to, value: rolled.value, n: rolled.pool.n }
        });
        Ok(Some(points.collect()))
    }

    /// Changes of level in the buckets that are whole and over: a part of one differs from the others for that alone.
    fn changes(&self, metric: Metric, series: Option<&[Point]>) -> Result<Option<Changes>, Problem> {
        let (Some(over), Some(bucket), Some(series)) = (self.question.changes, self.question.bucket, series) else {
            return Ok(None);
        };
        let zone = Zone::named(&self.question.zone)?;
        let whole =
            |point: &&Point| point.to <= over && zone.period(bucket, point.from) == Some((point.from, point.to));
        let values: Vec<(Timestamp, f64)> =
            series.iter().filter(whole).filter_map(|point| Some((point.from, point.value?))).collect();
        Ok(Some(changes(metric, &values)))
    }

    async fn tree(&self) -> Result<Vec<NodeValues>, Problem> {
        let mut known = Known::new();
        let mut found = Vec::new();
        let plan = |metric| Plan { keep: None, whole_tree: true, ..self.plan(metric, self.question.window) };
        for metric in &self.question.metrics {
            let (leaves, presence) = self.rows(*metric, self.question.window, &mut known).await?;
            found.push((*metric, roll_up(&plan(*metric), &leaves, &presence)));
        }
        // A node may have rows of one metric alone; it has an answer, if an empty one, for each.
        let nodes: BTreeSet<Node> = found.iter().flat_map(|(_, rolled)| rolled.keys().cloned()).collect();
        for (metric, rolled) in &mut found {
            for node in &nodes {
                rolled.entry(node.clone()).or_insert_with(|| metrics::rollup::nothing(&plan(*metric), node));
            }
        }
        Ok(node_values(&self.question.definition, found))
    }
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
        assert_eq!(read(&warehouse, "platform = 'p'").await, 3);
        assert_eq!(read(&warehouse, "platform = 'unassigned'").await, 6);
        assert_eq!(read(&warehouse, "started_at >= instant('1970-03-01T00:00:00Z')").await, 6);
        let month = "started_at >= instant('1970-03-01T00:00:00Z') AND started_at < instant('1970-05-01T00:00:00Z')";
        assert_eq!(read(&warehouse, &format!("product = 'b' AND {month}")).await, 1);
    }
}
