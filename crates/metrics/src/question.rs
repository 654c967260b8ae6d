//! What is asked.

use domain::catalogue::Node;
use domain::definition::Definition;
use domain::metric::Metric;
use domain::part::{Part, Split};
use domain::time::DAY;
use domain::{Code, Problem, Timestamp};
use serde::Serialize;

use crate::period::{Bucket, Zone};

/// A time from `from` on and before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Window {
    /// First instant in it.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
}

impl Window {
    /// Its length in days of 24 hours.
    #[must_use]
    pub fn days(self) -> f64 {
        self.to.since(self.from) as f64 / DAY as f64
    }

    /// The window of equal length right before.
    #[must_use]
    pub fn previous(self) -> Self {
        Window { from: self.from.plus(-self.to.since(self.from)), to: self.from }
    }

    fn check(self) -> Result<(), Problem> {
        let (first, last) = (Timestamp::from_micros(FIRST), Timestamp::from_micros(LAST));
        if self.from >= self.to {
            return Err(bad(format!("`from` ({}) is not before `to` ({})", self.from, self.to)));
        }
        if self.from < first || self.to > last {
            return Err(bad(format!("a window lies between {first} and {last}")));
        }
        Ok(())
    }
}

/// 1900-01-01 and 2200-01-01: what lies outside is a typing error.
const FIRST: i64 = -25_567 * DAY;
const LAST: i64 = 84_006 * DAY;
const MAX_PERIODS: f64 = 1_500.0;

fn bad(message: String) -> Problem {
    Problem::new(Code::InvalidParameter, message)
}

/// Which metrics, of which node, under which definition, when.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The node.
    pub node: Node,
    /// The metrics; the overall band exists when all headline metrics are among them.
    pub metrics: Vec<Metric>,
    /// The definition.
    pub definition: Definition,
    /// The window.
    pub window: Window,
    /// How the series is cut, when one is wanted.
    pub bucket: Option<Bucket>,
    /// Time zone of the buckets, by IANA name.
    pub zone: String,
    /// Whether answers say how the values lie.
    pub distribution: bool,
    /// Look for changes of level in whole buckets that end by then: a bucket that is not over yet would look like one.
    pub changes: Option<Timestamp>,
    /// Window to compare with.
    pub compare: Option<Window>,
    /// Only this part of a metric, when it has it.
    pub part: Option<Part>,
    /// How metrics are taken apart besides.
    pub split: Option<Split>,
    /// Labels that must all hold: of the deployment, else of its component, else of its product.
    pub labels: Vec<(String, String)>,
}

impl Question {
    /// About every metric of a node, in UTC, with no series and no comparison.
    #[must_use]
    pub fn new(node: Node, definition: Definition, window: Window) -> Self {
        Question {
            node,
            metrics: Metric::ALL.to_vec(),
            definition,
            window,
            bucket: None,
            zone: "UTC".to_owned(),
            distribution: false,
            changes: None,
            compare: None,
            part: None,
            split: None,
            labels: Vec::new(),
        }
    }

    /// Checks windows, zone and number of periods.
    ///
    /// # Errors
    /// `invalid_parameter` with the parameter and the rule it breaks.
    pub fn check(&self) -> Result<(), Problem> {
        Zone::named(&self.zone)?;
        if self.changes.is_some() && self.bucket.is_none() {
            return Err(bad("`changes` looks at a series; say how it is cut with `bucket`".to_owned()));
        }
        self.window.check()?;
        self.compare.map_or(Ok(()), Window::check)?;
        let longest = match self.bucket {
            Some(Bucket::Day) => MAX_PERIODS,
            Some(Bucket::Week) => MAX_PERIODS * 7.0,
            _ => f64::INFINITY,
        };
        if self.window.days() > longest {
            return Err(bad(format!(
                "the window has over {MAX_PERIODS} buckets; ask for a longer bucket or a shorter window"
            )));
        }
        Ok(())
    }

    /// A text that is equal exactly when the questions are: the key of a cache.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_of_a_window_are_round_days() {
        assert_eq!(Timestamp::from_micros(FIRST).to_string(), "1900-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(LAST).to_string(), "2200-01-01T00:00:00Z");
    }

    #[test]
    fn an_empty_window_is_refused() {
        let at = Timestamp::from_micros(0);
        assert!(Window { from: at, to: at }.check().is_err());
        let window = Window { from: at, to: at.plus(DAY) };
        assert_eq!(window.previous(), Window { from: at.plus(-DAY), to: at });
        assert_eq!(window.days(), 1.0);
    }
}
