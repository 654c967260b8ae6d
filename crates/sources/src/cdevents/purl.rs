//! Artifacts as CDEvents name them: package URLs, `pkg:TYPE/NAMESPACE/NAME@VERSION?QUALIFIERS#SUBPATH`, or an image as
//! registries write it.

use domain::event::image_name;
use url::form_urlencoded;

use crate::body::Draft;

/// What an artifact's name says about the code in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Artifact {
    /// A container image with tag and digest, where it is one.
    pub(super) image: Option<String>,
    /// The tag, else the version or digest.
    pub(super) version: Option<String>,
    /// The commit it was made from, where the name says so.
    pub(super) sha: Option<String>,
    /// The repository of that commit.
    pub(super) repo: Option<String>,
}

impl Artifact {
    pub(super) fn read(name: &str) -> Self {
        match name.trim().strip_prefix("pkg:") {
            Some(purl) => Self::of_purl(purl),
            None => Self::of_image(name.trim()),
        }
    }

    pub(super) fn tell<'a>(self, draft: Draft<'a>) -> Draft<'a> {
        let image = self.image.as_deref();
        draft
            .mark("image", image.map(image_name))
            .mark("repository", self.repo.as_deref())
            .maybe("images", self.image.map(|image| vec![image]))
            .maybe("version", self.version)
            .maybe("sha", self.sha)
            .maybe("repo", self.repo)
    }

    fn of_purl(purl: &str) -> Self {
        let purl = purl.split_once('#').map_or(purl, |(purl, _)| purl);
        let (path, query) = purl.split_once('?').unwrap_or((purl, ""));
        let (path, version) = match path.rsplit_once('@') {
            Some((path, version)) => (path, Some(decoded(version)).filter(|version| !version.is_empty())),
            None => (path, None),
        };
        let (kind, path) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let path = decoded(path.trim_matches('/'));
        let qualifier = |name: &str| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.map(decoded).filter(|value| !value.is_empty())
        };
        let mut artifact = Artifact::default();
        match kind {
            "oci" | "docker" => {
                let digest = version.as_deref().filter(|version| version.contains(':'));
                let tag = qualifier("tag").or_else(|| version.clone().filter(|_| digest.is_none()));
                let image = located(&path, kind, qualifier("repository_url").as_deref());
                let tagged = tag.as_deref().map(|tag| format!(":{tag}")).unwrap_or_default();
                let digest = digest.map(|digest| format!("@{digest}")).unwrap_or_default();
                artifact.image = Some(image).filter(|image| !image.is_empty()).map(|image| image + &tagged + &digest);
                artifact.version = tag.or(version);
            }
            // Their version is a commit or a tag of the repository they name.
            "github" | "gitlab" | "bitbucket" => {
                artifact.sha = version.clone().filter(|version| is_commit(version));
                artifact.version = version.filter(|version| !is_commit(version));
                artifact.repo = Some(path).filter(|path| !path.is_empty());
            }
            _ => {
                artifact.sha = version.clone().filter(|version| kind == "golang" && is_commit(version));
                artifact.version = version;
            }
        }
        if let Some((repo, sha)) = qualifier("vcs_url").as_deref().and_then(source_of) {
            artifact.repo = Some(repo);
            artifact.sha = sha.or(artifact.sha);
        }
        artifact
    }

    /// `registry.example/shop/cart:1.2@sha256:…`; a name without a tag or digest need not be an image.
    fn of_image(name: &str) -> Self {
        let rest = name.strip_prefix(image_name(name)).unwrap_or_default();
        if rest.is_empty() || name.contains(char::is_whitespace) || name.contains("://") {
            return Artifact::default();
        }
        let (tag, digest) = rest.split_once('@').unwrap_or((rest, ""));
        let tag = tag.trim_start_matches(':');
        let version = if tag.is_empty() { digest } else { tag };
        Artifact { image: Some(name.to_owned()), version: Some(version.to_owned()), ..Artifact::default() }
    }
}

/// Where an image is: an `oci` location ends with the image's name, a `docker` one is the registry alone.
fn located(path: &str, kind: &str, location: Option<&str>) -> String {
    let Some(location) = location else { return path.to_owned() };
    let location = location.split_once("://").map_or(location, |(_, rest)| rest).trim_matches('/');
    let named = location.rsplit('/').next() == path.rsplit('/').next();
    if kind == "oci" && named { location.to_owned() } else { format!("{location}/{path}") }
}

/// `git+https://host/owner/name.git@COMMIT` as repository and commit.
fn source_of(url: &str) -> Option<(String, Option<String>)> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let path = path.split_once('#').map_or(path, |(path, _)| path);
    let (path, revision) = path.rsplit_once('@').map_or((path, None), |(path, revision)| (path, Some(revision)));
    let repo = path.trim_matches('/').trim_end_matches(".git");
    let sha = revision.filter(|revision| is_commit(revision)).map(str::to_owned);
    (!repo.is_empty()).then(|| (repo.to_owned(), sha))
}

/// Seven hexadecimal digits or more, at least one of them a letter or all forty there: `20250101` is a date.
fn is_commit(text: &str) -> bool {
    let digits = (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits && (text.len() >= 40 || text.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

/// Without percent signs; a plus is a plus.
fn decoded(text: &str) -> String {
    let escaped = text.replace('+', "%2B").replace('&', "%26");
    form_urlencoded::parse(format!("v={escaped}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> [String; 4] {
        let Artifact { image, version, sha, repo } = Artifact::read(name);
        [image, version, sha, repo].map(|text| text.unwrap_or_else(|| "-".to_owned()))
    }

    #[test]
    fn images_have_tag_digest_and_registry() {
        for (name, image, version) in [
            ("pkg:oci/cart@sha256%3A0b31", "cart@sha256:0b31", "sha256:0b31"),
            (
                "pkg:oci/cart@sha256%3A0b31?repository_url=r.example/shop/cart&arch=amd64&tag=1.2.3%2Bb4",
                "r.example/shop/cart:1.2.3+b4@sha256:0b31",
                "1.2.3+b4",
            ),
            ("pkg:oci/cart?repository_url=https://r.example:5000/shop/", "r.example:5000/shop/cart", "-"),
            ("pkg:docker/shop/cart@1.2.3?repository_url=r.example", "r.example/shop/cart:1.2.3", "1.2.3"),
            ("pkg:docker/cart@sha256%3A0b31", "cart@sha256:0b31", "sha256:0b31"),
            ("r.example:5000/shop/cart:1.2@sha256:0b31", "r.example:5000/shop/cart:1.2@sha256:0b31", "1.2"),
            ("r.example:5000/shop/cart@sha256:0b31", "r.example:5000/shop/cart@sha256:0b31", "sha256:0b31"),
        ] {
            assert_eq!(read(name), [image, version, "-", "-"], "{name}");
        }
    }

    #[test]
    fn commits_are_found_where_a_name_says_so() {
        const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";
        for (name, version, sha, repo) in [
            (format!("pkg:github/acme/cart@{SHA}"), "-", SHA, "acme/cart"),
            ("pkg:github/acme/cart@v1.2.3".to_owned(), "v1.2.3", "-", "acme/cart"),
            ("pkg:golang/git.example/acme/cart@234fd47e07d1".to_owned(), "234fd47e07d1", "234fd47e07d1", "-"),
            ("pkg:golang/git.example/acme/cart@v1.2.3".to_owned(), "v1.2.3", "-", "-"),
            ("pkg:maven/com.acme/cart@1.2.3?type=jar#a/b".to_owned(), "1.2.3", "-", "-"),
            ("pkg:generic/cart@20250101".to_owned(), "20250101", "-", "-"),
            (
                format!("pkg:generic/cart@1.2?vcs_url=git%2Bhttps://git.example/acme/cart.git%40{SHA}"),
                "1.2",
                SHA,
                "acme/cart",
            ),
        ] {
            assert_eq!(read(&name), ["-", version, sha, repo], "{name}");
        }
    }

    #[test]
    fn what_names_no_version_says_nothing() {
        for name in ["", "cart", "pkg:", "pkg:oci", "pkg:/", "pkg:@", "pkg:x/@", "https://r.example/cart:1", "a b:c"] {
            assert_eq!(read(name), ["-", "-", "-", "-"], "{name}");
        }
    }
}
