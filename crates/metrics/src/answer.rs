//! Answers in the shape of API.md.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use domain::Timestamp;
use domain::band::{self, Band, BandTable};
use domain::catalogue::Node;
use domain::definition::{Definition, RecoveryHeadline};
use domain::metric::{Metric, Reason, Unit};
use domain::part::{Part, Split};
use serde::{Serialize, Serializer};

use crate::distribution::Distribution;
use crate::forest::{Forest, Spot};
use crate::inference::changes::Changes;
use crate::period::Bucket;
use crate::question::{Question, Window};
use crate::rollup::{Brief, Climb, Rolled};
use crate::statistics::{self, Stats};

pub(crate) fn node_text<S: Serializer>(node: &Node, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&node.to_ref())
}

/// Which definition gave the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefinitionRef {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
}

impl From<&Definition> for DefinitionRef {
    fn from(definition: &Definition) -> Self {
        DefinitionRef { id: definition.id.clone(), version: definition.version }
    }
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The node.
    #[serde(serialize_with = "node_text")]
    pub node: Node,
    /// The definition.
    pub definition: DefinitionRef,
    /// First instant of the window.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
    /// When the data was known so; whoever has a clock sets it.
    pub as_of: Option<Timestamp>,
    /// How the series is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// The window compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Window>,
    /// The worst band among those of the headline metrics, when all of them were asked for.
    pub overall: Option<Band>,
    /// The metrics.
    pub metrics: BTreeMap<Metric, MetricAnswer>,
}

/// One metric of one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricAnswer {
    /// The value in `unit`.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Unit,
    /// `higher`, `lower` or `neither`.
    pub better: &'static str,
    /// Rows used.
    pub n: u64,
    /// Rows left out, by reason.
    pub excluded: BTreeMap<Reason, u64>,
    /// Rows used although something is known to be missing, by what.
    pub marked: BTreeMap<Reason, u64>,
    /// Rows used among all rows; none when there are none.
    pub coverage: Option<f64>,
    /// The band of the value.
    pub band: Option<Band>,
    /// Why there is no value.
    pub reason: Option<Reason>,
    /// What that means and what to do.
    pub reason_text: Option<&'static str>,
    /// Statistics of the rows of the whole subtree; for durations and the batch size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
    /// The parts it is taken apart into, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitAnswer>,
    /// How those values lie, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Spread over the direct children that have a value.
    pub spread: Option<Spread>,
    /// The same in the window compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Change>,
    /// The same in each bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<Point>>,
    /// Where the level of the series moved, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
}

/// A metric taken apart. The parts are in order; each is judged by its own population.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitAnswer {
    /// By what.
    pub by: Split,
    /// The parts.
    pub parts: Vec<PartAnswer>,
    /// The stage that takes longest, of those with a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottleneck: Option<Part>,
}

impl SplitAnswer {
    /// Puts parts together.
    #[must_use]
    pub fn of(by: Split, parts: Vec<PartAnswer>) -> Self {
        let slowest = parts.iter().filter(|part| part.value.is_some()).max_by(|one, other| {
            // Of equals the first.
            one.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal).then(Ordering::Greater)
        });
        let bottleneck = slowest.map(|part| part.part).filter(|_| by == Split::Stage);
        SplitAnswer { by, parts, bottleneck }
    }
}

/// One part of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartAnswer {
    /// Which.
    pub part: Part,
    /// What it is.
    pub doc: &'static str,
    /// The value in `unit`.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Unit,
    /// Rows used.
    pub n: u64,
    /// Rows left out, by reason.
    pub excluded: BTreeMap<Reason, u64>,
    /// Rows used although something is known to be missing, by what.
    pub marked: BTreeMap<Reason, u64>,
    /// Rows used among all rows; none when there are none.
    pub coverage: Option<f64>,
    /// Why there is no value.
    pub reason: Option<Reason>,
    /// What that means and what to do.
    pub reason_text: Option<&'static str>,
    /// Statistics of the rows of the whole subtree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
}

/// Dresses the value of a part.
#[must_use]
pub fn part_answer(metric: Metric, part: Part, rolled: Rolled) -> PartAnswer {
    PartAnswer {
        part,
        doc: part.doc(),
        value: rolled.value,
        unit: metric.unit(),
        n: rolled.pool.n,
        coverage: coverage(rolled.pool.n, rolled.pool.excluded.values().sum()),
        reason: rolled.reason,
        reason_text: rolled.reason.map(Reason::doc),
        stats: rolled.stats,
        excluded: rolled.pool.excluded,
        marked: rolled.pool.marked,
    }
}

/// How the values of the children spread, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Children with a value.
    pub children: usize,
    /// Smallest.
    pub min: f64,
    /// Percentile 25.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// Percentile 75.
    pub p75: f64,
    /// Greatest.
    pub max: f64,
}

impl Spread {
    /// Of a sorted list of values; none when it is empty.
    #[must_use]
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let at = |percent| statistics::percentile(sorted, percent);
        Some(Spread {
            children: sorted.len(),
            min: *sorted.first()?,
            p25: at(25)?,
            p50: at(50)?,
            p75: at(75)?,
            max: *sorted.last()?,
        })
    }
}

/// A value in another window and the change since.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The value there.
    pub value: Option<f64>,
    /// Rows used there.
    pub n: u64,
    /// (now - then) / then; for ratios now - then. None without two values, or when a relative change is from 0.
    pub change: Option<f64>,
}

impl Change {
    /// From then to now, in the way of the unit: relative for durations, frequencies and counts, in points for ratios.
    #[must_use]
    pub fn between(unit: Unit, now: Option<f64>, then: Option<f64>, n: u64) -> Self {
        let change = now.zip(then).and_then(|(now, then)| match unit {
            Unit::Ratio => Some(now - then),
            _ if then == 0.0 => None,
            _ => Some((now - then) / then),
        });
        Change { value: then, n, change }
    }
}

/// A value in one bucket; the first and last are cut by the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
    /// The value.
    pub value: Option<f64>,
    /// Rows used.
    pub n: u64,
}

/// One headline value of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The value.
    pub value: Option<f64>,
    /// Its unit.
    pub unit: Unit,
    /// Rows used.
    pub n: u64,
    /// Rows used among all rows; none when there are none.
    pub coverage: Option<f64>,
    /// The band of the value.
    pub band: Option<Band>,
    /// Why there is no value.
    pub reason: Option<Reason>,
    /// Statistics of the rows of the subtree, when they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stats: Option<Box<Stats>>,
}

/// Headline values of one node of the tree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeValues {
    /// The node.
    #[serde(serialize_with = "node_text")]
    pub node: Node,
    /// The worst band.
    pub overall: Option<Band>,
    /// The metrics.
    pub metrics: Values,
}

/// Values by metric, in the order of metrics. A map would keep room for eleven, at each of thousands of nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Box<[(Metric, Value)]>);

impl Values {
    /// The value of a metric, if it was asked for.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<&Value> {
        self.iter().find(|(asked, _)| *asked == metric).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, &Value)> {
        self.0.iter().map(|(metric, value)| (*metric, value))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The five DORA metrics in the form the definition gives them: recovery is its headline.
#[must_use]
pub const fn headline(definition: &Definition) -> [Metric; 5] {
    let recovery = match definition.recovery.headline {
        RecoveryHeadline::FailedDeploymentRecoveryTime => Metric::FailedDeploymentRecoveryTime,
        RecoveryHeadline::TimeToRestore => Metric::TimeToRestore,
    };
    [Metric::DeploymentFrequency, Metric::LeadTime, Metric::ChangeFailureRate, recovery, Metric::ReworkRate]
}

/// Bands of a definition.
#[derive(Clone, Debug)]
pub struct Bands(Option<BandTable>);

impl Bands {
    /// Of its table, when there is one by that name.
    #[must_use]
    pub fn of(definition: &Definition) -> Self {
        Bands(band::table(&definition.bands))
    }

    fn band(&self, metric: Metric, value: Option<f64>) -> Option<Band> {
        self.0.as_ref()?.band(metric, value?)
    }

    /// The worst band among the headline metrics that have one; none unless all of them are there to be judged.
    fn overall(&self, definition: &Definition, of: impl Fn(Metric) -> Option<Option<Band>>) -> Option<Band> {
        let table = self.0.as_ref()?;
        let judged = || headline(definition).into_iter().filter(|metric| table.ladder(*metric).is_some());
        if judged().any(|metric| of(metric).is_none()) {
            return None;
        }
        table.overall(judged().filter_map(|metric| Some((metric, of(metric)??))))
    }
}

/// The share of rows that are used.
fn coverage(used: u64, excluded: u64) -> Option<f64> {
    let population = used + excluded;
    (population > 0).then(|| used as f64 / population as f64)
}

/// Dresses a node's value.
#[must_use]
pub fn metric_answer(
    metric: Metric,
    bands: &Bands,
    rolled: Rolled,
    previous: Option<&Rolled>,
    series: Option<Vec<Point>>,
) -> MetricAnswer {
    MetricAnswer {
        value: rolled.value,
        unit: metric.unit(),
        better: metric.better(),
        n: rolled.pool.n,
        coverage: coverage(rolled.pool.n, rolled.pool.excluded.values().sum()),
        band: bands.band(metric, rolled.value),
        reason: rolled.reason,
        reason_text: rolled.reason.map(Reason::doc),
        stats: rolled.stats,
        split: None,
        distribution: rolled.distribution,
        spread: Spread::of(&rolled.children),
        previous: previous.map(|then| Change::between(metric.unit(), rolled.value, then.value, then.pool.n)),
        series,
        changes: None,
        excluded: rolled.pool.excluded,
        marked: rolled.pool.marked,
    }
}

/// Puts the metrics of a question together.
#[must_use]
pub fn answer(question: &Question, bands: &Bands, metrics: BTreeMap<Metric, MetricAnswer>) -> Answer {
    let overall = bands.overall(&question.definition, |metric| metrics.get(&metric).map(|answer| answer.band));
    Answer {
        node: question.node.clone(),
        definition: DefinitionRef::from(&question.definition),
        from: question.window.from,
        to: question.window.to,
        as_of: None,
        bucket: question.bucket,
        compare: question.compare,
        overall,
        metrics,
    }
}

/// Dresses a node's value in short.
pub(crate) fn value(metric: Metric, bands: &Bands, brief: Brief) -> Value {
    let Brief { value, reason, n, excluded, stats } = brief;
    let band = bands.band(metric, value);
    Value { value, unit: metric.unit(), n, coverage: coverage(n, excluded), band, reason, stats: stats.map(Box::new) }
}

/// Puts the values of every node together, in the order of nodes: those of the tree, and what else has rows.
#[must_use]
pub fn node_values(definition: &Definition, forest: &Forest, mut climbs: Vec<(Metric, Climb<'_>)>) -> Vec<NodeValues> {
    climbs.sort_by_key(|(metric, _)| *metric);
    let bands = Bands::of(definition);
    let shown = forest.nodes().iter().filter(|(_, spot)| climbs.iter().any(|(_, climb)| climb.shows(*spot)));
    let of_node = |(node, spot): &(Node, Spot)| {
        let values = climbs.iter().map(|(metric, climb)| (*metric, value(*metric, &bands, climb.brief(*spot))));
        let metrics = Values(values.collect());
        let overall = bands.overall(definition, |metric| metrics.get(metric).map(|value| value.band));
        NodeValues { node: node.clone(), overall, metrics }
    };
    shown.map(of_node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_relative_but_for_ratios() {
        let change = |unit, now, then| Change::between(unit, Some(now), Some(then), 1).change;
        assert_eq!(change(Unit::Seconds, 150.0, 100.0), Some(0.5));
        assert_eq!(change(Unit::PerDay, 1.0, 0.0), None);
        assert_eq!(change(Unit::Ratio, 0.25, 0.0), Some(0.25));
        assert_eq!(Change::between(Unit::Ratio, None, Some(0.5), 2).change, None);
    }

    #[test]
    fn a_spread_is_over_the_children_with_a_value() {
        let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((spread.children, spread.p25, spread.p50, spread.p75), (4, 1.75, 2.5, 3.25));
        assert_eq!(Spread::of(&[]), None);
    }
}
