//! The HTTP client all commands talk through.

use std::io::{Read, Write};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::failure::Failure;

/// What may stand as it is in a query or a path.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'/');

/// How often a request is sent again that the server was too busy for.
const ATTEMPTS: u32 = 60;
/// No answer is longer than this, in bytes.
const ANSWER_BYTES: u64 = 1 << 30;

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// Why a request was not answered as hoped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers.
    #[error("{base} does not answer: {cause}. Is the server running there, and does this machine reach it?")]
    Unreachable {
        /// The server.
        base: String,
        /// Why.
        cause: String,
    },
    /// The server said no.
    #[error("{}", with_fix(&.0.message, .0.fix.as_deref()))]
    Refused(Box<Refusal>),
    /// The answer is not one of Leadline's.
    #[error("{base} answers {status} in a way that is not Leadline's; is the address right?")]
    Strange {
        /// The server.
        base: String,
        /// What it answered.
        status: u16,
    },
}

/// What a server says when it says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The public code.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) fix: Option<String>,
    /// Events refused one by one, when that is why.
    pub(crate) rejected: Option<Value>,
}

impl ClientError {
    /// Whether the question was at fault, not the answer.
    pub(crate) fn is_wrong_use(&self) -> bool {
        const QUESTION: &[&str] = &[
            "invalid_parameter",
            "not_found",
            "ambiguous",
            "definition_unknown",
            "catalogue_invalid",
            "definition_invalid",
        ];
        matches!(self, ClientError::Refused(refusal) if QUESTION.contains(&refusal.code.as_str()))
    }
}

/// A message that says what to do says it after a semicolon; the others get the advice that goes with their code.
fn with_fix(message: &str, fix: Option<&str>) -> String {
    match fix.filter(|_| !message.contains("; ")) {
        Some(fix) => format!("{}. {fix}", message.trim_end_matches('.')),
        None => message.to_owned(),
    }
}

/// What is sent and how it is written.
pub(crate) struct Content<'a> {
    /// The bytes.
    pub(crate) body: &'a [u8],
    /// Its content type.
    pub(crate) kind: &'a str,
}

impl Client {
    /// A client of the server at `base`.
    pub(crate) fn new(base: &str, token: Option<String>) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(600)))
            .timeout_global(Some(Duration::from_secs(1_800)))
            .tls_config(tls)
            .user_agent(concat!("leadline/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into(), base: base.trim_end_matches('/').to_owned(), token }
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, ClientError> {
        let address = self.address(path, query);
        self.patiently(|| {
            let mut request = self.agent.get(&address);
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.call()
        })
    }

    /// Asks for something long and writes it while it comes. Says from when on it is there, where that is told.
    pub(crate) fn download(
        &self,
        path: &str,
        query: &[(&str, &str)],
        out: &mut impl Write,
    ) -> Result<Option<String>, Failure> {
        let mut request = self.agent.get(self.address(path, query));
        if let Some(bearer) = self.bearer() {
            request = request.header("authorization", bearer);
        }
        let mut response = request.call().map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if !status.is_success() {
            let text = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string();
            return self
                .understand(status, &text.map_err(|error| self.unreachable(&error))?)
                .map(|_| None)
                .map_err(Failure::from);
        }
        let kept_from = response.headers().get("leadline-kept-from").and_then(|first| first.to_str().ok());
        let kept_from = kept_from.map(str::to_owned);
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = reader.read(&mut piece).map_err(|error| {
                Failure::could_not(format!("{} stopped in the middle of its answer: {error}", self.base))
            })?;
            if read == 0 {
                return Ok(kept_from);
            }
            let taken = piece.get(..read).unwrap_or_default();
            out.write_all(taken).map_err(|error| match error.kind() {
                std::io::ErrorKind::BrokenPipe => Failure::OutputClosed,
                _ => Failure::could_not(format!("the output cannot be written: {error}")),
            })?;
        }
    }

    /// Sends something.
    pub(crate) fn post(&self, path: &str, content: &Content<'_>) -> Result<Value, ClientError> {
        self.send(path, content, false, &[])
    }

    /// Sends something with headers of its own.
    pub(crate) fn post_with(
        &self,
        path: &str,
        content: &Content<'_>,
        headers: &[(&str, String)],
    ) -> Result<Value, ClientError> {
        self.send(path, content, false, headers)
    }

    /// Replaces something.
    pub(crate) fn put(&self, path: &str, content: &Content<'_>) -> Result<Value, ClientError> {
        self.send(path, content, true, &[])
    }

    /// Takes something away.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, ClientError> {
        let address = self.address(path, &[]);
        self.patiently(|| {
            let mut request = self.agent.delete(&address);
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.call()
        })
    }

    fn send(
        &self,
        path: &str,
        content: &Content<'_>,
        put: bool,
        headers: &[(&str, String)],
    ) -> Result<Value, ClientError> {
        let address = self.address(path, &[]);
        self.patiently(|| {
            let mut request = if put { self.agent.put(&address) } else { self.agent.post(&address) };
            request = request.header("content-type", content.kind);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if let Some(bearer) = self.bearer() {
                request = request.header("authorization", bearer);
            }
            request.send(content.body)
        })
    }

    fn bearer(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    fn address(&self, path: &str, query: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{path}{mark}{}", self.base, pairs.join("&"))
    }

    /// Sends until the server is not too busy, as long as it says to wait.
    fn patiently(&self, mut send: impl FnMut() -> Result<Response<Body>, ureq::Error>) -> Result<Value, ClientError> {
        let mut attempt = 0;
        loop {
            let mut response = send().map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if let (true, Some(seconds)) = (busy && attempt < ATTEMPTS, retry_after(&response)) {
                attempt += 1;
                std::thread::sleep(Duration::from_secs(seconds));
                continue;
            }
            let text = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_string();
            let text = text.map_err(|error| self.unreachable(&error))?;
            return self.understand(status, &text);
        }
    }

    fn understand(&self, status: StatusCode, text: &str) -> Result<Value, ClientError> {
        let strange = || ClientError::Strange { base: self.base.clone(), status: status.as_u16() };
        if status.is_success() && text.is_empty() {
            return Ok(Value::Null);
        }
        let answer: Value = serde_json::from_str(text).map_err(|_| strange())?;
        if status.is_success() {
            return Ok(answer);
        }
        let word = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        let fix = answer.pointer("/details/fix").and_then(Value::as_str).map(str::to_owned);
        match (word("code"), word("message")) {
            (Some(code), Some(message)) => {
                let rejected = answer.pointer("/details/rejected").cloned();
                Err(ClientError::Refused(Box::new(Refusal { code, message, fix, rejected })))
            }
            _ => Err(strange()),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> ClientError {
        ClientError::Unreachable { base: self.base.clone(), cause: error.to_string() }
    }
}

fn retry_after(response: &Response<Body>) -> Option<u64> {
    let seconds: u64 = response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.clamp(1, 30))
}

/// A value as it stands in an address.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_in_addresses() {
        let client = Client::new("http://x:1/", None);
        assert_eq!(
            client.address("/a", &[("node", "instance:cart@eu"), ("q", "a b+c&é")]),
            "http://x:1/a?node=instance:cart%40eu&q=a%20b%2Bc%26%C3%A9"
        );
        assert_eq!(client.address("/a", &[]), "http://x:1/a");
    }

    #[test]
    fn refusals_carry_what_to_do() {
        let client = Client::new("http://x", None);
        let body = r#"{"code":"not_found","message":"there is no product `x`","details":{"fix":"Check it."},"request_id":"1"}"#;
        let error = client.understand(StatusCode::NOT_FOUND, body).unwrap_err();
        assert_eq!(error.to_string(), "there is no product `x`. Check it.");
        assert!(error.is_wrong_use());
        assert_eq!(with_fix("no `a`; write `b`", Some("Write it.")), "no `a`; write `b`");
        let error = client.understand(StatusCode::BAD_GATEWAY, "<html>").unwrap_err();
        assert_eq!(error.to_string(), "http://x answers 502 in a way that is not Leadline's; is the address right?");
    }
}
