//! Argo CD: its Application resources, as its notifications send them and as its API lists them.
//!
//! Each entry of an application's history is a deployment, a sync that failed is one too. The revision is that of the
//! manifests: whether it is the code's own is for `correlate` to find out, so it is told as `revision` and never as `sha`.

mod application;
mod backfill;
mod printed;

use domain::Problem;
use serde_json::Value;

use crate::body::Body;
use crate::json::missing;
use crate::poll::Page;
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};

pub(crate) const SOURCE: Source = Source {
    name: "argocd",
    title: "Argo CD",
    doc: "Syncs of applications and their health, from notifications and from the API.",
    routes: &[Route {
        path: "/webhooks/argocd",
        event: "webhook",
        doc: "A notification about an application, by the template in `deploy/argocd`.",
        headers: &["content-type"],
        id_header: None,
        answer: Answer::Recorded,
    }],
    // Notifications are not signed; they carry a token of Leadline's in a header.
    verification: Verification::Token,
    parse: &parse,
    backfill: Some(&backfill::BACKFILL),
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = Body::read(delivery)?;
    // As the articles print it.
    if let Some(Value::String(_)) = body.get("/app") {
        return printed::read(&body);
    }
    if delivery.event != Page::EVENT && body.get("/metadata").is_none() {
        return Err(missing("metadata", "a notification tells the application; see the template in `deploy/argocd`."));
    }
    application::read(&body)
}
