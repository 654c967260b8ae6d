//! Flux: events of its notification controller about Kustomizations and Helm releases.
//! <https://fluxcd.io/flux/components/notification/events/>

mod event;
mod release;
mod revision;

use domain::Problem;

use crate::body::Body;
use crate::json::clip;
use crate::{Answer, Delivery, Digits, Parsed, Route, Scheme, Signs, Source, Verification};
use event::Told;

pub(crate) const SOURCE: Source = Source {
    name: "flux",
    title: "Flux",
    doc: "Kustomizations and Helm releases that were reconciled, or could not be.",
    routes: &[Route {
        path: "/webhooks/flux",
        event: "webhook",
        doc: "An event of the notification controller, by a provider of the type `generic-hmac`.",
        headers: &["content-type"],
        id_header: None,
        answer: Answer::Recorded,
    }],
    verification: Verification::Secret(&[Scheme::Hmac {
        header: "x-signature",
        prefix: "sha256=",
        digits: Digits::Hex,
        signs: Signs::Body,
    }]),
    parse: &parse,
    backfill: None,
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let body = Body::read(delivery)?;
    let told = Told::read(&body)?;
    match told.kind {
        "Kustomization" => told.kustomization(),
        "HelmRelease" => told.release(),
        other => {
            let other = clip(other, 64).escape_debug();
            Ok(Parsed::ignored(format!(
                "a {other} deploys nothing: the Kustomizations and Helm releases made of it tell what they do"
            )))
        }
    }
}
