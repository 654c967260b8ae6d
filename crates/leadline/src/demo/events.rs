//! What happens in the group, in the words of the route that tells it.

use domain::Timestamp;
use serde_json::{Value, json};

use super::github;
use super::group::{Feed, Member, Style};

/// Who tells of it, in native events.
const SOURCE: &str = "demo";
/// Where native events go.
pub(super) const EVENTS: &str = "/api/v1/events";

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// When it became known.
    pub(super) at: Timestamp,
    /// Where it is sent.
    pub(super) route: &'static str,
    /// What is sent, as JSON.
    pub(super) body: String,
    /// What it is about: items of one component are sent in their order.
    pub(super) lane: &'static str,
    /// Whether it is wrong on purpose.
    pub(super) bad: bool,
    /// Name of the event, where it is a webhook of GitHub's.
    pub(super) hook: Option<&'static str>,
}

impl Item {
    pub(super) fn new(member: &Member, at: Timestamp, route: &'static str, body: &Value) -> Self {
        Item { at, route, body: body.to_string(), lane: member.name, bad: false, hook: None }
    }

    pub(super) fn native(member: &Member, at: Timestamp, body: &Value) -> Self {
        Item::new(member, at, EVENTS, body)
    }
}

/// A commit.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) parents: Vec<String>,
    pub(super) at: Timestamp,
    pub(super) message: String,
}

/// One commit as a native event.
fn change(member: &Member, commit: &Commit) -> Item {
    let body = json!({"type": "change", "repo": member.repo, "sha": commit.sha, "parents": commit.parents,
        "authored_at": commit.at.plus(-20 * 60_000_000), "committed_at": commit.at, "message": commit.message});
    Item::native(member, commit.at, &body)
}

/// Commits put on the main branch, oldest first, after what was there before.
pub(super) fn commits(member: &Member, before: Option<&str>, commits: &[Commit]) -> Vec<Item> {
    match member.feed {
        Feed::Native => commits.iter().map(|commit| change(member, commit)).collect(),
        // This route's deployments carry the time of their commit.
        Feed::Service => Vec::new(),
        Feed::CiJob | Feed::Argo => push(member, before, commits).into_iter().collect(),
        Feed::GitHub | Feed::Workflow => github::push(member, "main", before, commits).into_iter().collect(),
    }
}

/// Commits as a push, as the article's hook tells it.
fn push(member: &Member, before: Option<&str>, commits: &[Commit]) -> Option<Item> {
    let listed: Vec<Value> = commits
        .iter()
        .map(|commit| {
            json!({"id": commit.sha, "timestamp": commit.at, "message": commit.message,
            "author": {"name": "somebody"}, "added": [], "removed": [], "modified": ["src/main.rs"]})
        })
        .collect();
    let last = commits.last()?;
    let before = before.map_or_else(|| "0".repeat(40), str::to_owned);
    let body = json!({"ref": "refs/heads/main", "before": before, "after": last.sha, "head_commit": listed.last(),
        "commits": listed, "repository": {"full_name": member.repo}});
    Some(Item::new(member, last.at, "/webhook/commit", &body))
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Deploy<'a> {
    pub(super) id: String,
    pub(super) instance: &'a str,
    pub(super) environment: &'a str,
    pub(super) at: Timestamp,
    pub(super) succeeded: bool,
    pub(super) version: String,
    pub(super) sha: String,
    pub(super) commit_at: Timestamp,
    pub(super) kind: Kind,
    pub(super) by_hand: bool,
    pub(super) fixes: Option<String>,
}

/// Why something is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    Rollback,
    Hotfix,
    Config,
}

/// How much of a deployment its source leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// No commit and no repository.
    pub(super) no_sha: bool,
    /// A time that does not say where.
    pub(super) naive: bool,
}

/// A deployment by the route of its component; nothing when that route cannot tell it.
pub(super) fn deployment(member: &Member, deploy: &Deploy<'_>, flaws: Flaws) -> Vec<Item> {
    match member.feed {
        Feed::Native => vec![native_deployment(member, deploy, flaws)],
        Feed::GitHub | Feed::Workflow => github::deployment(member, deploy),
        Feed::CiJob | Feed::Service | Feed::Argo => printed_deployment(member, deploy).into_iter().collect(),
    }
}

fn printed_deployment(member: &Member, deploy: &Deploy<'_>) -> Option<Item> {
    let status = if deploy.succeeded { "success" } else { "failed" };
    match member.feed {
        Feed::Native | Feed::GitHub | Feed::Workflow => None,
        // These routes tell of production only, and have no words for configuration.
        _ if deploy.environment != "production" || deploy.kind == Kind::Config => None,
        Feed::CiJob => Some(Item::new(
            member,
            deploy.at,
            "/deployments",
            &json!({"service": member.repo, "environment": "production",
            "commit_sha": deploy.sha, "deployed_at": deploy.at, "status": status, "pipeline_id": deploy.id,
            "version": deploy.version}),
        )),
        Feed::Service => Some(Item::new(
            member,
            deploy.at,
            "/events/deployment",
            &json!({"service": member.name, "environment": "production",
            "commit_sha": deploy.sha, "deployed_at": deploy.at, "commit_timestamp": deploy.commit_at, "status": status,
            "version": deploy.version, "is_rollback": deploy.kind == Kind::Rollback, "is_hotfix": deploy.kind == Kind::Hotfix}),
        )),
        Feed::Argo => Some(Item::new(
            member,
            deploy.at,
            "/webhook/deploy",
            &json!({"event": "deployment", "status": status,
            "app": member.name, "revision": deploy.sha, "timestamp": deploy.at}),
        )),
    }
}

fn native_deployment(member: &Member, deploy: &Deploy<'_>, flaws: Flaws) -> Item {
    let finished = deploy.at.to_string();
    let mut body = json!({"type": "deployment", "source": SOURCE, "id": deploy.id, "component": member.name,
        "product": member.product, "environment": deploy.environment, "status": if deploy.succeeded { "succeeded" } else { "failed" },
        "started_at": deploy.at.plus(-4 * 60_000_000), "finished_at": finished, "version": deploy.version,
        "trigger": if deploy.by_hand { "manual" } else { "automated" }});
    if deploy.instance != "default" {
        body["instance"] = deploy.instance.into();
    }
    if !flaws.no_sha {
        body["sha"] = deploy.sha.as_str().into();
        body["repo"] = member.repo.as_str().into();
    }
    match deploy.kind {
        Kind::Hotfix => body["branch"] = format!("hotfix/{}", deploy.version).into(),
        Kind::Config => body["config_hash"] = deploy.id.as_str().into(),
        // A rollback is seen by what it goes back to; only some tools say so.
        Kind::Rollback if deploy.by_hand => body["change_kind"] = "rollback".into(),
        Kind::Rollback | Kind::Code => {}
    }
    if let Some(incident) = &deploy.fixes {
        body["fixes"] = json!([incident]);
    }
    if flaws.naive {
        body["finished_at"] = finished.trim_end_matches('Z').into();
    }
    Item { bad: flaws.naive, ..Item::native(member, deploy.at, &body) }
}

/// Something users felt.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) number: u32,
    pub(super) severity: &'static str,
    pub(super) title: String,
    pub(super) started: Timestamp,
    pub(super) detected: Timestamp,
    pub(super) acknowledged: Timestamp,
    pub(super) mitigated: Option<Timestamp>,
    pub(super) resolved: Option<Timestamp>,
    /// Whether the ticket names the component.
    pub(super) narrow: bool,
}

impl Trouble {
    /// Its id, which a repair may name.
    pub(super) fn id(&self, member: &Member) -> String {
        if self.is_issue(member) {
            format!("{}#{}", member.repo, self.number)
        } else {
            format!("{}-INC-{}", member.name, self.number)
        }
    }

    /// Those who work with GitHub open an issue there; what nobody knows the place of is told by the pager.
    fn is_issue(&self, member: &Member) -> bool {
        matches!(member.feed, Feed::GitHub | Feed::Workflow) && self.narrow
    }
}

/// An incident as it is told when it is opened, and again when it is over.
pub(super) fn incident(member: &Member, trouble: &Trouble) -> Vec<Item> {
    if trouble.is_issue(member) {
        return github::incident(member, trouble);
    }
    let id = trouble.id(member);
    if member.feed == Feed::Service {
        let body = |resolved: Option<Timestamp>| {
            json!({"incident_id": id, "service": member.name,
            "severity": trouble.severity, "title": trouble.title, "detected_at": trouble.detected, "resolved_at": resolved})
        };
        let opened = Item::new(member, trouble.detected, "/events/incident", &body(None));
        let over = trouble.resolved.map(|at| Item::new(member, at, "/events/incident", &body(Some(at))));
        return std::iter::once(opened).chain(over).collect();
    }
    let mut body = json!({"type": "incident", "source": SOURCE, "id": id, "product": member.product,
        "severity": trouble.severity, "title": trouble.title, "started_at": trouble.started, "detected_at": trouble.detected,
        "opened_at": trouble.detected, "acknowledged_at": trouble.acknowledged, "updated_at": trouble.acknowledged});
    if trouble.narrow {
        body["component"] = member.name.into();
    }
    let mut items = vec![Item::native(member, trouble.acknowledged, &body)];
    if let Some(at) = trouble.mitigated {
        body["mitigated_at"] = json!(at);
    }
    if let Some(at) = trouble.resolved {
        body["resolved_at"] = json!(at);
        body["updated_at"] = json!(at);
        items.push(Item::native(member, at, &body));
    }
    items
}

/// A name given to a commit.
pub(super) fn tag(member: &Member, version: &str, commit: &Commit, at: Timestamp) -> Vec<Item> {
    if member.feed != Feed::Native {
        return github::tag(member, version, commit, at);
    }
    let body =
        json!({"type": "tag", "repo": member.repo, "name": format!("v{version}"), "sha": commit.sha, "tagged_at": at});
    vec![Item::native(member, at, &body)]
}

/// A reviewed change.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) number: u32,
    pub(super) opened: Timestamp,
    pub(super) merged: Timestamp,
    pub(super) merge_sha: &'a str,
    pub(super) commits: &'a [Commit],
    pub(super) title: String,
    pub(super) branch: String,
}

impl Request<'_> {
    /// An instant on the way from opening to merge.
    pub(super) fn part(&self, share: f64) -> Timestamp {
        let micros = self.merged.since(self.opened) as f64 * share;
        self.opened.plus(micros as i64)
    }
}

/// A merged pull request.
pub(super) fn pull_request(member: &Member, request: &Request<'_>) -> Vec<Item> {
    if member.feed != Feed::Native {
        return github::pull_request(member, request);
    }
    let listed: Vec<Value> =
        request.commits.iter().map(|commit| json!({"sha": commit.sha, "committed_at": commit.at})).collect();
    let body = json!({"type": "pull_request", "repo": member.repo, "number": request.number, "opened_at": request.opened,
        "first_commit_at": request.commits.first().map(|commit| commit.at), "first_review_at": request.part(0.5), "approved_at": request.part(0.9),
        "merged_at": request.merged, "merge_sha": request.merge_sha, "commits": listed, "title": request.title, "branch": request.branch});
    vec![Item::native(member, request.merged, &body)]
}

/// A pipeline run that builds a version.
pub(super) fn pipeline(
    member: &Member,
    version: &str,
    sha: &str,
    ended: Timestamp,
    attempt: u32,
    succeeded: bool,
) -> Vec<Item> {
    if member.feed != Feed::Native {
        return checks(member, version, sha, ended, attempt, succeeded);
    }
    let pace = github::pace(&format!("{}-{version}", member.name));
    let minutes = |minutes: i64| ended.plus(-minutes * pace);
    let stage = |name: &str, from: i64, to: i64| json!({"name": name, "started_at": minutes(from), "finished_at": minutes(to), "status": "succeeded"});
    let body = json!({"type": "pipeline_run", "source": SOURCE, "id": format!("{}-{version}-{attempt}", member.name), "repo": member.repo, "sha": sha,
        "component": member.name, "product": member.product, "started_at": minutes(14), "finished_at": ended, "attempt": attempt,
        "status": if succeeded { "succeeded" } else { "failed" },
        "stages": [stage("build", 14, 9), stage("test", 9, 2), stage("publish", 2, 0)]});
    vec![Item::native(member, ended, &body)]
}

/// The same as a workflow of GitHub's; only some have the events of jobs sent.
fn checks(member: &Member, version: &str, sha: &str, ended: Timestamp, attempt: u32, succeeded: bool) -> Vec<Item> {
    let id = format!("{}-{version}", member.name);
    let run = github::Run {
        name: "CI",
        started: ended.plus(-14 * github::pace(&id)),
        id,
        sha,
        ended,
        attempt,
        succeeded,
        by_hand: false,
    };
    let mut items = vec![github::run(member, &run)];
    if member.style == Style::Elite {
        let jobs = [("build", (14, 9)), ("test", (9, 2)), ("publish", (2, 0))];
        items.extend(jobs.iter().map(|(name, span)| github::job(member, &run, name, *span)));
    }
    items
}

/// The verdict of a progressive rollout.
pub(super) fn canary(member: &Member, deployment: &str, at: Timestamp, passed: bool) -> Item {
    let body = json!({"type": "canary_analysis", "source": SOURCE, "id": format!("canary-{deployment}"), "component": member.name,
        "product": member.product, "at": at, "passed": passed, "deployment_id": deployment, "score": if passed { 96 } else { 41 }});
    Item::native(member, at, &body)
}
