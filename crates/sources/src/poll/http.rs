//! The one place that talks to a vendor: with limits of time and size, and the same name everywhere.

use std::io::Read;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

use super::link::same_server;

/// No page is longer, in bytes.
const PAGE_BYTES: u64 = 64 << 20;
/// How often one thing may have moved.
const MOVES: usize = 5;
const CONNECT: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(60);
const WHOLE: Duration = Duration::from_secs(180);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The first header by this name, in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[cfg(test)]
    pub(super) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }
}

/// Asks, once.
#[derive(Debug)]
pub(super) struct Http(Agent);

impl Http {
    pub(super) fn new() -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Followed below, where it can be seen that the token goes to no other server.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_global(Some(WHOLE))
            .tls_config(tls)
            .user_agent(concat!("leadline/", env!("CARGO_PKG_VERSION")))
            .build();
        Http(config.into())
    }

    /// One request and its whole answer; what went wrong in a few words, never with a header in them. What has moved
    /// within the server, as a repository that was renamed, is asked for there.
    pub(super) fn send(&self, post: Option<&[u8]>, url: &str, headers: &[(&str, String)]) -> Result<Answer, String> {
        let mut place = url.to_owned();
        for _ in 0..MOVES {
            let answer = self.once(post, &place, headers)?;
            let moved = matches!(answer.status, 301 | 302 | 307 | 308);
            let next = answer.header("location").and_then(|next| Url::parse(&place).ok()?.join(next).ok());
            match next.filter(|next| moved && post.is_none() && same_server(url, next.as_str())) {
                Some(next) => place = next.into(),
                None => return Ok(answer),
            }
        }
        Err("it was moved again and again".to_owned())
    }

    fn once(&self, post: Option<&[u8]>, url: &str, headers: &[(&str, String)]) -> Result<Answer, String> {
        let answer = if let Some(body) = post {
            let mut request = self.0.post(url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            if body.is_empty() { request.send_empty() } else { request.content_type("application/json").send(body) }
        } else {
            let mut request = self.0.get(url);
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            request.call()
        };
        read(answer.map_err(|error| error.to_string())?)
    }
}

fn read(answer: ureq::http::Response<Body>) -> Result<Answer, String> {
    let (parts, body) = answer.into_parts();
    let mut bytes = Vec::new();
    let mut reader = body.into_with_config().limit(PAGE_BYTES).reader().take(PAGE_BYTES + 1);
    reader.read_to_end(&mut bytes).map_err(|error| format!("the answer broke off: {error}"))?;
    if bytes.len() as u64 > PAGE_BYTES {
        return Err(format!("the answer has more than {PAGE_BYTES} bytes"));
    }
    let text = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers.iter().filter_map(text).collect(), body: bytes })
}
