//! What is wrong with settings, before anything is asked.

use super::auth;
use crate::poll::{Credentials, Settings};

pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let url = url::Url::parse(&settings.api_url).ok();
    let plain =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.password().is_none());
    let Some(url) = plain.filter(|url| url.host_str().is_some()) else {
        return Err("api_url is not an address; write https://HOST/api/v3 for GitHub Enterprise".to_owned());
    };
    if url.scheme() == "http" && !is_this_machine(&url) {
        return Err("api_url begins with http://, which would show the token to everybody on the way; write https://"
            .to_owned());
    }
    for name in &settings.repositories {
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() != 2 || !parts.iter().all(|part| is_name(part)) {
            return Err(format!("repositories: `{}` is no repository; write owner/name", name.escape_debug()));
        }
    }
    if let Some(name) = settings.owners.iter().find(|name| !is_name(name)) {
        return Err(format!("owners: `{}` is no user or organisation", name.escape_debug()));
    }
    match &settings.credentials {
        Credentials::None | Credentials::Basic { .. } => Err(WAYS.to_owned()),
        Credentials::Token(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("the token is empty or holds white space".to_owned())
        }
        Credentials::Token(_) if settings.repositories.is_empty() && settings.owners.is_empty() => {
            Err("nothing says what to read; set `repositories` or `owners`".to_owned())
        }
        Credentials::Token(_) => Ok(()),
        Credentials::App { id, private_key } => auth::app_key(id, private_key).map(|_| ()),
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

/// How GitHub is asked.
pub(super) const WAYS: &str = "GitHub is asked with a token or as an app";

/// Letters, digits and `-_.`: nothing that could lead an address elsewhere.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=100).contains(&name.len()) && name.bytes().all(plain) && !matches!(name, "." | "..")
}
