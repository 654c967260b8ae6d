//! The requests printed in the articles people start from: two CI snippets, a FastAPI service, a Flask collector with
//! its Argo CD notification and GitHub hook. They keep working word for word.
//!
//! All events have the source `articles`, whoever sends them, so that two tokens never split one incident. Where a body
//! has no id the content is the identity: the same content again is the same deployment.

mod fields;
mod parse;
mod push;

use crate::{Answer, Delivery, Route, Source, Verification};

/// Source of all events made here.
pub const NAME: &str = "articles";

/// Repository of commits whose push does not name one.
pub const UNKNOWN_REPOSITORY: &str = "unknown";

const fn route(path: &'static str, event: &'static str, answer: Answer, doc: &'static str) -> Route {
    Route { path, event, doc, headers: &["content-type"], id_header: None, answer }
}

pub(crate) const SOURCE: Source = Source {
    name: NAME,
    title: "The articles' own requests",
    doc: "What the published DORA examples print for CI jobs, services, Argo CD and Git hooks.",
    routes: &[
        route("/deployments", "deployments", Answer::Recorded, "A deployment, from a CI job."),
        route("/events/deployment", "deployment", Answer::Recorded, "A deployment with the time of its commit."),
        route("/events/incident", "incident", Answer::Recorded, "An incident; the same id again updates it."),
        Route {
            headers: &["content-type", "x-github-event"],
            ..route("/webhook/commit", "commit", Answer::Empty, "A push, from a repository's hook.")
        },
        route("/webhook/deploy", "deploy", Answer::Empty, "A deployment, from Argo CD's notifications."),
    ],
    verification: Verification::Token,
    backfill: None,
    parse: &|delivery: &Delivery<'_>| match delivery.event {
        "deployments" => parse::deployment(delivery, parse::CI_JOB),
        "deployment" => parse::deployment(delivery, parse::SERVICE),
        "incident" => parse::incident(delivery),
        "commit" => push::push(delivery),
        "deploy" => parse::argo_cd(delivery),
        other => Err(domain::Problem::new(
            domain::Code::NotFound,
            format!("`{NAME}` has no route `{other}`; see the list of sources"),
        )),
    },
};
