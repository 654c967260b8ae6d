//! Whether a delivery comes from whom it says. The secret is a parameter; comparing takes the same time whatever fits.

use domain::{Code, Problem};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::table::{header, hex};
use crate::{Source, Verification};

/// GitHub's signature of before 2020, by SHA-1.
const OLD_SIGNATURE: &str = "x-hub-signature";

/// Checks the signature of a raw body against the secret shared with the sender. Where a secret is being replaced, ask
/// with the new one and with the old one.
///
/// A source without a secret is let in by a token, which is not asked about here.
///
/// # Errors
/// `signature_invalid`, with what to mend; never with the signature that would have fitted.
pub fn verify(source: &Source, headers: &[(String, String)], body: &[u8], secret: &[u8]) -> Result<(), Problem> {
    match source.verification {
        Verification::Token => {
            Err(refused(format!("{} signs nothing: leave the secret of this source out and use a token", source.title)))
        }
        Verification::HmacSha256 { header: name, prefix } => {
            if secret.is_empty() {
                return Err(refused("the secret of this source is empty: anybody could sign with it"));
            }
            let given = match header(headers, name) {
                Some(given) => given,
                None if header(headers, OLD_SIGNATURE).is_some() => {
                    return Err(refused(format!(
                        "only `{OLD_SIGNATURE}` was sent, by SHA-1, which is not taken; `{name}` is needed"
                    )));
                }
                None => return Err(refused(format!("no `{name}` was sent: set the same secret at the sender"))),
            };
            let given = given
                .strip_prefix(prefix)
                .and_then(bytes)
                .ok_or_else(|| refused(format!("`{name}` is not `{prefix}` and 64 hexadecimal digits")))?;
            let mut mac = Hmac::<Sha256>::new_from_slice(secret)
                .map_err(|_| refused("the secret of this source cannot be used"))?;
            mac.update(body);
            mac.verify_slice(&given)
                .map_err(|_| refused(format!("`{name}` does not fit the body and the secret of this source")))
        }
    }
}

/// The header a sender signs a body with, and its value; none for a source that signs nothing.
#[must_use]
pub fn sign(source: &Source, body: &[u8], secret: &[u8]) -> Option<(&'static str, String)> {
    match source.verification {
        Verification::Token => None,
        Verification::HmacSha256 { header, prefix } => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
            mac.update(body);
            Some((header, format!("{prefix}{}", hex(&mac.finalize().into_bytes()))))
        }
    }
}

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::SignatureInvalid, message)
}

/// The bytes of a SHA-256 in hexadecimal.
fn bytes(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
