//! What GitHub's refusals mean to the person who has to act on them.

use serde_json::Value;

use crate::json::clip;
use crate::poll::Refusal;

/// Of an answer that says no.
pub(super) fn refusal(what: &str, status: u16, body: &str, lacking: Option<&str>) -> Refusal {
    let said = said(body);
    Refusal::this(
        Some(status),
        match status {
            300..=399 => format!("{what}: moved to another server, which is not asked; is `api_url` right?"),
            401 => format!(
                "GitHub does not accept the token for {what} (401{said}): it is wrong, was revoked or has expired; make a new \
             one and set it as `token`, `token_file` or `token_env` of the source, or see `app_id` and `private_key_file`"
            ),
            403 => {
                let lacking = lacking.filter(|lacking| !lacking.trim().is_empty());
                let allow = lacking.map_or_else(
                    || "allow the token or app to read it".to_owned(),
                    |lacking| format!("allow the token or app `{}`", clip(lacking, 200)),
                );
                format!("GitHub refuses {what} (403{said}); {allow}")
            }
            404 => format!(
                "{what}: not found (404); see whether the name is right, and whether the token or app may read it: GitHub does \
             not tell the two apart"
            ),
            _ => format!("GitHub refuses {what} ({status}{said}); try again later"),
        },
    )
}

/// Its own words, when there are any.
fn said(body: &str) -> String {
    let message = serde_json::from_str::<Value>(body).ok();
    let message = message.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    message.map(|message| format!(", \"{}\"", clip(message, 300).escape_debug())).unwrap_or_default()
}
