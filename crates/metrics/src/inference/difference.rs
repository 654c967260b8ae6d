//! The difference of one metric between two windows or two nodes, with the interval its formula allows.

use domain::catalogue::Level;
use domain::definition::Definition;
use domain::metric::{Metric, Unit};
use serde::Serialize;

use super::interval::{self, CLEAR, Confidence, Estimate, Rate, SHOWN};
use super::{Lack, words};
use crate::answer::Change;
use crate::rollup::Rolled;
use crate::shape::{self, Formula};

/// What the rows of a value say about how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// So many of so many.
    Share {
        /// Rows that count.
        hits: u64,
        /// All rows, at least one.
        n: u64,
    },
    /// Events over days.
    Rate(Rate),
    /// Sorted values, of which the median is taken.
    Median(Vec<f64>),
    /// Sorted values, of which the mean is taken.
    Mean(Vec<f64>),
    /// Nothing.
    Nothing(Lack),
}

/// A value and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The value.
    pub value: Option<f64>,
    /// What stands behind it.
    pub evidence: Evidence,
}

impl Side {
    /// Of a node's rows over a number of days.
    #[must_use]
    pub fn of(metric: Metric, definition: &Definition, level: Level, rolled: &Rolled, days: f64) -> Self {
        Side { value: rolled.value, evidence: evidence(metric, definition, level, rolled, days) }
    }
}

fn evidence(metric: Metric, definition: &Definition, level: Level, rolled: &Rolled, days: f64) -> Evidence {
    if rolled.value.is_none() {
        return Evidence::Nothing(Lack::NoValue);
    }
    if !shape::from_rows(metric, definition, level) {
        return Evidence::Nothing(Lack::NotFromRows);
    }
    let pool = &rolled.pool;
    match shape::formula(metric, definition) {
        Formula::Ratio => Evidence::Share { hits: pool.sum.round().max(0.0) as u64, n: pool.n },
        Formula::PerDay => Evidence::Rate(Rate { count: pool.n, days }),
        Formula::Median => Evidence::Median(pool.values.clone()),
        // The mean of one over an interval hangs on the shortest intervals, and one over a mean is no mean.
        Formula::Mean if metric != Metric::DeploymentFrequency => Evidence::Mean(pool.values.clone()),
        // Days with a deployment are neither drawn apart from each other nor always whole days of the window.
        Formula::Mean | Formula::InverseMean | Formula::DeployDays | Formula::Least | Formula::Greatest => {
            Evidence::Nothing(Lack::NoMethod)
        }
    }
}

/// How sure it is that a difference is none of chance alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// No difference lies outside the 99 % interval.
    Clear,
    /// No difference lies outside the 95 % interval.
    Likely,
    /// No difference lies within it.
    Chance,
    /// There is no interval.
    Unknown,
}

impl Sure {
    /// Every one.
    pub const ALL: [Sure; 4] = [Sure::Clear, Sure::Likely, Sure::Chance, Sure::Unknown];

    /// The word in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Sure::Clear => "clear",
            Sure::Likely => "likely",
            Sure::Chance => "chance",
            Sure::Unknown => "unknown",
        }
    }
}

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Newcombe's hybrid score interval of the difference of two proportions.
    Newcombe,
    /// Exact conditional interval of the ratio of two Poisson rates.
    PoissonRatio,
    /// Order-statistic intervals of two medians, put together by MOVER.
    MedianMover,
    /// Welch's t interval of the difference of two means.
    Welch,
}

impl Method {
    /// Every one.
    pub const ALL: [Method; 4] = [Method::Newcombe, Method::PoissonRatio, Method::MedianMover, Method::Welch];

    /// The word in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Method::Newcombe => "newcombe",
            Method::PoissonRatio => "poisson_ratio",
            Method::MedianMover => "median_mover",
            Method::Welch => "welch",
        }
    }
}

/// Where the difference may lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// `difference` in the metric's unit, or `ratio` of this value to the first.
    pub of: &'static str,
    /// Lower end.
    pub low: f64,
    /// Upper end; none when nothing bounds it.
    pub high: Option<f64>,
    /// Share of intervals made this way that hold the true difference, when rows are independent of each other.
    pub level: f64,
    /// How it was made.
    pub method: Method,
}

/// A value against the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// This value minus the first, in the metric's unit.
    pub value: Option<f64>,
    /// Relative to the first; in points for ratios.
    pub change: Option<f64>,
    /// Where it may lie.
    pub interval: Option<Interval>,
    /// How sure it is that it is none of chance alone.
    pub sure: Sure,
    /// Why there is no interval.
    pub reason: Option<Lack>,
    /// The same in words.
    pub sentence: String,
}

/// One value against the first.
#[must_use]
pub fn difference(metric: Metric, this: &Side, first: &Side) -> Difference {
    let (interval, sure, reason) = match judged(&this.evidence, &first.evidence) {
        Ok((interval, sure)) => (Some(interval), sure, None),
        Err(lack) => (None, Sure::Unknown, Some(lack)),
    };
    let mut found = Difference {
        value: this.value.zip(first.value).map(|(this, first)| this - first),
        change: Change::between(metric.unit(), this.value, first.value, 0).change,
        interval,
        sure,
        reason,
        sentence: String::new(),
    };
    found.sentence = words::difference(metric, this.value, first.value, &found);
    found
}

fn judged(this: &Evidence, first: &Evidence) -> Result<(Interval, Sure), Lack> {
    let (shown, method) = estimate(this, first, SHOWN)?;
    let (of, none) = if method == Method::PoissonRatio { ("ratio", 1.0) } else { ("difference", 0.0) };
    let outside = |found: Estimate| none < found.low || none > found.high;
    let sure = if !outside(shown) {
        Sure::Chance
    } else if estimate(this, first, CLEAR).is_ok_and(|(wide, _)| outside(wide)) {
        Sure::Clear
    } else {
        Sure::Likely
    };
    let high = Some(shown.high).filter(|high| high.is_finite());
    Ok((Interval { of, low: shown.low, high, level: 1.0 - SHOWN.alpha, method }, sure))
}

fn estimate(this: &Evidence, first: &Evidence, confidence: Confidence) -> Result<(Estimate, Method), Lack> {
    match (this, first) {
        (Evidence::Nothing(lack), _) | (_, Evidence::Nothing(lack)) => Err(*lack),
        (Evidence::Share { hits, n }, Evidence::Share { hits: others, n: of }) => {
            let share = |hits, n| interval::proportion(hits, n, confidence);
            Ok((share(*hits, *n).minus(share(*others, *of)), Method::Newcombe))
        }
        (Evidence::Rate(this), Evidence::Rate(first)) => {
            Ok((interval::rates(*this, *first, confidence)?, Method::PoissonRatio))
        }
        (Evidence::Median(this), Evidence::Median(first)) => {
            let median = |values: &[f64]| interval::median(values, confidence).ok_or(Lack::TooFew);
            Ok((median(this)?.minus(median(first)?), Method::MedianMover))
        }
        (Evidence::Mean(this), Evidence::Mean(first)) => Ok((interval::means(this, first, confidence)?, Method::Welch)),
        _ => Err(Lack::NoMethod),
    }
}

/// What every interval takes for granted; it stands beside them.
pub const CAUTION: &str = "Intervals take rows as independent of each other. Commits that arrive together and \
    deployments that follow each other are not quite, so the truth is a little less sure than it says. Of twenty \
    differences that are none, one is called likely by chance.";

/// Whether differences of a unit are said in points.
pub(crate) fn in_points(unit: Unit) -> bool {
    unit == Unit::Ratio
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(hits: u64, n: u64) -> Side {
        Side { value: Some(hits as f64 / n as f64), evidence: Evidence::Share { hits, n } }
    }

    fn middle(values: &[f64]) -> Side {
        let value = crate::statistics::percentile(values, 50);
        Side { value, evidence: Evidence::Median(values.to_vec()) }
    }

    fn rate(count: u64, days: f64) -> Side {
        Side { value: Some(count as f64 / days), evidence: Evidence::Rate(Rate { count, days }) }
    }

    #[test]
    fn it_says_how_sure_it_is() {
        let of = |this, first| difference(Metric::ChangeFailureRate, &this, &first);
        let clear = of(share(56, 70), share(30, 80));
        assert_eq!((clear.sure, clear.reason), (Sure::Clear, None));
        assert_eq!(of(share(56, 70), share(48, 80)).sure, Sure::Clear);
        assert_eq!(of(share(6, 7), share(2, 7)).sure, Sure::Likely);
        let chance = of(share(5, 56), share(0, 29));
        assert_eq!((chance.sure, chance.value), (Sure::Chance, chance.change));
        assert_eq!(
            chance.sentence,
            "8.93 % against 0 %: 8.93 points more. The 95 % interval of the difference is -3.81 to 19.3 points; this may be chance."
        );
    }

    #[test]
    fn durations_and_frequencies_have_their_own_words() {
        let hours = |list: &[f64]| middle(&list.iter().map(|hours| hours * 3_600.0).collect::<Vec<_>>());
        let found = difference(
            Metric::LeadTime,
            &hours(&[1.0, 1.5, 2.0, 2.0, 2.5, 3.0]),
            &hours(&[10.0, 20.0, 30.0, 30.0, 40.0, 50.0]),
        );
        assert_eq!((found.sure, found.value), (Sure::Likely, Some(-28.0 * 3_600.0)));
        assert_eq!(
            found.sentence,
            "2 h against 30 h: 28 h less (-93.3 %). The 95 % interval of the difference is -2 d to -7.98 h; this is probably not chance."
        );
        let found = difference(Metric::DeploymentFrequency, &rate(11, 800.0), &rate(21, 3_011.0));
        assert_eq!(
            found.sentence,
            "0.0138 a day against 0.00697 a day: 0.00678 a day more (+97.1 %). The 95 % interval of the change is -14.2 % to +328 %; this may be chance."
        );
        let found = difference(Metric::DeploymentFrequency, &rate(9, 10.0), &rate(0, 10.0));
        assert_eq!((found.change, found.sure, found.interval.unwrap().high), (None, Sure::Clear, None));
        assert_eq!(
            found.sentence,
            "0.9 a day against 0 a day: 0.9 a day more. By the 95 % interval it is at least 1.97 times as often; this is hardly chance."
        );
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let few = difference(Metric::LeadTime, &middle(&[1.0; 5]), &middle(&[2.0; 50]));
        assert_eq!(
            (few.value, few.interval, few.sure, few.reason),
            (Some(-1.0), None, Sure::Unknown, Some(Lack::TooFew))
        );
        assert!(few.sentence.ends_with("There are too few rows to say how sure that is."), "{}", few.sentence);
        let nothing = Side { value: None, evidence: Evidence::Nothing(Lack::NoValue) };
        let none = difference(Metric::LeadTime, &nothing, &middle(&[1.0; 50]));
        assert_eq!((none.value, none.change, none.reason), (None, None, Some(Lack::NoValue)));
        assert_eq!(none.sentence, "There is no difference to show, because one side has no value.");
        let idle = difference(Metric::DeploymentFrequency, &rate(0, 5.0), &rate(0, 9.0));
        assert_eq!((idle.value, idle.reason), (Some(0.0), Some(Lack::TooFew)));
    }

    proptest! {
        #[test]
        fn the_other_way_round_it_is_as_sure(a in 0..40u64, m in 1..40u64, b in 0..40u64, n in 1..40u64) {
            let (this, first) = (share(a.min(m), m), share(b.min(n), n));
            let found = difference(Metric::ReworkRate, &this, &first);
            let back = difference(Metric::ReworkRate, &first, &this);
            prop_assert_eq!(found.sure, back.sure);
            prop_assert_eq!(found.value.unwrap(), -back.value.unwrap());
            let same = difference(Metric::ReworkRate, &this, &this);
            prop_assert_eq!((same.value, same.sure), (Some(0.0), Sure::Chance));
        }

        #[test]
        fn ten_times_the_rows_are_never_less_sure(a in 0..40u64, m in 1..40u64, b in 0..40u64, n in 1..40u64) {
            let (a, b) = (a.min(m), b.min(n));
            let few = difference(Metric::ReworkRate, &share(a, m), &share(b, n));
            let many = difference(Metric::ReworkRate, &share(a * 10, m * 10), &share(b * 10, n * 10));
            prop_assert!(few.sure != Sure::Clear || many.sure == Sure::Clear);
        }
    }
}
