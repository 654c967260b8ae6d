//! GitHub's webhooks: pushes, deployments, workflow runs, pull requests with their reviews, and issues that are
//! incidents. Pages of its API tell the same of the past.
//!
//! A component is named like its repository, `owner/name`; the catalogue's `repo` gives it its place. Commits, tags and
//! pull requests belong to Git, everything else to the source as it is configured.

mod backfill;
mod deployment;
mod hook;
mod issue;
mod page;
mod pull_request;
mod release;
mod workflow;

use domain::{Code, Problem};

use crate::poll::Page;
use crate::push;
use crate::{Answer, Delivery, Digits, Parsed, Route, Scheme, Signs, Source, Verification};
use hook::Hook;

/// Header with the name of the event.
const EVENT: &str = "x-github-event";
/// It lists at most so many commits of a push: the first of a full list need not follow `before`.
pub(crate) const LISTED_AT_MOST: usize = 2048;

pub(crate) const SOURCE: Source = Source {
    name: "github",
    title: "GitHub",
    doc: "Pushes, deployments, workflow runs and jobs, pull requests and reviews, releases, incident issues.",
    routes: &[Route {
        path: "/webhooks/github",
        event: "webhook",
        doc: "A webhook of a repository, an organisation or a GitHub App.",
        headers: &["content-type", EVENT],
        id_header: Some("x-github-delivery"),
        answer: Answer::Recorded,
    }],
    verification: Verification::Secret(&[Scheme::Hmac {
        header: "x-hub-signature-256",
        prefix: "sha256=",
        digits: Digits::Hex,
        signs: Signs::Body,
    }]),
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    if delivery.event == Page::EVENT {
        return page::read(delivery);
    }
    let event = delivery.header(EVENT).filter(|event| !event.is_empty()).ok_or_else(|| {
        Problem::new(Code::MissingField, format!("the header `{EVENT}` is missing: it names the event."))
    })?;
    let read: fn(&Hook<'_>) -> Result<Parsed, Problem> = match event {
        "push" => pushed,
        "release" => release::release,
        "deployment" => deployment::created,
        "deployment_status" => deployment::status,
        "workflow_run" => workflow::run,
        "workflow_job" => workflow::job,
        "pull_request" => pull_request::changed,
        "pull_request_review" => pull_request::reviewed,
        "issues" => issue::issue,
        other => return Ok(Parsed::ignored(why_ignored(other))),
    };
    read(&Hook::read(delivery)?)
}

fn why_ignored(event: &str) -> String {
    match event {
        "ping" => "a ping".to_owned(),
        "create" => "a branch or tag was made: the push of it tells its commit".to_owned(),
        "delete" => "a branch or tag was deleted: what it was deployed as stays".to_owned(),
        "installation" | "installation_repositories" | "installation_target" => {
            "the app was installed, changed or removed".to_owned()
        }
        other => {
            let short: String = other.chars().take(64).collect();
            format!("the event `{}` says nothing about delivery", short.escape_debug())
        }
    }
}

/// Pushes of every branch count: what is deployed need not come from the default one.
fn pushed(hook: &Hook<'_>) -> Result<Parsed, Problem> {
    let pushed_at = hook.seconds("/repository/pushed_at");
    let branch = hook.text("/ref").and_then(|name| name.strip_prefix("refs/heads/"));
    let default = branch.is_some() && branch == hook.text("/repository/default_branch");
    let standing = push::Standing { commits: pushed_at.filter(|_| default), tag: pushed_at };
    let (body, repo, checks) = (hook.fields(), hook.repo(), hook.checks());
    let follows = push::follows(body, LISTED_AT_MOST);
    push::Push { body, repo, checks, standing, sha: None, follows, has_head: true }.read()
}
