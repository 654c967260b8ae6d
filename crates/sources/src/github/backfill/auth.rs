//! As whom GitHub is asked: by a token, or as an app, which makes itself a token for each place where it is installed.
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Timestamp;
use domain::time::SECOND;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::check;
use super::explain;
use crate::json::text;
use crate::poll::{Ask, Client, Credentials, Fetched, Host, Refusal, Settings};

/// A token is renewed when it has so long left, in microseconds.
const RENEWED_BEFORE: i64 = 300 * SECOND;
/// Clocks differ: a claim is made as if it were a minute ago, and lasts nine of the ten minutes GitHub takes.
const CLAIM: (i64, i64) = (60, 540);
/// Installations read, at most so many pages of a hundred.
const INSTALLATION_PAGES: usize = 100;

/// As whom.
pub(super) enum Auth {
    Token(String),
    App(Box<App>),
}

/// An app and its tokens.
pub(super) struct App {
    api_url: String,
    id: String,
    key: RsaKeyPair,
    /// Where it is installed: owner, in lower case, and the installation's id. None until it was asked for.
    installations: Option<BTreeMap<String, u64>>,
    /// By installation, each with when it ends.
    tokens: BTreeMap<u64, (String, Timestamp)>,
    /// Whom the last answer about the rate limit was for: each installation has its own.
    last: Option<u64>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Auth::Token(_) => "Token(…)",
            Auth::App(_) => "App(…)",
        })
    }
}

impl Auth {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        Ok(match &settings.credentials {
            Credentials::Token(token) => Auth::Token(token.clone()),
            Credentials::None | Credentials::Basic { .. } => return Err(check::WAYS.to_owned()),
            Credentials::App { id, private_key } => Auth::App(Box::new(App {
                api_url: settings.api_url.clone(),
                id: id.clone(),
                key: app_key(id, private_key)?,
                installations: None,
                tokens: BTreeMap::new(),
                last: None,
            })),
        })
    }

    /// Whether a token that is not taken can be made anew.
    pub(super) const fn renews(&self) -> bool {
        matches!(self, Auth::App(_))
    }

    /// The token for what belongs to an owner.
    pub(super) fn bearer(&mut self, client: &mut Client, host: &mut dyn Host, owner: &str) -> Result<String, Refusal> {
        match self {
            Auth::Token(token) => Ok(token.clone()),
            Auth::App(app) => app.token(client, host, owner),
        }
    }

    /// Makes the token of an owner anew when it is needed next.
    pub(super) fn forget(&mut self, owner: &str) {
        if let Auth::App(app) = self
            && let Some(id) = app.installations.as_ref().and_then(|all| all.get(&owner.to_ascii_lowercase()))
        {
            app.tokens.remove(id);
        }
    }

    /// Where the app is installed; none for a token.
    pub(super) fn installed(
        &mut self,
        client: &mut Client,
        host: &mut dyn Host,
    ) -> Result<Option<Vec<String>>, Refusal> {
        match self {
            Auth::Token(_) => Ok(None),
            Auth::App(app) => Ok(Some(app.installations(client, host)?.keys().cloned().collect())),
        }
    }
}

impl App {
    fn token(&mut self, client: &mut Client, host: &mut dyn Host, owner: &str) -> Result<String, Refusal> {
        let found = self.installations(client, host)?.get(&owner.to_ascii_lowercase()).copied();
        let id = found.ok_or_else(|| {
            Refusal::this(
                None,
                format!("the app is not installed at `{owner}`; install it there, for the repositories to read"),
            )
        })?;
        if self.last.replace(id).is_some_and(|last| last != id) {
            client.progress.rate_limit = None;
        }
        let now = host.now();
        if let Some((token, ends)) = self.tokens.get(&id)
            && ends.since(now) > RENEWED_BEFORE
        {
            return Ok(token.clone());
        }
        let url = format!("{}/app/installations/{id}/access_tokens", self.api_url);
        let answer = self.ask(client, host, &url, "a token of the app", true)?;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let strange =
            || Refusal::everything("GitHub makes a token of the app in a way that is not known; is `api_url` right?");
        let token = text(answer.get("token")).ok_or_else(strange)?.to_owned();
        let ends = text(answer.get("expires_at")).and_then(|at| Timestamp::parse(at).ok()).ok_or_else(strange)?;
        self.tokens.insert(id, (token.clone(), ends));
        Ok(token)
    }

    fn installations(&mut self, client: &mut Client, host: &mut dyn Host) -> Result<&BTreeMap<String, u64>, Refusal> {
        if self.installations.is_none() {
            let mut found = BTreeMap::new();
            let mut next = Some(format!("{}/app/installations?per_page=100", self.api_url));
            for _ in 0..INSTALLATION_PAGES {
                let Some(url) = next.filter(|url| crate::poll::same_server(url, &self.api_url)) else { break };
                let page = self.ask(client, host, &url, "where the app is installed", false)?;
                let items: Vec<Value> = serde_json::from_slice(&page.body).unwrap_or_default();
                for item in items.iter().filter(|item| item.get("suspended_at").is_none_or(Value::is_null)) {
                    let login = text(item.pointer("/account/login")).map(str::to_ascii_lowercase);
                    if let (Some(login), Some(id)) = (login, item.get("id").and_then(Value::as_u64)) {
                        found.insert(login, id);
                    }
                }
                next = page.next;
            }
            self.installations = Some(found);
        }
        self.installations.as_ref().ok_or_else(|| Refusal::everything("the app's installations are not known"))
    }

    /// Asks as the app itself.
    fn ask(
        &self,
        client: &mut Client,
        host: &mut dyn Host,
        url: &str,
        what: &str,
        post: bool,
    ) -> Result<Fetched, Refusal> {
        let claim = claim(&self.key, &self.id, host.now()).map_err(Refusal::everything)?;
        let post = post.then_some(&b""[..]);
        let ask = Ask { url, what, headers: headers(&claim), etag: None, post };
        let explain = |status: u16, body: &str, lacking: Option<&str>| {
            match (status, explain::refusal(what, status, body, lacking)) {
                // As itself the app is known or it is not: no repository could be read.
                (401 | 404, Refusal::This { .. }) => Refusal::everything(format!(
                    "GitHub does not know the app ({status}): `app_id` and `private_key_file` do not belong together, or \
                     this machine's clock is wrong"
                )),
                (_, other) => other,
            }
        };
        client.ask(host, &ask, &explain)
    }
}

/// Headers of every request.
pub(super) fn headers(bearer: &str) -> Vec<(&'static str, String)> {
    vec![
        ("accept", "application/vnd.github+json".to_owned()),
        ("x-github-api-version", "2022-11-28".to_owned()),
        ("authorization", format!("Bearer {bearer}")),
    ]
}

/// The private key of an app, PKCS#1 as GitHub gives it or PKCS#8.
pub(super) fn app_key(id: &str, pem: &str) -> Result<RsaKeyPair, String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return Err("app_id is the number or the client id of the app".to_owned());
    }
    let wrong = || "the private key is no RSA key in PEM; download one from the app's settings".to_owned();
    for (label, of_der) in [
        ("RSA PRIVATE KEY", RsaKeyPair::from_der as fn(&[u8]) -> Result<RsaKeyPair, ring::error::KeyRejected>),
        ("PRIVATE KEY", RsaKeyPair::from_pkcs8),
    ] {
        if let Some(der) = der(pem, label) {
            return of_der(&der).map_err(|_| wrong());
        }
    }
    Err(wrong())
}

/// The bytes between the lines of a PEM file.
fn der(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (text, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// A claim to be the app: a JSON Web Token by RS256.
pub(super) fn claim(key: &RsaKeyPair, id: &str, now: Timestamp) -> Result<String, String> {
    let seconds = now.micros().div_euclid(SECOND);
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let body = json!({"iat": seconds - CLAIM.0, "exp": seconds + CLAIM.1, "iss": id});
    let signed = [header, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| "the private key of the app cannot sign".to_owned())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
