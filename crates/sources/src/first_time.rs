//! What happens several times and counts when it first did: reviews of a pull request, bad health after a deployment.

use domain::Timestamp;
use domain::time::{DAY, SECOND};

/// 2000-01-01: before any event of such a tool.
const MIRROR: Timestamp = Timestamp::from_micros(946_684_800_000_000);
/// What happens later than this after something is of something else.
const YEAR: i64 = 365 * DAY;

/// A little after `base`, and the more so the earlier `at` is: of contents that tell when something first happened the first
/// is the newest, and all are newer than what was told at `base`.
pub(crate) fn earliest_after(base: Timestamp, at: Timestamp) -> Timestamp {
    let later = at.since(base).clamp(0, YEAR);
    base.plus(SECOND + (YEAR - later) / (YEAR / SECOND))
}

/// The greatest stamp of a field wins, and of reviews the first is wanted: times are mirrored, so that the earlier
/// review is the newer content and every one is older than what the pull request itself tells.
pub(crate) fn earliest_wins(at: Timestamp) -> Timestamp {
    MIRROR.plus(-at.since(MIRROR).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_is_the_newest_content() {
        let base = Timestamp::from_micros(1_700_000_000 * SECOND);
        let stamps = [0, 1, 7, 365, 400].map(|days| earliest_after(base, base.plus(days * DAY)));
        assert!(stamps[0] > stamps[1] && stamps[1] > stamps[2] && stamps[2] > stamps[3] && stamps[3] == stamps[4]);
        assert!(stamps[4] > base && stamps[0] <= base.plus(2 * SECOND));
        assert!(earliest_wins(base) > earliest_wins(base.plus(1)));
    }
}
