//! What is wrong with settings, before anything is asked.

use crate::poll::{Credentials, Settings, check_address};

/// How GitLab is asked.
pub(super) const WAYS: &str = "GitLab is asked with a token";

pub(super) fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://HOST/api/v4")?;
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

/// Groups and a name of letters, digits and `-_.+`: nothing that could lead an address elsewhere.
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    let name = |name: &str| (1..=255).contains(&name.len()) && name.bytes().all(plain) && !matches!(name, "." | "..");
    path.split('/').count() <= 21 && path.split('/').all(name)
}
