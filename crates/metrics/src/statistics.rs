//! Exact statistics of a sorted list: percentiles by linear interpolation between closest ranks (SQL's
//! `percentile_cont`) and a mean whose bits do not depend on the order in which rows came.

use serde::Serialize;

use crate::ranks;

/// Statistics of the values used, in the metric's unit. All of them exist or none does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest.
    pub min: f64,
    /// Greatest.
    pub max: f64,
    /// Median.
    pub p50: f64,
    /// Percentile 75.
    pub p75: f64,
    /// Percentile 90.
    pub p90: f64,
    /// Percentile 95.
    pub p95: f64,
    /// Percentile 99.
    pub p99: f64,
}

impl Stats {
    /// Of a sorted list; none when it is empty.
    #[must_use]
    pub fn of(sorted: &[f64]) -> Option<Self> {
        let at = |percent| percentile(sorted, percent);
        Some(Stats {
            mean: mean(sorted)?,
            min: *sorted.first()?,
            max: *sorted.last()?,
            p50: at(50)?,
            p75: at(75)?,
            p90: at(90)?,
            p95: at(95)?,
            p99: at(99)?,
        })
    }
}

/// Sorts by the total order of floats, so that equal lists of rows give equal lists of bits.
pub fn sort(values: &mut [f64]) {
    values.sort_by(f64::total_cmp);
}

/// Percentile of a sorted list: `lo + (hi - lo) * fraction` between the two closest ranks of `percent / 100 * (n - 1)`.
///
/// The rank is computed in whole numbers, so that a rank that falls on a value gives that very value.
#[must_use]
pub fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let (below, rest) = rank(percent, last);
    let low = sorted[below];
    Some(if rest == 0 { low } else { between(low, sorted[below + 1], rest) })
}

/// The closest rank below a percentile of a list, and how far above it the percentile lies, in hundredths.
const fn rank(percent: usize, last: usize) -> (usize, usize) {
    let percent = if percent > 100 { 100 } else { percent };
    (percent * last / 100, percent * last % 100)
}

fn between(low: f64, high: f64, hundredths: usize) -> f64 {
    low + (high - low) * (hundredths as f64 / 100.0)
}

/// A sum with Neumaier's compensation. Parts of it add up to the same as the whole: what is lost is some 100 bits below
/// the total, so that the order of values does not show in a double.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    /// Of values in any order.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut sum = Sum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    /// With one value more.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let next = self.total + value;
        self.lost +=
            if self.total.abs() >= value.abs() { (self.total - next) + value } else { (value - next) + self.total };
        self.total = next;
    }

    /// With another sum.
    pub fn merge(&mut self, other: Sum) {
        self.add(other.total);
        self.lost += other.lost;
    }

    /// What it comes to.
    #[must_use]
    pub fn value(self) -> f64 {
        self.total + self.lost
    }
}

/// Sum of a list.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    Sum::of(values).value()
}

/// Arithmetic mean of a list.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    Some(sum(values) / values.len() as f64)
}

/// Puts percentiles of a list into its order one after the other, from the smallest: what is left to look at is what is
/// above the last one.
struct Selection<'a> {
    values: &'a mut [f64],
    /// Values below it stand where they belong or are not greater than the last one found.
    done: usize,
}

impl Selection<'_> {
    fn percentile(&mut self, percent: usize) -> Option<f64> {
        let last = self.values.len().checked_sub(1)?;
        let (below, rest) = rank(percent, last);
        let from = self.done.min(below);
        let (_, low, above) = self.values[from..].select_nth_unstable_by(below - from, f64::total_cmp);
        let low = *low;
        self.done = below;
        let next = if rest == 0 { None } else { above.iter().copied().min_by(f64::total_cmp) };
        Some(next.map_or(low, |high| between(low, high, rest)))
    }
}

/// [`percentile`] of a list in any order, which changes it.
#[must_use]
pub fn percentile_of(values: &mut [f64], percent: usize) -> Option<f64> {
    Selection { values, done: 0 }.percentile(percent)
}

/// [`Stats::of`] of a list in any order, whose sum is known. The order may change.
#[must_use]
pub fn stats_of(values: &mut [f64], sum: Sum) -> Option<Stats> {
    let n = values.len();
    if n <= SMALL {
        sort(values);
        return Stats::of(values);
    }
    if n >= LONG {
        return stats_of_long(values, sum);
    }
    let mut selection = Selection { values, done: 0 };
    let p50 = selection.percentile(50)?;
    let [p75, p90, p95, p99] = [75, 90, 95, 99].map(|percent| selection.percentile(percent));
    let (lower, upper) = (&selection.values[..=(n - 1) / 2], &selection.values[selection.done..]);
    Some(Stats {
        mean: sum.value() / n as f64,
        min: lower.iter().copied().min_by(f64::total_cmp)?,
        max: upper.iter().copied().max_by(f64::total_cmp)?,
        p50,
        p75: p75?,
        p90: p90?,
        p95: p95?,
        p99: p99?,
    })
}

/// A list this long is counted through rather than put in order around one rank after the other. In a build for tests so
/// short that every case has some.
pub(crate) const LONG: usize = if cfg!(debug_assertions) { 100 } else { 16 * 1024 };

/// [`Stats::of`] of a long list in any order, whose sum is known.
#[must_use]
pub fn stats_of_long(values: &[f64], sum: Sum) -> Option<Stats> {
    let last = values.len().checked_sub(1)?;
    let ranks = [50, 75, 90, 95, 99].map(|percent| rank(percent, last));
    let [a, b, c, d, e] = ranks.map(|(below, _)| below);
    let above = |rank: usize| (rank + 1).min(last);
    let found = ranks::ranked(values, [a, b, c, d, e, above(a), above(b), above(c), above(d), above(e), 0, last])?;
    let percentile = |index: usize| {
        let (low, high) = (found[index], found[index + 5]);
        if ranks[index].1 == 0 { low } else { between(low, high, ranks[index].1) }
    };
    Some(Stats {
        mean: sum.value() / values.len() as f64,
        min: found[10],
        max: found[11],
        p50: percentile(0),
        p75: percentile(1),
        p90: percentile(2),
        p95: percentile(3),
        p99: percentile(4),
    })
}

/// A list this short is sorted faster than it is searched five times.
const SMALL: usize = 64;

/// Arithmetic mean of values, each as often as its weight says; none when no weight is above 0.
#[must_use]
pub fn weighted_mean(values: &[(f64, u64)]) -> Option<f64> {
    let weight: u64 = values.iter().map(|(_, weight)| weight).sum();
    let mut products: Vec<f64> = values.iter().map(|(value, weight)| value * *weight as f64).collect();
    sort(&mut products);
    (weight > 0).then(|| sum(&products) / weight as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_interpolate_between_closest_ranks() {
        let hours = [2.0, 4.0, 4.0, 6.0, 6.0, 24.0];
        assert_eq!(percentile(&hours, 50), Some(5.0));
        assert_eq!(percentile(&hours, 90), Some(15.0));
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(Stats::of(&[]), None);
    }

    #[test]
    fn weights_count_as_so_many() {
        assert_eq!(weighted_mean(&[(1.0, 3), (5.0, 1), (9.0, 0)]), Some(2.0));
        assert_eq!(weighted_mean(&[(9.0, 0)]), None);
    }

    #[test]
    fn what_is_small_is_not_lost_in_what_is_great() {
        assert_eq!(sum(&[-1e100, 1.0, 1e100]), 1.0);
    }

    /// As the SQL standard words it, with floats and no shortcut.
    fn naive(values: &[f64], percent: usize) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let row = percent as f64 / 100.0 * (sorted.len() - 1) as f64;
        let (low, high) = (row.floor(), row.ceil());
        if low == high {
            return sorted[low as usize];
        }
        (high - row) * sorted[low as usize] + (row - low) * sorted[high as usize]
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_the_naive_rule(
            values in proptest::collection::vec(0.0..1e7f64, 1..200),
            percent in prop::sample::select(vec![0usize, 25, 50, 75, 90, 95, 99, 100]),
        ) {
            let mut sorted = values.clone();
            sort(&mut sorted);
            let (ours, theirs) = (percentile(&sorted, percent).unwrap(), naive(&values, percent));
            prop_assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0) * 10.0, "{} {}", ours, theirs);
        }

        #[test]
        fn order_does_not_change_a_bit(
            values in proptest::collection::vec(prop_oneof![-1e9..1e9f64, 0.0..3.0f64, Just(7.0)], 0..400),
            cut in 0usize..400,
        ) {
            let mut sorted = values.clone();
            sort(&mut sorted);
            prop_assert_eq!(sum(&values).to_bits(), sum(&sorted).to_bits());
            let (one, other) = values.split_at(cut.min(values.len()));
            let mut parts = Sum::of(other);
            parts.merge(Sum::of(one));
            prop_assert_eq!(parts.value().to_bits(), sum(&sorted).to_bits());
            prop_assert_eq!(stats_of(&mut values.clone(), parts), Stats::of(&sorted));
            prop_assert_eq!(stats_of_long(&values, parts), Stats::of(&sorted));
            for percent in [0, 1, 50, 99, 100] {
                prop_assert_eq!(percentile_of(&mut values.clone(), percent), percentile(&sorted, percent));
            }
        }
    }
}
