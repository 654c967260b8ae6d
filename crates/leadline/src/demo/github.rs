//! What happens in the group as GitHub's webhooks tell it, with the fields that a real one has where Leadline reads them.

use domain::Timestamp;
use serde_json::{Value, json};

use super::events::{Commit, Deploy, Item, Kind, Request, Trouble};
use super::group::{Feed, Member};
use super::history::MINUTE;
use crate::random::hash;

/// Where they go.
pub(super) const WEBHOOKS: &str = "/webhooks/github";

fn hook(member: &Member, event: &'static str, at: Timestamp, mut body: Value) -> Item {
    body["repository"] =
        json!({"full_name": member.repo, "default_branch": "main", "pushed_at": at.micros() / 1_000_000});
    Item { hook: Some(event), ..Item::new(member, at, WEBHOOKS, &body) }
}

/// Commits pushed to a branch, oldest first, after what the branch was before.
pub(super) fn push(member: &Member, branch: &str, before: Option<&str>, commits: &[Commit]) -> Option<Item> {
    let listed: Vec<Value> = commits.iter().map(listed).collect();
    let last = commits.last()?;
    let body = json!({"ref": format!("refs/heads/{branch}"), "before": before_or_new(before), "after": last.sha,
        "created": before.is_none(), "forced": false, "head_commit": listed.last(), "commits": listed});
    Some(hook(member, "push", last.at, body))
}

fn listed(commit: &Commit) -> Value {
    json!({"id": commit.sha, "timestamp": commit.at, "message": commit.message, "author": {"name": "somebody"},
        "added": [], "removed": [], "modified": ["src/main.rs"]})
}

fn before_or_new(before: Option<&str>) -> String {
    before.map_or_else(|| "0".repeat(40), str::to_owned)
}

/// A version is tagged: a push of the tag.
pub(super) fn tag(member: &Member, version: &str, commit: &Commit, at: Timestamp) -> Vec<Item> {
    let name = format!("v{version}");
    let pushed = json!({"ref": format!("refs/tags/{name}"), "before": "0".repeat(40), "after": commit.sha,
        "created": true, "commits": [], "head_commit": listed(commit)});
    vec![hook(member, "push", at, pushed)]
}

/// A pull request is reviewed and merged.
pub(super) fn pull_request(member: &Member, request: &Request<'_>) -> Vec<Item> {
    let told = |updated: Timestamp, merged: bool| {
        let at = merged.then_some(request.merged);
        json!({"number": request.number, "state": if merged { "closed" } else { "open" }, "title": request.title,
            "created_at": request.opened, "updated_at": updated, "merged_at": at, "closed_at": at, "merged": merged,
            "merge_commit_sha": merged.then_some(request.merge_sha), "commits": request.commits.len(),
            "user": {"login": "somebody", "type": "User"}, "labels": [],
            "head": {"ref": request.branch, "sha": request.commits.last().map(|commit| &commit.sha)},
            "base": {"ref": "main"}, "html_url": format!("https://example.org/{}/pull/{}", member.repo, request.number)})
    };
    let reviewed = request.part(0.7);
    let review = json!({"action": "submitted", "pull_request": told(reviewed, false),
        "review": {"state": "approved", "submitted_at": reviewed, "user": {"login": "somebody-else", "type": "User"}}});
    let merged = json!({"action": "closed", "number": request.number, "pull_request": told(request.merged, true)});
    vec![hook(member, "pull_request_review", reviewed, review), hook(member, "pull_request", request.merged, merged)]
}

/// A run of a workflow, at its end.
pub(super) struct Run<'a> {
    pub(super) name: &'a str,
    /// Attempts of a run share it.
    pub(super) id: String,
    pub(super) sha: &'a str,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) attempt: u32,
    pub(super) succeeded: bool,
    pub(super) by_hand: bool,
}

/// A run that has ended.
pub(super) fn run(member: &Member, run: &Run<'_>) -> Item {
    let event = if run.by_hand { "workflow_dispatch" } else { "push" };
    let body = json!({"action": "completed", "workflow_run": {"id": number(&run.id), "run_attempt": run.attempt,
        "name": run.name, "head_branch": "main", "head_sha": run.sha, "event": event, "status": "completed",
        "conclusion": conclusion(run.succeeded), "run_started_at": run.started, "created_at": run.started,
        "updated_at": run.ended, "actor": {"login": "somebody"}}});
    hook(member, "workflow_run", run.ended, body)
}

/// A job of a run, at its end: minutes before the run's end in which it began and ended.
pub(super) fn job(member: &Member, run: &Run<'_>, name: &str, (from, to): (i64, i64)) -> Item {
    let at = |minutes: i64| run.ended.plus(-minutes * pace(&run.id));
    let body = json!({"action": "completed", "workflow_job": {"id": number(&format!("{}-{}-{name}", run.id, run.attempt)),
        "run_id": number(&run.id), "run_attempt": run.attempt, "workflow_name": run.name, "name": name,
        "head_branch": "main", "head_sha": run.sha, "status": "completed", "conclusion": conclusion(run.succeeded || to > 2),
        "created_at": at(from), "started_at": at(from), "completed_at": at(to)}});
    hook(member, "workflow_job", at(to), body)
}

const fn conclusion(succeeded: bool) -> &'static str {
    if succeeded { "success" } else { "failure" }
}

/// A deployment as its team tells it: asked for and ended; or, where a workflow deploys, the run of it.
pub(super) fn deployment(member: &Member, deploy: &Deploy<'_>) -> Vec<Item> {
    let started = deploy.at.plus(-4 * MINUTE);
    if member.feed == Feed::Workflow {
        // A rule of the catalogue says which runs are deployments, and where to.
        if deploy.environment != "production" {
            return Vec::new();
        }
        let run = Run {
            name: "Deploy",
            id: deploy.id.clone(),
            sha: &deploy.sha,
            started,
            ended: deploy.at,
            attempt: 1,
            succeeded: deploy.succeeded,
            by_hand: deploy.by_hand,
        };
        return vec![self::run(member, &run)];
    }
    let mut ours = json!({"version": deploy.version});
    if deploy.instance != "default" {
        ours["instance"] = deploy.instance.into();
    }
    if let Some(incident) = &deploy.fixes {
        ours["fixes"] = json!([incident]);
    }
    let name = match deploy.kind {
        Kind::Hotfix => format!("hotfix/{}", deploy.version),
        _ => format!("refs/tags/v{}", deploy.version),
    };
    // A rollback is seen by what it goes back to; only some say so.
    let task = if deploy.kind == Kind::Rollback && deploy.by_hand { "deploy:rollback" } else { "deploy" };
    let told = json!({"id": number(&deploy.id), "sha": deploy.sha, "ref": name, "task": task,
        "environment": deploy.environment, "payload": {"leadline": ours}, "created_at": started, "updated_at": started,
        "production_environment": deploy.environment == "production", "transient_environment": false,
        "creator": {"login": if deploy.by_hand { "somebody" } else { "deployer[bot]" },
            "type": if deploy.by_hand { "User" } else { "Bot" }}});
    let state = if deploy.succeeded { "success" } else { "failure" };
    let status = json!({"action": "created", "deployment": told, "deployment_status": {"state": state,
        "environment": deploy.environment, "created_at": deploy.at, "updated_at": deploy.at}});
    vec![
        hook(member, "deployment", started, json!({"action": "created", "deployment": told})),
        hook(member, "deployment_status", deploy.at, status),
    ]
}

/// An incident as an issue with a label: opened, and closed when it is over.
pub(super) fn incident(member: &Member, trouble: &Trouble) -> Vec<Item> {
    let grade = match trouble.severity {
        "critical" => "sev1",
        "high" => "sev2",
        "medium" => "sev3",
        _ => "sev4",
    };
    let body = |action: &str, updated: Timestamp, closed: Option<Timestamp>| {
        json!({"action": action, "issue": {"number": trouble.number, "title": trouble.title,
            "state": if closed.is_some() { "closed" } else { "open" }, "created_at": trouble.detected,
            "updated_at": updated, "closed_at": closed, "labels": [{"name": "incident"}, {"name": grade}],
            "html_url": format!("https://example.org/{}/issues/{}", member.repo, trouble.number)}})
    };
    let opened = hook(member, "issues", trouble.detected, body("opened", trouble.detected, None));
    let over = trouble.resolved.map(|at| hook(member, "issues", at, body("closed", at, Some(at))));
    std::iter::once(opened).chain(over).collect()
}

/// How long a minute of a run lasts: no run is as long as the one before.
pub(super) fn pace(run: &str) -> i64 {
    let share = i64::try_from(number(run) % 1_000).unwrap_or_default();
    MINUTE / 2 + MINUTE * share / 700
}

/// A number as GitHub gives it, the same for the same name.
fn number(name: &str) -> u64 {
    hash(0, name.bytes()) >> 12
}
