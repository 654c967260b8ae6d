//! A push to a Git repository, as GitHub's hook sends it, here also from hooks that name no event and no repository.

use domain::Problem;
use domain::event::Checks;

use super::{NAME, UNKNOWN_REPOSITORY};
use crate::json::{self, text};
use crate::push::{Push, Standing, follows};
use crate::{Delivery, Parsed};

pub(super) fn push(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = json::hook(delivery)?;
    if let Some(event) = delivery.header("x-github-event").filter(|event| *event != "push") {
        return Ok(Parsed::ignored(format!("the event is `{}`, not `push`", event.escape_debug())));
    }
    // What GitHub sends when the hook is made, seen without its header.
    if body.contains_key("zen") && !body.contains_key("after") {
        return Ok(Parsed::ignored("a ping"));
    }
    let repo =
        text(body.get("repository").and_then(|repository| repository.get("full_name"))).unwrap_or(UNKNOWN_REPOSITORY);
    let checks = Checks { default_source: NAME, now: delivery.received_at };
    let follows = follows(&body, crate::github::LISTED_AT_MOST);
    Push { body: &body, repo, checks, standing: Standing::default(), sha: None, follows, has_head: true }.read()
}
