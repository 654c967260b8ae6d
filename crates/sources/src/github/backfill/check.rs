//! What is wrong with settings, before anything is asked.

use super::auth;
use crate::poll::{Credentials, Settings, check_address};

pub(super) fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://HOST/api/v3 for GitHub Enterprise")?;
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

/// How GitHub is asked.
pub(super) const WAYS: &str = "GitHub is asked with a token or as an app";

/// Letters, digits and `-_.`: nothing that could lead an address elsewhere.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=100).contains(&name.len()) && name.bytes().all(plain) && !matches!(name, "." | "..")
}
