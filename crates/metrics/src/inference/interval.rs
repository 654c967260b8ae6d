//! Intervals of a number and of the difference of two, none of them drawn at random.

use super::{Lack, special};
use crate::statistics;

/// How often an interval made this way misses, and the normal deviate that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// Share of misses, both sides together.
    pub alpha: f64,
    z: f64,
}

/// 95 %: the interval that is shown.
pub const SHOWN: Confidence = Confidence { alpha: 0.05, z: 1.959_963_984_540_054 };
/// 99 %: what lies outside of it is called clear.
pub const CLEAR: Confidence = Confidence { alpha: 0.01, z: 2.575_829_303_548_900_4 };

/// Fewest values a side for the difference of two means: below, Welch's interval of skewed values is not to be trusted.
pub const FEWEST_FOR_MEAN: usize = 10;

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// The interval of this one minus another, independent one: MOVER, the method of variance estimates recovery (Zou and
    /// Donner, 2008). Of two Wilson intervals it makes Newcombe's.
    #[must_use]
    pub fn minus(self, other: Estimate) -> Estimate {
        let value = self.value - other.value;
        Estimate {
            value,
            low: value - (self.value - self.low).hypot(other.high - other.value),
            high: value + (self.high - self.value).hypot(other.value - other.low),
        }
    }
}

/// Wilson's score interval (1927) of `hits` among `n`, at least one.
#[must_use]
pub fn proportion(hits: u64, n: u64, confidence: Confidence) -> Estimate {
    let (n, share, z2) = (n as f64, hits as f64 / n as f64, confidence.z * confidence.z);
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let reach = confidence.z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    // At 0 and 1 the end is the share itself, which rounding would miss.
    Estimate { value: share, low: (centre - reach).max(0.0).min(share), high: (centre + reach).min(1.0).max(share) }
}

/// The median of a sorted list between two of its values: each end is left by so many values that a fair coin falls so
/// seldom, so no shape of the distribution is assumed and the interval holds at least as often as it says (David and
/// Nagaraja, "Order Statistics", 2003, section 7.1). None when there are too few: 6 for 95 %, 8 for 99 %.
#[must_use]
pub fn median(sorted: &[f64], confidence: Confidence) -> Option<Estimate> {
    let n = sorted.len() as u64;
    let seldom = |k: u64| special::coin_at_most(k, n) <= confidence.alpha / 2.0;
    if n == 0 || !seldom(0) {
        return None;
    }
    // The greatest k for which it is seldom; it is not for half of them.
    let (mut least, mut over) = (0, n / 2);
    while over - least > 1 {
        let middle = least + (over - least) / 2;
        if seldom(middle) { least = middle } else { over = middle }
    }
    let place = usize::try_from(least).ok()?;
    let value = statistics::percentile(sorted, 50)?;
    Some(Estimate { value, low: sorted[place], high: sorted[sorted.len() - 1 - place] })
}

/// Difference of the means of two lists by Welch's t (1947), which takes no equal spread for granted.
///
/// # Errors
/// `too_few` below [`FEWEST_FOR_MEAN`] values on a side, `no_variation` when neither side varies.
pub fn means(now: &[f64], then: &[f64], confidence: Confidence) -> Result<Estimate, Lack> {
    if now.len().min(then.len()) < FEWEST_FOR_MEAN {
        return Err(Lack::TooFew);
    }
    let (now, then) = (moments(now), moments(then));
    let spread = now.of_mean + then.of_mean;
    if spread <= 0.0 {
        return Err(Lack::NoVariation);
    }
    let degrees = spread * spread / (now.of_mean.powi(2) / now.degrees + then.of_mean.powi(2) / then.degrees);
    let reach = special::t_quantile(confidence.alpha, degrees) * spread.sqrt();
    let value = now.mean - then.mean;
    Ok(Estimate { value, low: value - reach, high: value + reach })
}

struct Moments {
    mean: f64,
    /// Variance of the mean.
    of_mean: f64,
    degrees: f64,
}

fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    let mean = statistics::mean(values).unwrap_or_default();
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Moments { mean, of_mean: squares / (n - 1.0) / n, degrees: n - 1.0 }
}

/// Events over days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how many days.
    pub days: f64,
}

/// Ratio of two Poisson rates, exactly: given their sum, one count is binomial, and Clopper and Pearson's interval of its
/// share is one of the ratio (Przyborowski and Wilenski, 1940). The upper end is infinite when `then` has no event.
///
/// # Errors
/// `too_few` when neither side has an event.
pub fn rates(now: Rate, then: Rate, confidence: Confidence) -> Result<Estimate, Lack> {
    if now.count + then.count == 0 {
        return Err(Lack::TooFew);
    }
    let (a, b, tail) = (now.count as f64, then.count as f64, confidence.alpha / 2.0);
    let odds = |share: f64| share / (1.0 - share) * then.days / now.days;
    Ok(Estimate {
        value: a / b * then.days / now.days,
        low: if now.count == 0 { 0.0 } else { odds(special::beta_quantile(a, b + 1.0, tail)) },
        high: if then.count == 0 { f64::INFINITY } else { odds(special::beta_quantile(a + 1.0, b, 1.0 - tail)) },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(ours: Estimate, low: f64, high: f64) {
        assert!((ours.low - low).abs() < 1e-9 && (ours.high - high).abs() < 1e-9, "{ours:?} is not {low} {high}");
    }

    /// The contrasts of Newcombe, "Interval estimation for the difference between independent proportions" (1998),
    /// table II, method 10, with more digits.
    #[test]
    fn the_difference_of_proportions_is_newcombes() {
        for ((a, m, b, n), low, high) in [
            ((56, 70, 48, 80), 0.052_431_472_402_365, 0.333_872_654_036_906),
            ((9, 10, 3, 10), 0.170_522_723_934_503, 0.809_017_973_535_488),
            ((6, 7, 2, 7), 0.058_227_927_482_312, 0.806_249_637_524_228),
            ((5, 56, 0, 29), -0.038_137_147_903_537, 0.192_560_013_855_112),
            ((0, 10, 0, 20), -0.161_125_158_052_819, 0.277_532_799_862_889),
            ((10, 10, 0, 10), 0.607_509_350_430_524, 1.0),
        ] {
            near(proportion(a, m, SHOWN).minus(proportion(b, n, SHOWN)), low, high);
        }
    }

    /// The first is the example of R's `poisson.test`; all by SciPy 1.17.1 `beta.ppf`.
    #[test]
    fn the_ratio_of_rates_is_exact() {
        let ratio = |a, b, confidence| {
            rates(Rate { count: a, days: 800.0 }, Rate { count: b, days: 3_011.0 }, confidence).unwrap()
        };
        near(ratio(11, 21, SHOWN), 0.858_426_403_391_639_7, 4.277_265_943_654_075);
        let even =
            |a, b, confidence| rates(Rate { count: a, days: 30.0 }, Rate { count: b, days: 30.0 }, confidence).unwrap();
        near(even(120, 90, CLEAR), 0.924_055_766_315_890_6, 1.934_918_409_542_390_1);
        near(even(0, 5, SHOWN), 0.0, 1.091_279_105_182_546);
        assert_eq!(even(5, 0, SHOWN).high, f64::INFINITY);
        let none = Rate { count: 0, days: 30.0 };
        assert_eq!(rates(none, none, SHOWN), Err(Lack::TooFew));
    }

    /// Places of the table in Conover, "Practical Nonparametric Statistics" (1999), and by hand for the least n.
    #[test]
    fn the_median_lies_between_ranks() {
        let list = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
        assert_eq!(median(&list(5), SHOWN), None);
        assert_eq!(median(&list(7), CLEAR), None);
        for (n, low, high) in [(6, 1.0, 6.0), (9, 2.0, 8.0), (10, 2.0, 9.0), (20, 6.0, 15.0), (100, 40.0, 61.0)] {
            let found = median(&list(n), SHOWN).unwrap();
            assert_eq!((found.low, found.high), (low, high), "{n}");
        }
    }

    /// `scipy.stats.ttest_ind(…, equal_var=False).confidence_interval(0.95)` of SciPy 1.17.1.
    #[test]
    fn the_difference_of_means_is_welchs() {
        let a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
        let b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
        near(means(&a, &b, SHOWN).unwrap(), -4.868_022_741_791_966, -0.798_643_924_874_697_9);
        assert_eq!(means(&a[..9], &b, SHOWN), Err(Lack::TooFew));
        assert_eq!(means(&[1.0; 10], &[2.0; 10], SHOWN), Err(Lack::NoVariation));
    }

    /// Two lists drawn alike from skewed values: the interval of the difference holds 0 at least as often as it says.
    #[test]
    fn the_difference_of_medians_holds_as_often_as_it_says() {
        let mut state = 42_u64;
        let mut drawn = |n: usize| {
            let mut values: Vec<f64> = (0..n)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    -(((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64).ln()
                })
                .collect();
            statistics::sort(&mut values);
            values
        };
        for (n, m) in [(6, 6), (8, 30), (25, 25), (100, 40)] {
            let holds = (0..2_000).filter(|_| {
                let found = median(&drawn(n), SHOWN).unwrap().minus(median(&drawn(m), SHOWN).unwrap());
                found.low <= 0.0 && 0.0 <= found.high
            });
            let share = holds.count() as f64 / 2_000.0;
            assert!(share >= 0.945, "{n} and {m}: {share}");
        }
    }

    fn turned(one: Estimate, other: Estimate) -> bool {
        (one.low + other.high).abs() < 1e-9 && (one.high + other.low).abs() < 1e-9
    }

    proptest! {
        #[test]
        fn proportions_are_bounded_nested_and_symmetric(a in 0..60u64, m in 1..60u64, b in 0..60u64, n in 1..60u64) {
            let (a, b) = (a.min(m), b.min(n));
            let of = |hits, n| proportion(hits, n, SHOWN);
            let (found, back) = (of(a, m).minus(of(b, n)), of(b, n).minus(of(a, m)));
            prop_assert!(found.low <= found.value && found.value <= found.high);
            prop_assert!(found.low >= -1.0 - 1e-12 && found.high <= 1.0 + 1e-12);
            prop_assert!(turned(found, back));
            // Failures instead of successes turn the sign.
            prop_assert!(turned(found, of(m - a, m).minus(of(n - b, n))));
            let wide = proportion(a, m, CLEAR).minus(proportion(b, n, CLEAR));
            prop_assert!(wide.low <= found.low && found.high <= wide.high);
        }

        #[test]
        fn rates_are_nested_and_turn_over(a in 0..400u64, b in 0..400u64, s in 0.5..90.0f64, t in 0.5..90.0f64) {
            prop_assume!(a + b > 0);
            let (now, then) = (Rate { count: a, days: s }, Rate { count: b, days: t });
            let (found, back) = (rates(now, then, SHOWN).unwrap(), rates(then, now, SHOWN).unwrap());
            let wide = rates(now, then, CLEAR).unwrap();
            prop_assert!(wide.low <= found.low && found.high <= wide.high);
            prop_assert!(found.low >= 0.0 && found.low <= found.value && found.value <= found.high);
            let inverse = |value: f64| if value == 0.0 { f64::INFINITY } else { 1.0 / value };
            prop_assert!(found.low == inverse(back.high) || (found.low * back.high - 1.0).abs() < 1e-6);
        }

        #[test]
        fn medians_move_with_their_values(mut values in proptest::collection::vec(0.0..1e6f64, 8..80), shift in -1e3..1e3f64) {
            statistics::sort(&mut values);
            let moved: Vec<f64> = values.iter().map(|value| value + shift).collect();
            let (found, moved) = (median(&values, SHOWN).unwrap(), median(&moved, SHOWN).unwrap());
            prop_assert!((found.low + shift - moved.low).abs() < 1e-6 && (found.high + shift - moved.high).abs() < 1e-6);
            let wide = median(&values, CLEAR).unwrap();
            prop_assert!(wide.low <= found.low && found.low <= found.value && found.value <= found.high && found.high <= wide.high);
            prop_assert!(turned(found.minus(wide), wide.minus(found)));
        }
    }
}
