//! Reviews of pull requests: what every tool that has them shares.

use domain::Timestamp;

/// 2000-01-01: before any event of such a tool.
const MIRROR: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// The greatest stamp of a field wins, and of reviews the first is wanted: times are mirrored, so that the earlier
/// review is the newer content and every one is older than what the pull request itself tells.
pub(crate) fn earliest_wins(at: Timestamp) -> Timestamp {
    MIRROR.plus(-at.since(MIRROR).max(0))
}
