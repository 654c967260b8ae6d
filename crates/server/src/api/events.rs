//! `POST /api/v1/events`

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::event::Checks;
use domain::{Code, Problem};
use serde::Serialize;
use serde_json::json;
use sources::Route;
use sources::native::{self, Limits};
use store::{Delivery, Receipt};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::sources::{Place, keep, read};
use crate::auth::Ingest;
use crate::clock;
use crate::error::ApiError;
use crate::state::App;

/// The address of native events.
const NATIVE: &Route = &native::SOURCE.routes[0];

/// What became of the events of one request.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Taken {
    /// New ones; they are on disk.
    accepted: usize,
    /// Known already, to the letter.
    duplicates: usize,
    /// Those refused; none of the others waits for them.
    rejected: Vec<Rejected>,
}

/// An event that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rejected {
    /// Its place in the request, from 0.
    index: usize,
    /// What is wrong, as a code.
    code: String,
    /// What is wrong, in a sentence.
    message: String,
}

/// Takes native events: one object, an array, or one object a line (`application/x-ndjson`). CDEvents, bare or as
/// CloudEvents (structured, binary, in a batch), are known by their headers or their body; what of them says nothing
/// about delivery is answered `200 {"ignored": why}`.
#[utoipa::path(post, path = "/api/v1/events", tag = "ingest",
    request_body(content = inline(super::openapi::Events), description = "One event, an array of events, one event a line, or CDEvents."),
    responses((status = 202, description = "Taken; rejected events are listed", body = Taken),
        (status = 200, description = "CDEvents that say nothing about delivery, with the reason"),
        (status = 400, description = "malformed_json"), (status = 401, description = "unauthenticated"),
        (status = 403, description = "forbidden"), (status = 413, description = "body_too_large or too_many_events"),
        (status = 422, description = "No event could be taken; the code is that of the first"),
        (status = 429, description = "rate_limited")))]
pub(crate) async fn post_events(
    State(app): State<App>,
    Ingest(caller): Ingest,
    request: Request,
) -> Result<Response, ApiError> {
    slow_down(&app)?;
    let limits = &app.config.ingest;
    let (headers, bytes) = read(&app, request).await?;
    let now = clock::now();
    let event = NATIVE.event;
    let delivery = sources::Delivery { source: &caller.name, event, headers: &headers, body: &bytes, received_at: now };
    if native::is_cdevents(&delivery) {
        return cdevents(&app, &caller.name, &headers, bytes).await;
    }
    let content_type = delivery.header("content-type").map(str::to_owned);
    let max_events = limits.max_events;
    let source = caller.name.clone();
    let read = app.blocking(move || {
        let checks = Checks { default_source: &source, now };
        let limits = Limits { max_events };
        Ok((native::read(&bytes, content_type.as_deref(), checks, limits), bytes))
    });
    let (read, bytes) = read.await?;
    let events = match read {
        Ok(events) => events,
        Err(problem) => {
            refuse(&app, caller.name, bytes, problem.clone()).await?;
            return Err(problem.into());
        }
    };
    let mut taken = Taken::default();
    let mut deliveries = Vec::with_capacity(events.len());
    for (index, event) in events.into_iter().enumerate() {
        match event {
            Ok(event) => deliveries.push(Delivery::Event(event)),
            Err(problem) => {
                let what = format!("event {index} of a request of {} bytes", bytes.len()).into_bytes();
                taken.rejected.push(Rejected {
                    index,
                    code: problem.code.text().to_owned(),
                    message: problem.message.clone(),
                });
                deliveries.push(Delivery::Refused(
                    caller.name.clone(),
                    if bytes.len() > 65_536 { what } else { bytes.clone() },
                    problem,
                ));
            }
        }
    }
    let refused: Vec<bool> = deliveries.iter().map(|delivery| matches!(delivery, Delivery::Refused(..))).collect();
    let receipts = append(&app, deliveries).await?;
    for (receipt, refused) in receipts.iter().zip(refused) {
        match receipt {
            _ if refused => {}
            Receipt::Accepted(_) => taken.accepted += 1,
            Receipt::Duplicate(_) => taken.duplicates += 1,
        }
    }
    if let (0, 0, Some(first)) = (taken.accepted, taken.duplicates, taken.rejected.first()) {
        let code = Code::ALL.iter().copied().find(|code| code.text() == first.code).unwrap_or(Code::WrongType);
        let problem = Problem::new(code, first.message.clone());
        return Err(ApiError::from(problem).with_details(json!({"fix": code.fix(), "rejected": taken.rejected})));
    }
    Ok((StatusCode::ACCEPTED, axum::Json(taken)).into_response())
}

/// CDEvents are another's format: the body is kept as it came, so that a better parser can read it again.
async fn cdevents(app: &App, name: &str, headers: &[(String, String)], body: Vec<u8>) -> Result<Response, ApiError> {
    let place = Place { source: &native::SOURCE, route: NATIVE, name };
    let (parsed, receipts) = keep(app, place, headers, body).await?;
    if let Some(why) = parsed.ignored {
        return Ok(axum::Json(json!({ "ignored": why })).into_response());
    }
    let known = receipts.iter().any(|receipt| matches!(receipt, Receipt::Duplicate(_)));
    let mut taken = Taken::default();
    for (index, event) in parsed.events.into_iter().enumerate() {
        match event {
            Ok(_) if known => taken.duplicates += 1,
            Ok(_) => taken.accepted += 1,
            Err(Problem { code, message }) => {
                taken.rejected.push(Rejected { index, code: code.text().to_owned(), message });
            }
        }
    }
    Ok((StatusCode::ACCEPTED, axum::Json(taken)).into_response())
}

/// Tells a sender to wait while too much waits to be applied.
pub(crate) fn slow_down(app: &App) -> Result<(), ApiError> {
    let pending = app.store.pending();
    if pending > app.config.ingest.max_pending {
        let message = format!("{pending} deliveries wait to be applied");
        return Err(ApiError::new(Code::RateLimited, message).retry_after(2));
    }
    Ok(())
}

/// Keeps what was refused, so that it is listed and nothing is lost in silence.
pub(crate) async fn refuse(app: &App, source: String, body: Vec<u8>, problem: Problem) -> Result<(), ApiError> {
    append(app, vec![Delivery::Refused(source, body, problem)]).await.map(|_| ())
}

/// Makes deliveries durable.
pub(crate) async fn append(app: &App, deliveries: Vec<Delivery>) -> Result<Vec<Receipt>, ApiError> {
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let (done, receipts) = oneshot::channel();
    let answer = Box::new(move |result| {
        // Whoever asked may have gone; the deliveries are on disk all the same.
        let _ = done.send(result);
    });
    app.store.append_then(deliveries, clock::now(), answer);
    match receipts.await {
        Ok(result) => result.map_err(ApiError::from),
        Err(_) => Err(ApiError::new(Code::Unavailable, "the server is stopping").retry_after(5)),
    }
}
