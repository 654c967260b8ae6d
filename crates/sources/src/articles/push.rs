//! A push to a Git repository, as GitHub's hook sends it.

use domain::event::{Checks, Event, parse};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};

use super::fields::{missing, object, read_instant, wrong};
use super::{NAME, UNKNOWN_REPOSITORY};
use crate::{Delivery, Parsed, json};

/// GitHub lists at most so many commits of a push: the first of a full list need not follow `before`.
const LISTED_AT_MOST: usize = 2048;

pub(super) fn push(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = object(delivery)?;
    if let Some(event) = delivery.header("x-github-event").filter(|event| *event != "push") {
        return Ok(Parsed::ignored(format!("the event is `{}`, not `push`", event.escape_debug())));
    }
    // What GitHub sends when the hook is made, seen without its header.
    if body.contains_key("zen") && !body.contains_key("after") {
        return Ok(Parsed::ignored("a ping"));
    }
    let after = match body.get("after") {
        Some(Value::String(after)) if !after.trim().is_empty() => after.trim(),
        None | Some(Value::Null | Value::String(_)) => return Err(missing("after", "it is the commit pushed.")),
        Some(other) => return Err(wrong("after", "a text", other)),
    };
    if is_zero(after) {
        return Ok(Parsed::ignored("a branch or tag was deleted"));
    }
    let repo =
        text(body.get("repository").and_then(|repository| repository.get("full_name"))).unwrap_or(UNKNOWN_REPOSITORY);
    let now = delivery.received_at;
    let mut events = commits(&body, repo, now)?;
    let head = body.get("head_commit").filter(|head| !head.is_null());
    // The commits of a push of a tag or of known commits are not listed; `after` of an annotated tag is not a commit.
    let sha = head.and_then(|head| text(head.get("id"))).unwrap_or(after);
    if !events.iter().flatten().any(|event| event.fields.get("sha").and_then(Value::as_str) == Some(sha)) {
        match head {
            Some(Value::Object(head)) => events.push(commit(head, sha, None, repo, now)),
            Some(other) => return Err(wrong("head_commit", "an object", other)),
            None if events.is_empty() => {
                return Err(missing("head_commit", "its `timestamp` is the time of the commit pushed."));
            }
            None => {}
        }
    }
    if let Some(tag) = text(body.get("ref")).and_then(|name| name.strip_prefix("refs/tags/")) {
        let tag = json!({"type": "tag", "repo": repo, "name": tag, "sha": sha});
        events.push(parse(tag, checks(now)));
    }
    Ok(Parsed { events, ignored: None })
}

/// The commits listed, oldest first. Their parents are not: each is taken to follow the one before, the first what the
/// branch was before, until the repository itself tells better.
fn commits(body: &Map<String, Value>, repo: &str, now: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem> {
    let items = match body.get("commits") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong("commits", "a list", other)),
    };
    // After a forced push the branch does not follow what it was.
    let follows = body.get("forced") != Some(&Value::Bool(true)) && items.len() < LISTED_AT_MOST;
    let mut parent = text(body.get("before")).filter(|before| follows && is_hash(before) && !is_zero(before));
    let mut events = Vec::with_capacity(items.len());
    for item in items {
        let Value::Object(item) = item else {
            events.push(Err(wrong("commits", "a list of objects", item)));
            parent = None;
            continue;
        };
        let Some(sha) = text(item.get("id")) else {
            events.push(Err(missing("commits.id", "it is the hash of a commit.")));
            parent = None;
            continue;
        };
        events.push(commit(item, sha, parent, repo, now));
        parent = Some(sha).filter(|sha| is_hash(sha));
    }
    Ok(events)
}

fn commit(
    commit: &Map<String, Value>,
    sha: &str,
    parent: Option<&str>,
    repo: &str,
    now: Timestamp,
) -> Result<Event, Problem> {
    const WHY: &str = "it is the time of the commit.";
    let (at, assumed) = match commit.get("timestamp") {
        Some(Value::String(text)) if !text.trim().is_empty() => read_instant("timestamp", text)?,
        None | Some(Value::Null | Value::String(_)) => return Err(missing("timestamp", WHY)),
        Some(other) => return Err(wrong("timestamp", "a text such as 2025-01-31T12:00:00Z", other)),
    };
    let mut event = json!({"type": "change", "repo": repo, "sha": sha, "committed_at": at.to_string()});
    if assumed {
        event["time_assumed"] = Value::from(true);
    }
    if let Some(parent) = parent {
        event["parents_assumed"] = json!([parent]);
    }
    if let Some(author) = commit.get("author").and_then(|author| text(author.get("name"))) {
        event["author"] = Value::from(json::clip(author, 512));
    }
    if let Some(message) = text(commit.get("message")) {
        event["message"] = Value::from(message);
    }
    if let Some(paths) = paths(commit) {
        event["paths"] = paths;
    }
    parse(event, checks(now)).map_err(|mut problem| {
        problem.message = problem.message.replace("`committed_at`", "`timestamp`");
        problem
    })
}

/// Files touched, when the three lists are there; a file renamed is in two of them.
fn paths(commit: &Map<String, Value>) -> Option<Value> {
    let mut paths = Vec::new();
    for name in ["added", "removed", "modified"] {
        paths.extend(commit.get(name)?.as_array()?.iter().filter(|path| text(Some(path)).is_some()).cloned());
    }
    Some(Value::Array(paths))
}

fn checks(now: Timestamp) -> Checks<'static> {
    Checks { default_source: NAME, now }
}

/// A text that is not blank.
fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn is_hash(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_zero(hash: &str) -> bool {
    hash.bytes().all(|byte| byte == b'0')
}
