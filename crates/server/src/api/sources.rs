//! The addresses of the table of sources, and `GET /api/v1/sources`.

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::{Code, Timestamp};
use serde_json::{Value, json};
use sources::{Answer, Route, SOURCES, Source};
use store::{Delivery, Receipt, Webhook};

use super::events::{append, refuse, slow_down};
use super::reply;
use crate::auth::{Ingest, Read};
use crate::backfills::{Poller, Stage};
use crate::error::ApiError;
use crate::state::App;
use crate::{body, clock};

/// Where the sources of the configuration send to, each to its own name below.
const WEBHOOKS: &str = "/webhooks/";

/// Routes of every source but the native one, which answers with a receipt for each event.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new().route("/webhooks/{name}", post(named));
    for source in SOURCES.iter() {
        let plain = |route: &&Route| route.answer != Answer::Receipt && !route.path.starts_with(WEBHOOKS);
        for route in source.routes.iter().filter(plain) {
            let handler = move |State(app): State<App>, _: Ingest, request: Request| async move {
                slow_down(&app)?;
                let (headers, body) = read(&app, request).await?;
                take(&app, Place { source, route, name: source.name }, &headers, body).await
            };
            router = router.route(route.path, post(handler));
        }
    }
    router
}

/// What a delivery is read as.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'static Source,
    pub(super) route: &'static Route,
    /// The source by its configured name.
    pub(super) name: &'a str,
}

/// A webhook of a source of the configuration, or by a token of one that is built in. A source with a secret needs no
/// token: its signature is checked.
#[utoipa::path(post, path = "/webhooks/{name}", tag = "ingest",
    params(("name" = String, Path, description = "Name of a source of the configuration, or a built-in one")),
    responses((status = 200, description = "Taken, or ignored with the reason"),
        (status = 400, description = "malformed_json"),
        (status = 401, description = "signature_invalid, or unauthenticated where the source has no secret"),
        (status = 404, description = "No source has this name"), (status = 413, description = "body_too_large"),
        (status = 422, description = "What is wrong with the body"), (status = 429, description = "rate_limited")))]
pub(crate) async fn named(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let sender = app.senders.get(&name);
    let place = sender.map_or_else(|| sources::find(&name), |sender| Some(sender.source())).and_then(|source| {
        let route = source.routes.iter().find(|route| route.path.strip_prefix(WEBHOOKS) == Some(source.name))?;
        Some(Place { source, route, name: &name })
    });
    let place = place.ok_or_else(|| ApiError::new(Code::NotFound, "no source has this name"))?;
    slow_down(&app)?;
    let Some(sender) = sender.filter(|sender| sender.signs()) else {
        let (mut parts, body) = request.into_parts();
        Ingest::from_request_parts(&mut parts, &app).await?;
        let (headers, body) = read(&app, Request::from_parts(parts, body)).await?;
        return take(&app, place, &headers, body).await;
    };
    let (headers, body) = read(&app, request).await?;
    if let Err(problem) = sender.verify(&headers, &body, clock::now()) {
        // Whoever cannot sign is a stranger: what they sent is not kept.
        tracing::warn!(source = name, bytes = body.len(), problem = problem.message, "a delivery was not verified");
        return Err(problem.into());
    }
    take(&app, place, &headers, body).await
}

/// All headers that are text, and the body under its limit.
pub(super) async fn read(app: &App, request: Request) -> Result<(Vec<(String, String)>, Vec<u8>), ApiError> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let headers = request.headers().iter().filter_map(text).collect();
    Ok((headers, body::read(request.into_body(), app.config.ingest.max_body_bytes).await?))
}

async fn take(app: &App, place: Place<'_>, all: &[(String, String)], body: Vec<u8>) -> Result<Response, ApiError> {
    let (parsed, _) = keep(app, place, all, body).await?;
    Ok(answer(place.route, parsed.ignored.as_deref()))
}

/// Reads a delivery once to tell the sender what is wrong with it, then makes its raw body durable.
pub(super) async fn keep(
    app: &App,
    place: Place<'_>,
    all: &[(String, String)],
    body: Vec<u8>,
) -> Result<(sources::Parsed, Vec<Receipt>), ApiError> {
    let Place { source, route, name } = place;
    let kept = route.headers.iter().chain(route.id_header.iter());
    // Journalled with the delivery: it is read the same way for ever, whatever the configuration says later.
    let sender = app.senders.get(name);
    let option = |header: &str| sender.and_then(|sender| sender.option(header));
    let headers: Vec<(String, String)> =
        kept.filter_map(|kept| all.iter().find(|(name, _)| name == kept).or_else(|| option(kept)).cloned()).collect();
    let received_at = clock::now();
    let delivery = sources::Delivery { source: name, event: route.event, headers: &headers, body: &body, received_at };
    let parsed = match (source.parse)(&delivery) {
        Ok(parsed) => parsed,
        Err(problem) => {
            refuse(app, name.to_owned(), body, problem.clone()).await?;
            return Err(problem.into());
        }
    };
    if let Some(problem) = first_of_only_problems(&parsed) {
        refuse(app, name.to_owned(), body, problem.clone()).await?;
        return Err(problem.into());
    }
    let webhook = Webhook {
        source: name.to_owned(),
        parser: source.name.to_owned(),
        delivery_id: sources::delivery_id(source, route.event, &headers, &body),
        event: route.event.to_owned(),
        headers,
        body,
    };
    let receipts = append(app, vec![Delivery::Webhook(webhook)]).await?;
    Ok((parsed, receipts))
}

fn first_of_only_problems(parsed: &sources::Parsed) -> Option<domain::Problem> {
    let first = parsed.events.iter().find_map(|event| event.as_ref().err())?;
    parsed.events.iter().all(Result::is_err).then(|| first.clone())
}

fn answer(route: &Route, ignored: Option<&str>) -> Response {
    let status = StatusCode::from_u16(route.answer.status()).unwrap_or(StatusCode::OK);
    match (route.answer.body(), ignored) {
        (Some(""), None) => status.into_response(),
        (Some(body), None) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        (_, ignored) => (StatusCode::OK, axum::Json(json!({ "ignored": ignored }))).into_response(),
    }
}

/// How the polls of a source stand, and whether what is known of it is as fresh as promised.
pub(super) fn polling(poller: &Poller, now: Timestamp) -> Value {
    let record = poller.record();
    let running = record.attempt.state == Stage::Running;
    json!({
        "every_s": poller.polling.every.as_secs(),
        "overlap_s": poller.polling.overlap.as_secs(),
        "running": running,
        // What the last poll asked for, and what it has read.
        "since": record.attempt.since,
        "started_at": record.attempt.started_at,
        "progress": record.attempt.progress,
        // What changed before this has been read.
        "read_to": record.read_to,
        "last_success_at": record.last_success_at,
        "next_at": record.next_at.filter(|_| !running),
        "late": record.is_late(poller.polling.every, now),
        "circuit": record.circuit(),
        "failures_in_a_row": record.failures,
        "last_error": record.last_error,
        "last_error_at": record.last_error_at,
    })
}

/// What can send events, where to, and how the polled ones stand.
#[utoipa::path(get, path = "/api/v1/sources", tag = "read", responses((status = 200, description = "Sources with their addresses")))]
pub(crate) async fn list(State(app): State<App>, _: Read, headers: HeaderMap) -> Result<Response, ApiError> {
    let sources: Vec<_> = sources::all()
        .into_iter()
        .map(|source| {
            let routes: Vec<_> = source
                .routes
                .iter()
                .map(|route| json!({"method": "POST", "path": route.path, "doc": route.doc}))
                .collect();
            let past = source.backfill.map(|past| past.permissions);
            json!({
                "name": source.name, "title": source.title, "doc": source.doc, "routes": routes,
                // What reading its past needs, where that can be read.
                "backfill": past,
            })
        })
        .collect();
    let now = clock::now();
    let configured = app.senders.iter().map(|(name, sender)| {
        json!({
            "name": name, "kind": sender.source().name, "path": format!("{WEBHOOKS}{name}"), "signed": sender.signs(),
            "signature_invalid": sender.strangers(),
            "polling": app.backfills.polled().get(name).map(|poller| polling(poller, now)),
        })
    });
    let configured: Vec<_> = configured.collect();
    let (clusters, streams) = app.feeds.shown();
    let all = json!({ "sources": sources, "configured": configured, "clusters": clusters, "streams": streams });
    reply::json(&headers, &all)
}
