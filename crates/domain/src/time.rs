//! Instants in UTC with microsecond precision.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in an hour.
pub const HOUR: i64 = 3_600 * SECOND;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// A date and time that does not say where: it could be any of 26 hours.
    #[error("`{0}` has no offset; write it as 2025-01-31T12:00:00Z or 2025-01-31T13:00:00+01:00")]
    WithoutOffset(String),
    /// Not a date and time at all.
    #[error("`{0}` is not an RFC 3339 timestamp; write it as 2025-01-31T12:00:00Z")]
    Invalid(String),
}

impl Timestamp {
    /// The earliest instant that can be written.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest instant that can be written.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `micros`, stopping at the ends of time.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this instant; negative when it is later.
    #[must_use]
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 with an offset (`T` or a space between date and time, `Z` or `+hh:mm`), to the microsecond.
    ///
    /// # Errors
    /// [`TimestampError::WithoutOffset`] for a naive time, [`TimestampError::Invalid`] for anything else.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let text = text.trim();
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) if instant.as_microsecond() >= MIN_MICROS => Ok(Timestamp(instant.as_microsecond())),
            Ok(_) => Err(TimestampError::Invalid(short(text))),
            Err(_) if parse_naive(text).is_some() => Err(TimestampError::WithoutOffset(short(text))),
            Err(_) => Err(TimestampError::Invalid(short(text))),
        }
    }

    /// As [`Timestamp::parse`], but a naive time is read as UTC; the flag says that this was assumed.
    ///
    /// # Errors
    /// [`TimestampError::Invalid`] when it is neither.
    pub fn parse_assuming_utc(text: &str) -> Result<(Self, bool), TimestampError> {
        match Self::parse(text) {
            Ok(instant) => Ok((instant, false)),
            Err(error) => parse_naive(text.trim())
                .and_then(|naive| TimeZone::UTC.to_timestamp(naive).ok())
                .map(|instant| (Timestamp(instant.as_microsecond()), true))
                .ok_or(error),
        }
    }
}

/// A calendar month in UTC: by it the warehouse files its rows. Months order and count as they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// The month an instant lies in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let end = if at.0 < 0 { civil::Date::MIN } else { civil::Date::MAX };
        let date = jiff::Timestamp::from_microsecond(at.0).map_or(end, |at| TimeZone::UTC.to_datetime(at).date());
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// Reads `2025-01`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.rsplit_once('-')?;
        let (year, month): (i32, i32) = (year.parse().ok()?, month.parse().ok()?);
        ((-9999..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Month(year * 12 + month - 1))
    }

    /// So many months earlier.
    #[must_use]
    pub const fn before(self, months: u16) -> Self {
        Month(self.0 - months as i32)
    }

    /// Its number: months count as they follow each other, from the first of the year 0.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The month of a number.
    #[must_use]
    pub const fn numbered(number: i32) -> Self {
        Month(number)
    }

    /// Its first instant; the end of time on its side for months that no calendar has.
    #[must_use]
    pub fn start(self) -> Timestamp {
        let end = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        let (year, month) = (i16::try_from(self.0.div_euclid(12)), i8::try_from(self.0.rem_euclid(12) + 1));
        let (Ok(year), Ok(month)) = (year, month) else { return end };
        let first = civil::Date::new(year, month, 1).ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
        first.map_or(end, |first| Timestamp(first.timestamp().as_microsecond()))
    }
}

/// A day in UTC: by it the archive of the journal files its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day an instant lies in.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Day(at.0.div_euclid(DAY))
    }

    /// Its first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY))
    }

    /// The day after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Day(self.0.saturating_add(1))
    }

    /// Reads `2025-01-31`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Timestamp::parse(&format!("{text}T00:00:00Z")).ok().map(Day::of)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.start().0) {
            Ok(first) => write!(f, "{}", TimeZone::UTC.to_datetime(first).date()),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

/// The year 1: older texts are placeholders of tools, not instants.
const MIN_MICROS: i64 = -62_135_596_800 * SECOND;

fn parse_naive(text: &str) -> Option<civil::DateTime> {
    text.parse::<civil::DateTime>().ok()
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_offsets_and_writes_utc() {
        let instant = Timestamp::parse("2025-01-03T14:00:00.123456+02:00").unwrap();
        assert_eq!(instant.to_string(), "2025-01-03T12:00:00.123456Z");
        assert_eq!(Timestamp::parse("2025-01-03T12:00:00.123456Z").unwrap(), instant);
        assert_eq!(Timestamp::parse("2025-01-03 12:00:00.123456789Z").unwrap(), instant);
    }

    #[test]
    fn refuses_what_is_not_an_instant() {
        assert!(matches!(Timestamp::parse("2025-01-03T12:00:00"), Err(TimestampError::WithoutOffset(_))));
        assert!(matches!(Timestamp::parse("2025-01-03"), Err(TimestampError::WithoutOffset(_))));
        for text in ["", "yesterday", "2025-13-01T00:00:00Z", "12", "2025-01-03T25:00:00Z"] {
            assert!(matches!(Timestamp::parse(text), Err(TimestampError::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn months_are_those_of_the_calendar_in_utc() {
        let month = |text: &str| Month::of(Timestamp::parse(text).unwrap());
        assert_eq!(month("2025-01-01T00:00:00+01:00").to_string(), "2024-12");
        assert_eq!(month("2024-02-29T23:59:59.999999Z").to_string(), "2024-02");
        assert_eq!(month("1969-12-31T23:59:59.5Z").to_string(), "1969-12");
        assert_eq!(month("2025-03-01T00:00:00Z").before(3), month("2024-12-31T00:00:00Z"));
        assert!(Month::of(Timestamp::MIN) < Month::of(Timestamp::MAX));
        for text in ["0001-01", "1969-12", "2024-02", "9999-12"] {
            assert_eq!(Month::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "2024", "2024-13", "2024-00", "now-01"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn months_and_days_begin_with_their_first_instant() {
        for text in ["2025-03-01T00:00:00Z", "1969-12-01T00:00:00Z", "2024-02-01T00:00:00Z"] {
            let first = Timestamp::parse(text).unwrap();
            assert_eq!(Month::of(first).start(), first);
            assert_eq!(Month::of(first.plus(-1)), Month::of(first).before(1));
            assert_eq!((Day::of(first).start(), Day::of(first.plus(-1)).next()), (first, Day::of(first)));
            assert_eq!(Day::of(first).to_string(), text[..10]);
            assert_eq!(Day::parse(&text[..10]), Some(Day::of(first.plus(DAY - 1))));
        }
        assert_eq!((Day::parse("2025-02-30"), Day::parse("")), (None, None));
        assert!(Month::of(Timestamp::MAX).start() < Timestamp::MAX);
    }

    #[test]
    fn a_naive_time_is_utc_only_when_asked() {
        let (instant, assumed) = Timestamp::parse_assuming_utc("2025-01-03T12:00:00").unwrap();
        assert_eq!((instant.to_string().as_str(), assumed), ("2025-01-03T12:00:00Z", true));
        let (instant, assumed) = Timestamp::parse_assuming_utc("2025-01-03T14:00:00+02:00").unwrap();
        assert_eq!((instant.to_string().as_str(), assumed), ("2025-01-03T12:00:00Z", false));
    }
}
