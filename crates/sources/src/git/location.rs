//! Where a repository is, and what it is called.

use std::path::{Path, PathBuf};

use super::GitError;

/// The folder meant by a path or a `file://` address.
pub(super) fn folder(path: &Path) -> Result<PathBuf, GitError> {
    let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
    if let Some(rest) = text.strip_prefix("file://") {
        let local = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
        return match local.starts_with('/') {
            true => Ok(PathBuf::from(percent_decoded(local))),
            false => Err(GitError::Remote(without_credentials(text))),
        };
    }
    if !path.exists() && (text.contains("://") || split_scp(text).is_some()) {
        return Err(GitError::Remote(without_credentials(text)));
    }
    Ok(path.to_owned())
}

/// `host:path`, as `git clone` takes it; a path with a slash before the colon is a path.
fn split_scp(text: &str) -> Option<(&str, &str)> {
    text.split_once(':').filter(|(host, path)| !host.is_empty() && !host.contains('/') && !path.is_empty())
}

/// `owner/name` of an address: its path, without scheme, user, password, host, port and `.git`. None for a path on this
/// machine, which names a copy, not a repository.
pub(crate) fn repository_name(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?.1,
        None => split_scp(url)?.1,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_matches('/');
    Some(percent_decoded(path)).filter(|path| !path.trim().is_empty() && path.len() <= 256)
}

/// The folder's name; that of a bare repository without its `.git`.
pub(super) fn folder_name(git: &Path, work: Option<&Path>) -> String {
    let folder = work.unwrap_or_else(|| if git.ends_with(".git") { git.parent().unwrap_or(git) } else { git });
    // `.` has no name until it is looked up.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = folder.file_name().map(|name| name.to_string_lossy().trim().to_owned()).unwrap_or_default();
    let name = name.strip_suffix(".git").filter(|name| !name.is_empty()).unwrap_or(&name);
    if name.is_empty() { "repository".to_owned() } else { name.to_owned() }
}

/// An address fit for a message.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    match (scheme, host.rsplit_once('@')) {
        // `git@host:path` names a user that everybody is; it is no secret.
        ("", _) | (_, None) => url.to_owned(),
        (_, Some((_, host))) => format!("{scheme}://{host}{path}"),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| byte == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_gives_the_name_its_host_gives() {
        for (url, name) in [
            ("https://github.com/acme/cart.git", Some("acme/cart")),
            ("https://me:secret@gitlab.example.com:8443/group/sub/cart/", Some("group/sub/cart")),
            ("git@github.com:acme/cart.git", Some("acme/cart")),
            ("ssh://git@host:22/acme/my%20cart", Some("acme/my cart")),
            ("https://host/acme/cart?token=x", Some("acme/cart")),
            ("/srv/git/cart.git", None),
            ("../cart", None),
            ("./a:b", None),
            ("file:///srv/git/cart.git", None),
            ("https://host", None),
            ("https://host/", None),
            ("", None),
        ] {
            assert_eq!(repository_name(url).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn addresses_of_other_machines_are_refused_without_their_password() {
        let remote = |text: &str| match folder(Path::new(text)) {
            Err(GitError::Remote(url)) => Some(url),
            _ => None,
        };
        assert_eq!(remote("https://me:secret@host/a/b").as_deref(), Some("https://host/a/b"));
        assert_eq!(remote("https://host/a@b").as_deref(), Some("https://host/a@b"));
        assert_eq!(remote("git@host:a/b").as_deref(), Some("git@host:a/b"));
        assert_eq!(remote("file://host/a").as_deref(), Some("file://host/a"));
        assert_eq!(remote("no/such:folder"), None);
        assert_eq!(folder(Path::new("file:///srv/my%20cart")).unwrap(), Path::new("/srv/my cart"));
        assert_eq!(folder(Path::new("file://localhost/srv/100%")).unwrap(), Path::new("/srv/100%"));
        assert_eq!(folder(Path::new("./cart")).unwrap(), Path::new("./cart"));
    }

    #[test]
    fn a_folder_gives_its_name() {
        assert_eq!(folder_name(Path::new("/none/cart/.git"), None), "cart");
        assert_eq!(folder_name(Path::new("/none/cart.git"), None), "cart");
        assert_eq!(folder_name(Path::new("/none/x/.git"), Some(Path::new("/none/shop"))), "shop");
        assert_eq!(folder_name(Path::new("/"), None), "repository");
    }
}
