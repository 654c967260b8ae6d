//! `[[sources]]`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sources::Source;

use super::{OptionValue, Span};

/// A sender with a name and secrets of its own; it sends to `/webhooks/NAME`.
///
/// Secrets stand in the file, in files of their own or in environment variables, one or several of each: while one is
/// being replaced a delivery may be signed with the old one or the new one. Without any a token lets the sender in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// Its name in the address, in the journal and as the source of its events.
    pub name: String,
    /// What sends: a name of the table of sources.
    pub kind: String,
    /// Secrets shared with the sender.
    #[serde(skip_serializing)]
    pub secret: OneOrMore<Secret>,
    /// Files, each with a secret; white space around it is no part of it.
    pub secret_file: OneOrMore<PathBuf>,
    /// Environment variables, each with a secret.
    pub secret_env: OneOrMore<String>,
    /// Root of the API the past is read from, when it is not the vendor's own: `https://HOST/api/v3` for GitHub Enterprise.
    pub api_url: Option<String>,
    /// Token for that API.
    #[serde(skip_serializing)]
    pub token: Option<Secret>,
    /// File with that token; white space around it is no part of it.
    pub token_file: Option<PathBuf>,
    /// Environment variable with that token.
    pub token_env: Option<String>,
    /// Instead of a token: the user's name for HTTP Basic.
    pub user: Option<String>,
    /// The user's password or API token.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
    /// File with that password; white space around it is no part of it.
    pub password_file: Option<PathBuf>,
    /// Environment variable with that password.
    pub password_env: Option<String>,
    /// Instead of a token: id, or client id, of a GitHub App.
    pub app_id: Option<String>,
    /// File with the private key of that app, PEM.
    pub private_key_file: Option<PathBuf>,
    /// Repositories whose past is read, `owner/name`.
    pub repositories: Vec<String>,
    /// Users and organisations whose repositories are all read, but for forks.
    pub owners: Vec<String>,
    /// What else this kind takes; its page in `docs/sources` says what.
    pub options: BTreeMap<String, OptionValue>,
    /// Whether it is polled: asked again and again for what changed. `poll_every` says yes too.
    pub poll: Option<bool>,
    /// What is known of it is to be no older than this: `5m`, `1h`. Left out: what the kind promises.
    pub poll_every: Option<Span>,
    /// How far back the first poll asks where no backfill came to its end before: `7d` when left out.
    pub first_poll: Option<Span>,
}

/// A secret; it is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// What deliveries are signed with.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// One value, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several, or none.
    More(Vec<T>),
}

impl<T> Default for OneOrMore<T> {
    fn default() -> Self {
        OneOrMore::More(Vec::new())
    }
}

impl<T> OneOrMore<T> {
    fn all(&self) -> &[T] {
        match self {
            OneOrMore::One(value) => std::slice::from_ref(value),
            OneOrMore::More(values) => values,
        }
    }
}

impl SourceConfig {
    /// What sends.
    pub(crate) fn source(&self) -> Result<&'static Source, String> {
        sources::find(&self.kind).filter(|source| can_be_named(source)).ok_or_else(|| {
            let known = sources::all().into_iter().filter(|source| can_be_named(source));
            let known: Vec<&str> = known.map(|source| source.name).collect();
            format!("sources.kind of `{}` is `{}`; there are {}", self.name, self.kind, known.join(", "))
        })
    }

    /// Every secret, read now from where it stands.
    pub(crate) fn secrets(&self) -> Result<Vec<Secret>, String> {
        let mut secrets = self.secret.all().to_vec();
        for file in self.secret_file.all() {
            let text = std::fs::read_to_string(file).map_err(|error| {
                format!("sources.secret_file of `{}`: {} cannot be read: {error}", self.name, file.display())
            })?;
            secrets.push(Secret::new(text.trim()));
        }
        for variable in self.secret_env.all() {
            let text = std::env::var(variable)
                .map_err(|_| format!("sources.secret_env of `{}`: {variable} is not set", self.name))?;
            secrets.push(Secret::new(text));
        }
        if secrets.iter().any(|secret| secret.0.trim().is_empty()) {
            return Err(format!("a secret of the source `{}` is empty: anybody could sign with it", self.name));
        }
        Ok(secrets)
    }

    fn validate(&self) -> Result<(), String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(allowed) {
            let name: String = self.name.chars().take(64).collect();
            return Err(format!(
                "sources.name is `{name}`; it has 1 to 64 letters, digits, hyphens, underscores and dots"
            ));
        }
        let kind = self.source()?;
        if sources::find(&self.name).is_some_and(|source| source.name != kind.name) {
            return Err(format!("sources.name is `{}`, which is the name of another kind", self.name));
        }
        self.secrets()?;
        self.backfill(String::new(), None).map(|_| ())
    }
}

/// Kinds that can be given a name: those with an address of their own below `/webhooks/`.
fn can_be_named(source: &Source) -> bool {
    source.routes.iter().any(|route| route.path.strip_prefix("/webhooks/") == Some(source.name))
}

/// All of them: names are unique.
pub(super) fn validate(sources: &[SourceConfig]) -> Result<(), String> {
    for (place, source) in sources.iter().enumerate() {
        source.validate()?;
        if sources.iter().take(place).any(|other| other.name == source.name) {
            return Err(format!("sources.name `{}` is there twice", source.name));
        }
    }
    Ok(())
}
