//! Services that were put somewhere: each event is a deployment of its own, which has ended when it is told of.

use domain::Problem;
use domain::event::EventKind;

use super::Told;
use super::event::{CdEvent, ID};
use super::purl::Artifact;

const ENVIRONMENT: &str = "/subject/content/environment/id";
const ARTIFACT: &str = "/subject/content/artifactId";

/// `service.deployed`, `service.upgraded`, `service.rolledback`
pub(super) fn put(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let environment = event.need(ENVIRONMENT, "it says where to.")?;
    // The subject is the service, which is deployed again and again; the event is the attempt.
    let mut draft = event
        .started(EventKind::Deployment)
        .copy("id", "/context/id")
        .copy("component", ID)
        .set("environment", environment)
        .set("status", "succeeded")
        .at("finished_at", event.at())
        .set("event", event.predicate())
        .copy("artifact", ARTIFACT)
        .mark("service", event.text(ID));
    if let Some(name) = event.text(ARTIFACT) {
        draft = Artifact::read(name).tell(draft);
    }
    if event.predicate() == "rolledback" {
        draft = draft.set("change_kind", "rollback");
    }
    Ok(event.finish(draft, EventKind::Deployment, &[])?.into())
}
