//! How a source is asked through its API, for its past and by polling: the keys of `[[sources]]` for that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sources::poll::{Backfill, Credentials, Settings};

use super::{Secret, SourceConfig};

/// An option of a source: text, a number, yes or no, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OptionValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

impl OptionValue {
    /// As sources read it: lists with commas between.
    fn text(&self) -> String {
        match self {
            OptionValue::Flag(flag) => flag.to_string(),
            OptionValue::Number(number) => number.to_string(),
            OptionValue::Text(text) => text.clone(),
            OptionValue::List(items) => items.join(","),
        }
    }
}

/// When a source is polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Polling {
    /// What is known of it is to be no older than this.
    pub(crate) every: Duration,
    /// How much of what was read before is asked for again.
    pub(crate) overlap: Duration,
    /// How far back the first poll asks.
    pub(crate) first: Duration,
}

/// The first poll asks so far back where neither the configuration nor a backfill says.
const FIRST: Duration = Duration::from_secs(7 * 86_400);

/// The ways to say as whom, for people.
const WAYS: &str = "one of `token`, `token_file` or `token_env`; or `user` with one of `password`, `password_file` or \
                    `password_env`; or `app_id` with `private_key_file`";

impl SourceConfig {
    /// How and what to read, with secrets read now from where they stand; none when no key asks for it.
    pub(crate) fn backfill(
        &self,
        run: String,
        since: Option<Timestamp>,
    ) -> Result<Option<(&'static Backfill, Settings)>, String> {
        let wrong = |why: String| format!("the source `{}`: {why}", self.name);
        let credentials = self.credentials().map_err(wrong)?;
        if credentials == Credentials::None && !self.asks() {
            return self.options_of_webhooks().map(|_| None).map_err(wrong);
        }
        let kind = self.source()?;
        let backfill = kind.backfill.ok_or_else(|| wrong(format!("the past of {} cannot be read yet", kind.title)))?;
        let api_url = self.api_url.as_deref().unwrap_or(backfill.api_url).trim_end_matches('/').to_owned();
        let (repositories, owners) = (self.repositories.clone(), self.owners.clone());
        let options = self.checked_options(kind.title, backfill).map_err(wrong)?;
        let nobody = credentials == Credentials::None;
        let settings = Settings { run, api_url, credentials, repositories, owners, since, options };
        (backfill.check)(&settings)
            .map_err(|why| wrong(if nobody { format!("{why}; as whom is said by {WAYS}") } else { why }))?;
        Ok(Some((backfill, settings)))
    }

    /// When it is polled; none when it is not.
    pub(crate) fn polling(&self) -> Option<Polling> {
        let backfill = self.source().ok()?.backfill.filter(|_| self.polls())?;
        Some(Polling {
            every: self.poll_every.map_or(backfill.every, |span| span.0),
            overlap: backfill.overlap,
            first: self.first_poll.map_or(FIRST, |span| span.0),
        })
    }

    fn polls(&self) -> bool {
        self.poll.unwrap_or(self.poll_every.is_some())
    }

    /// Whether any key speaks of the API.
    fn asks(&self) -> bool {
        let named = !self.repositories.is_empty() || !self.owners.is_empty();
        named || self.api_url.is_some() || self.polls()
    }

    /// The options, as the parser of its webhooks reads them: headers that no option is told in by the sender itself.
    pub(crate) fn options_of_webhooks(&self) -> Result<Vec<(String, String)>, String> {
        if self.options.is_empty() {
            return Ok(Vec::new());
        }
        let kind = self.source()?;
        let backfill = kind.backfill.ok_or_else(|| format!("{} takes no options", kind.title))?;
        let options = self.checked_options(kind.title, backfill)?;
        let header = |name: &str| format!("x-leadline-{}", name.replace('_', "-"));
        Ok(options.into_iter().map(|(name, value)| (header(&name), value)).collect())
    }

    fn checked_options(&self, title: &str, backfill: &Backfill) -> Result<BTreeMap<String, String>, String> {
        for name in self.options.keys() {
            if !backfill.options.iter().any(|(known, _)| known == name) {
                let known: Vec<&str> = backfill.options.iter().map(|(known, _)| *known).collect();
                let known = if known.is_empty() { "no options".to_owned() } else { known.join(", ") };
                return Err(format!("`options.{}` is not known; {title} takes {known}", name.escape_debug()));
            }
        }
        Ok(self.options.iter().map(|(name, value)| (name.clone(), value.text())).collect())
    }

    fn credentials(&self) -> Result<Credentials, String> {
        let token = given("token", self.token.as_ref(), self.token_file.as_ref(), self.token_env.as_ref())?;
        let password =
            given("password", self.password.as_ref(), self.password_file.as_ref(), self.password_env.as_ref())?;
        let app = self.app_id.is_some() || self.private_key_file.is_some();
        let basic = self.user.is_some() || password.is_some();
        if [token.is_some(), basic, app].iter().filter(|given| **given).count() > 1 {
            return Err(format!("it is asked as one of several; give {WAYS}"));
        }
        if let Some(token) = token {
            return Ok(Credentials::Token(token));
        }
        if basic {
            let user = self.user.as_ref().map(|user| user.trim().to_owned()).filter(|user| !user.is_empty());
            let password = password.filter(|password| !password.is_empty());
            return match (user, password) {
                (Some(user), Some(_)) if user.contains(':') || user.chars().any(char::is_control) => {
                    Err("`user` has a colon or control characters, which Basic cannot carry".to_owned())
                }
                (Some(user), Some(password)) => Ok(Credentials::Basic { user, password }),
                _ => Err("`user` and one of `password`, `password_file` or `password_env` go together".to_owned()),
            };
        }
        match (&self.app_id, &self.private_key_file) {
            (None, None) => Ok(Credentials::None),
            (Some(id), Some(file)) => {
                Ok(Credentials::App { id: id.trim().to_owned(), private_key: text("private_key_file", file)? })
            }
            _ => Err("`app_id` and `private_key_file` go together".to_owned()),
        }
    }
}

/// A secret from where it stands, which is one place.
fn given(
    key: &str,
    inline: Option<&Secret>,
    file: Option<&PathBuf>,
    variable: Option<&String>,
) -> Result<Option<String>, String> {
    match (inline, file, variable) {
        (None, None, None) => Ok(None),
        (Some(secret), None, None) => Ok(Some(secret.text().to_owned())),
        (None, Some(file), None) => Ok(Some(text(&format!("{key}_file"), file)?.trim().to_owned())),
        (None, None, Some(variable)) => match std::env::var(variable) {
            Ok(secret) => Ok(Some(secret)),
            Err(_) => Err(format!("{key}_env: {variable} is not set")),
        },
        _ => Err(format!("it takes one of `{key}`, `{key}_file` and `{key}_env`")),
    }
}

fn text(key: &str, file: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{key}: {} cannot be read: {error}", file.display()))
}
