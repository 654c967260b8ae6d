//! Revisions as Flux writes them: `main@sha1:HASH`, `sha1:HASH`, before 2.0 `main/HASH`; of artifacts in a registry
//! `v1.2.0@sha256:DIGEST`, of charts `1.2.0`.

/// A revision.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Revision {
    /// The commit where it is one, else as it is written.
    pub(super) name: String,
    /// As it is written, where that says more.
    pub(super) original: Option<String>,
}

impl Revision {
    pub(super) fn read(text: &str) -> Self {
        // A digest by SHA-256 is of an artifact; repositories by SHA-256 are not told from them.
        let last = text.rsplit(['/', ':']).next().unwrap_or(text);
        let commit = last.len() == 40 && last.bytes().all(|byte| byte.is_ascii_hexdigit());
        if commit && last != text {
            return Revision { name: last.to_owned(), original: Some(text.to_owned()) };
        }
        Revision { name: text.to_owned(), original: None }
    }
}

#[cfg(test)]
mod tests {
    use super::Revision;

    #[test]
    fn a_commit_is_found_in_every_form() {
        let hash = "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1";
        for text in [format!("main@sha1:{hash}"), format!("sha1:{hash}"), format!("feature/x/{hash}"), hash.to_owned()]
        {
            let revision = Revision::read(&text);
            assert_eq!((revision.name.as_str(), revision.original.is_some()), (hash, text != hash));
        }
    }

    #[test]
    fn what_is_no_commit_stays_as_it_is() {
        let digest = format!("v1.2.0@sha256:{}", "0a".repeat(32));
        for text in ["6.5.4", "6.5.4+0a1b2c3d", "main", "latest/1", &digest] {
            assert_eq!(Revision::read(text), Revision { name: text.to_owned(), original: None });
        }
    }
}
