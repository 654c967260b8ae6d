//! Incidents: detected by a machine, reported by a ticket, resolved. The subject's id is one and the same.

use domain::Problem;
use domain::event::EventKind;

use super::Told;
use super::event::{CdEvent, ID};
use super::purl::Artifact;

/// `incident.detected`, `incident.reported`, `incident.resolved`
pub(super) fn told(event: &CdEvent<'_>) -> Result<Told, Problem> {
    let kind = EventKind::Incident;
    let service = event.text("/subject/content/service/id");
    let draft = event
        .started(kind)
        .copy("id", ID)
        .at("opened_at", event.at())
        // Without a service it concerns what watches it.
        .copy("component", "/subject/source")
        .copy("component", "/context/source")
        .maybe("component", service)
        .mark("service", service)
        .copy("environment", "/subject/content/environment/id");
    if event.predicate() == "resolved" {
        // What it was resolved with and why is not what it was about; neither is when it was opened known here.
        let draft = draft.at("resolved_at", event.at());
        return Ok(event.finish(draft, kind, &["opened_at"])?.into());
    }
    let artifact = event.text("/subject/content/artifactId").map(Artifact::read).unwrap_or_default();
    let draft = draft
        .copy("title", "/subject/content/description")
        .copy("url", "/subject/content/ticketURI")
        .maybe("version", artifact.version)
        .mark("image", artifact.image.as_deref().map(domain::event::image_name))
        // Whoever tells of it first says since when it is known.
        .at("updated_at", event.first_counts());
    let detected = event.predicate() == "detected";
    let draft = draft.maybe("detected_at", detected.then(|| event.at().to_string()));
    Ok(event.finish(draft, kind, &[])?.into())
}
