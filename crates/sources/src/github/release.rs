//! A release.
//!
//! A release is an attempt on an environment called `release` (`prerelease` for those marked so). That is no production
//! environment by the rules shipped; who ships by releasing adds the word `release` to them.

use domain::Problem;
use domain::event::EventKind;
use serde_json::Value;

use super::hook::Hook;
use crate::Parsed;

const WHY: &str = "it says which release.";

/// `created`, `released`, `published` and `edited` tell of one release: its id makes one deployment of them.
pub(super) fn release(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let action = hook.text("/action").unwrap_or_default();
    if matches!(action, "deleted" | "unpublished") {
        return Ok(Parsed::ignored("a release was taken back: it was published all the same"));
    }
    let id = hook.number("/release/id", WHY)?;
    let flag = |pointer: &str| hook.get(pointer) == Some(&Value::Bool(true));
    let published_at = match hook.instant("/release/published_at")? {
        Some(at) if !flag("/release/draft") => at,
        _ => return Ok(Parsed::ignored("a draft of a release")),
    };
    let updated_at = hook.instant("/release/updated_at")?.unwrap_or(published_at).max(published_at);
    hook.draft(EventKind::Deployment)
        .set("id", format!("release-{id}"))
        .set("component", hook.repo())
        .set("repo", hook.repo())
        .set("environment", if flag("/release/prerelease") { "prerelease" } else { "release" })
        .set("status", "succeeded")
        .set("version", hook.need("/release/tag_name", WHY)?)
        .set("assumed", "release")
        .at("finished_at", published_at)
        .at("updated_at", updated_at)
        .copy("actor", "/release/author/login")
        .copy("url", "/release/html_url")
        .alone()
}
