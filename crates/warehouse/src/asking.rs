//! A question on a snapshot: which rows it needs, what they come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use domain::catalogue::{Level, Node};
use domain::metric::Metric;
use domain::{Problem, Timestamp};
use metrics::answer::{Bands, MetricAnswer, SplitAnswer, answer, metric_answer, node_values, part_answer};
use metrics::inference::changes::{Changes, changes};
use metrics::population::{LOOKS_BACK, Products};
use metrics::query::{self, Counting, Subject};
use metrics::rollup::{self, Climb, Plan, Presence};
use metrics::shape::of_whole_window;
use metrics::{Answer, Layout, NodeValues, Point, Question, Rolled, Spot, Window, Zone};

use crate::engine::{self, problem};
use crate::firsts::Kind;
use crate::gather::{Counter, Reading, Tallies, gather};
use crate::grounds::Grounds;
use crate::shares::{Share, cuts};
use crate::snapshot::Snapshot;
use crate::summary::Calendar;
use crate::warehouse::Warehouse;

/// With more products than this, rows of others are read and passed over: that is faster than telling them apart in SQL.
const FEW_PRODUCTS: usize = 32;
/// Cells of a series by stand that are counted in one go: about 100 MB.
const CELLS: usize = 4_000_000;

/// A question on a snapshot, about one node or several of one level: none of them is above another, so a row belongs to
/// one of them at most.
pub(crate) struct Asking<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) session: &'a SessionContext,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) grounds: Arc<Grounds>,
    pub(crate) question: &'a Question,
    /// In the place of the question's own.
    pub(crate) nodes: &'a [Node],
}

/// What comes with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Statistics of its rows.
    Statistics,
    /// The values of all its rows, sorted.
    Values,
}

/// Periods of a series that are counted together.
#[derive(Clone, Debug)]
struct Period {
    from: Timestamp,
    to: Timestamp,
    /// Its length as the zone has it, and its end.
    days: (f64, Timestamp),
}

/// First deployments by stand, of the metrics that mind them.
type Past = BTreeMap<Metric, Arc<Vec<i64>>>;

impl<'a> Asking<'a> {
    pub(crate) fn new(
        warehouse: &'a Warehouse,
        session: &'a SessionContext,
        snapshot: &'a Snapshot,
        question: &'a Question,
    ) -> Self {
        let nodes = std::slice::from_ref(&question.node);
        Asking { warehouse, session, snapshot, grounds: snapshot.grounds(), question, nodes }
    }

    fn about<'q>(&'q self, question: &'q Question) -> Asking<'q> {
        Asking { question, grounds: self.grounds.clone(), ..*self }
    }

    /// Where the nodes are that have any rows, with their place among the nodes.
    fn spots(&self) -> (Vec<usize>, Vec<Spot>) {
        let find = |(index, node)| Some((index, self.grounds.forest.find(node)?));
        self.nodes.iter().enumerate().filter_map(find).unzip()
    }

    fn level(&self) -> Level {
        self.nodes.first().map_or(Level::Group, |node| node.to_ref().level())
    }

    fn plan(&self, metric: Metric, window: Window) -> Plan<'_> {
        Plan {
            metric,
            definition: &self.question.definition,
            days: window.days(),
            to: window.to,
            forest: &self.grounds.forest,
            nodes: None,
            stats: true,
        }
    }

    /// Counts what these metrics need in a window; with periods, by these as well.
    async fn tallies(&self, metrics: &[Metric], window: Window, periods: &[Period]) -> Result<Tallies, Problem> {
        let mut subjects: Vec<Subject> = metrics.iter().map(|metric| Subject::Metric(*metric)).collect();
        subjects.extend(metrics.iter().filter_map(|metric| query::besides(self.question, *metric)));
        subjects.sort();
        subjects.dedup();
        let forest = &self.grounds.forest;
        let (_, spots) = self.spots();
        let everything = spots.contains(&Spot::Stand(0));
        let mut mask = vec![everything; forest.len()];
        let mut groups = vec![0; forest.len()];
        for (group, range) in spots
            .iter()
            .enumerate()
            .flat_map(|(at, spot)| forest.ranges(*spot).into_iter().map(move |range| (at, range)))
        {
            mask[range.clone()].fill(true);
            groups[range].fill(group as u32);
        }
        let mask = (!everything).then_some(mask);
        let groups = Arc::new(groups);
        let products = match spots.as_slice() {
            [spot] if !everything => forest.products(*spot, FEW_PRODUCTS),
            _ => None,
        };
        let by_stand = |metric: Metric| !rollup::by_rows(&self.plan(metric, window), self.level());
        let nested = metrics.iter().any(|metric| by_stand(*metric));
        let layout = |subject: &Subject| match subject {
            _ if periods.is_empty() => Layout::None,
            Subject::Metric(metric) if by_stand(*metric) => Layout::Stands(periods.len()),
            Subject::Metric(_) => Layout::Groups(spots.len(), groups.clone(), periods.len()),
            Subject::Deployments { .. } if nested => Layout::Stands(periods.len()),
            Subject::Deployments { .. } => Layout::None,
        };
        let bucket = self.question.bucket.filter(|_| !periods.is_empty());
        let calendar = match bucket {
            None => None,
            Some(bucket) => {
                let (zone, name) = (Zone::named(&self.question.zone)?, self.question.zone.as_str().into());
                Some(Calendar { bucket, zone, name })
            }
        };
        let counter = Counter {
            grounds: self.grounds.clone(),
            mask,
            periods: periods.iter().map(|period| period.from.micros()).collect(),
            calendar,
            window: (window.from.micros(), window.to.micros()),
            layouts: subjects.iter().map(|subject| (*subject, layout(subject))).collect(),
        };
        let question = Question { bucket, ..self.question.clone() };
        let ask = |products: Products<'_>| query::countings(&question, &subjects, window, products);
        let countings = match &products {
            Some(few) => ask(Products::Few(few)),
            None => self.in_parts(window, ask).await?,
        };
        let reading = Reading {
            warehouse: self.warehouse,
            snapshot: self.snapshot,
            session: self.session,
            narrow: products.is_some()
                || matches!(self.question.node, Node::Product(_) | Node::Component(_) | Node::Instance(..)),
        };
        gather(&reading, Arc::new(counter), countings).await.map_err(|error| problem(&error))
    }

    /// Countings that would hold more rows in memory at once than is good are asked for some of the products after the
    /// other: rows of a product, which files have beside each other, are only made of rows of that product.
    async fn in_parts<F>(&self, window: Window, ask: F) -> Result<Vec<Counting>, Problem>
    where
        F: Fn(Products<'_>) -> Vec<Counting>,
    {
        let since = window.from.plus(-LOOKS_BACK);
        let mut all = Vec::new();
        for (index, counting) in ask(Products::All).into_iter().enumerate() {
            let tables: Vec<_> = counting.held.iter().filter_map(|name| self.snapshot.tables.get(name)).collect();
            let held: Vec<usize> = tables.iter().map(|data| data.rows_since(since)).collect();
            if held.first().is_none_or(|rows| *rows == 0) || held.iter().sum::<usize>() <= self.warehouse.at_once {
                all.push(counting);
                continue;
            }
            let mut rows = Share::new();
            for data in tables {
                let share = self.warehouse.shares.of(self.session, data, since).await;
                for (product, n) in share.map_err(|error| problem(&error))?.iter() {
                    *rows.entry(product.clone()).or_default() += n;
                }
            }
            let starts = cuts(&rows, self.warehouse.at_once).into_iter().map(Some);
            let ends: Vec<Option<&str>> = std::iter::once(None).chain(starts).chain([None]).collect();
            let part = |ends: &[Option<&str>]| ask(Products::Between(ends[0], ends[1])).swap_remove(index);
            all.extend(ends.windows(2).map(part));
        }
        Ok(all)
    }

    /// First deployments, as far as these metrics mind them.
    async fn past(&self, metrics: &[Metric], window: Window) -> Result<Past, Problem> {
        let mut past = Past::new();
        for metric in metrics.iter().filter(|metric| query::minds_the_past(self.question, **metric)) {
            past.insert(*metric, self.firsts(*metric, window).await?);
        }
        Ok(past)
    }

    async fn firsts(&self, metric: Metric, window: Window) -> Result<Arc<Vec<i64>>, Problem> {
        let question = self.question;
        if question.labels.is_empty() && question.definition.filter.is_empty() {
            let kind = Kind::new(&question.definition, metric);
            return self.warehouse.firsts_of(self.snapshot, &self.grounds, kind).map_err(|error| problem(&error));
        }
        // Which deployments have a label is not known beforehand.
        let batches = engine::run(self.session, &query::firsts(question, metric, window)).await;
        let found = engine::firsts(&batches.map_err(|error| problem(&error))?).map_err(|error| problem(&error))?;
        let mut firsts = vec![i64::MAX; self.grounds.forest.len()];
        for (place, at) in found {
            if let Some(stand) = self.grounds.by_place.get(&place) {
                firsts[*stand as usize] = at.min(firsts[*stand as usize]);
            }
        }
        Ok(Arc::new(firsts))
    }

    /// Metrics of each node in a window.
    pub(crate) async fn rolled(
        &self,
        metrics: &[Metric],
        window: Window,
        detail: Detail,
    ) -> Result<Vec<BTreeMap<Metric, Rolled>>, Problem> {
        let tallies = self.tallies(metrics, window, &[]).await?;
        let past = self.past(metrics, window).await?;
        Ok(self.climbed(metrics, window, &tallies, &past, detail))
    }

    fn climbed(
        &self,
        metrics: &[Metric],
        window: Window,
        tallies: &Tallies,
        past: &Past,
        detail: Detail,
    ) -> Vec<BTreeMap<Metric, Rolled>> {
        let (found, spots) = self.spots();
        let nothing = |metric: &Metric| (*metric, rollup::nothing(*metric, &self.question.definition, self.level()));
        let mut rolled: Vec<BTreeMap<Metric, Rolled>> =
            self.nodes.iter().map(|_| metrics.iter().map(nothing).collect()).collect();
        for metric in metrics {
            let Some(tally) = tallies.get(&Subject::Metric(*metric)) else { continue };
            let plan = Plan { nodes: Some(&spots), stats: detail == Detail::Statistics, ..self.plan(*metric, window) };
            let climb = Climb::new(plan, tally, self.presence(*metric, tallies, past));
            for (index, spot) in found.iter().zip(&spots) {
                rolled[*index]
                    .insert(*metric, climb.whole(*spot, detail == Detail::Values, self.question.distribution));
            }
        }
        rolled
    }

    fn presence<'t>(&self, metric: Metric, tallies: &'t Tallies, past: &'t Past) -> Presence<'t> {
        Presence {
            first_at: past.get(&metric).map(|firsts| firsts.as_slice()),
            deployments: query::besides(self.question, metric).and_then(|subject| tallies.get(&subject)),
        }
    }

    /// One answer a node.
    pub(crate) async fn answers(&self) -> Result<Vec<Answer>, Problem> {
        let (question, window) = (self.question, self.question.window);
        let periods = self.periods()?;
        let metrics = question.metrics.as_slice();
        let in_one_go = periods.len() * self.grounds.forest.len() <= CELLS;
        let counted = if in_one_go { periods.as_slice() } else { &[] };
        let mut tallies = self.tallies(metrics, window, counted).await?;
        let past = self.past(metrics, window).await?;
        let mut series = self.series_of(metrics, &periods, counted, &tallies, &past).await?;
        let of_window: Vec<Metric> =
            metrics.iter().copied().filter(|metric| of_whole_window(*metric) && question.bucket.is_some()).collect();
        if !of_window.is_empty() {
            // Their rows are made of all that happened in the window: those of its periods do not add up to them.
            tallies.extend(self.tallies(&of_window, window, &[]).await?);
        }
        let rolled = self.climbed(metrics, window, &tallies, &past, Detail::Statistics);
        drop(tallies);
        let mut previous = match question.compare {
            None => vec![BTreeMap::new(); self.nodes.len()],
            Some(window) => {
                let question = Question { distribution: false, bucket: None, ..question.clone() };
                self.about(&question).rolled(metrics, window, Detail::Statistics).await?
            }
        };
        let bands = Bands::of(&question.definition);
        let mut answers = Vec::with_capacity(self.nodes.len());
        for (index, (node, rolled)) in self.nodes.iter().zip(rolled).enumerate() {
            let mut found = BTreeMap::new();
            for (metric, rolled) in rolled {
                let nothing_there = rolled.pool.n == 0 && rolled.pool.excluded.is_empty();
                let series = series[index].remove(&metric);
                let changes = self.changes(metric, series.as_deref())?;
                let answer = metric_answer(metric, &bands, rolled, previous[index].remove(&metric).as_ref(), series);
                let split = self.split(node, metric, nothing_there).await?;
                found.insert(metric, MetricAnswer { split, changes, ..answer });
            }
            answers.push(answer(&Question { node: node.clone(), ..question.clone() }, &bands, found));
        }
        Ok(answers)
    }

    fn periods(&self) -> Result<Vec<Period>, Problem> {
        let Some(bucket) = self.question.bucket else { return Ok(Vec::new()) };
        let zone = Zone::named(&self.question.zone)?;
        let window = self.question.window;
        let periods = zone.periods(bucket, window.from, window.to).into_iter().map(|(start, end)| {
            let (from, to) = (start.max(window.from), end.min(window.to));
            Period { from, to, days: (zone.days(from, to).unwrap_or_default(), to) }
        });
        Ok(periods.collect())
    }

    /// The series of metrics. What was not counted with the whole window is counted a few periods at a time.
    async fn series_of(
        &self,
        metrics: &[Metric],
        periods: &[Period],
        counted: &[Period],
        tallies: &Tallies,
        past: &Past,
    ) -> Result<Vec<BTreeMap<Metric, Vec<Point>>>, Problem> {
        let mut series = vec![BTreeMap::new(); self.nodes.len()];
        if periods.len() == counted.len() {
            self.add_series(metrics, periods, tallies, past, &mut series);
            return Ok(series);
        }
        for some in periods.chunks((CELLS / self.grounds.forest.len()).max(1)) {
            if let (Some(first), Some(last)) = (some.first(), some.last()) {
                let window = Window { from: first.from, to: last.to };
                let tallies = self.tallies(metrics, window, some).await?;
                self.add_series(metrics, some, &tallies, past, &mut series);
            }
        }
        Ok(series)
    }

    fn add_series(
        &self,
        metrics: &[Metric],
        periods: &[Period],
        tallies: &Tallies,
        past: &Past,
        series: &mut [BTreeMap<Metric, Vec<Point>>],
    ) {
        if periods.is_empty() {
            return;
        }
        let days: Vec<(f64, Timestamp)> = periods.iter().map(|period| period.days).collect();
        let (found, spots) = self.spots();
        for metric in metrics {
            let mut values = vec![vec![rollup::InPeriod::default(); periods.len()]; self.nodes.len()];
            if let Some(tally) = tallies.get(&Subject::Metric(*metric)) {
                let plan = Plan { stats: false, ..self.plan(*metric, self.question.window) };
                let presence = self.presence(*metric, tallies, past);
                for (index, of_node) in found.iter().zip(rollup::series(&plan, &spots, &days, tally, presence)) {
                    values[*index] = of_node;
                }
            }
            for (series, values) in series.iter_mut().zip(values) {
                let points = periods.iter().zip(values).map(|(period, found)| Point {
                    from: period.from,
                    to: period.to,
                    value: found.value,
                    n: found.n,
                });
                series.entry(*metric).or_default().extend(points);
            }
        }
    }

    /// A metric taken apart in the way asked for: each part is a question of its own.
    /// Where the metric has no rows its parts have none.
    async fn split(&self, node: &Node, metric: Metric, nothing_there: bool) -> Result<Option<SplitAnswer>, Problem> {
        let Some(by) = self.question.split else { return Ok(None) };
        let mut parts = Vec::new();
        for part in by.parts(metric) {
            let question = Question { part: Some(part), bucket: None, distribution: false, ..self.question.clone() };
            let rolled = if nothing_there {
                rollup::nothing(metric, &question.definition, self.level())
            } else {
                let asking = Asking { nodes: std::slice::from_ref(node), ..self.about(&question) };
                let found = asking.rolled(&[metric], question.window, Detail::Statistics).await?;
                let none = || rollup::nothing(metric, &question.definition, self.level());
                found.into_iter().next().and_then(|mut found| found.remove(&metric)).unwrap_or_else(none)
            };
            parts.push(part_answer(metric, part, rolled));
        }
        Ok((!parts.is_empty()).then(|| SplitAnswer::of(by, parts)))
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

    /// Every node, each metric on a thread of its own up the tree: they share nothing but the tree.
    pub(crate) async fn tree(&self, stats: bool) -> Result<Vec<NodeValues>, Problem> {
        let (metrics, window) = (self.question.metrics.as_slice(), self.question.window);
        let tallies = self.tallies(metrics, window, &[]).await?;
        let past = self.past(metrics, window).await?;
        let plan = |metric| Plan { stats, ..self.plan(metric, window) };
        let climbs = std::thread::scope(|scope| {
            let climbs = metrics.iter().filter_map(|metric| {
                let tally = tallies.get(&Subject::Metric(*metric))?;
                let presence = self.presence(*metric, &tallies, &past);
                Some(scope.spawn(move || (*metric, Climb::new(plan(*metric), tally, presence))))
            });
            let climbs: Vec<_> = climbs.collect();
            let join = |climb: std::thread::ScopedJoinHandle<'_, _>| {
                climb.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            climbs.into_iter().map(join).collect::<Vec<_>>()
        });
        debug_assert!(self.question.node == Node::Group);
        Ok(node_values(&self.question.definition, &self.grounds.forest, climbs))
    }
}
