//! SQL literals. Names come from users, so every one goes through here.

use domain::Timestamp;

/// A text literal: quotes doubled, nothing else has a meaning between single quotes.
#[must_use]
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// The first and the last instant that a text can say: from the year 1 to the end of 9999. No row is at any other.
const SAYABLE: [Timestamp; 2] =
    [Timestamp::from_micros(-62_135_596_800_000_000), Timestamp::from_micros(253_402_207_200_000_000)];

/// An instant, as the warehouse's function `instant(text)` reads it: `Timestamp(Microsecond, "UTC")`. What is before or after
/// every row is said to be as far away as can be said.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("instant('{}')", at.clamp(SAYABLE[0], SAYABLE[1]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads what a SQL reader reads: the content of a literal that spans the whole text, none when it ends early.
    fn read(literal: &str) -> Option<String> {
        let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            if c == '\'' && chars.next() != Some('\'') {
                return None;
            }
            out.push(c);
        }
        Some(out)
    }

    #[test]
    fn every_instant_can_be_said() {
        assert_eq!(instant(Timestamp::MIN), "instant('0001-01-01T00:00:00Z')");
        for at in [Timestamp::MIN, Timestamp::from_micros(0), Timestamp::MAX] {
            let said = instant(at);
            assert!(Timestamp::parse(said.strip_prefix("instant('").unwrap().strip_suffix("')").unwrap()).is_ok());
        }
    }

    proptest! {
        #[test]
        fn a_name_never_leaves_its_quotes(name in "[ -~'\\\\;é\n-]{0,24}") {
            prop_assert_eq!(read(&text(&name)), Some(name));
        }
    }
}
