//! GitLab's webhooks: pushes and tags, deployments, pipelines and jobs, merge requests with their remarks and approvals,
//! releases, and issues that are incidents. Pages of its API tell the same of the past.
//!
//! A component is named like its project, `group/name` or `group/subgroup/name`; the catalogue's `repo` gives it its
//! place. Commits, tags and merge requests belong to Git, everything else to the source as it is configured.
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/>

mod backfill;
mod deployment;
mod hook;
mod issue;
mod merge_request;
mod page;
mod pipeline;
mod release;
mod time;

use domain::Problem;

use crate::json::{self, clip};
use crate::poll::Page;
use crate::push::{Push, Standing};
use crate::{Answer, Delivery, Parsed, Route, Scheme, Source, Verification};
use hook::Hook;

pub(crate) const SOURCE: Source = Source {
    name: "gitlab",
    title: "GitLab",
    doc: "Pushes, tags, deployments, pipelines and jobs, merge requests and their reviews, releases, incidents.",
    routes: &[Route {
        path: "/webhooks/gitlab",
        event: "webhook",
        doc: "A webhook of a project or a group, or a system hook.",
        headers: &["content-type"],
        // GitLab's `X-Gitlab-Event-UUID` is shared by the events that one event sets off; this is one delivery's own.
        id_header: Some("idempotency-key"),
        answer: Answer::Recorded,
    }],
    verification: Verification::Secret(&[Scheme::Standard, Scheme::Plain { header: "x-gitlab-token", prefix: "" }]),
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    if delivery.event == Page::EVENT {
        return page::read(delivery);
    }
    let body = json::hook(delivery)?;
    // System hooks name some of their events there alone.
    let kind = json::text(body.get("object_kind")).or_else(|| json::text(body.get("event_name")));
    let kind = kind.ok_or_else(|| json::missing("object_kind", "it names the event."))?.to_owned();
    let read: fn(&Hook<'_>) -> Result<Parsed, Problem> = match &*kind {
        "push" | "tag_push" => pushed,
        "release" => release::release,
        "deployment" => deployment::changed,
        "pipeline" => pipeline::changed,
        "build" => pipeline::job_changed,
        "merge_request" => merge_request::changed,
        "note" => merge_request::remarked,
        "issue" | "work_item" => issue::issue,
        other => return Ok(Parsed::ignored(why_ignored(other))),
    };
    read(&Hook::new(delivery, body)?)
}

fn why_ignored(kind: &str) -> String {
    match kind {
        "feature_flag" => "GitLab does not say when the feature flag was changed".to_owned(),
        "repository_update" => "the repository was updated: the push of it tells its commits".to_owned(),
        other => format!("the event `{}` says nothing about delivery", clip(other, 64).escape_debug()),
    }
}

/// Pushes of every branch count: what is deployed need not come from the default one. A push does not say when it was:
/// it comes as it happens.
fn pushed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let branch = hook.text("/ref").and_then(|name| name.strip_prefix("refs/heads/"));
    let default = branch.is_some() && branch == hook.text("/project/default_branch");
    let pushed_at = Some(hook.received_at());
    let standing = Standing { commits: pushed_at.filter(|_| default), tag: pushed_at };
    // Of many commits the last twenty are listed.
    let listed = hook.get("/commits").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    let all = hook.get("/total_commits_count").and_then(serde_json::Value::as_u64);
    let (body, repo, checks) = (hook.fields(), hook.repo(), hook.checks());
    Push {
        body,
        repo,
        checks,
        standing,
        sha: hook.text("/checkout_sha"),
        follows: all == u64::try_from(listed).ok(),
        has_head: false,
    }
    .read()
}
