//! Merge requests, the remarks others make on them, and their approval.

use domain::event::{Event, EventKind};
use domain::{Problem, Timestamp};
use serde_json::Value;

use super::hook::Hook;
use crate::Parsed;
use crate::body::Draft;
use crate::first_time::earliest_wins;

const NUMBER: &str = "it is the merge request's number.";
const OPENED: &str = "it says when it was opened.";

/// `merge_request`: whatever happened, the body tells the whole of it; an approval is told besides.
pub(super) fn changed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let mut events = vec![Ok(told(hook)?)];
    let own = hook.get("/user/id").is_some() && hook.get("/user/id") == hook.get("/object_attributes/author_id");
    // GitLab says `approved` of the last approval that was needed, `approval` of others, and not when.
    if matches!(hook.text("/object_attributes/action"), Some("approved" | "approval")) && !own {
        events.push(review(hook, "/object_attributes", hook.received_at(), true));
    }
    Ok(Parsed { events, ignored: None })
}

/// A merge request of a page, in the place where a webhook has it.
pub(super) fn of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    Ok(Parsed { events: vec![Ok(told(hook)?)], ignored: None })
}

fn told(hook: &Hook<'_>) -> Result<Event, Problem> {
    let updated_at = hook.need_instant("/object_attributes/updated_at", "it says which of two events is newer.")?;
    let opened_at = hook.need_instant("/object_attributes/created_at", OPENED)?;
    let state = hook.need("/object_attributes/state", "it says whether it was merged.")?;
    let action = hook.text("/object_attributes/action");
    // A webhook says that it was merged or closed, not when: that is its last change.
    let when = |pointer: &str, done: &str| -> Result<Option<Timestamp>, Problem> {
        Ok(hook.instant(pointer)?.or_else(|| (action == Some(done)).then_some(updated_at)))
    };
    let merged = state == "merged";
    let merged_at = if merged { when("/object_attributes/merged_at", "merge")? } else { None };
    let closed_at = if state == "closed" { when("/object_attributes/closed_at", "close")? } else { None };
    // Without a merge commit it is the squash; of a fast-forward, the last of its own commits.
    let merge_sha = ["merge_commit_sha", "squash_commit_sha"]
        .iter()
        .find_map(|name| hook.text(&format!("/object_attributes/{name}")))
        .or_else(|| hook.text("/object_attributes/sha"))
        .filter(|_| merged);
    let author = match hook.text("/author/username") {
        Some(name) => Some(name),
        None => {
            let actor = hook.get("/user/id");
            let own = actor.is_some() && actor == hook.get("/object_attributes/author_id");
            hook.text("/user/username").filter(|_| own)
        }
    };
    let labels = if hook.get("/labels").is_some() { "/labels" } else { "/object_attributes/labels" };
    let instant = |at: Timestamp| at.to_string();
    draft(hook, "/object_attributes")?
        .at("opened_at", opened_at)
        .maybe("merged_at", merged_at.map(|at| instant(at.max(opened_at))))
        .maybe("closed_at", closed_at.map(|at| instant(at.max(opened_at))))
        .maybe("merge_sha", merge_sha)
        // The whole of them, also none: a label taken off is one that is not there.
        .set("labels", hook.labels(labels))
        .copy("branch", "/object_attributes/source_branch")
        .copy("head_sha", "/object_attributes/last_commit/id")
        .copy("target", "/object_attributes/target_branch")
        .copy("title", "/object_attributes/title")
        .maybe("author", author)
        .copy("url", "/object_attributes/url")
        .at("updated_at", updated_at)
        .event()
}

fn draft<'a>(hook: &'a Hook<'a>, of: &str) -> Result<Draft<'a>, Problem> {
    let number = hook.number(&format!("{of}/iid"), NUMBER)?;
    Ok(hook.draft(EventKind::PullRequest).set("repo", hook.repo()).set("number", number))
}

/// `note`: a remark. The first by somebody else than the author is the first review.
pub(super) fn remarked(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let of = hook.need("/object_attributes/noteable_type", "it says what the remark is on.")?;
    if of != "MergeRequest" {
        return Ok(Parsed::ignored("a remark that is on no merge request"));
    }
    let author = hook.get("/object_attributes/author_id");
    let own = author.is_some() && author == hook.get("/merge_request/author_id");
    let system = hook.get("/object_attributes/system") == Some(&Value::Bool(true));
    if own || system || hook.text("/user/username").is_some_and(is_robot) {
        return Ok(Parsed::ignored("a remark of the merge request's own author, or of a robot"));
    }
    let at = hook.need_instant("/object_attributes/created_at", "it says when the remark was made.")?;
    Ok(Parsed { events: vec![Ok(review(hook, "/merge_request", at, false)?)], ignored: None })
}

/// A remark of a page, with the merge request it is on; an approval is a remark of GitLab's own.
pub(super) fn note_of_page(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let name = hook.text("/author/username");
    let own = name.is_some() && name == hook.text("/merge_request/author");
    let system = hook.get("/system") == Some(&Value::Bool(true));
    let approves = system && hook.text("/body").is_some_and(|body| body.starts_with("approved this merge request"));
    if own || system && !approves || name.is_some_and(is_robot) {
        return Ok(Parsed::ignored("a remark of the merge request's own author, or of a robot"));
    }
    let at = hook.need_instant("/created_at", "it says when the remark was made.")?;
    Ok(Parsed { events: vec![Ok(review(hook, "/merge_request", at, approves)?)], ignored: None })
}

/// Users GitLab makes for tokens of projects and groups.
fn is_robot(name: &str) -> bool {
    let token = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.contains("_bot"));
    token("project_") || token("group_") || name.ends_with("-bot") || name.ends_with("[bot]")
}

/// What somebody else's look at a merge request tells. When it was opened is the merge request's own to tell.
fn review(hook: &Hook<'_>, of: &str, at: Timestamp, approves: bool) -> Result<Event, Problem> {
    let mut event = draft(hook, of)?
        .at("opened_at", at)
        .at("first_review_at", at)
        .maybe("approved_at", approves.then(|| at.to_string()))
        .at("updated_at", earliest_wins(at))
        .event()?;
    event.fields.retain(|name, _| name != "opened_at");
    Ok(event)
}

/// Its own commits, oldest first; `updated_at` is when the merge request itself had them.
pub(super) fn commits(hook: &Hook<'_>, commits: Vec<Value>, updated_at: &str) -> Result<Event, Problem> {
    let written = |commit: &Value| {
        ["authored_at", "committed_at"].iter().find_map(|name| Some(commit[*name].as_str()?.to_owned()))
    };
    let first = commits.iter().filter_map(written).filter_map(|at| Timestamp::parse(&at).ok()).min();
    let mut event = draft(hook, "/merge_request")?
        .set("opened_at", updated_at)
        .set("updated_at", updated_at)
        .maybe("first_commit_at", first.map(|at| at.to_string()))
        .set("commits", commits)
        .event()?;
    event.fields.retain(|name, _| name != "opened_at");
    Ok(event)
}
