//! What a backfill is told: where, as whom, what.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

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
    /// Options of the configuration that this source has beside the usual ones, each with what it means.
    pub options: &'static [(&'static str, &'static str)],
    /// How old what is known of it may get while it is polled: it is asked at least this often, and a source that is
    /// later is shown as late. A poll is a backfill of what changed since the one before.
    pub every: Duration,
    /// A poll asks for so much from before the end of the one before: what the vendor shows late is not lost.
    pub overlap: Duration,
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
    /// Repositories by name, `owner/name`; projects of a source that has projects.
    pub repositories: Vec<String>,
    /// Owners or groups, of whom every repository or project is read.
    pub owners: Vec<String>,
    /// Nothing that changed last before this.
    pub since: Option<Timestamp>,
    /// The options of [`Backfill::options`] that were given.
    pub options: BTreeMap<String, String>,
}

/// As whom a vendor is asked. Secrets are never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// By nothing: the API is open to whoever reaches it.
    None,
    /// By a token.
    Token(String),
    /// By a user's name with a password or an API token, HTTP Basic.
    Basic {
        /// The user.
        user: String,
        /// The password or API token.
        password: String,
    },
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
            Credentials::None => f.write_str("None"),
            Credentials::Basic { user, .. } => write!(f, "Basic({user}, …)"),
            Credentials::Token(_) => f.write_str("Token(…)"),
            Credentials::App { id, .. } => write!(f, "App({id}, …)"),
        }
    }
}
