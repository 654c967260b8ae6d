//! Native events: `POST /api/v1/events`, and the files with the same content. CDEvents are taken at the same address.

mod parse;

use domain::event::Checks;

use crate::{Answer, Delivery, Parsed, Route, Source, Verification, cdevents};

pub use parse::{Limits, is_ndjson, read};
pub(crate) use parse::{lines, looks_like_lines};

/// The source of native events.
pub const SOURCE: Source = Source {
    name: "native",
    title: "Native events",
    doc: "Anything that can send JSON: pipelines, scripts, exports.",
    routes: &[Route {
        path: "/api/v1/events",
        event: "events",
        doc: "One event, an array of events, one event a line, or CDEvents.",
        headers: cdevents::HEADERS,
        id_header: None,
        answer: Answer::Receipt,
    }],
    verification: Verification::Token,
    backfill: None,
    parse: &|delivery: &Delivery<'_>| {
        if is_cdevents(delivery) {
            return cdevents::parse(delivery);
        }
        let checks = Checks { default_source: delivery.source, now: delivery.received_at };
        let events = read(delivery.body, delivery.header("content-type"), checks, Limits::default())?;
        Ok(Parsed { events, ignored: None })
    },
};

/// Whether a delivery is of CDEvents, bare or as CloudEvents, rather than of native events: by its content type, by the
/// headers of a CloudEvent, or by how its body begins.
#[must_use]
pub fn is_cdevents(delivery: &Delivery<'_>) -> bool {
    cdevents::is_sent_as_one(delivery)
}
