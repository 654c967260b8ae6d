//! Native events: `POST /api/v1/events`, and the files with the same content.

mod parse;

use domain::event::Checks;

use crate::{Answer, Delivery, Parsed, Route, Source, Verification};

pub use parse::{Limits, is_ndjson, read};
pub(crate) use parse::{lines, looks_like_lines};

pub(crate) const SOURCE: Source = Source {
    name: "native",
    title: "Native events",
    doc: "Anything that can send JSON: pipelines, scripts, exports.",
    routes: &[Route {
        path: "/api/v1/events",
        event: "events",
        doc: "One event, an array of events, or one event a line.",
        headers: &["content-type"],
        id_header: None,
        answer: Answer::Receipt,
    }],
    verification: Verification::Token,
    backfill: None,
    parse: &|delivery: &Delivery<'_>| {
        let checks = Checks { default_source: delivery.source, now: delivery.received_at };
        let events = read(delivery.body, delivery.header("content-type"), checks, Limits::default())?;
        Ok(Parsed { events, ignored: None })
    },
};
