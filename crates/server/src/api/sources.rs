//! The addresses of the table of sources, and `GET /api/v1/sources`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use sources::{Answer, Route, SOURCES, Source};
use store::{Delivery, Webhook};

use super::events::{append, refuse, slow_down};
use super::reply;
use crate::auth::{Ingest, Read};
use crate::error::ApiError;
use crate::state::App;
use crate::{body, clock};

/// Routes of every source but the native one, which answers with a receipt for each event.
pub(crate) fn routes() -> Router<App> {
    let mut router = Router::new();
    for source in SOURCES {
        for route in source.routes.iter().filter(|route| route.answer != Answer::Receipt) {
            let handler = move |State(app): State<App>, ingest: Ingest, request: Request| {
                take(app, ingest, source, route, request)
            };
            router = router.route(route.path, post(handler));
        }
    }
    router
}

/// Reads a delivery once to tell the sender what is wrong with it, then makes its raw body durable.
async fn take(
    app: App,
    _: Ingest,
    source: &'static Source,
    route: &'static Route,
    request: Request,
) -> Result<Response, ApiError> {
    slow_down(&app)?;
    let headers: Vec<(String, String)> = route
        .headers
        .iter()
        .chain(route.id_header.iter())
        .filter_map(|name| Some(((*name).to_owned(), request.headers().get(*name)?.to_str().ok()?.to_owned())))
        .collect();
    let body = body::read(request.into_body(), app.config.ingest.max_body_bytes).await?;
    let received_at = clock::now();
    let delivery =
        sources::Delivery { source: source.name, event: route.event, headers: &headers, body: &body, received_at };
    let parsed = match (source.parse)(&delivery) {
        Ok(parsed) => parsed,
        Err(problem) => {
            refuse(&app, source.name.to_owned(), body, problem.clone()).await?;
            return Err(problem.into());
        }
    };
    if let Some(problem) = first_of_only_problems(&parsed) {
        refuse(&app, source.name.to_owned(), body, problem.clone()).await?;
        return Err(problem.into());
    }
    let webhook = Webhook {
        source: source.name.to_owned(),
        parser: source.name.to_owned(),
        delivery_id: sources::delivery_id(source, route.event, &headers, &body),
        event: route.event.to_owned(),
        headers,
        body,
    };
    append(&app, vec![Delivery::Webhook(webhook)]).await?;
    Ok(answer(route, parsed.ignored.as_deref()))
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

/// What can send events, and where to.
#[utoipa::path(get, path = "/api/v1/sources", tag = "read", responses((status = 200, description = "Sources with their addresses")))]
pub(crate) async fn list(_: Read, headers: HeaderMap) -> Result<Response, ApiError> {
    let sources: Vec<_> = SOURCES
        .iter()
        .map(|source| {
            let routes: Vec<_> = source
                .routes
                .iter()
                .map(|route| json!({"method": "POST", "path": route.path, "doc": route.doc}))
                .collect();
            json!({"name": source.name, "title": source.title, "doc": source.doc, "routes": routes})
        })
        .collect();
    reply::json(&headers, &json!({ "sources": sources }))
}
