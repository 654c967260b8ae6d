//! When people work: weekdays, office hours, holidays, the quiet of summer and the freeze before the great sales.

use domain::Timestamp;
use domain::time::{DAY, HOUR};

use crate::random::Random;

/// How busy a day is, 1 for an ordinary working day.
pub(super) fn activity(midnight: Timestamp, frozen_in_sales: bool) -> f64 {
    let days = midnight.micros().div_euclid(DAY);
    // 1970-01-01 was a Thursday.
    let weekday = (days + 3).rem_euclid(7);
    let (month, day) = month_and_day(midnight);
    if weekday >= 5 {
        return 0.04;
    }
    if HOLIDAYS.contains(&(month, day)) {
        return 0.03;
    }
    let friday = if weekday == 4 { 0.7 } else { 1.0 };
    friday
        * match (month, day) {
            (12, 22..) => 0.2,
            (11, 20..) | (12, _) if frozen_in_sales => 0.25,
            (8, _) => 0.6,
            _ => 1.0,
        }
}

/// Fixed holidays of the countries the group works in.
const HOLIDAYS: &[(i8, i8)] = &[
    (1, 1),
    (1, 6),
    (5, 1),
    (5, 8),
    (7, 14),
    (8, 15),
    (10, 3),
    (11, 1),
    (11, 11),
    (12, 24),
    (12, 25),
    (12, 26),
    (12, 31),
];

fn month_and_day(at: Timestamp) -> (i8, i8) {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => {
            let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            (date.month(), date.day())
        }
        Err(_) => (1, 1),
    }
}

/// An instant of office hours, most often late in the morning or in the middle of the afternoon.
pub(super) fn office_hour(midnight: Timestamp, random: &mut Random) -> Timestamp {
    let hour = if random.chance(0.45) { 10.0 } else { 14.5 };
    let hour = (hour + random.between(-1.5, 1.5) + random.between(-1.5, 1.5)).clamp(6.0, 20.0);
    midnight.plus((hour * HOUR as f64) as i64)
}

/// The start of the day of an instant, in UTC.
pub(super) fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - at.micros().rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_rest() {
        let on = |day: &str, frozen| activity(Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap(), frozen);
        assert!(on("2025-03-12", false) > 0.9, "a Wednesday");
        assert!(on("2025-03-15", false) < 0.1, "a Saturday");
        assert!(on("2025-05-01", false) < 0.1, "a holiday");
        assert!(on("2025-12-02", true) < on("2025-12-02", false), "a freeze");
    }
}
