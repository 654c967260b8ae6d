//! Whether a delivery comes from whom it says. The secret and the time are parameters; comparing takes the same time
//! whatever fits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Code, Problem, Timestamp};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::Source;
use crate::table::{header, hex};

/// How a delivery is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// By a token of Leadline's own: the tool signs nothing.
    Token,
    /// By a secret shared with the sender, in one of these ways; the first whose header was sent counts. A source that
    /// was given no secret is let in by a token all the same.
    Secret(&'static [Scheme]),
}

/// One way to show that one knows a secret. Header names are in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// An HMAC-SHA256, keyed with the secret.
    Hmac {
        /// Header with the signature, or several of them after commas, of which one has to fit.
        header: &'static str,
        /// What stands before the digits: `sha256=`, `v1=`, or nothing.
        prefix: &'static str,
        /// How the digits are written.
        digits: Digits,
        /// What is signed.
        signs: Signs,
    },
    /// The Standard Webhooks: `webhook-id`, `webhook-timestamp` of at most five minutes ago or ahead, and
    /// `webhook-signature`, in which one of several `v1,BASE64` after spaces has to fit `ID.TIMESTAMP.BODY`. The key is
    /// what follows `whsec_` in the secret, in base64.
    Standard,
    /// The secret itself.
    Plain {
        /// Header it is sent in.
        header: &'static str,
        /// What stands before it, such as `Bearer `.
        prefix: &'static str,
    },
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// 64 hexadecimal digits.
    Hex,
    /// 44 characters of base64.
    Base64,
}

/// What a signature is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// The body.
    Body,
    /// What this header says, then the body.
    HeaderAndBody(&'static str),
    /// What follows this prefix in the signature's own header (`t=1700000000,v1=…`), then the body.
    PartAndBody(&'static str),
}

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
/// How far the sender's clock may be from ours, as the Standard Webhooks have it.
const TOLERANCE_SECONDS: i64 = 300;
/// GitHub's signature of before 2020, by SHA-1.
const OLD_SIGNATURE: &str = "x-hub-signature";

/// The HMAC-SHA256 of parts under a key; any key will do.
fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

/// Checks a delivery against the secret shared with the sender. Where a secret is being replaced, ask with the new one
/// and with the old one.
///
/// A source without a secret is let in by a token, which is not asked about here.
///
/// # Errors
/// `signature_invalid`, with what to mend; never with what would have fitted.
pub fn verify(
    source: &Source,
    headers: &[(String, String)],
    body: &[u8],
    secret: &[u8],
    now: Timestamp,
) -> Result<(), Problem> {
    let Verification::Secret(schemes) = source.verification else {
        return Err(refused(format!(
            "{} signs nothing: leave the secret of this source out and use a token",
            source.title
        )));
    };
    if secret.trim_ascii().is_empty() {
        return Err(refused("the secret of this source is empty: anybody could sign with it"));
    }
    let sent = schemes.iter().find(|scheme| header(headers, scheme.header()).is_some());
    let Some(scheme) = sent else {
        let names: Vec<String> = schemes.iter().map(|scheme| format!("`{}`", scheme.header())).collect();
        let names = names.join(" or ");
        if header(headers, OLD_SIGNATURE).is_some() {
            return Err(refused(format!(
                "only `{OLD_SIGNATURE}` was sent, by SHA-1, which is not taken; {names} is needed"
            )));
        }
        return Err(refused(format!("no {names} was sent: set the same secret at the sender")));
    };
    scheme.verify(headers, body, secret, now)
}

/// The headers a sender adds to a body, for tests and for who plays the sender; none for a source that signs nothing.
#[must_use]
pub fn sign(source: &Source, body: &[u8], secret: &[u8], now: Timestamp) -> Vec<(String, String)> {
    match source.verification {
        Verification::Token => Vec::new(),
        Verification::Secret(schemes) => {
            schemes.first().map(|scheme| scheme.sign(body, secret, now)).unwrap_or_default()
        }
    }
}

impl Scheme {
    /// The header without which it was not used.
    #[must_use]
    pub const fn header(&self) -> &'static str {
        match self {
            Scheme::Hmac { header, .. } | Scheme::Plain { header, .. } => header,
            Scheme::Standard => SIGNATURE,
        }
    }

    fn verify(&self, headers: &[(String, String)], body: &[u8], secret: &[u8], now: Timestamp) -> Result<(), Problem> {
        let need = |name: &str| {
            header(headers, name).ok_or_else(|| refused(format!("no `{name}` was sent beside `{}`", self.header())))
        };
        let name = self.header();
        let given = need(name)?;
        let unfit = || refused(format!("`{name}` does not fit the body and the secret of this source"));
        match self {
            Scheme::Hmac { prefix, digits, signs, .. } => {
                let stamp = match signs {
                    Signs::Body => "",
                    Signs::HeaderAndBody(other) => need(other)?,
                    Signs::PartAndBody(part) => pieces(given, ',', part)
                        .next()
                        .ok_or_else(|| refused(format!("`{name}` has no part `{part}`")))?,
                };
                let signatures: Vec<Vec<u8>> =
                    pieces(given, ',', prefix).filter_map(|text| digits.bytes(text)).collect();
                if signatures.is_empty() {
                    return Err(refused(format!("`{name}` is not `{prefix}` and {}", digits.shape())));
                }
                one_fits(secret, &[stamp.as_bytes(), body], &signatures).then_some(()).ok_or_else(unfit)
            }
            Scheme::Standard => {
                let (id, stamp) = (need(ID)?, need(TIMESTAMP)?);
                let sent_at: i64 = stamp
                    .parse()
                    .map_err(|_| refused(format!("`{TIMESTAMP}` is not a number of seconds since 1970")))?;
                let apart = now.micros().div_euclid(domain::time::SECOND).saturating_sub(sent_at).saturating_abs();
                if apart > TOLERANCE_SECONDS {
                    return Err(refused(format!(
                        "`{TIMESTAMP}` is {apart} s from the clock here; {TOLERANCE_SECONDS} s are taken: see that both \
                         clocks are right"
                    )));
                }
                let signatures: Vec<Vec<u8>> =
                    pieces(given, ' ', "v1,").filter_map(|text| Digits::Base64.bytes(text)).collect();
                if signatures.is_empty() {
                    return Err(refused(format!("`{name}` is not `v1,` and {}", Digits::Base64.shape())));
                }
                let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", body];
                one_fits(&standard_key(secret)?, &parts, &signatures).then_some(()).ok_or_else(unfit)
            }
            Scheme::Plain { prefix, .. } => {
                let given = given
                    .strip_prefix(prefix)
                    .ok_or_else(|| refused(format!("`{name}` does not begin with `{prefix}`")))?;
                // Both under one key: comparing the two takes the same time wherever they differ.
                let known = mac(b"leadline", &[secret]).map(|mac| mac.finalize().into_bytes());
                let fits = known.zip(mac(b"leadline", &[given.as_bytes()]));
                let fits = fits.is_some_and(|(known, given)| given.verify_slice(&known).is_ok());
                fits.then_some(()).ok_or_else(|| refused(format!("`{name}` is not the secret of this source")))
            }
        }
    }

    fn sign(&self, body: &[u8], secret: &[u8], now: Timestamp) -> Vec<(String, String)> {
        let stamp = now.micros().div_euclid(domain::time::SECOND).to_string();
        let of = |key: &[u8], parts: &[&[u8]]| {
            mac(key, parts).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
        };
        let named = |name: &str, value: String| (name.to_owned(), value);
        match self {
            Scheme::Hmac { header, prefix, digits, signs } => {
                let signed = |before: &str| format!("{prefix}{}", digits.text(&of(secret, &[before.as_bytes(), body])));
                match signs {
                    Signs::Body => vec![named(header, signed(""))],
                    Signs::HeaderAndBody(other) => vec![named(header, signed(&stamp)), named(other, stamp)],
                    Signs::PartAndBody(part) => vec![named(header, format!("{part}{stamp},{}", signed(&stamp)))],
                }
            }
            Scheme::Standard => {
                let id = format!("msg_{}", hex(&of(secret, &[body]))[..24].to_owned());
                let parts: [&[u8]; 5] = [id.as_bytes(), b".", stamp.as_bytes(), b".", body];
                let key = standard_key(secret).unwrap_or_default();
                let signature = format!("v1,{}", Digits::Base64.text(&of(&key, &parts)));
                vec![named(SIGNATURE, signature), named(ID, id), named(TIMESTAMP, stamp)]
            }
            Scheme::Plain { header, prefix } => {
                vec![named(header, format!("{prefix}{}", String::from_utf8_lossy(secret)))]
            }
        }
    }
}

/// The pieces between separators that begin with a prefix, without it.
fn pieces<'a>(value: &'a str, between: char, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    value.split(between).filter_map(move |piece| piece.trim().strip_prefix(prefix))
}

/// Whether one of the signatures fits. A stranger cannot make us try many: a header is short.
fn one_fits(key: &[u8], parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
    mac(key, parts).is_some_and(|mac| signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()))
}

/// The key in a secret of the Standard Webhooks.
fn standard_key(secret: &[u8]) -> Result<Vec<u8>, Problem> {
    let text = secret.strip_prefix(b"whsec_").unwrap_or(secret);
    let key = BASE64.decode(text.trim_ascii()).ok().filter(|key| !key.is_empty());
    key.ok_or_else(|| refused("the secret of this source is not `whsec_` and base64, as its sender shows it"))
}

impl Digits {
    /// The bytes of a SHA-256.
    fn bytes(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Digits::Hex => unhex(text),
            Digits::Base64 => BASE64.decode(text).ok().filter(|bytes| bytes.len() == 32),
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        match self {
            Digits::Hex => hex(bytes),
            Digits::Base64 => BASE64.encode(bytes),
        }
    }

    const fn shape(self) -> &'static str {
        match self {
            Digits::Hex => "64 hexadecimal digits",
            Digits::Base64 => "44 characters of base64",
        }
    }
}

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::SignatureInvalid, message)
}

/// The bytes of a SHA-256 in hexadecimal.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_100 * domain::time::SECOND);

    fn check(scheme: &'static [Scheme], headers: &[(&str, &str)], body: &str, secret: &str, now: Timestamp) -> String {
        let source = Source { verification: Verification::Secret(scheme), ..native::SOURCE };
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let outcome = verify(&source, &headers, body.as_bytes(), secret.as_bytes(), now);
        outcome.map_or_else(|problem| problem.message, |()| "ok".to_owned())
    }

    const LISTED: &[Scheme] =
        &[Scheme::Hmac { header: "x-signature", prefix: "v1=", digits: Digits::Hex, signs: Signs::Body }];

    /// Computed with `openssl dgst -sha256 -hmac`.
    const HELLO: &str = "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a";

    #[test]
    fn one_of_several_signatures_has_to_fit_and_only_of_the_version_known() {
        let said = |value: &str| check(LISTED, &[("X-Signature", value)], "hello world", "secret", NOW);
        assert_eq!(said(&format!("v1={HELLO}")), "ok");
        assert_eq!(said(&format!("v2=00, v1={}, v1={HELLO}", "0".repeat(64))), "ok");
        assert_eq!(said(&format!("v2={HELLO}")), "`x-signature` is not `v1=` and 64 hexadecimal digits");
    }

    #[test]
    fn a_standard_webhook_is_signed_with_its_id_and_time() {
        let secret = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q=";
        let headers = [
            ("webhook-id", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"),
            ("webhook-timestamp", "1700000000"),
            ("webhook-signature", "v1a,zzz v1,68n7sQVzNQF7jew9KS2HTT9NVpOYy2A5oNqzWGa8QlM="),
        ];
        let body = r#"{"object_kind":"push"}"#;
        let said = |now| check(&[Scheme::Standard], &headers, body, secret, now);
        assert_eq!(said(NOW), "ok");
        for seconds in [-401, 201, i64::MAX / domain::time::SECOND - 1_700_000_101] {
            assert!(said(NOW.plus(seconds * domain::time::SECOND)).contains("from the clock here"), "{seconds}");
        }
        assert!(check(&[Scheme::Standard], &headers, body, "whsec_*", NOW).contains("not `whsec_` and base64"));
    }

    #[test]
    fn the_time_may_stand_in_a_header_or_in_the_signature() {
        let parts: &[Scheme] = &[Scheme::Hmac {
            header: "x-rootly-like",
            prefix: "v1=",
            digits: Digits::Hex,
            signs: Signs::PartAndBody("t="),
        }];
        // The signed text is `hello world` either way.
        let value = format!("t=hello,v1={HELLO}");
        assert_eq!(check(parts, &[("x-rootly-like", &value)], " world", "secret", NOW), "ok");
        assert_eq!(
            check(parts, &[("x-rootly-like", &format!("v1={HELLO}"))], " world", "secret", NOW),
            "`x-rootly-like` has no part `t=`"
        );
        let beside: &[Scheme] = &[Scheme::Hmac {
            header: "x-signature",
            prefix: "",
            digits: Digits::Base64,
            signs: Signs::HeaderAndBody("x-time"),
        }];
        let base64 = Digits::Base64.text(&unhex(HELLO).unwrap());
        let headers = [("x-signature", base64.as_str()), ("x-time", "hello")];
        assert_eq!(check(beside, &headers, " world", "secret", NOW), "ok");
        assert_eq!(check(beside, &headers[..1], " world", "secret", NOW), "no `x-time` was sent beside `x-signature`");
    }

    #[test]
    fn the_first_way_that_was_used_counts() {
        let ways: &[Scheme] = &[Scheme::Standard, Scheme::Plain { header: "x-token", prefix: "" }];
        assert_eq!(check(ways, &[("x-token", "secret")], "", "secret", NOW), "ok");
        assert_eq!(
            check(ways, &[("x-token", "secrets")], "", "secret", NOW),
            "`x-token` is not the secret of this source"
        );
        let both = [("x-token", "secret"), ("webhook-signature", "v1,x")];
        assert_eq!(check(ways, &both, "", "secret", NOW), "no `webhook-id` was sent beside `webhook-signature`");
        assert_eq!(
            check(ways, &[], "", "secret", NOW),
            "no `webhook-signature` or `x-token` was sent: set the same secret at the sender"
        );
    }
}
