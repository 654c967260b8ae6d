//! A push of a branch or a tag, as GitHub, GitLab and plain hooks send it.

use domain::event::{Checks, Event, parse};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};

use crate::Parsed;
use crate::json::{self, missing, read_instant, text, wrong};

/// How much what a push tells is worth beside another push that tells of the same commit or tag.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// When it was pushed, where the commits follow each other in the history that is deployed: on the default branch.
    /// The same commits come in other pushes too, there behind a feature's commits.
    pub(crate) commits: Option<Timestamp>,
    /// When it was pushed: a tag that is moved is what it was moved to last.
    pub(crate) tag: Option<Timestamp>,
}

/// The body of a push, with what it has to be read with.
pub(crate) struct Push<'a> {
    pub(crate) body: &'a Map<String, Value>,
    pub(crate) repo: &'a str,
    pub(crate) checks: Checks<'a>,
    pub(crate) standing: Standing,
    /// The commit pushed, where the sender tells it beside `after`: that of an annotated tag is no commit.
    pub(crate) sha: Option<&'a str>,
    /// Whether the first commit listed follows `before`: all were listed, and the branch was not forced elsewhere.
    pub(crate) follows: bool,
    /// Whether the commit pushed always comes with its time, also when it is not listed.
    pub(crate) has_head: bool,
}

/// Whether a push lists all of its commits, of which the sender lists at most so many, and follows what was before.
pub(crate) fn follows(body: &Map<String, Value>, at_most: usize) -> bool {
    let listed = body.get("commits").and_then(Value::as_array).map_or(0, Vec::len);
    body.get("forced") != Some(&Value::Bool(true)) && listed < at_most
}

impl Push<'_> {
    /// The commits pushed and the tag.
    pub(crate) fn read(&self) -> Result<Parsed, Problem> {
        let after = match self.body.get("after") {
            Some(Value::String(after)) if !after.trim().is_empty() => after.trim(),
            None | Some(Value::Null | Value::String(_)) => return Err(missing("after", "it is the commit pushed.")),
            Some(other) => return Err(wrong("after", "a text", other)),
        };
        if is_zero(after) {
            return Ok(Parsed::ignored("a branch or tag was deleted"));
        }
        let mut events = self.commits()?;
        let head = self.body.get("head_commit").filter(|head| !head.is_null());
        // The commits of a push of a tag or of known commits are not listed; `after` of an annotated tag is no commit.
        let sha = self.sha.or_else(|| head.and_then(|head| text(head.get("id")))).unwrap_or(after);
        if !events.iter().flatten().any(|event| event.fields.get("sha").and_then(Value::as_str) == Some(sha)) {
            match head {
                Some(Value::Object(head)) => events.push(self.commit(head, sha, None)),
                Some(other) => return Err(wrong("head_commit", "an object", other)),
                None if events.is_empty() && self.has_head => {
                    return Err(missing("head_commit", "its `timestamp` is the time of the commit pushed."));
                }
                None => {}
            }
        }
        if let Some(tag) = text(self.body.get("ref")).and_then(|name| name.strip_prefix("refs/tags/")) {
            let mut tag = json!({"type": "tag", "repo": self.repo, "name": tag, "sha": sha});
            if let Some(at) = self.standing.tag {
                tag["updated_at"] = Value::from(at.to_string());
            }
            events.push(parse(tag, self.checks));
        }
        let ignored = events.is_empty().then(|| "a branch was made of commits that are known already".to_owned());
        Ok(Parsed { events, ignored })
    }

    /// The commits listed, oldest first. Their parents are not: each is taken to follow the one before, the first what
    /// the branch was before, until the repository itself tells better.
    fn commits(&self) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let items = match self.body.get("commits") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(wrong("commits", "a list", other)),
        };
        let before = text(self.body.get("before")).filter(|before| is_hash(before) && !is_zero(before));
        let mut parent = before.filter(|_| self.follows);
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
            events.push(self.commit(item, sha, parent));
            parent = Some(sha).filter(|sha| is_hash(sha));
        }
        Ok(events)
    }

    fn commit(&self, commit: &Map<String, Value>, sha: &str, parent: Option<&str>) -> Result<Event, Problem> {
        change(self.repo, self.checks, commit, sha, |event| {
            if let Some(parent) = parent {
                event["parents_assumed"] = json!([parent]);
            }
            if let Some(at) = self.standing.commits {
                event["updated_at"] = Value::from(at.to_string());
            }
        })
    }
}

/// A commit as pushes and pages tell it; `more` adds what only one of them knows.
pub(crate) fn change(
    repo: &str,
    checks: Checks<'_>,
    commit: &Map<String, Value>,
    sha: &str,
    more: impl FnOnce(&mut Value),
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
    if let Some(author) = commit.get("author").and_then(|author| text(author.get("name"))) {
        event["author"] = Value::from(json::clip(author, 512));
    }
    if let Some(message) = text(commit.get("message")) {
        event["message"] = Value::from(message);
    }
    if let Some(paths) = paths(commit) {
        event["paths"] = paths;
    }
    more(&mut event);
    parse(event, checks).map_err(|mut problem| {
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

fn is_hash(text: &str) -> bool {
    text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_zero(hash: &str) -> bool {
    hash.bytes().all(|byte| byte == b'0')
}
