//! What a backfill is told: where, as whom, what.

use std::fmt;

use domain::Timestamp;

use super::{Host, PollError, Progress};

/// How far it came, and why not to the end.
pub type Outcome = (Progress, Result<(), PollError>);

/// How the past of a kind of source is read.
#[derive(Clone, Copy, Debug)]
pub struct Backfill {
    /// Where the API is unless the settings say otherwise.
    pub api_url: &'static str,
    /// What the token or app has to be allowed, for people.
    pub permissions: &'static str,
    /// What is wrong with settings, before anything is asked.
    pub check: fn(&Settings) -> Result<(), String>,
    /// Reads everything, hands pages to the host, and tells how far it came.
    pub run: fn(&Settings, &mut dyn Host) -> Outcome,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The same for as long as a backfill goes on, also over restarts: what it has finished it does not read again.
    pub run: String,
    /// Root of the API, without a slash at its end.
    pub api_url: String,
    /// As whom.
    pub credentials: Credentials,
    /// Repositories by name, `owner/name`.
    pub repositories: Vec<String>,
    /// Owners, of whom every repository is read.
    pub owners: Vec<String>,
    /// Nothing older than this.
    pub since: Option<Timestamp>,
}

/// As whom a vendor is asked. Secrets are never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// By a token.
    Token(String),
    /// By an app that is installed where the repositories are.
    App {
        /// Id of the app, or its client id.
        id: String,
        /// Its private key, PEM.
        private_key: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Token(_) => f.write_str("Token(…)"),
            Credentials::App { id, .. } => write!(f, "App({id}, …)"),
        }
    }
}
