//! Pull requests and their reviews.

use domain::event::{Event, EventKind};
use domain::{Problem, Timestamp};
use serde_json::Value;

use super::hook::Hook;
use crate::Parsed;
use crate::body::Draft;
use crate::first_time::earliest_wins;

const NUMBER: &str = "it is the pull request's number.";
const REVIEW: &str = "it says what the review came to.";

/// `pull_request`: whatever happened, the body tells the whole of it.
pub(super) fn changed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    Ok(Parsed { events: vec![Ok(told(hook)?)], ignored: None })
}

/// `pull_request_review`: the pull request as it is, and the review when somebody else gave one.
pub(super) fn reviewed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let mut events = vec![Ok(told(hook)?)];
    events.extend(review(hook)?.map(Ok));
    Ok(Parsed { events, ignored: None })
}

fn draft<'a>(hook: &'a Hook<'a>) -> Result<Draft<'a>, Problem> {
    let number = hook.number("/pull_request/number", NUMBER)?;
    let opened_at = hook.need_instant("/pull_request/created_at", "it says when it was opened.")?;
    let draft = hook.draft(EventKind::PullRequest).set("repo", hook.repo()).set("number", number);
    Ok(draft.at("opened_at", opened_at))
}

fn told(hook: &Hook<'_>) -> Result<Event, Problem> {
    let updated_at = hook.need_instant("/pull_request/updated_at", "it says which of two events is newer.")?;
    // Before the merge it is a trial merge that nobody sees; after closing it is stale.
    let merged = hook.get("/pull_request/merged_at").is_some();
    let merge_sha = hook.text("/pull_request/merge_commit_sha").filter(|_| merged);
    draft(hook)?
        .copy_instant("merged_at", "/pull_request/merged_at")?
        .copy_instant("closed_at", "/pull_request/closed_at")?
        .maybe("merge_sha", merge_sha)
        // The whole of them, also none: a label taken off is one that is not there.
        .set("labels", hook.labels("/pull_request/labels"))
        .copy("branch", "/pull_request/head/ref")
        .copy("head_sha", "/pull_request/head/sha")
        // Reviews tell of the pull request without it.
        .maybe("commit_count", hook.get("/pull_request/commits").and_then(Value::as_u64))
        .copy("target", "/pull_request/base/ref")
        .copy("title", "/pull_request/title")
        .copy("author", "/pull_request/user/login")
        .copy("url", "/pull_request/html_url")
        .at("updated_at", updated_at)
        .event()
}

/// `pull_request_review` of a page, which says nothing of its pull request but what the page is of.
pub(super) fn review_alone(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    match review_told(hook)? {
        Some(event) => Ok(Parsed { events: vec![Ok(without_opening(event))], ignored: None }),
        None => Ok(Parsed::ignored("the review is the author's own, a robot's or not sent yet")),
    }
}

/// Its own commits, oldest first; `updated_at` is when the pull request itself had them.
pub(super) fn commits(hook: &Hook<'_>, commits: Vec<Value>, updated_at: &str) -> Result<Event, Problem> {
    let number = hook.number("/pull_request/number", NUMBER)?;
    let written = |commit: &Value| {
        ["authored_at", "committed_at"].iter().find_map(|name| Some(commit[*name].as_str()?.to_owned()))
    };
    // Checked below, and then written in one form.
    let first = commits.iter().filter_map(written).filter_map(|at| Timestamp::parse(&at).ok()).min();
    let draft = hook.draft(EventKind::PullRequest).set("repo", hook.repo()).set("number", number);
    let draft = draft.set("opened_at", updated_at).set("updated_at", updated_at);
    let draft = draft.maybe("first_commit_at", first.map(|at| at.to_string())).set("commits", commits);
    draft.event().map(without_opening)
}

/// When it was opened is the pull request's own to tell.
fn without_opening(mut event: Event) -> Event {
    event.fields.retain(|name, _| name != "opened_at");
    event
}

/// The review of a person other than the author. A reply of the author to a remark is a review to GitHub, and a
/// robot's remark a second after the opening is not what anybody waited for.
fn review(hook: &Hook<'_>) -> Result<Option<Event>, Problem> {
    if hook.text("/action") != Some("submitted") {
        hook.need("/review/state", REVIEW)?;
        return Ok(None);
    }
    review_told(hook)
}

fn review_told(hook: &Hook<'_>) -> Result<Option<Event>, Problem> {
    let state = hook.need("/review/state", REVIEW)?.to_ascii_lowercase();
    let login = hook.text("/review/user/login");
    let own = login.is_some() && login == hook.text("/pull_request/user/login");
    let robot = hook.text("/review/user/type") == Some("Bot");
    if own || robot || state == "pending" {
        return Ok(None);
    }
    let at = hook.need_instant("/review/submitted_at", "it says when it was given.")?;
    draft(hook)?
        .at("first_review_at", at)
        .maybe("approved_at", (state == "approved").then(|| Value::from(at.to_string())))
        .at("updated_at", earliest_wins(at))
        .event()
        .map(Some)
}
