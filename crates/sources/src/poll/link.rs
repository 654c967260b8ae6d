//! `Link` headers: where the next page is.

use url::Url;

/// The address of the next page.
pub(super) fn next(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        next.then(|| address.to_owned())
    })
}

/// Whether two addresses are of the same server: a token goes to no other one.
pub(crate) fn same_server(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin().is_tuple() && one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_others() {
        let header = r#"<https://x/r?page=1>; rel="prev", <https://x/r?page=3&a=b>; rel="next", <https://x/r?page=9>; rel="last""#;
        assert_eq!(next(header).as_deref(), Some("https://x/r?page=3&a=b"));
        for none in ["", "<https://x>", r#"<https://x>; rel="last""#, "https://x; rel=\"next\"", "<x"] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    #[test]
    fn another_host_scheme_or_port_is_another_server() {
        assert!(same_server("https://x/a", "https://x/b?c"));
        assert!(same_server("https://x:443/a", "https://x"));
        for other in ["http://x/", "https://y/", "https://x:444/", "https://x.y/", "/b", "data:x"] {
            assert!(!same_server("https://x/a", other), "{other}");
        }
        assert!(!same_server("data:x", "data:x"));
    }
}
