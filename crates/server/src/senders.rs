//! The sources of the configuration, ready to verify what they send.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Code, Problem, Timestamp};
use sources::Source;

use crate::config::{Secret, SourceConfig};

/// A configured source.
pub(crate) struct Sender {
    /// What it is, as it was at the start.
    source: &'static Source,
    secrets: Vec<Secret>,
    /// Options of the configuration, as headers that the parser of its webhooks reads.
    options: Vec<(String, String)>,
    /// Deliveries that were refused for their signature since the start.
    strangers: AtomicU64,
}

impl Sender {
    /// What it is now: the program of a tool may have been replaced.
    pub(crate) fn source(&self) -> &'static Source {
        sources::find(self.source.name).unwrap_or(self.source)
    }

    /// Whether it signs; else a token lets it in.
    pub(crate) fn signs(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// What the configuration says in the place of a header that was not sent.
    pub(crate) fn option(&self, header: &str) -> Option<&(String, String)> {
        self.options.iter().find(|(name, _)| name == header)
    }

    /// How many deliveries were refused for their signature since the start.
    pub(crate) fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    /// Checks a body against each secret; one has to fit.
    pub(crate) fn verify(&self, headers: &[(String, String)], body: &[u8], now: Timestamp) -> Result<(), Problem> {
        let mut refused = Problem::new(Code::SignatureInvalid, "this source has no secret");
        for secret in &self.secrets {
            match sources::verify(self.source(), headers, body, secret.bytes(), now) {
                Ok(()) => return Ok(()),
                Err(problem) => refused = problem,
            }
        }
        self.strangers.fetch_add(1, Ordering::Relaxed);
        Err(refused)
    }
}

/// All of them by name.
#[derive(Default)]
pub(crate) struct Senders(BTreeMap<String, Sender>);

impl Senders {
    /// Reads secrets from where they stand.
    pub(crate) fn new(configs: &[SourceConfig]) -> Result<Self, String> {
        let mut senders = BTreeMap::new();
        for config in configs {
            let (source, secrets) = (config.source()?, config.secrets()?);
            let options = config.options_of_webhooks()?;
            senders.insert(config.name.clone(), Sender { source, secrets, options, strangers: AtomicU64::new(0) });
        }
        Ok(Senders(senders))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Sender> {
        self.0.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Sender)> {
        self.0.iter().map(|(name, sender)| (name.as_str(), sender))
    }
}
