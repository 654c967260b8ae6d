//! Instants and windows as people write them.

use domain::Timestamp;
use domain::time::{DAY, HOUR};

/// To the minute, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => text,
    }
}

/// How long a window is: `30 days`, `36 hours`.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let micros = to.since(from);
    let (number, name) = if micros >= 2 * DAY || micros % DAY == 0 {
        (((micros as f64) / DAY as f64).round(), "day")
    } else {
        (((micros as f64) / HOUR as f64).round().max(1.0), "hour")
    };
    format!("{number:.0} {name}{}", if (number - 1.0).abs() < f64::EPSILON { "" } else { "s" })
}

/// A window with its length.
pub(crate) fn window(from: Timestamp, to: Timestamp) -> String {
    format!("{}: {} to {} UTC", span(from, to), moment(from), moment(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_a_length() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let start = at("2025-01-01T00:00:00Z");
        assert_eq!(window(start, at("2025-01-31T00:00:00Z")), "30 days: 2025-01-01 00:00 to 2025-01-31 00:00 UTC");
        assert_eq!(span(start, at("2025-01-02T00:00:00Z")), "1 day");
        assert_eq!(span(start, at("2025-01-02T12:00:00Z")), "36 hours");
        assert_eq!(span(start, at("2025-01-01T00:20:00Z")), "1 hour");
        assert_eq!(moment(at("2025-01-01T12:34:56.789Z")), "2025-01-01 12:34");
    }
}
