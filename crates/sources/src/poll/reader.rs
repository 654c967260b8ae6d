//! One vendor being read: what backfills of lists share.

use serde_json::Value;

use super::{Ask, Client, Credentials, Failure, Host, Outcome, Page, Part, PollError, Refusal, Settings, same_server};
use crate::json::clip;

/// Whom is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vendor {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// Its own words in the body of a refusal.
    pub(crate) said: fn(&Value) -> Option<String>,
    /// What the credentials are called, and where they are made.
    pub(crate) credentials: &'static str,
}

/// A page that came.
#[derive(Debug)]
pub(crate) struct Got {
    /// As it came.
    pub(crate) body: Vec<u8>,
    /// The same, read.
    pub(crate) value: Value,
    /// Whether its headers name a next one.
    pub(crate) next: bool,
}

/// Reads one vendor, one request after another.
pub(crate) struct Reader<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) host: &'a mut dyn Host,
    client: Client,
    vendor: Vendor,
    headers: Vec<(&'static str, String)>,
}

impl<'a> Reader<'a> {
    /// Reads everything with these headers, and tells how far it came.
    pub(crate) fn run(
        settings: &'a Settings,
        host: &'a mut dyn Host,
        vendor: Vendor,
        headers: Vec<(&'static str, String)>,
        everything: impl FnOnce(&mut Reader<'a>) -> Result<(), PollError>,
    ) -> Outcome {
        // None of them names the permission that is lacking.
        let client = Client::new(vendor.name, "");
        let mut reader = Reader { settings, host, client, vendor, headers };
        reader.client.progress.repositories_total = 1;
        let done = everything(&mut reader);
        let mut progress = reader.client.progress;
        progress.repositories_done = u64::from(done.is_ok());
        progress.repository = None;
        progress.resource = None;
        progress.waiting = None;
        (progress, done)
    }

    /// Asks for a page of JSON.
    pub(crate) fn get(&mut self, url: &str, what: &str) -> Part<Got> {
        let vendor = self.vendor;
        if !same_server(url, &self.settings.api_url) {
            let why = format!("{} names a page of {what} on another server, which is not asked", vendor.name);
            return Err(Refusal::this(None, why));
        }
        let ask = Ask { url, what, headers: self.headers.clone(), etag: None, post: None };
        let explain = |status: u16, body: &str, _: Option<&str>| vendor.refusal(what, status, body);
        let answer = self.client.ask(self.host, &ask, &explain)?;
        let next = answer.next.is_some();
        match serde_json::from_slice(&answer.body) {
            Ok(value) => Ok(Got { body: answer.body, value, next }),
            Err(_) => Err(Refusal::this(
                None,
                format!("a page of {what} is not JSON; is `api_url` right, and is {} awake?", vendor.name),
            )),
        }
    }

    /// Reads one part; what is wrong with it is noted and stops nothing else. None when it could not be read.
    pub(crate) fn part<T>(
        &mut self,
        of: &str,
        resource: &str,
        read: impl FnOnce(&mut Self) -> Part<T>,
    ) -> Result<Option<T>, PollError> {
        self.client.progress.repository = Some(of.to_owned());
        self.client.progress.resource = Some(resource.to_owned());
        self.host.tell(&self.client.progress);
        match read(self) {
            Ok(read) => Ok(Some(read)),
            Err(Refusal::Everything(error)) => Err(error),
            Err(Refusal::This { message, .. }) => {
                let (repository, resource) = (of.to_owned(), resource.to_owned());
                self.client.progress.failures.push(Failure { repository, resource, message });
                self.host.tell(&self.client.progress);
                Ok(None)
            }
        }
    }

    /// Makes a page durable and counts it, with so many things on it; one with nothing on it is counted only.
    pub(crate) fn keep(
        &mut self,
        resource: &'static str,
        of: &str,
        context: Vec<(&'static str, String)>,
        body: Vec<u8>,
        items: usize,
    ) -> Part<()> {
        if items > 0 {
            self.host.keep(Page { resource, repository: of.to_owned(), context, body })?;
        }
        self.client.progress.pages += 1;
        self.client.progress.items += items as u64;
        self.host.tell(&self.client.progress);
        Ok(())
    }

    /// Where this run has come to in a list, when it was interrupted.
    pub(crate) fn place(&mut self, list: &str) -> Part<Option<String>> {
        let known = self.host.recall(&format!("place {list}"))?;
        let place = known.as_deref().and_then(|known| known.strip_prefix(&*self.settings.run)?.strip_prefix('\n'));
        Ok(place.map(str::to_owned))
    }

    /// Remembers it.
    pub(crate) fn reach(&mut self, list: &str, place: &str) -> Part<()> {
        let value = format!("{}\n{place}", self.settings.run);
        Ok(self.host.remember(&format!("place {list}"), &value)?)
    }
}

impl Vendor {
    fn refusal(&self, what: &str, status: u16, body: &str) -> Refusal {
        let name = self.name;
        let said = serde_json::from_str::<Value>(body).ok().and_then(|body| (self.said)(&body));
        let said = said.map(|said| format!(", \"{}\"", clip(&said, 300).escape_debug())).unwrap_or_default();
        match status {
            300..=399 => {
                let why = format!("{what}: moved to another server, which is not asked; is `api_url` right?");
                Refusal::this(Some(status), why)
            }
            401 => Refusal::everything(format!(
                "{name} does not accept the credentials for {what} (401{said}): they are wrong, were revoked or have \
                 expired; see {}",
                self.credentials
            )),
            403 => Refusal::this(
                Some(status),
                format!("{name} refuses {what} (403{said}); allow whoever the credentials belong to to read it"),
            ),
            404 => Refusal::this(
                Some(status),
                format!("{what}: not found (404{said}); is `api_url` right, and may the credentials read it?"),
            ),
            400 | 422 => Refusal::this(
                Some(status),
                format!(
                    "{name} does not take what is asked about {what} ({status}{said}); see the options of the source"
                ),
            ),
            _ => Refusal::this(Some(status), format!("{name} refuses {what} ({status}{said}); try again later")),
        }
    }
}

/// The `Authorization` of credentials, where a token follows `before`; what is wrong with them otherwise.
pub(crate) fn authorization(credentials: &Credentials, before: &str) -> Result<String, String> {
    use base64::Engine;
    let plain = |secret: &str| !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    match credentials {
        Credentials::Token(token) if !plain(token) => Err("the token is empty or holds white space".to_owned()),
        Credentials::Token(token) => Ok(format!("{before}{token}")),
        Credentials::Basic { user, password } => {
            if user.is_empty() || password.is_empty() || user.contains([':', '\n', '\r']) {
                return Err("the user or the password is empty, or the user's name holds a colon".to_owned());
            }
            let pair = format!("{user}:{password}");
            Ok(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
        }
        Credentials::None | Credentials::App { .. } => {
            Err("it is asked with a token, or with a user and a password".to_owned())
        }
    }
}
