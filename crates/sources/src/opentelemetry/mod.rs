//! OpenTelemetry's CI/CD conventions: pipelines that are traced, by OTLP over HTTP.
//!
//! A span of a pipeline is a run, a span of a task is a stage of it, and one of either that deploys somewhere is a
//! deployment. Everything else that is in the traces (most of it, where a collector sends all it has) is counted and
//! ignored.

mod attributes;
mod deployment;
mod request;
mod run;
mod wire;

use domain::Problem;
use serde_json::Map;

use crate::body::Body;
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};
use attributes::Span;

const HEADERS: &[&str] = &["content-type", "content-encoding"];

pub(crate) const SOURCE: Source = Source {
    name: "opentelemetry",
    title: "OpenTelemetry",
    doc: "Traces of pipelines by the CI/CD conventions: runs, tasks, deployments.",
    routes: &[
        Route {
            path: "/v1/traces",
            event: "traces",
            doc: "OTLP/HTTP, in protobuf or JSON: what exporters add to their endpoint.",
            headers: HEADERS,
            id_header: None,
            // No bytes are the whole of an answer that says all was taken.
            answer: Answer::Empty,
        },
        Route {
            path: "/webhooks/opentelemetry",
            event: "webhook",
            doc: "The same, for a source with a name of its own.",
            headers: HEADERS,
            id_header: None,
            answer: Answer::Empty,
        },
    ],
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let request = request::read(delivery)?;
    let body = Body::part(delivery, Map::new());
    let mut parsed = Parsed::default();
    let (mut spans, mut skipped) = (0_usize, 0_usize);
    for group in &request.resource_spans {
        let resource = group.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
        for span in group.scope_spans.iter().flat_map(|scope| &scope.spans) {
            spans += 1;
            let span = Span { span, resource, body: &body };
            if span.is_task() {
                parsed.events.push(run::stage(&span));
            } else if span.is_run() {
                parsed.events.push(run::run(&span));
            }
            if span.deploys() {
                match deployment::told(&span) {
                    Ok(Some(event)) => parsed.events.push(Ok(event)),
                    Ok(None) => skipped += 1,
                    Err(problem) => parsed.events.push(Err(problem)),
                }
            }
        }
    }
    if parsed.events.is_empty() {
        parsed.ignored = Some(match (spans, skipped) {
            (0, _) => "there are no spans".to_owned(),
            (_, 0) => format!("none of the {spans} spans is of a pipeline, a task or a deployment"),
            _ => format!("of {spans} spans {skipped} would deploy, but were skipped or say no environment"),
        });
    }
    Ok(parsed)
}
