//! Versions as people write them: `v1.2.3` and `1.2.3` are the same tag.

use std::cmp::Ordering;

/// A version or tag name without its decoration: no leading `v`, no `refs/tags/`.
///
/// `v` is dropped only before a digit, so that a tag named `vega` stays itself.
#[must_use]
pub fn normalise(name: &str) -> &str {
    let name = name.trim();
    let name = name.strip_prefix("refs/tags/").unwrap_or(name);
    match name.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// Reads a version by the SemVer 2.0.0 rule (all three numbers), a leading `v` allowed.
#[must_use]
pub fn semver(name: &str) -> Option<semver::Version> {
    semver::Version::parse(normalise(name)).ok()
}

/// Whether the version follows SemVer 2.0.0.
#[must_use]
pub fn is_semver(name: &str) -> bool {
    semver(name).is_some()
}

/// Order of two versions, when both are SemVer. Build metadata does not count, as SemVer says.
#[must_use]
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    Some(semver(left)?.cmp_precedence(&semver(right)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoration_does_not_make_another_version() {
        assert_eq!(normalise("refs/tags/v1.2.3"), "1.2.3");
        assert_eq!(normalise("V2"), "2");
        assert_eq!(normalise("vega"), "vega");
    }

    #[test]
    fn semver_needs_three_numbers() {
        assert!(is_semver("v1.2.3-rc.1+5"));
        assert!(!is_semver("1.2"));
        assert!(!is_semver("01.2.3"));
        assert_eq!(compare("v1.9.0", "1.10.0"), Some(Ordering::Less));
        assert_eq!(compare("1.0.0-rc.1", "1.0.0"), Some(Ordering::Less));
        assert_eq!(compare("1.0.0+a", "1.0.0+b"), Some(Ordering::Equal));
        assert_eq!(compare("1.0.0", "latest"), None);
    }
}
