//! Settings, checked before anything is connected.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::subject;

/// Where the stream is, who may read it, and what its subjects carry.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Addresses of servers: `nats://HOST:4222`, or `tls://` to insist on TLS.
    pub servers: Vec<String>,
    /// The stream. It is made by whoever runs NATS, with the subjects and the retention that suit them.
    pub stream: String,
    /// Name of the durable consumer; it is made where it is missing. Several servers of one name share the messages.
    pub consumer: String,
    /// The one subject, or pattern, that is read; all of the stream where it is left out.
    pub filter: Option<String>,
    /// What the subjects begin with that carry events where no rule says otherwise: `PREFIX.events…` native events and
    /// CDEvents, `PREFIX.webhooks.NAME…` the webhooks of the source of that name.
    pub prefix: String,
    /// The source of native events that name none, and of what is refused by no other name.
    pub source: String,
    /// What other subjects carry; the first that fits counts.
    pub subjects: Vec<Rule>,
    /// Messages kept at the same time.
    pub at_once: usize,
    /// How long NATS waits for an acknowledgement before it sends a message again, in seconds. A message that takes
    /// longer to keep is not sent again meanwhile.
    pub ack_wait_s: u64,
    /// How long to wait before a message that could not be kept is sent again, in milliseconds; twice that after each
    /// time, up to five minutes.
    pub retry_ms: u64,
    /// Token, when NATS asks for one.
    #[serde(skip_serializing)]
    pub token: Option<String>,
    /// File with that token; white space around it is no part of it.
    pub token_file: Option<PathBuf>,
    /// User name, when NATS asks for one.
    pub user: Option<String>,
    /// File with the user's password; white space around it is no part of it.
    pub password_file: Option<PathBuf>,
    /// File with the JWT and seed of a user, `.creds`.
    pub credentials_file: Option<PathBuf>,
    /// File with the seed of an NKey.
    pub nkey_file: Option<PathBuf>,
    /// Insist on TLS whatever the address says.
    pub tls: bool,
    /// File with the authorities that are trusted, PEM; the system's where it is left out.
    pub ca_file: Option<PathBuf>,
    /// File with our own certificate, PEM, where NATS asks for one.
    pub certificate_file: Option<PathBuf>,
    /// File with the key of that certificate, PEM.
    pub key_file: Option<PathBuf>,
}

/// What the messages of a subject carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The subject, in which `*` stands for one word and `>` at the end for all that follow.
    pub subject: String,
    /// The kind of source whose webhook it is, or `native`.
    pub kind: String,
    /// The source by its configured name; the kind's where it is left out.
    pub name: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            servers: vec!["nats://127.0.0.1:4222".to_owned()],
            stream: String::new(),
            consumer: "leadline".to_owned(),
            filter: None,
            prefix: "leadline".to_owned(),
            source: "nats".to_owned(),
            subjects: Vec::new(),
            at_once: 64,
            ack_wait_s: 30,
            retry_ms: 1_000,
            token: None,
            token_file: None,
            user: None,
            password_file: None,
            credentials_file: None,
            nkey_file: None,
            tls: false,
            ca_file: None,
            certificate_file: None,
            key_file: None,
        }
    }
}

/// Without the token.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("servers", &self.shown_servers())
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that cannot be used.
    #[error("`{key}` {why}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A file that cannot be read.
    #[error("`{key}`: {file} cannot be read: {why}")]
    File {
        /// Which setting names it.
        key: &'static str,
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

impl Settings {
    /// Addresses without what may be secret in them.
    pub(crate) fn shown_servers(&self) -> Vec<&str> {
        self.servers.iter().map(|server| server.rsplit_once('@').map_or(server.as_str(), |(_, host)| host)).collect()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |key, why: &str| Err(Error::Setting { key, why: why.to_owned() });
        if self.servers.iter().all(|server| server.trim().is_empty()) {
            return wrong("servers", "names no server: give `nats://HOST:4222`");
        }
        for (key, name) in [("stream", &self.stream), ("consumer", &self.consumer)] {
            if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || ".*>/\\".contains(letter)) {
                return wrong(key, "is a name without dots, stars, slashes or spaces, and has to be given");
            }
        }
        for (key, name) in [("prefix", &self.prefix), ("source", &self.source)] {
            if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || "*>".contains(letter)) {
                return wrong(key, "is a name without stars or spaces, and has to be given");
            }
        }
        if self.filter.as_ref().is_some_and(|filter| !subject::is_pattern(filter)) {
            return wrong("filter", "is a subject such as `leadline.>`");
        }
        if self.subjects.iter().any(|rule| !subject::is_pattern(&rule.subject)) {
            return wrong("subjects.subject", "is a subject such as `ci.github` or `ci.*.pushed`");
        }
        if !(1..=1_000).contains(&self.at_once) {
            return wrong("at_once", "takes 1 to 1000");
        }
        if !(1..=3_600).contains(&self.ack_wait_s) {
            return wrong("ack_wait_s", "takes 1 to 3600");
        }
        if !(1..=300_000).contains(&self.retry_ms) {
            return wrong("retry_ms", "takes 1 to 300000");
        }
        if self.token.is_some() && self.token_file.is_some() {
            return wrong("token", "and `token_file` exclude each other");
        }
        let token = self.token.is_some() || self.token_file.is_some();
        let ways = [token, self.user.is_some(), self.credentials_file.is_some(), self.nkey_file.is_some()];
        if ways.iter().filter(|given| **given).count() > 1 {
            return wrong(
                "user",
                "is one way in: give a token, a user, `credentials_file` or `nkey_file`, not several",
            );
        }
        if self.user.is_some() != self.password_file.is_some() {
            return wrong("password_file", "belongs to `user`: give both or neither");
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            return wrong("key_file", "belongs to `certificate_file`: give both or neither");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said() {
        let good = Settings { stream: "DELIVERY".to_owned(), ..Settings::default() };
        assert_eq!(good.check(), Ok(()));
        let some = |text: &str| Some(text.to_owned());
        let file = Some(PathBuf::from("x"));
        for (settings, key) in [
            (Settings::default(), "stream"),
            (Settings { servers: Vec::new(), ..good.clone() }, "servers"),
            (Settings { consumer: "a.b".to_owned(), ..good.clone() }, "consumer"),
            (Settings { prefix: "a b".to_owned(), ..good.clone() }, "prefix"),
            (Settings { source: String::new(), ..good.clone() }, "source"),
            (Settings { filter: some("a..b"), ..good.clone() }, "filter"),
            (Settings { subjects: vec![Rule::default()], ..good.clone() }, "subjects.subject"),
            (Settings { at_once: 0, ..good.clone() }, "at_once"),
            (Settings { ack_wait_s: 0, ..good.clone() }, "ack_wait_s"),
            (Settings { retry_ms: 0, ..good.clone() }, "retry_ms"),
            (Settings { token: some("a"), token_file: file.clone(), ..good.clone() }, "token"),
            (Settings { token: some("a"), nkey_file: file.clone(), ..good.clone() }, "user"),
            (Settings { user: some("a"), ..good.clone() }, "password_file"),
            (Settings { certificate_file: file.clone(), ..good.clone() }, "key_file"),
        ] {
            assert!(matches!(settings.check(), Err(Error::Setting { key: found, .. }) if found == key), "{key}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = Settings {
            servers: vec!["nats://ada:secret@n1:4222".to_owned()],
            token: Some("secret".to_owned()),
            ..Settings::default()
        };
        let shown = format!("{settings:?}");
        assert!(shown.contains("n1:4222") && !shown.contains("secret"), "{shown}");
    }
}
