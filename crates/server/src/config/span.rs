//! A length of time as people write it.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time: `90s`, `15m`, `1h`, `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];

impl Span {
    fn read(text: &str) -> Option<Self> {
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit))?;
        let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        let whole = number.checked_mul(*seconds).filter(|whole| (1..=100 * 365 * 86_400).contains(whole))?;
        Some(Span(Duration::from_secs(whole)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Span::read(&text).ok_or_else(|| {
            let text: String = text.chars().take(32).collect();
            de::Error::custom(format!("`{text}` is no length of time; write it as 90s, 15m, 1h or 30d"))
        })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}s", self.0.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3_600), ("30d", 2_592_000)] {
            assert_eq!(Span::read(text), Some(Span(Duration::from_secs(seconds))));
        }
        for text in ["", "s", "0s", "1", "1.5h", "-1h", "1 h", "1w", "99999999999999d", "1é"] {
            assert_eq!(Span::read(text), None, "{text}");
        }
    }
}
