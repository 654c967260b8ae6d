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
    fn a_naive_time_is_utc_only_when_asked() {
        let (instant, assumed) = Timestamp::parse_assuming_utc("2025-01-03T12:00:00").unwrap();
        assert_eq!((instant.to_string().as_str(), assumed), ("2025-01-03T12:00:00Z", true));
        let (instant, assumed) = Timestamp::parse_assuming_utc("2025-01-03T14:00:00+02:00").unwrap();
        assert_eq!((instant.to_string().as_str(), assumed), ("2025-01-03T12:00:00Z", false));
    }
}
