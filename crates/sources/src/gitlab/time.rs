//! GitLab's three ways to write an instant: `2025-01-31 12:00:00 UTC`, `2025-01-31 13:00:00 +0100` and RFC 3339.

use domain::{Code, Problem, Timestamp};

/// An instant in any of the three; one that does not say where is refused.
pub(super) fn read(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let text = text.trim();
    Timestamp::parse(&in_full(text)).map_err(|_| {
        let code = match Timestamp::parse(text) {
            Err(domain::time::TimestampError::WithoutOffset(_)) => Code::TimestampWithoutOffset,
            _ => Code::TimestampInvalid,
        };
        let short: String = text.chars().take(64).collect();
        let forms = "it takes 2025-01-31T12:00:00Z, 2025-01-31 12:00:00 UTC or 2025-01-31 13:00:00 +0100";
        Problem::new(code, format!("`{name}` is `{}`; {forms}", short.escape_debug()))
    })
}

/// As RFC 3339 has it.
fn in_full(text: &str) -> String {
    if let Some(plain) = text.strip_suffix(" UTC") {
        return format!("{plain}Z");
    }
    let Some((plain, zone)) = text.rsplit_once(' ') else { return text.to_owned() };
    let sign = zone.chars().next().filter(|sign| matches!(sign, '+' | '-'));
    match (sign, zone.get(1..3), zone.get(3..)) {
        (Some(sign), Some(hours), Some(minutes)) => {
            format!("{plain}{sign}{hours}:{}", minutes.trim_start_matches(':'))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn an_instant_is_the_same_in_all_three_forms() {
        for text in [
            "2021-04-28T19:50:00Z",
            "2021-04-28T19:50:00.000Z",
            "2021-04-28T21:50:00+02:00",
            "2021-04-28T21:50:00.000+02:00",
            "2021-04-28 19:50:00 UTC",
            " 2021-04-28 21:50:00 +0200 ",
            "2021-04-28 21:50:00 +02:00",
            "2021-04-28 14:20:00 -0530",
        ] {
            assert_eq!(read("at", text).unwrap().to_string(), "2021-04-28T19:50:00Z", "{text}");
        }
    }

    #[test]
    fn what_says_not_where_or_is_none_is_refused() {
        for (text, code) in [
            ("2021-04-28 21:50:00", "timestamp_without_offset"),
            ("2021-04-28T21:50:00", "timestamp_without_offset"),
            ("2021-04-28 21:50:00 CEST", "timestamp_invalid"),
            ("2021-04-28 21:50:00 +2", "timestamp_invalid"),
            ("2021-04-28 21:50:00 +é0", "timestamp_invalid"),
            ("28/04/2021", "timestamp_invalid"),
            ("", "timestamp_invalid"),
        ] {
            assert_eq!(read("at", text).unwrap_err().code.text(), code, "{text}");
        }
    }
}
