//! When a source is asked next. Pure: instants and chance are parameters.

use std::time::Duration;

use domain::Timestamp;
use serde::Serialize;

/// After so many failures in a row a source is left alone for longer and longer.
const OPENS_AFTER: u32 = 5;
/// A source is never left alone for longer than this, nor for more than twelve of its own times.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);
/// The first try after a failure comes after this, sooner where polls are.
const FIRST: Duration = Duration::from_secs(30);

/// Whether a source is asked as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Circuit {
    /// As usual.
    Closed,
    /// It failed too often: it is left alone for a while.
    Open,
    /// It was left alone and is tried now; one success closes it.
    HalfOpen,
}

/// After so many failures in a row, with a poll under way or not.
pub(super) const fn circuit(failures: u32, trying: bool) -> Circuit {
    match (failures >= OPENS_AFTER, trying) {
        (false, _) => Circuit::Closed,
        (true, false) => Circuit::Open,
        (true, true) => Circuit::HalfOpen,
    }
}

/// How long after the begin of a poll the next one begins, so that what is known is never older than `every`: a tenth of
/// it is left for the poll itself, and chance spreads those who have the same.
pub(super) fn interval(every: Duration, chance: f64) -> Duration {
    every.mul_f64(0.75 + 0.15 * chance.clamp(0.0, 1.0))
}

/// How long to wait after so many failures in a row.
pub(super) fn after_failure(failures: u32, every: Duration, chance: f64) -> Duration {
    let whole = if failures < OPENS_AFTER {
        let doubled = FIRST.min(every / 10).saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(every)
    } else {
        let longest = LONGEST.min(every.saturating_mul(12)).max(every);
        every.saturating_mul(2u32.saturating_pow((failures - OPENS_AFTER).min(16))).min(longest)
    };
    whole.mul_f64(0.75 + 0.25 * chance.clamp(0.0, 1.0))
}

/// An instant so much later.
pub(super) fn later(at: Timestamp, how_long: Duration) -> Timestamp {
    at.plus(i64::try_from(how_long.as_micros()).unwrap_or(i64::MAX / 4))
}

/// An instant so much earlier.
pub(super) fn earlier(at: Timestamp, how_long: Duration) -> Timestamp {
    at.plus(-i64::try_from(how_long.as_micros()).unwrap_or(i64::MAX / 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_promise_is_kept_with_time_to_spare() {
        assert_eq!([interval(HOUR, 0.0), interval(HOUR, 1.0)].map(|wait| wait.as_secs()), [2_700, 3_240]);
    }

    #[test]
    fn waits_after_failures_double_and_the_circuit_opens() {
        let waits = |chance| (1..12).map(move |failures| after_failure(failures, HOUR, chance).as_millis());
        let hours = |number: u128| number * 3_600;
        let whole: Vec<u128> = waits(1.0).map(|wait| wait / 1_000).collect();
        assert_eq!(whole[..5], [30, 60, 120, 240, hours(1)]);
        assert_eq!(whole[5..], [hours(2), hours(4), hours(6), hours(6), hours(6), hours(6)]);
        assert!(waits(0.0).zip(waits(1.0)).all(|(least, most)| least * 4 == most * 3));
        // One asked every minute is not left alone for hours.
        let minute = Duration::from_secs(60);
        assert_eq!(
            [after_failure(1, minute, 1.0), after_failure(99, minute, 1.0)].map(|wait| wait.as_secs()),
            [6, 720]
        );
        assert_eq!(after_failure(u32::MAX, Duration::MAX / 2, 0.0), after_failure(u32::MAX, Duration::MAX / 2, 0.0));
    }

    #[test]
    fn one_try_decides_once_it_is_open() {
        let states = [(4, true), (4, false), (5, false), (5, true), (0, true)];
        let wanted = [Circuit::Closed, Circuit::Closed, Circuit::Open, Circuit::HalfOpen, Circuit::Closed];
        assert_eq!(states.map(|(failures, trying)| circuit(failures, trying)), wanted);
    }
}
