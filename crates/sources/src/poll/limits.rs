//! What to do about an answer: pure, so that every rule of a vendor can be tested.
//!
//! GitHub's rules: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>. Its primary limit is
//! a 403 or 429 with `x-ratelimit-remaining: 0`; its secondary ones have `retry-after`, or only a message.

use std::time::Duration;

use domain::Timestamp;
use domain::time::SECOND;

use super::RateLimit;
use super::http::Answer;

/// No wait is longer: limits are counted by the hour.
const LONGEST: Duration = Duration::from_secs(3_700);
/// Of a secondary limit that does not say how long, a minute; then twice as long each time.
const UNSAID: Duration = Duration::from_secs(60);
/// After trouble: a second, then twice as long each time, to a minute.
const TROUBLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Less than this, in microseconds, is no instant since 1970 but a time that is left.
const AN_INSTANT: i64 = 1_000_000_000 * SECOND;

/// What to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what was asked for.
    Take,
    /// Ask again after so long: too much was asked for.
    Wait(Duration),
    /// Ask again: the server is in trouble.
    Again,
    /// It says no.
    No,
}

/// `waits`: how often in a row the same request had to wait.
pub(super) fn judge(answer: &Answer, now: Timestamp, waits: u32) -> Verdict {
    match answer.status {
        200..=299 | 304 => Verdict::Take,
        403 | 429 => limited(answer, now, waits),
        408 | 500..=599 => Verdict::Again,
        _ => Verdict::No,
    }
}

fn limited(answer: &Answer, now: Timestamp, waits: u32) -> Verdict {
    if let Some(seconds) = number(answer, "retry-after") {
        return Verdict::Wait(Duration::from_secs(seconds.max(1)).min(LONGEST));
    }
    if let Some(limit) = rate_limit(answer, now).filter(|limit| limit.remaining == 0) {
        return Verdict::Wait(until_reset(&limit, now));
    }
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4_096)]).to_ascii_lowercase();
    if answer.status == 429 || text.contains("rate limit") || text.contains("abuse detection") {
        return Verdict::Wait((UNSAID * 2u32.saturating_pow(waits.min(10))).min(LONGEST));
    }
    Verdict::No
}

/// How long to wait when nothing is left; a second more, because resets are told in whole ones.
pub(super) fn until_reset(limit: &RateLimit, now: Timestamp) -> Duration {
    let micros = u64::try_from(limit.resets_at.since(now)).unwrap_or_default();
    (Duration::from_micros(micros) + Duration::from_secs(1)).min(LONGEST)
}

/// How long to wait after trouble for the next of `attempts`; `chance` from 0 to 1 spreads those who wait.
pub(super) fn backoff(attempts: u32, chance: f64) -> Duration {
    let (first, most) = TROUBLE;
    let whole = (first * 2u32.saturating_pow(attempts.min(16))).min(most);
    whole / 2 + (whole / 2).mul_f64(chance.clamp(0.0, 1.0))
}

/// What an answer says about how often one may ask.
///
/// `X-RateLimit-*` of GitHub and others, `RateLimit-*` of GitLab and PagerDuty. A reset is an instant in seconds since
/// 1970, or how many seconds are left.
pub(super) fn rate_limit(answer: &Answer, now: Timestamp) -> Option<RateLimit> {
    let told = |name: &str| {
        number(answer, &format!("x-ratelimit-{name}")).or_else(|| number(answer, &format!("ratelimit-{name}")))
    };
    let resets = i64::try_from(told("reset")?).ok()?.checked_mul(SECOND)?;
    let resets_at = if resets < AN_INSTANT { now.plus(resets) } else { Timestamp::from_micros(resets) };
    Some(RateLimit { remaining: told("remaining")?, limit: told("limit").unwrap_or_default(), resets_at })
}

fn number(answer: &Answer, name: &str) -> Option<u64> {
    answer.header(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000 * SECOND);

    fn verdict(status: u16, headers: &[(&str, &str)], body: &str, waits: u32) -> Verdict {
        judge(&Answer::new(status, headers, body), NOW, waits)
    }

    fn wait(seconds: u64) -> Verdict {
        Verdict::Wait(Duration::from_secs(seconds))
    }

    #[test]
    fn limits_say_how_long() {
        let spent =
            [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000600")];
        for status in [403, 429] {
            assert_eq!(verdict(status, &[("retry-after", "7")], "", 0), wait(7));
            assert_eq!(verdict(status, &spent, "", 0), wait(601));
        }
        assert_eq!(verdict(403, &[("retry-after", "999999")], "", 0), wait(3_700));
        // A reset that has passed on our clock is a clock that is ahead.
        let passed = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1600000000")];
        assert_eq!(verdict(429, &passed, "", 0), wait(1));
    }

    #[test]
    fn a_reset_is_an_instant_or_a_time_left() {
        for (reset, seconds) in [("30", 31), ("1700000030", 31)] {
            let spent = [("ratelimit-limit", "960"), ("ratelimit-remaining", "0"), ("ratelimit-reset", reset)];
            assert_eq!(verdict(429, &spent, "", 0), wait(seconds));
        }
    }

    #[test]
    fn a_secondary_limit_that_only_says_so_is_waited_for_longer_each_time() {
        let said = r#"{"message": "You have exceeded a secondary rate limit."}"#;
        assert_eq!(verdict(403, &[], said, 0), wait(60));
        assert_eq!(verdict(403, &[], said, 2), wait(240));
        assert_eq!(verdict(429, &[], "", 20), wait(3_700));
    }

    #[test]
    fn a_403_that_is_no_limit_is_a_no_and_trouble_is_tried_again() {
        let left = [("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1700000600")];
        assert_eq!(verdict(403, &left, "Resource not accessible by integration", 0), Verdict::No);
        for status in [500, 502, 503, 504, 408] {
            assert_eq!(verdict(status, &[], "", 0), Verdict::Again);
        }
        for status in [200, 304] {
            assert_eq!(verdict(status, &[], "", 0), Verdict::Take);
        }
        for status in [400, 401, 404, 410, 422] {
            assert_eq!(verdict(status, &[], "", 0), Verdict::No);
        }
    }

    #[test]
    fn waits_after_trouble_double_and_are_spread() {
        let seconds = |attempts, chance| backoff(attempts, chance).as_secs_f64();
        assert_eq!([seconds(0, 1.0), seconds(1, 1.0), seconds(3, 1.0), seconds(30, 1.0)], [1.0, 2.0, 8.0, 60.0]);
        assert_eq!([seconds(3, 0.0), seconds(3, 0.5)], [4.0, 6.0]);
    }
}
