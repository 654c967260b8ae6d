//! How finely the line of a window is drawn.

use domain::Timestamp;
use domain::time::DAY;

/// Few enough points to see at a glance; 30 days are assumed when the window has no beginning.
pub(super) fn fitting(from: Option<Timestamp>, to: Timestamp) -> &'static str {
    let days = from.map_or(30, |from| to.since(from) / DAY);
    match days {
        ..=45 => "day",
        46..=300 => "week",
        301..=1_500 => "month",
        _ => "quarter",
    }
}
