//! Where a reading of a table is, and what is asked for there.

use domain::Timestamp;
use domain::time::SECOND;

/// What is asked for next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Everything.
    Begin,
    /// What changed in this second or later.
    From(String),
    /// What changed in this second, after this id.
    Within(String, String),
}

impl Place {
    /// Whether a record is what was asked for.
    pub(super) fn has(&self, changed: &str, id: &str) -> bool {
        match self {
            Place::Begin => true,
            Place::From(second) => changed >= second.as_str(),
            Place::Within(second, after) => changed == second && id > after.as_str(),
        }
    }

    /// The encoded query for it; `narrow` leaves out what the options do.
    pub(super) fn query(&self, narrow: &str) -> String {
        let narrow = if narrow.is_empty() { String::new() } else { format!("{narrow}^") };
        match self {
            Place::Begin => format!("{narrow}ORDERBYsys_updated_on^ORDERBYsys_id"),
            Place::From(second) => {
                format!("{narrow}sys_updated_on>={second}^ORDERBYsys_updated_on^ORDERBYsys_id")
            }
            Place::Within(second, after) => format!("{narrow}sys_updated_on={second}^sys_id>{after}^ORDERBYsys_id"),
        }
    }

    /// After a page that has a successor and whose last record is this: from the second it changed in, or by id where
    /// that is the second that was asked for.
    pub(super) fn after(self, last: Option<(String, String)>) -> Option<Place> {
        match (self, last) {
            (Place::Within(second, _), Some((_, id))) => Some(Place::Within(second, id)),
            (Place::From(second), Some((changed, id))) if changed <= second => Some(Place::Within(second, id)),
            (_, Some((changed, _))) => Some(Place::From(changed)),
            (_, None) => None,
        }
    }

    /// After the last page of it; none when it was the end.
    pub(super) fn done(self) -> Option<Place> {
        match self {
            Place::Within(second, _) => {
                let (at, _) = Timestamp::parse_assuming_utc(&second).ok()?;
                Some(Place::From(naive(at.plus(SECOND))))
            }
            _ => None,
        }
    }
}

/// As ServiceNow writes instants: UTC, without saying so.
pub(super) fn naive(at: Timestamp) -> String {
    let whole = Timestamp::from_micros(at.micros().div_euclid(SECOND) * SECOND).to_string();
    whole.trim_end_matches('Z').replace('T', " ")
}
