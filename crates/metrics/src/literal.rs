//! SQL literals. Names come from users, so every one goes through here.

use domain::Timestamp;

/// A text literal: quotes doubled, nothing else has a meaning between single quotes.
#[must_use]
pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// An instant, as the warehouse's function `instant(text)` reads it: `Timestamp(Microsecond, "UTC")`.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    format!("instant('{at}')")
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

    proptest! {
        #[test]
        fn a_name_never_leaves_its_quotes(name in "[ -~'\\\\;é\n-]{0,24}") {
            prop_assert_eq!(read(&text(&name)), Some(name));
        }
    }
}
