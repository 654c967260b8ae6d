//! Subjects: words after dots, in which a pattern has `*` for one word and `>` at the end for all that follow.

/// Whether this is a subject or a pattern of one.
pub(crate) fn is_pattern(text: &str) -> bool {
    let words: Vec<&str> = text.split('.').collect();
    words.iter().enumerate().all(|(place, word)| {
        let plain = !word.is_empty() && !word.contains(|letter: char| letter.is_whitespace() || "*>".contains(letter));
        plain || *word == "*" || (*word == ">" && place + 1 == words.len())
    })
}

/// Whether a subject fits a pattern.
pub(crate) fn fits(pattern: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, words.next()) {
            (">", Some(_)) => return true,
            (_, None) => return false,
            (wanted, Some(word)) if wanted != "*" && wanted != word => return false,
            _ => {}
        }
    }
    words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_nats() {
        for (pattern, subject, fit) in [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.*.c", "a.b.c", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("A", "a", false),
        ] {
            assert_eq!(fits(pattern, subject), fit, "{pattern} {subject}");
            assert!(is_pattern(pattern) && is_pattern(subject));
        }
        for odd in ["", ".", "a.", "a b", "a.>.b", "a*", ">>"] {
            assert!(!is_pattern(odd), "{odd}");
        }
    }
}
