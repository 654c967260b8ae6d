//! A release.
//!
//! It is an attempt on an environment called `release`, which counts where the catalogue calls that one production. Its
//! tag is its identity: the API knows no other.

use domain::Problem;
use domain::event::EventKind;

use super::hook::Hook;
use crate::Parsed;

const WHY: &str = "it says which release.";

/// `release`
pub(super) fn release(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    if hook.text("/action") == Some("delete") {
        return Ok(Parsed::ignored("a release was deleted: it was published all the same"));
    }
    let tag = hook.need("/tag", WHY)?;
    let created_at = hook.instant("/created_at")?;
    let released_at = match hook.instant("/released_at")?.or(created_at) {
        Some(at) if at <= hook.received_at() => at,
        Some(_) => return Ok(Parsed::ignored("a release that is still to come")),
        None => return Err(crate::json::missing("released_at", "it says when it was published.")),
    };
    hook.draft(EventKind::Deployment)
        .set("id", format!("release-{}-{tag}", hook.repo()))
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .set("environment", "release")
        .set("status", "succeeded")
        .set("version", tag)
        .set("assumed", "release")
        .at("finished_at", released_at)
        .at("updated_at", released_at.max(created_at.unwrap_or(released_at)))
        .copy("url", "/url")
        .mark("repository", Some(hook.repo()))
        .mark("project", Some(hook.repo()))
        .alone()
}
