//! What is wrong with settings, before anything is asked.

use crate::poll::{Credentials, Settings};

/// How GitLab is asked.
pub(super) const WAYS: &str = "GitLab is asked with a token";

pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let url = url::Url::parse(&settings.api_url).ok();
    let plain =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.password().is_none());
    let Some(url) = plain.filter(|url| url.host_str().is_some()) else {
        return Err("api_url is not an address; write https://HOST/api/v4".to_owned());
    };
    if url.scheme() == "http" && !is_this_machine(&url) {
        return Err("api_url begins with http://, which would show the token to everybody on the way; write https://"
            .to_owned());
    }
    if let Some(name) = settings.repositories.iter().find(|name| !is_path(name) || !name.contains('/')) {
        return Err(format!("repositories: `{}` is no project; write group/name", name.escape_debug()));
    }
    if let Some(name) = settings.owners.iter().find(|name| !is_path(name)) {
        return Err(format!("owners: `{}` is no group; write group or group/subgroup", name.escape_debug()));
    }
    match &settings.credentials {
        Credentials::Token(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("the token is empty or holds white space".to_owned())
        }
        Credentials::Token(_) if settings.repositories.is_empty() && settings.owners.is_empty() => {
            Err("nothing says what to read; set `repositories` or `owners`".to_owned())
        }
        Credentials::Token(_) => Ok(()),
        _ => Err(WAYS.to_owned()),
    }
}

fn is_this_machine(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Groups and a name of letters, digits and `-_.+`: nothing that could lead an address elsewhere.
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    let name = |name: &str| (1..=255).contains(&name.len()) && name.bytes().all(plain) && !matches!(name, "." | "..");
    path.split('/').count() <= 21 && path.split('/').all(name)
}
