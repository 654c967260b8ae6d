//! What GitLab's refusals mean to the person who has to act on them.

use serde_json::Value;

use crate::json::clip;
use crate::poll::Refusal;

/// Of an answer that says no.
pub(super) fn refusal(what: &str, status: u16, body: &str) -> Refusal {
    let said = said(body);
    Refusal::this(
        Some(status),
        match status {
            300..=399 => format!("{what}: moved to another server, which is not asked; is `api_url` right?"),
            401 => format!(
                "GitLab does not accept the token for {what} (401{said}): it is wrong, was revoked or has expired; make a \
                 new one with the scope `read_api` and set it as `token`, `token_file` or `token_env` of the source"
            ),
            403 => format!(
                "GitLab refuses {what} (403{said}); give the token the scope `read_api` and the role Reporter in the \
                 project or its group"
            ),
            404 => format!(
                "{what}: not found (404); see whether the name is right, and whether the token may read it: GitLab does \
                 not tell the two apart"
            ),
            _ => format!("GitLab refuses {what} ({status}{said}); try again later"),
        },
    )
}

/// Its own words, when there are any.
fn said(body: &str) -> String {
    let body = serde_json::from_str::<Value>(body).ok();
    let said = body.as_ref().and_then(|body| {
        ["message", "error_description", "error"].iter().find_map(|name| body.get(*name).and_then(Value::as_str))
    });
    said.map(|said| format!(", \"{}\"", clip(said, 300).escape_debug())).unwrap_or_default()
}
