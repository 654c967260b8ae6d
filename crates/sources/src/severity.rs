//! Severities as tools and people write them.

/// The native severity for a word such as `P1`, `SEV-2`, `sev 3`, `S4`, `critical`, `Major` or `3`; `unknown` for any
/// other. `0` and `1` are critical, `2` high, `3` medium, `4` and `5` low.
#[must_use]
pub fn severity(word: &str) -> &'static str {
    let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let grade = ["severity", "priority", "prio", "sev", "p", "s"]
        .into_iter()
        .find_map(|prefix| plain.strip_prefix(prefix))
        .unwrap_or(&plain);
    match (grade, plain.as_str()) {
        ("0" | "1", _) => "critical",
        ("2", _) => "high",
        ("3", _) => "medium",
        ("4" | "5", _) => "low",
        (_, "critical" | "crit" | "blocker" | "emergency" | "fatal" | "disaster" | "highest" | "urgent") => "critical",
        (_, "high" | "major" | "error" | "severe") => "high",
        (_, "medium" | "moderate" | "normal" | "average" | "warning" | "warn") => "medium",
        (_, "low" | "lowest" | "minor" | "info" | "informational" | "notice" | "trivial") => "low",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use domain::event::SEVERITIES;

    use super::severity;

    #[test]
    fn words_in_use_are_mapped() {
        for (native, words) in [
            ("critical", "P1 p0 SEV1 sev-1 S1 critical CRITICAL Blocker 1 priority_1"),
            ("high", "P2 SEV2 high Major 2"),
            ("medium", "P3 sev3 medium moderate 3"),
            ("low", "P4 SEV4 sev5 low minor 4"),
            ("unknown", "P P9 sev 12 whatever é unknown none"),
        ] {
            for word in words.split(' ') {
                assert_eq!(severity(word), native, "{word}");
            }
        }
        assert_eq!((severity("Sev 1"), severity(""), severity("  ")), ("critical", "unknown", "unknown"));
    }

    #[test]
    fn every_answer_is_a_native_severity() {
        for word in ["1", "2", "3", "4", "x"] {
            assert!(SEVERITIES.contains(&severity(word)));
        }
    }
}
