//! From rows counted where they stand up the tree, in one pass.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::Timestamp;
use domain::catalogue::Level;
use domain::definition::{Children, Definition};
use domain::metric::{Metric, Reason};

use crate::distribution::Distribution;
use crate::forest::{Forest, Spot};
use crate::shape::{self, Formula};
use crate::statistics::{self, Stats, Sum};
use crate::tally::{Counts, Laid, Scattered, Tally};

/// Rows of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Rows used.
    pub n: u64,
    /// Sum of their values, for ratios.
    pub sum: f64,
    /// Their values or days, sorted, when they were asked for.
    pub values: Vec<f64>,
    /// Rows left out.
    pub excluded: BTreeMap<Reason, u64>,
    /// Rows used although something is known to be missing.
    pub marked: BTreeMap<Reason, u64>,
}

/// A node's value before it is dressed for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rolled {
    /// The value.
    pub value: Option<f64>,
    /// Why there is none.
    pub reason: Option<Reason>,
    /// The rows of the subtree.
    pub pool: Pool,
    /// Values of the direct children that have one, sorted.
    pub children: Vec<f64>,
    /// Statistics of the rows of the subtree, when they were asked for.
    pub stats: Option<Stats>,
    /// How their values lie, when that was asked for.
    pub distribution: Option<Distribution>,
}

/// A node's value in short, without its reasons one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brief {
    pub(crate) value: Option<f64>,
    pub(crate) reason: Option<Reason>,
    /// Rows used.
    pub(crate) n: u64,
    /// Rows left out.
    pub(crate) excluded: u64,
    pub(crate) stats: Option<Stats>,
}

impl From<&Rolled> for Brief {
    fn from(rolled: &Rolled) -> Self {
        let Rolled { value, reason, stats, .. } = *rolled;
        Brief { value, reason, n: rolled.pool.n, excluded: rolled.pool.excluded.values().sum(), stats }
    }
}

/// What to compute.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The metric.
    pub metric: Metric,
    /// The definition.
    pub definition: &'a Definition,
    /// Days of the window or period.
    pub days: f64,
    /// Its end.
    pub to: Timestamp,
    /// The tree.
    pub forest: &'a Forest,
    /// The nodes that are asked for, none of them above another: others are computed as far as these need them. None for
    /// every node.
    pub nodes: Option<&'a [Spot]>,
    /// Give statistics.
    pub stats: bool,
}

/// Who deployed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presence<'a> {
    /// End of the first deployment ever by stand, `i64::MAX` for none; where no row needs to be in the window.
    pub first_at: Option<&'a [i64]>,
    /// Deployments in the window, counted as the rows are.
    pub deployments: Option<&'a Tally>,
}

/// Rows of the subtree of each stand.
struct Pools {
    n: Vec<u64>,
    sum: Vec<f64>,
    total: Vec<Sum>,
    excluded: Vec<(Reason, Vec<u32>)>,
    marked: Vec<(Reason, Vec<u32>)>,
    first_at: Vec<i64>,
    deployments: Vec<u64>,
}

/// What was counted in some cells of a tally: one a stand.
struct Counted<'t> {
    counts: &'t Counts,
    deployments: Option<&'t [u64]>,
    range: Range<usize>,
}

/// Values of stands, those of one next to each other.
struct Cells<'t> {
    starts: &'t [usize],
    values: &'t mut [f64],
}

/// Values as they are looked at: all put in order, or gathered for one node after the other.
enum Values<'a> {
    Laid(Laid),
    Scattered(Scattered<'a>),
}

impl Values<'_> {
    fn of(&self, forest: &Forest, spot: Spot) -> Vec<f64> {
        match self {
            Values::Laid(laid) => rows_of(forest, spot, &laid.starts, &laid.values),
            Values::Scattered(scattered) => {
                let mut rows = Vec::new();
                forest.ranges(spot).into_iter().for_each(|range| scattered.gather(range, &mut rows));
                rows
            }
        }
    }
}

/// What every stand came to.
pub struct Climb<'a> {
    plan: Plan<'a>,
    pools: Pools,
    settled: Settled,
    rows: Values<'a>,
}

/// Values and statistics by stand, and by set.
struct Settled {
    values: Vec<Option<f64>>,
    stats: Vec<Option<Stats>>,
    sets: Vec<(Option<f64>, Option<Stats>)>,
}

/// A value in a part of a series, and how many rows it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InPeriod {
    /// The value.
    pub value: Option<f64>,
    /// Rows used.
    pub n: u64,
}

fn up<T: Copy>(forest: &Forest, by_stand: &mut [T], add: impl Fn(&mut T, T)) {
    for stand in (1..forest.len()).rev() {
        let below = by_stand[stand];
        add(&mut by_stand[forest.stands[stand].parent], below);
    }
}

impl Pools {
    /// From counts and from the sum of each stand's values, as far as they are needed.
    fn new(plan: &Plan<'_>, counted: &Counted<'_>, totals: Option<Vec<Sum>>, first_at: Option<&[i64]>) -> Self {
        let (forest, range) = (plan.forest, counted.range.clone());
        let mut n = counted.counts.n[range.clone()].to_vec();
        up(forest, &mut n, |mine, below| *mine += below);
        let mut sum = counted.counts.sum[range.clone()].to_vec();
        up(forest, &mut sum, |mine, below| *mine += below);
        let of = |found: &[(Reason, Vec<u32>)]| {
            let mut out = Vec::new();
            for (reason, counts) in found {
                let mut counts = counts[range.clone()].to_vec();
                up(forest, &mut counts, |mine, below| *mine += below);
                out.push((*reason, counts));
            }
            out
        };
        let (excluded, marked) = (of(&counted.counts.excluded), of(&counted.counts.marked));
        let mut total = totals.unwrap_or_else(|| vec![Sum::default(); forest.len()]);
        up(forest, &mut total, |mine, below| mine.merge(below));
        let mut first_at = first_at.map_or_else(|| vec![i64::MAX; forest.len()], <[i64]>::to_vec);
        up(forest, &mut first_at, |mine, below| *mine = below.min(*mine));
        let mut deployments = counted.deployments.map_or_else(|| vec![0; forest.len()], <[u64]>::to_vec);
        up(forest, &mut deployments, |mine, below| *mine += below);
        Pools { n, sum, total, excluded, marked, first_at, deployments }
    }

    /// Of the products of a set, which share no row.
    fn of_set<T>(&self, products: &[usize], of: impl Fn(&Self, usize) -> T, add: impl Fn(T, T) -> T) -> Option<T> {
        products.iter().map(|product| of(self, *product)).reduce(add)
    }
}

/// The sum of each cell's values, where it is needed.
fn totals(plan: &Plan<'_>, cells: &Cells<'_>) -> Option<Vec<Sum>> {
    if !wants_stats(plan) && !wants_total(plan) {
        return None;
    }
    let (starts, values) = (cells.starts, &*cells.values);
    let of =
        |cells: Range<usize>| cells.map(|cell| Sum::of(&values[starts[cell]..starts[cell + 1]])).collect::<Vec<_>>();
    Some(in_shares(starts, of))
}

/// What shares of the cells come to, each on a thread of its own, put together in their order.
fn in_shares<T: Send>(starts: &[usize], of: impl Fn(Range<usize>) -> Vec<T> + Sync) -> Vec<T> {
    let shares = shares(starts, 0..starts.len() - 1, |_| true);
    std::thread::scope(|scope| {
        let others: Vec<_> = shares[1..].iter().map(|share| scope.spawn(|| of(share.clone()))).collect();
        let mut found = of(shares[0].clone());
        others.into_iter().for_each(|other| found.extend(joined(other)));
        found
    })
}

/// Cuts cells into shares of about as many values, each enough for a thread of its own; only where `may` lets it.
fn shares(starts: &[usize], cells: Range<usize>, may: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let values = starts[cells.end] - starts[cells.start];
    let share = values.div_ceil(THREADS).max(A_THREAD);
    let (mut shares, mut first) = (Vec::new(), cells.start);
    for cell in cells.clone().skip(1).filter(|cell| may(*cell)) {
        if starts[cell] - starts[first] >= share {
            shares.push(first..cell);
            first = cell;
        }
    }
    shares.push(first..cells.end);
    shares
}

/// Into about how many shares work is cut, each for a thread.
const THREADS: usize = 4;
/// Values of a node that is looked through on its own. In a build for tests so few that some have them.
const LONG: usize = if cfg!(debug_assertions) { 12 } else { statistics::LONG };
/// Values worth a thread of their own. In a build for tests so few that every case is cut.
const A_THREAD: usize = if cfg!(debug_assertions) { 12 } else { 64 * 1024 };

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The rows of one node, however it is made.
#[derive(Clone, Copy)]
struct Own {
    level: Level,
    n: u64,
    sum: f64,
    total: Sum,
    first_at: i64,
    deployments: u64,
}

impl<'a> Climb<'a> {
    /// Takes the rows of the whole window up the tree.
    #[must_use]
    pub fn new(plan: Plan<'a>, tally: &'a Tally, presence: Presence<'_>) -> Self {
        let counted = Counted {
            counts: &tally.whole,
            deployments: presence.deployments.map(|tally| tally.whole.n.as_slice()),
            range: 0..plan.forest.len(),
        };
        let scattered = tally.by_stand();
        // Where nothing is made of what is below it, few nodes are looked at one by one: to put all values in the order of
        // the tree would take longer.
        if let (Some(nodes), None) = (plan.nodes, shape::base(plan.metric, plan.definition)) {
            let pools = Pools::new(&plan, &counted, None, presence.first_at);
            let settled = settle_few(&plan, &pools, &scattered, nodes);
            return Climb { plan, pools, settled, rows: Values::Scattered(scattered) };
        }
        let mut laid = scattered.laid();
        let cells = Cells { starts: &laid.starts, values: &mut laid.values };
        let pools = Pools::new(&plan, &counted, totals(&plan, &cells), presence.first_at);
        let settled = settle(&plan, &pools, cells);
        Climb { plan, pools, settled, rows: Values::Laid(laid) }
    }

    /// Whether the tree knows a node, or it has rows of this metric.
    #[must_use]
    pub fn shows(&self, spot: Spot) -> bool {
        let one = |stand: usize| {
            self.plan.forest.stands[stand].known
                || self.pools.n[stand] > 0
                || self.pools.first_at[stand] < i64::MAX
                || self.pools.deployments[stand] > 0
                || self.pools.excluded.iter().any(|(_, counts)| counts[stand] > 0)
        };
        match spot {
            Spot::Stand(stand) => one(stand),
            Spot::Set(set) => self.plan.forest.sets[set].products.iter().any(|product| one(*product)),
        }
    }

    /// What a node came to, without values.
    #[must_use]
    pub fn of(&self, spot: Spot) -> Rolled {
        let Brief { value, reason, n, stats, .. } = self.brief(spot);
        if reason == Some(Reason::NotDefinedAtLevel) {
            return Rolled { reason, ..Rolled::default() };
        }
        let excluded = self.reasons(spot, &self.pools.excluded).collect();
        let marked = self.reasons(spot, &self.pools.marked).collect();
        let sum = own(&self.plan, &self.pools, spot).sum;
        let pool = Pool { n, sum, values: Vec::new(), excluded, marked };
        Rolled { value, reason, pool, stats, ..Rolled::default() }
    }

    /// What a node came to, in short.
    pub(crate) fn brief(&self, spot: Spot) -> Brief {
        let own = own(&self.plan, &self.pools, spot);
        if below_floor(&self.plan, own.level) {
            return Brief { value: None, reason: Some(Reason::NotDefinedAtLevel), n: 0, excluded: 0, stats: None };
        }
        let (value, stats) = self.settled.of(spot);
        let reason = if value.is_some() { None } else { Some(self.why(spot, own)) };
        let excluded = self.reasons(spot, &self.pools.excluded).map(|(_, n)| n).sum();
        Brief { value, reason, n: own.n, excluded, stats }
    }

    /// What one of the nodes that were asked for came to, with the values of its children, and those of its rows as far as
    /// they are asked for.
    #[must_use]
    pub fn whole(&self, spot: Spot, values: bool, distribution: bool) -> Rolled {
        let rows = || self.rows.of(self.plan.forest, spot);
        let mut rolled = self.of(spot);
        rolled.children = self.children(spot).into_iter().filter_map(|(value, _)| value).collect();
        statistics::sort(&mut rolled.children);
        if rolled.reason == Some(Reason::NotDefinedAtLevel) {
            return rolled;
        }
        if distribution && shape::has_stats(self.plan.metric) {
            rolled.distribution = Distribution::of(&rows(), self.plan.metric.unit());
        }
        if values {
            rolled.pool.values = rows();
            statistics::sort(&mut rolled.pool.values);
        }
        rolled
    }

    fn reasons<'s>(&'s self, spot: Spot, found: &'s [(Reason, Vec<u32>)]) -> impl Iterator<Item = (Reason, u64)> + 's {
        let of = move |counts: &[u32]| match spot {
            Spot::Stand(stand) => u64::from(counts[stand]),
            Spot::Set(set) => {
                self.plan.forest.sets[set].products.iter().map(|product| u64::from(counts[*product])).sum()
            }
        };
        found.iter().map(move |(reason, counts)| (*reason, of(counts))).filter(|(_, n)| *n > 0)
    }

    fn children(&self, spot: Spot) -> Vec<(Option<f64>, u64)> {
        children(&self.plan, &self.pools, spot, |stand| self.settled.values[stand])
    }

    /// The most telling reason: that of most rows left out, else that of an empty population.
    fn why(&self, spot: Spot, own: Own) -> Reason {
        let from_rows = shape::from_rows(self.plan.metric, self.plan.definition, own.level);
        if !from_rows && self.children(spot).iter().any(|(value, _)| value.is_some()) {
            // There are values below, but no deployment to weigh them by.
            return Reason::NoDeployments;
        }
        why(self.plan.metric, self.reasons(spot, &self.pools.excluded), own.deployments)
    }
}

fn why(metric: Metric, excluded: impl Iterator<Item = (Reason, u64)>, deployments: u64) -> Reason {
    let most = excluded.max_by_key(|(reason, n)| (*n, std::cmp::Reverse(*reason)));
    match (metric, most) {
        (Metric::TimeToRestore, Some((Reason::NotRecovered, _))) => Reason::NoClosedIncidents,
        (_, Some((reason, _))) => reason,
        (Metric::FailedDeploymentRecoveryTime, None) if deployments > 0 => Reason::NoFailures,
        (metric, None) => shape::empty(metric),
    }
}

fn below_floor(plan: &Plan<'_>, level: Level) -> bool {
    level != Level::Team && level > shape::floor(plan.metric, plan.definition)
}

fn wants_stats(plan: &Plan<'_>) -> bool {
    plan.stats && shape::has_stats(plan.metric)
}

fn own(plan: &Plan<'_>, pools: &Pools, spot: Spot) -> Own {
    match spot {
        Spot::Stand(stand) => Own {
            level: plan.forest.stands[stand].level,
            n: pools.n[stand],
            sum: pools.sum[stand],
            total: pools.total[stand],
            first_at: pools.first_at[stand],
            deployments: pools.deployments[stand],
        },
        Spot::Set(set) => {
            let set = &plan.forest.sets[set];
            let products = set.products.as_slice();
            let merged = |mut one: Sum, other| {
                one.merge(other);
                one
            };
            Own {
                level: set.level,
                n: pools.of_set(products, |pools, at| pools.n[at], |a, b| a + b).unwrap_or(0),
                sum: pools.of_set(products, |pools, at| pools.sum[at], |a, b| a + b).unwrap_or(0.0),
                total: pools.of_set(products, |pools, at| pools.total[at], merged).unwrap_or_default(),
                first_at: pools.of_set(products, |pools, at| pools.first_at[at], i64::min).unwrap_or(i64::MAX),
                deployments: pools.of_set(products, |pools, at| pools.deployments[at], |a, b| a + b).unwrap_or(0),
            }
        }
    }
}

/// The value of rows. Their order changes.
fn of_rows(plan: &Plan<'_>, own: Own, values: &mut [f64]) -> Option<f64> {
    let deployed = own.n > 0 || own.first_at < plan.to.micros();
    let per_day = |times: f64| (deployed && plan.days > 0.0).then(|| times / plan.days);
    let mean = || (!values.is_empty()).then(|| own.total.value() / values.len() as f64);
    match shape::formula(plan.metric, plan.definition) {
        Formula::PerDay => per_day(own.n as f64),
        Formula::DeployDays => {
            statistics::sort(values);
            per_day(values.chunk_by(|one, other| one == other).count() as f64)
        }
        Formula::Mean => mean(),
        Formula::Median => statistics::percentile_of(values, 50),
        Formula::InverseMean => mean().map(|mean| 86_400.0 / mean),
        Formula::Least => values.iter().copied().min_by(f64::total_cmp),
        Formula::Greatest => values.iter().copied().max_by(f64::total_cmp),
        Formula::Ratio => (own.n > 0).then(|| own.sum / own.n as f64),
    }
}

/// The value of a node that is made of those below it.
fn of_children(plan: &Plan<'_>, children: Vec<(Option<f64>, u64)>) -> Option<f64> {
    let mut children: Vec<(f64, u64)> =
        children.into_iter().filter_map(|(value, weight)| Some((value?, weight))).collect();
    // By value and then weight, so that equal children give equal bits.
    children.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    match plan.definition.children {
        Children::Equal => statistics::mean(&children.iter().map(|(value, _)| *value).collect::<Vec<_>>()),
        Children::Weighted => statistics::weighted_mean(&children),
    }
}

/// Values of the nodes right below, each with its deployments.
fn children(
    plan: &Plan<'_>,
    pools: &Pools,
    spot: Spot,
    value: impl Fn(usize) -> Option<f64>,
) -> Vec<(Option<f64>, u64)> {
    let of = |stand: usize| (value(stand), pools.deployments[stand]);
    match spot {
        Spot::Stand(stand) => plan.forest.children(stand).map(of).collect(),
        Spot::Set(set) => plan.forest.sets[set].products.iter().map(|product| of(*product)).collect(),
    }
}

/// The values of the rows of a spot, in any order.
fn rows_of(forest: &Forest, spot: Spot, starts: &[usize], values: &[f64]) -> Vec<f64> {
    let mut found = Vec::new();
    for range in forest.ranges(spot) {
        found.extend_from_slice(&values[starts[range.start]..starts[range.end]]);
    }
    found
}

impl Settled {
    fn new(forest: &Forest) -> Self {
        let (stands, sets) = (forest.len(), forest.sets.len());
        Settled { values: vec![None; stands], stats: vec![None; stands], sets: vec![(None, None); sets] }
    }

    fn of(&self, spot: Spot) -> (Option<f64>, Option<Stats>) {
        match spot {
            Spot::Stand(stand) => (self.values[stand], self.stats[stand]),
            Spot::Set(set) => self.sets[set],
        }
    }

    fn settle_set(&mut self, plan: &Plan<'_>, pools: &Pools, cells: &Cells<'_>, set: usize) {
        let spot = Spot::Set(set);
        let own = own(plan, pools, spot);
        let from_rows = shape::from_rows(plan.metric, plan.definition, own.level);
        let needs = wants_stats(plan) || from_rows;
        let mut rows = if needs { rows_of(plan.forest, spot, cells.starts, cells.values) } else { Vec::new() };
        let stats = if wants_stats(plan) { statistics::stats_of(&mut rows, own.total) } else { None };
        let value = value(plan, pools, spot, own, stats.as_ref(), |stand| self.values[stand], &mut rows);
        self.sets[set] = (value, stats);
    }
}

fn value(
    plan: &Plan<'_>,
    pools: &Pools,
    spot: Spot,
    own: Own,
    stats: Option<&Stats>,
    below: impl Fn(usize) -> Option<f64>,
    rows: &mut [f64],
) -> Option<f64> {
    if !shape::from_rows(plan.metric, plan.definition, own.level) {
        return of_children(plan, children(plan, pools, spot, below));
    }
    match (shape::formula(plan.metric, plan.definition), stats) {
        (Formula::Median, Some(stats)) => Some(stats.p50),
        _ => of_rows(plan, own, rows),
    }
}

/// Stands next to each other, with everything below them: they can be settled while others are.
struct Part<'s> {
    first: usize,
    values: &'s mut [Option<f64>],
    stats: &'s mut [Option<Stats>],
    /// Of all cells.
    starts: &'s [usize],
    /// Those of this part only.
    rows: &'s mut [f64],
}

impl Part<'_> {
    /// Splits off what is before a stand.
    fn split(self, at: usize) -> (Self, Self) {
        let Part { first, values, stats, starts, rows } = self;
        let (values, stats) = (values.split_at_mut(at - first), stats.split_at_mut(at - first));
        let rows = rows.split_at_mut(starts[at] - starts[first]);
        let before = Part { first, values: values.0, stats: stats.0, starts, rows: rows.0 };
        (before, Part { first: at, values: values.1, stats: stats.1, starts, rows: rows.1 })
    }

    fn settle(&mut self, plan: &Plan<'_>, pools: &Pools, stand: usize) {
        let forest = plan.forest;
        let own = own(plan, pools, Spot::Stand(stand));
        if below_floor(plan, own.level) {
            return;
        }
        let of = |stand: usize| self.starts[stand]..self.starts[forest.stands[stand].end];
        let range = of(stand);
        let shift = self.starts[self.first];
        let rows = &mut self.rows[range.start - shift..range.end - shift];
        if wants_stats(plan) && !range.is_empty() {
            // Where one child has all rows, they say the same of both.
            let alike = forest.children(stand).find(|child| of(*child) == range);
            let known = alike.and_then(|child| self.stats[child - self.first]);
            let known = known.or(self.stats[stand - self.first]);
            self.stats[stand - self.first] = known.or_else(|| statistics::stats_of(rows, own.total));
        }
        let stats = self.stats[stand - self.first].as_ref();
        let below = |stand: usize| self.values[stand - self.first];
        self.values[stand - self.first] = value(plan, pools, Spot::Stand(stand), own, stats, below, rows);
    }
}

/// Values and statistics of what is needed. To look for percentiles of a node changes the order of its rows, which are
/// those of everything below it as well: so it goes from the lowest to the highest, sets right after their products.
fn settle(plan: &Plan<'_>, pools: &Pools, mut cells: Cells<'_>) -> Settled {
    let forest = plan.forest;
    let sets = forest.sets.len();
    let mut settled = Settled::new(forest);
    // Only what is below the nodes that are asked for.
    let needed = plan.nodes.map(|nodes| needed(forest, nodes));
    let needed = |stand: usize| needed.as_ref().is_none_or(|needed| needed[stand]);
    let asked = |set: &usize| plan.nodes.is_none_or(|nodes| nodes.contains(&Spot::Set(*set)));
    let high = |stand: usize| forest.stands[stand].level < Level::Product;
    settle_long(plan, pools, &cells, &mut settled, needed);
    let low = |stand: usize| !high(stand) && needed(stand);
    pass(plan, pools, &mut cells, &mut settled, Level::Product, low);
    for set in (0..sets).filter(asked) {
        settled.settle_set(plan, pools, &cells, set);
    }
    for level in [Level::Domain, Level::Platform, Level::Group] {
        let of_level = |stand: usize| forest.stands[stand].level == level && needed(stand);
        pass(plan, pools, &mut cells, &mut settled, level, of_level);
    }
    settled
}

/// Statistics of nodes with many rows, which are only looked through: all levels at the same time.
fn settle_long(
    plan: &Plan<'_>,
    pools: &Pools,
    cells: &Cells<'_>,
    settled: &mut Settled,
    needed: impl Fn(usize) -> bool,
) {
    let forest = plan.forest;
    let range = |stand: usize| cells.starts[stand]..cells.starts[forest.stands[stand].end];
    let long = |stand: &usize| range(*stand).len() >= LONG && needed(*stand);
    let alone = |stand: &usize| forest.children(*stand).all(|child| range(child) != range(*stand));
    if !wants_stats(plan) {
        return;
    }
    let mut work: Vec<usize> = (0..forest.len()).filter(long).filter(alone).collect();
    work.retain(|stand| !below_floor(plan, forest.stands[*stand].level));
    work.sort_by_key(|stand| std::cmp::Reverse(range(*stand).len()));
    let rows: usize = work.iter().map(|stand| range(*stand).len()).sum();
    let of = |stand: &usize| (*stand, statistics::stats_of_long(&cells.values[range(*stand)], pools.total[*stand]));
    for (stand, stats) in one_by_one(&work, rows, || of) {
        settled.stats[stand] = stats;
    }
}

/// Does work that lies in an order in which what takes longest is first, on a few threads when it is about many values.
/// Each has its own state.
fn one_by_one<W: Sync, T: Send, F: FnMut(&W) -> T>(work: &[W], values: usize, new: impl Fn() -> F + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let some = || {
        let (mut of, mut found) = (new(), Vec::new());
        while let Some(one) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push(of(one));
        }
        found
    };
    std::thread::scope(|scope| {
        // Each may hold the values of the largest.
        let others: Vec<_> = (1..(values / A_THREAD).clamp(1, THREADS / 2)).map(|_| scope.spawn(some)).collect();
        let mut found = some();
        others.into_iter().for_each(|other| found.extend(joined(other)));
        found
    })
}

/// Settles the stands that are wanted, which are of this level or below, from the lowest to the highest: what does not
/// belong to the same node of the level at the same time.
fn pass(
    plan: &Plan<'_>,
    pools: &Pools,
    cells: &mut Cells<'_>,
    settled: &mut Settled,
    level: Level,
    wanted: impl Fn(usize) -> bool + Copy + Send,
) {
    let stands = &plan.forest.stands;
    let shares = shares(cells.starts, 0..stands.len(), |stand| stands[stand].level <= level);
    let (values, stats) = (settled.values.as_mut_slice(), settled.stats.as_mut_slice());
    let mut rest = Part { first: 0, values, stats, starts: cells.starts, rows: cells.values };
    std::thread::scope(|scope| {
        for share in shares.into_iter().rev() {
            let (before, mut part) = rest.split(share.start);
            rest = before;
            let work = move || {
                for stand in share.rev().filter(|stand| wanted(*stand)) {
                    part.settle(plan, pools, stand);
                }
            };
            // The last one has this thread to itself.
            if rest.values.is_empty() {
                return work();
            }
            scope.spawn(work);
        }
    });
}

fn needed(forest: &Forest, nodes: &[Spot]) -> Vec<bool> {
    let mut needed = vec![false; forest.len()];
    for spot in nodes {
        match spot {
            Spot::Stand(stand) => forest.children(*stand).for_each(|child| needed[child] = true),
            Spot::Set(set) => forest.sets[*set].products.iter().for_each(|product| needed[*product] = true),
        }
        forest.ranges(*spot).into_iter().for_each(|range| needed[range].fill(true));
    }
    needed
}

/// Values and statistics of nodes that are made of their own rows, and the values of their children.
fn settle_few(plan: &Plan<'_>, pools: &Pools, scattered: &Scattered<'_>, nodes: &[Spot]) -> Settled {
    let forest = plan.forest;
    let mut work: Vec<(usize, Spot, bool)> = Vec::new();
    let below = |spot: &Spot| match spot {
        Spot::Stand(stand) => forest.children(*stand).collect(),
        Spot::Set(set) => forest.sets[*set].products.clone(),
    };
    let children = nodes.iter().flat_map(below).map(Spot::Stand).filter(|child| !nodes.contains(child));
    for (spot, asked) in nodes.iter().map(|spot| (*spot, true)).chain(children.map(|child| (child, false))) {
        if !below_floor(plan, forest.level(spot)) {
            work.push((forest.ranges(spot).into_iter().map(|range| scattered.len(range)).sum(), spot, asked));
        }
    }
    // The largest first, so that threads end at about the same time.
    work.sort_by_key(|(rows, ..)| std::cmp::Reverse(*rows));
    let rows: usize = work.iter().map(|(rows, ..)| rows).sum();
    let new = || {
        let mut rows = Vec::new();
        move |(_, spot, asked): &(usize, Spot, bool)| {
            rows.clear();
            forest.ranges(*spot).into_iter().for_each(|range| scattered.gather(range, &mut rows));
            let with_stats = *asked && wants_stats(plan);
            let total = if with_stats || wants_total(plan) { Sum::of(&rows) } else { Sum::default() };
            let own = Own { total, ..own(plan, pools, *spot) };
            let stats = if with_stats { statistics::stats_of(&mut rows, total) } else { None };
            (*spot, value(plan, pools, *spot, own, stats.as_ref(), |_| None, &mut rows), stats)
        }
    };
    let found = one_by_one(&work, rows, new);
    let mut settled = Settled::new(forest);
    for (spot, value, stats) in found {
        match spot {
            Spot::Stand(stand) => (settled.values[stand], settled.stats[stand]) = (value, stats),
            Spot::Set(set) => settled.sets[set] = (value, stats),
        }
    }
    settled
}

/// A node without rows.
#[must_use]
pub fn nothing(metric: Metric, definition: &Definition, level: Level) -> Rolled {
    let below = level != Level::Team && level > shape::floor(metric, definition);
    let reason = if below { Reason::NotDefinedAtLevel } else { why(metric, std::iter::empty(), 0) };
    Rolled { reason: Some(reason), ..Rolled::default() }
}

/// The values of nodes in each period: `nodes` are those of the plan, and the tally was laid out for them in their order;
/// `periods` are their days and ends.
#[must_use]
pub fn series(
    plan: &Plan<'_>,
    nodes: &[Spot],
    periods: &[(f64, Timestamp)],
    tally: &Tally,
    presence: Presence<'_>,
) -> Vec<Vec<InPeriod>> {
    let forest = plan.forest;
    let Some(level) = nodes.first().map(|spot| forest.level(*spot)) else { return Vec::new() };
    if below_floor(plan, level) || periods.is_empty() {
        return vec![vec![InPeriod::default(); periods.len()]; nodes.len()];
    }
    let (counts, scattered) = tally.series();
    if by_rows(plan, level) {
        return of_own_rows(plan, nodes, periods, counts, &scattered, presence.first_at);
    }
    let mut laid = scattered.laid();
    let deployments = presence.deployments.map(|tally| tally.series().0.n.as_slice());
    let mut found = vec![Vec::with_capacity(periods.len()); nodes.len()];
    for (index, (days, to)) in periods.iter().enumerate() {
        let plan = Plan { days: *days, to: *to, stats: false, nodes: Some(nodes), ..*plan };
        let range = index * forest.len()..(index + 1) * forest.len();
        let (first, end) = (laid.starts[range.start], laid.starts[range.end]);
        let starts: Vec<usize> = laid.starts[range.start..=range.end].iter().map(|start| start - first).collect();
        let counted = Counted { counts, deployments: deployments.map(|n| &n[range.clone()]), range };
        let cells = Cells { starts: &starts, values: &mut laid.values[first..end] };
        let pools = Pools::new(&plan, &counted, totals(&plan, &cells), presence.first_at);
        let settled = settle(&plan, &pools, cells);
        for (spot, found) in nodes.iter().zip(&mut found) {
            found.push(InPeriod { value: settled.of(*spot).0, n: own(&plan, &pools, *spot).n });
        }
    }
    found
}

/// The values of nodes that are made of their own rows, which stand in cells by node and period.
fn of_own_rows(
    plan: &Plan<'_>,
    nodes: &[Spot],
    periods: &[(f64, Timestamp)],
    counts: &Counts,
    scattered: &Scattered<'_>,
    first_at: Option<&[i64]>,
) -> Vec<Vec<InPeriod>> {
    let first_of = |spot: &Spot| {
        let ranges = plan.forest.ranges(*spot);
        let first = first_at.and_then(|firsts| ranges.into_iter().filter_map(|range| firsts[range].iter().min()).min());
        (plan.forest.level(*spot), first.copied().unwrap_or(i64::MAX))
    };
    let firsts: Vec<(Level, i64)> = nodes.iter().map(first_of).collect();
    let of = |cells: Range<usize>| {
        let (mut rows, mut found) = (Vec::new(), Vec::with_capacity(cells.len()));
        for cell in cells {
            rows.clear();
            scattered.gather(cell..cell + 1, &mut rows);
            let ((level, first_at), (days, to)) = (firsts[cell / periods.len()], periods[cell % periods.len()]);
            let total = if wants_total(plan) { Sum::of(&rows) } else { Sum::default() };
            let own = Own { level, n: counts.n[cell], sum: counts.sum[cell], total, first_at, deployments: 0 };
            found.push(InPeriod { value: of_rows(&Plan { days, to, ..*plan }, own, &mut rows), n: own.n });
        }
        found
    };
    in_shares(&scattered.starts(), of).chunks(periods.len()).map(<[InPeriod]>::to_vec).collect()
}

fn wants_total(plan: &Plan<'_>) -> bool {
    matches!(shape::formula(plan.metric, plan.definition), Formula::Mean | Formula::InverseMean)
}

/// Whether the series of a node is taken from its own rows, without those below it.
#[must_use]
pub fn by_rows(plan: &Plan<'_>, level: Level) -> bool {
    shape::from_rows(plan.metric, plan.definition, level)
}
