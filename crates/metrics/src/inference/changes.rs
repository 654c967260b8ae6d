//! Change points of a series: where its level moved, by PELT with the L2 cost.
//!
//! PELT finds the segmentation of least total cost, exactly (Killick, Fearnhead and Eckley, "Optimal Detection of
//! Changepoints With a Linear Computational Cost", 2012). The cost of a segment is its sum of squares around its mean;
//! each change costs a penalty of 3 σ² ln n (1 + 4/n). 3 σ² ln n is the main term of the modified BIC of Zhang and Siegmund
//! (2007) for a changing mean; 1 + 4/n makes up for a σ² estimated from few points, so that of series of pure noise under
//! one in twenty is said to change at every length (a test counts them). σ² is von Neumann's estimate from successive differences, Σ (x_i - x_(i-1))² / (2 (n - 1)): levels that
//! move hardly touch it, and where they do, fewer changes are found, never more.

use domain::Timestamp;
use domain::metric::{Metric, Unit};
use serde::Serialize;

use super::{Lack, words};
use crate::answer::Change;
use crate::statistics;

/// Fewest points between two changes, and at both ends: fewer are outliers, not a level.
pub const LEAST_SEGMENT: usize = 3;
/// Fewest points of a series that is looked at.
pub const FEWEST: usize = 8;

/// Where the level of a series moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// Each change, in order of time.
    pub points: Vec<ChangePoint>,
    /// Buckets looked at: whole ones with a value.
    pub n: usize,
    /// Why none could be looked for.
    pub reason: Option<Lack>,
    /// The same in words.
    pub sentence: String,
}

/// One move of the level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChangePoint {
    /// First instant of the first bucket at the new level.
    pub at: Timestamp,
    /// Median of the buckets' values since the change before, in the metric's unit.
    pub before: f64,
    /// Median of the buckets' values until the next change.
    pub after: f64,
    /// From one to the other: relative, in points for ratios; none when relative to 0.
    pub change: Option<f64>,
}

/// Changes of a metric over whole buckets that have a value, each by its start. Durations are taken by their logarithm,
/// since they vary by factors.
#[must_use]
pub fn changes(metric: Metric, series: &[(Timestamp, f64)]) -> Changes {
    let values: Vec<f64> = series.iter().map(|(_, value)| scaled(metric, *value)).collect();
    let (starts, reason) = match change_points(&values) {
        Ok(starts) => (starts, None),
        Err(lack) => (Vec::new(), Some(lack)),
    };
    let points = moves(metric, series, &starts);
    let sentence = words::changes(metric, &points, series.len(), reason);
    Changes { points, n: series.len(), reason, sentence }
}

fn scaled(metric: Metric, value: f64) -> f64 {
    if metric.unit() == Unit::Seconds { value.max(0.0).ln_1p() } else { value }
}

fn moves(metric: Metric, series: &[(Timestamp, f64)], starts: &[usize]) -> Vec<ChangePoint> {
    let edges: Vec<usize> = [0].into_iter().chain(starts.iter().copied()).chain([series.len()]).collect();
    let level = |from: usize, to: usize| {
        let mut values: Vec<f64> = series[from..to].iter().map(|(_, value)| *value).collect();
        statistics::sort(&mut values);
        statistics::percentile(&values, 50)
    };
    let point = |edges: &[usize]| {
        let (before, after) = (level(edges[0], edges[1])?, level(edges[1], edges[2])?);
        let change = Change::between(metric.unit(), Some(after), Some(before), 0).change;
        Some(ChangePoint { at: series[edges[1]].0, before, after, change })
    };
    edges.windows(3).filter_map(point).collect()
}

/// The places at which a new level begins, in order.
///
/// # Errors
/// `too_few` below [`FEWEST`] values.
pub fn change_points(values: &[f64]) -> Result<Vec<usize>, Lack> {
    if values.len() < FEWEST {
        return Err(Lack::TooFew);
    }
    let penalty = penalty(values);
    // Values that are all the same have no noise to measure a change by, and no change.
    if penalty <= 0.0 || !penalty.is_finite() { Ok(Vec::new()) } else { Ok(pelt(values, penalty, LEAST_SEGMENT)) }
}

/// 3 σ² ln n (1 + 4/n).
#[must_use]
pub fn penalty(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let squares: f64 = values.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    3.0 * squares / (2.0 * (n - 1.0)) * n.ln() * (1.0 + 4.0 / n)
}

/// Starts of the segments after the first in the segmentation of least cost, a change costing `penalty` and each segment
/// having at least `least` values.
#[must_use]
pub fn pelt(values: &[f64], penalty: f64, least: usize) -> Vec<usize> {
    let (n, least) = (values.len(), least.max(1));
    let cost = Cost::of(values);
    // Least cost of the first `t` values with a penalty a segment, and where their last segment begins.
    let mut best = vec![(f64::INFINITY, 0); n + 1];
    best[0].0 = 0.0;
    // Where a last segment may begin, each with the end from which on it no longer can.
    let mut begins = vec![(0, usize::MAX)];
    for t in least..=n {
        begins.retain(|(_, until)| *until > t);
        for (s, _) in begins.iter().filter(|(s, _)| t - s >= least) {
            let total = best[*s].0 + cost.between(*s, t) + penalty;
            if total < best[t].0 {
                best[t] = (total, *s);
            }
        }
        // Whatever begins at `s` is no better than a further change at `t`, once a segment fits behind `t`.
        for (s, until) in &mut begins {
            if best[*s].0 + cost.between(*s, t) > best[t].0 {
                *until = (*until).min(t + least);
            }
        }
        if best[t].0.is_finite() {
            begins.push((t, usize::MAX));
        }
    }
    let mut starts = Vec::new();
    let mut at = best[n].1;
    while at > 0 {
        starts.push(at);
        at = best[at].1;
    }
    starts.reverse();
    starts
}

/// Sums and sums of squares from the start, of deviations from the mean so that little is lost in the difference.
struct Cost(Vec<(f64, f64)>);

impl Cost {
    fn of(values: &[f64]) -> Self {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut sums = vec![(0.0, 0.0)];
        let mut last = (0.0, 0.0);
        for value in values {
            let deviation = value - mean;
            last = (last.0 + deviation, last.1 + deviation * deviation);
            sums.push(last);
        }
        Cost(sums)
    }

    /// Sum of squares of values `from..to` around their mean.
    fn between(&self, from: usize, to: usize) -> f64 {
        let (sum, squares) = (self.0[to].0 - self.0[from].0, self.0[to].1 - self.0[from].1);
        if to == from { 0.0 } else { (squares - sum * sum / (to - from) as f64).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::DAY;
    use proptest::prelude::*;

    use super::*;

    /// Every segmentation, one by one.
    fn least_cost(values: &[f64], penalty: f64, least: usize) -> f64 {
        let squares = |part: &[f64]| {
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
        };
        let whole = squares(values);
        (least..(values.len() + 1).saturating_sub(least))
            .map(|at| squares(&values[..at]) + penalty + least_cost(&values[at..], penalty, least))
            .fold(whole, f64::min)
    }

    fn cost_of(values: &[f64], starts: &[usize], penalty: f64) -> f64 {
        let edges: Vec<usize> = [0].into_iter().chain(starts.iter().copied()).chain([values.len()]).collect();
        let parts = edges.windows(2).map(|edge| least_cost(&values[edge[0]..edge[1]], 0.0, usize::MAX));
        parts.sum::<f64>() + penalty * starts.len() as f64
    }

    /// Numbers that look drawn from a normal distribution: sums of twelve steps of a linear congruence.
    fn noise(seed: u64, n: usize) -> Vec<f64> {
        let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let step = [1.0, 1.1, 0.9, 1.0, 5.0, 5.2, 4.9, 5.0, 5.1, 4.8, 5.0, 5.0];
        assert_eq!(change_points(&step), Ok(vec![4]));
        assert_eq!(change_points(&[[2.0; 5].as_slice(), &[7.0; 7]].concat()), Ok(vec![5]));
        assert_eq!(change_points(&[3.0; 20]), Ok(vec![]));
        assert_eq!(change_points(&step[5..]), Err(Lack::TooFew));
        let mut outlier = noise(1, 30);
        outlier[15] = 12.0;
        assert_eq!(change_points(&outlier), Ok(vec![]));
    }

    /// Of series that hold nothing but noise, under one in twenty is said to have changed.
    #[test]
    fn noise_seldom_changes() {
        for n in [FEWEST, 10, 12, 16, 26, 52] {
            let found = (0..1_000).filter(|seed| change_points(&noise(*seed, n)) != Ok(vec![])).count();
            assert!(found < 50, "{found} of 1000 with {n} points");
        }
    }

    /// A move by three standard deviations in the middle of a quarter of weeks is nearly always found, and nearby.
    #[test]
    fn a_great_move_is_seldom_missed() {
        let found = (0..400).filter(|seed| {
            let series: Vec<f64> = noise(*seed, 26)
                .into_iter()
                .enumerate()
                .map(|(at, value)| value + if at < 13 { 0.0 } else { 3.0 })
                .collect();
            change_points(&series).unwrap().iter().any(|at| at.abs_diff(13) <= 1)
        });
        assert!(found.count() > 370);
    }

    #[test]
    fn a_change_says_when_and_from_what_to_what() {
        let day = |day: i64| Timestamp::from_micros(day * DAY);
        let hours = [10.0, 9.0, 11.0, 10.0, 2.0, 2.1, 1.9, 2.0, 2.0, 2.2, 1.8, 2.0];
        let series: Vec<_> = hours.iter().enumerate().map(|(at, hours)| (day(at as i64), hours * 3_600.0)).collect();
        let found = changes(Metric::LeadTime, &series);
        assert_eq!((found.points.len(), found.n, found.reason), (1, 12, None));
        let point = found.points[0];
        assert_eq!((point.at, point.before, point.after, point.change), (day(4), 36_000.0, 7_200.0, Some(-0.8)));
        assert_eq!(changes(Metric::LeadTime, &series[..5]).reason, Some(Lack::TooFew));
    }

    proptest! {
        #[test]
        fn no_segmentation_is_cheaper(
            values in proptest::collection::vec(-5.0..5.0f64, 1..13), penalty in 0.01..20.0f64, least in 1..4usize,
        ) {
            prop_assume!(values.len() >= least);
            let starts = pelt(&values, penalty, least);
            let (ours, theirs) = (cost_of(&values, &starts, penalty), least_cost(&values, penalty, least));
            prop_assert!((ours - theirs).abs() < 1e-9, "{:?}: {} and {}", starts, ours, theirs);
            let edges: Vec<usize> = [0].into_iter().chain(starts).chain([values.len()]).collect();
            prop_assert!(edges.windows(2).all(|edge| edge[1] - edge[0] >= least));
        }

        #[test]
        fn unit_and_zero_do_not_matter(
            values in proptest::collection::vec(0..6u8, FEWEST..60), scale in 1..9u8, shift in -99..99i8,
        ) {
            // Whole numbers times powers of two: no rounding, so that ties stay ties.
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let factor = f64::from(scale).exp2();
            let moved: Vec<f64> = values.iter().map(|value| value * factor).collect();
            prop_assert_eq!(change_points(&values), change_points(&moved));
            let (plain, shifted) = (pelt(&values, penalty(&values), 3), values.iter().map(|value| value + f64::from(shift)).collect::<Vec<_>>());
            let again = pelt(&shifted, penalty(&shifted), 3);
            prop_assert!((cost_of(&values, &plain, penalty(&values)) - cost_of(&values, &again, penalty(&values))).abs() < 1e-6);
        }
    }
}
