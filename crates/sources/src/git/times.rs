//! Git takes any number for a time. What cannot be an instant is replaced by the next best, and marked.

use domain::Timestamp;
use domain::event::FUTURE_TOLERANCE;

/// The year 1, the earliest instant that has a text.
const EARLIEST: i64 = -62_135_596_800;

/// The instant, when it can be written and does not lie in the future.
pub(super) fn usable(seconds: Option<i64>, now: Timestamp) -> Option<Timestamp> {
    let at = super::instant(seconds.filter(|seconds| *seconds >= EARLIEST)?)?;
    (at <= now.plus(FUTURE_TOLERANCE)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instants_that_can_be_are_used() {
        let now = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        let seconds = now.micros() / 1_000_000;
        assert_eq!(usable(Some(seconds), now), Some(now));
        assert!(usable(Some(seconds + 600), now).is_some());
        for wrong in [None, Some(seconds + 601), Some(i64::MAX), Some(i64::MIN), Some(EARLIEST - 1)] {
            assert_eq!(usable(wrong, now), None, "{wrong:?}");
        }
        assert_eq!(usable(Some(EARLIEST), now).unwrap().to_string(), "0001-01-01T00:00:00Z");
    }
}
