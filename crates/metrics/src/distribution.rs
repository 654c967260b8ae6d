//! How values lie: counts between fixed edges, so that the same value is always in the same bin.

use domain::metric::Unit;
use serde::Serialize;

/// Counts between edges that do not depend on the data, only how many of them are given does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// `log` when each bin is twice as wide as the one before, `linear` when all are as wide.
    pub scale: &'static str,
    /// Bins that touch, the empty ones between others too. Their numbers sum to the number of values.
    pub bins: Vec<Bin>,
}

/// Values from `from` on and below `to`, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Least value in it.
    pub from: f64,
    /// Least value above it.
    pub to: f64,
    /// How many.
    pub n: u64,
}

/// A minute divided by 2^6: what is shorter stands in one bin, since nobody tells such durations apart.
const SHORTEST_S: f64 = 60.0 / 64.0;
/// Bins of a linear scale that a chart still shows.
const MOST_LINEAR: f64 = 24.0;

impl Distribution {
    /// Of values in any order; none when there are none.
    ///
    /// Durations: edges are a minute times a power of two (…, 30 s, 1 min, 2 min, 4 min, …), below 0.9375 s one bin from
    /// 0, or from the least value when that is negative. Others: edges are multiples of 1, 2 or 5 times a power of ten,
    /// the least such width that needs no more than 24 bins.
    #[must_use]
    pub fn of(values: &[f64], unit: Unit) -> Option<Self> {
        let least = values.iter().copied().min_by(f64::total_cmp)?;
        let most = values.iter().copied().max_by(f64::total_cmp)?;
        let (scale, edges) =
            if unit == Unit::Seconds { ("log", doubling(least, most)) } else { ("linear", even(least, most)) };
        let mut bins: Vec<Bin> = edges.windows(2).map(|pair| Bin { from: pair[0], to: pair[1], n: 0 }).collect();
        for value in values {
            // The first edge is not above the least value, and the last one is above the greatest.
            let above = edges.partition_point(|edge| edge <= value);
            if let Some(bin) = above.checked_sub(1).and_then(|bin| bins.get_mut(bin)) {
                bin.n += 1;
            }
        }
        Some(Distribution { scale, bins })
    }
}

/// Edges around both, each twice the one before.
fn doubling(least: f64, most: f64) -> Vec<f64> {
    let mut edges = Vec::new();
    let mut edge = SHORTEST_S;
    if least < edge {
        edges.push(least.min(0.0));
    }
    // Doubling is exact, so an edge has the same bits whatever is asked.
    while edge * 2.0 <= least {
        edge *= 2.0;
    }
    edges.push(edge);
    while edge <= most {
        edge *= 2.0;
        edges.push(edge);
    }
    edges
}

/// Edges around both, all as far apart.
fn even(least: f64, most: f64) -> Vec<f64> {
    let mut power = 1.0;
    let width = loop {
        let fits = |step: &f64| ((most / step).floor() - (least / step).floor()) < MOST_LINEAR;
        if let Some(step) = [power, power * 2.0, power * 5.0].into_iter().find(fits) {
            break step;
        }
        power *= 10.0;
    };
    let (first, last) = ((least / width).floor(), (most / width).floor());
    let count = (last - first) as usize + 1;
    (0..=count).map(|index| (first + index as f64) * width).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statistics;

    fn bins(values: &[f64], unit: Unit) -> Vec<(f64, f64, u64)> {
        let found = Distribution::of(values, unit).unwrap();
        found.bins.iter().map(|bin| (bin.from, bin.to, bin.n)).collect()
    }

    #[test]
    fn edges_of_durations_double_from_a_minute() {
        assert_eq!(
            bins(&[60.0, 119.0, 120.0, 250.0], Unit::Seconds),
            [(60.0, 120.0, 2), (120.0, 240.0, 1), (240.0, 480.0, 1)]
        );
        assert_eq!(bins(&[-5.0, 0.0, 1.0], Unit::Seconds), [(-5.0, 0.9375, 2), (0.9375, 1.875, 1)]);
        assert_eq!(bins(&[0.0], Unit::Seconds), [(0.0, 0.9375, 1)]);
    }

    #[test]
    fn edges_of_counts_are_round() {
        assert_eq!(bins(&[1.0, 1.0, 3.0], Unit::Count), [(1.0, 2.0, 2), (2.0, 3.0, 0), (3.0, 4.0, 1)]);
        assert_eq!(bins(&[1.0, 30.0], Unit::Count).len(), 16);
        assert_eq!(Distribution::of(&[], Unit::Count), None);
    }

    proptest! {
        #[test]
        fn bins_touch_and_hold_every_value(mut values in proptest::collection::vec(-10.0..1e8f64, 1..200), log in any::<bool>()) {
            statistics::sort(&mut values);
            let unit = if log { Unit::Seconds } else { Unit::Count };
            let found = Distribution::of(&values, unit).unwrap();
            prop_assert_eq!(found.bins.iter().map(|bin| bin.n).sum::<u64>(), values.len() as u64);
            prop_assert!(found.bins.windows(2).all(|pair| pair[0].to == pair[1].from));
            prop_assert!(found.bins.iter().all(|bin| bin.from < bin.to));
            prop_assert!(found.bins[0].n > 0 && found.bins.last().unwrap().n > 0);
        }
    }
}
