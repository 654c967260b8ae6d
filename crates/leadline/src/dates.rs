//! Instants as people write them on the command line.

use domain::Timestamp;
use domain::time::{DAY, HOUR};

/// RFC 3339, a date (its start in UTC), or a time ago such as `30d`, `12h`, `4w`.
pub(crate) fn instant(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Some(ago) = ago(text) {
        return Ok(now.plus(-ago));
    }
    if text.len() == 10
        && let Ok((start, _)) = Timestamp::parse_assuming_utc(text)
    {
        return Ok(start);
    }
    Timestamp::parse(text).map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        format!("`{shown}` is not a time; write 2025-01-31, 2025-01-31T12:00:00Z, or a time ago such as 30d, 12h, 4w")
    })
}

/// Whether it is counted from now: the server then ends both on the same minute.
pub(crate) fn is_relative(text: &str) -> bool {
    ago(text.trim()).is_some()
}

fn ago(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return None,
    };
    let number: i64 = text.get(..text.len() - 1)?.parse().ok().filter(|number| (0..100_000).contains(number))?;
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_three_ways() {
        let now = Timestamp::parse("2025-02-10T12:00:00Z").unwrap();
        for (text, wanted) in [
            ("now", "2025-02-10T12:00:00Z"),
            ("2025-01-31", "2025-01-31T00:00:00Z"),
            ("2025-01-31T13:00:00+01:00", "2025-01-31T12:00:00Z"),
            ("30d", "2025-01-11T12:00:00Z"),
            ("12h", "2025-02-10T00:00:00Z"),
            ("1w", "2025-02-03T12:00:00Z"),
        ] {
            assert_eq!(instant(text, now).unwrap().to_string(), wanted, "{text}");
        }
        for text in ["", "yesterday", "30", "d", "-3d", "é", "2025-01-31T12:00:00", "99999999999d"] {
            assert!(instant(text, now).is_err(), "{text}");
        }
    }
}
