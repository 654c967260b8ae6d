//! Calendar periods of a time zone: days, ISO weeks, months, quarters.

use domain::{Code, Problem, Timestamp};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// How a series is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Calendar days.
    Day,
    /// ISO weeks: Monday to Sunday.
    Week,
    /// Calendar months.
    Month,
    /// Quarters of the calendar year.
    Quarter,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Bucket; 4] = [Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Quarter];

    /// The word in SQL and addresses.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Bucket::Day => "day",
            Bucket::Week => "week",
            Bucket::Month => "month",
            Bucket::Quarter => "quarter",
        }
    }

    /// From the word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Bucket::ALL.into_iter().find(|bucket| bucket.text() == text)
    }

    /// First day of the period a day falls in.
    fn first_day(self, day: Date) -> Option<Date> {
        match self {
            Bucket::Day => Some(day),
            Bucket::Week => day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).ok(),
            Bucket::Month => Some(day.first_of_month()),
            Bucket::Quarter => Date::new(day.year(), (day.month() - 1) / 3 * 3 + 1, 1).ok(),
        }
    }

    /// First day of the next period, from the first day of one.
    fn next_first_day(self, first: Date) -> Option<Date> {
        let span = match self {
            Bucket::Day => 1.day(),
            Bucket::Week => 1.week(),
            Bucket::Month => 1.month(),
            Bucket::Quarter => 3.months(),
        };
        first.checked_add(span).ok()
    }
}

/// A time zone by its IANA name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// From its IANA name, such as `Europe/Paris`.
    ///
    /// # Errors
    /// `invalid_parameter` when there is no such zone.
    pub fn named(name: &str) -> Result<Self, Problem> {
        if name == "UTC" {
            return Ok(Zone(TimeZone::UTC));
        }
        TimeZone::get(name).map(Zone).map_err(|_| {
            let shown: String = name.chars().take(64).collect();
            Problem::new(
                Code::InvalidParameter,
                format!("`{shown}` is not a time zone; write an IANA name, such as Europe/Paris"),
            )
        })
    }

    fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(self.0.clone()))
    }

    fn midnight(&self, day: Date) -> Option<Timestamp> {
        let start = self.0.to_zoned(DateTime::from(day)).ok()?;
        Some(Timestamp::from_micros(start.timestamp().as_microsecond()))
    }

    /// The period an instant falls in, `[start, end)`; none at the ends of time.
    #[must_use]
    pub fn period(&self, bucket: Bucket, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let first = bucket.first_day(self.zoned(at)?.date())?;
        Some((self.midnight(first)?, self.midnight(bucket.next_first_day(first)?)?))
    }

    /// The periods that touch `[from, to)`, in order, whole.
    #[must_use]
    pub fn periods(&self, bucket: Bucket, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let mut periods = Vec::new();
        let mut at = from;
        while at < to {
            let Some((start, end)) = self.period(bucket, at).filter(|(_, end)| *end > at) else { break };
            periods.push((start, end));
            at = end;
        }
        periods
    }

    /// Days from one instant to another by the clock on the wall: a day of 23 or 25 hours is one day.
    #[must_use]
    pub fn days(&self, from: Timestamp, to: Timestamp) -> Option<f64> {
        let (from, to) = (self.zoned(from)?, self.zoned(to)?);
        Some(to.datetime().duration_since(from.datetime()).as_secs_f64() / 86_400.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn periods_follow_the_wall_clock() {
        let paris = Zone::named("Europe/Paris").unwrap();
        let day = paris.period(Bucket::Day, at("2025-03-30T12:00:00Z")).unwrap();
        assert_eq!(day, (at("2025-03-29T23:00:00Z"), at("2025-03-30T22:00:00Z")));
        assert_eq!(paris.days(day.0, day.1), Some(1.0));
        let week = paris.period(Bucket::Week, at("2025-01-01T00:00:00Z")).unwrap();
        assert_eq!(week, (at("2024-12-29T23:00:00Z"), at("2025-01-05T23:00:00Z")));
        let utc = Zone::named("UTC").unwrap();
        let quarter = utc.period(Bucket::Quarter, at("2025-06-30T23:59:59.999999Z")).unwrap();
        assert_eq!(quarter, (at("2025-04-01T00:00:00Z"), at("2025-07-01T00:00:00Z")));
        assert_eq!(utc.periods(Bucket::Month, at("2024-12-31T23:00:00Z"), at("2025-02-01T00:00:00Z")).len(), 2);
        assert!(Zone::named("Mars/Olympus").is_err());
    }

    #[test]
    fn a_midnight_that_does_not_exist_is_the_next_instant() {
        let zone = Zone::named("America/Sao_Paulo").unwrap();
        let (start, end) = zone.period(Bucket::Day, at("2018-11-04T12:00:00Z")).unwrap();
        assert_eq!((start, end), (at("2018-11-04T03:00:00Z"), at("2018-11-05T02:00:00Z")));
    }
}
