//! Every address of the server, and the OpenAPI document made of the same handlers.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use domain::Code;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;

use crate::api;
use crate::error::{ApiError, REQUEST_ID};
use crate::page;
use crate::state::App;

/// A request that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) fn router(app: App) -> Router {
    let sources = api::sources::routes();
    Router::new()
        .route("/api/v1/events", post(api::events::post_events))
        .route("/api/v1/metrics", get(api::metrics::get_metrics))
        .route("/api/v1/children", get(api::children::get_children))
        .route("/api/v1/tree", get(api::tree::get_tree))
        .route("/api/v1/compare", get(api::compare::get_compare))
        .route("/api/v1/correlation", get(api::correlation::get_correlation))
        .route("/api/v1/deployments", get(api::deployments::list))
        .route("/api/v1/deployments/{*id}", get(api::deployments::one))
        .route("/api/v1/incidents", get(api::incidents::list))
        .route("/api/v1/incidents/{*id}", get(api::incidents::one))
        .route("/api/v1/explain", get(api::explain::get_explain))
        .route("/api/v1/export/{table}", get(api::export::get_export))
        .route("/api/v1/definitions", get(api::definitions::list))
        .route("/api/v1/bands", get(api::bands::list))
        .route("/api/v1/sources", get(api::sources::list))
        .route(
            "/api/v1/sources/{name}/backfill",
            get(api::backfills::get_backfill)
                .post(api::backfills::post_backfill)
                .delete(api::backfills::delete_backfill),
        )
        .route("/api/v1/sources/{name}/test", get(api::source_test::get_test).post(api::source_test::post_test))
        .route("/api/v1/quality", get(api::quality::get_quality))
        .route("/api/v1/journal", get(api::journal::list))
        .route("/api/v1/journal/{seq}/replay", post(api::journal::replay))
        .route("/api/v1/catalogue", get(api::catalogue::get_catalogue).put(api::catalogue::put_catalogue))
        .route("/api/v1/tokens", get(api::tokens::list).post(api::tokens::create))
        .route("/api/v1/tokens/{name}", axum::routing::delete(api::tokens::revoke))
        .route("/api/v1/links/incidents/{*id}", put(api::links::put_incident).delete(api::links::delete_incident))
        .route("/api/v1/links/deployments/{*id}", put(api::links::put_deployment).delete(api::links::delete_deployment))
        .route("/api/v1/rebuild", get(api::rebuild::get_rebuild).post(api::rebuild::post_rebuild))
        .route("/api/v1/seal", post(api::seal::post_seal))
        .route("/api/v1/stream", get(api::stream::get_stream))
        .route("/api/v1/openapi.json", get(api::openapi::get_openapi))
        .route("/healthz", get(api::health::healthz))
        .route("/readyz", get(api::health::readyz))
        .route("/metrics/dora/{*service}", get(api::articles::dora))
        .route("/metrics/change-failure-rate", get(api::articles::change_failure_rate))
        .route("/", get(page::index))
        .route("/node/{*node}", get(page::index))
        .route("/assets/{*path}", get(page::asset))
        .route("/icon.svg", get(page::icon))
        .route("/third-party-licences.txt", get(page::licences))
        .merge(sources)
        .fallback(|| async { ApiError::new(Code::NotFound, "there is nothing at this address") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(Code::MethodNotAllowed, "this address does not take this method")
        })
        // Bodies are read, with their limit, by `body::read`.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| -> Response {
            ApiError::new(Code::Internal, "the request ran into a fault of the server").into_response()
        }))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, DEADLINE))
        .layer(middleware::from_fn(with_request_id))
        .with_state(app)
}

/// Gives every request an id, answers with it, and writes one line to the log. The address in it holds no token:
/// those were taken out before.
async fn with_request_id(request: Request, next: Next) -> Response {
    let mut bytes = [0u8; 8];
    // Without randomness the id is not unique; nothing but the log depends on it.
    let _ = getrandom::fill(&mut bytes);
    let id = format!("{:016x}", u64::from_be_bytes(bytes));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = crate::clock::now();
    let mut response = REQUEST_ID.scope(id.clone(), next.run(request)).await;
    let elapsed_ms = crate::clock::now().since(started) / 1_000;
    tracing::info!(request_id = id, %method, path, status = response.status().as_u16(), elapsed_ms, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Leadline", description = "Events in, the metrics of software delivery out."),
    paths(
        api::events::post_events,
        api::metrics::get_metrics,
        api::children::get_children,
        api::tree::get_tree,
        api::compare::get_compare,
        api::correlation::get_correlation,
        api::deployments::list,
        api::deployments::one,
        api::incidents::list,
        api::incidents::one,
        api::explain::get_explain,
        api::export::get_export,
        api::definitions::list,
        api::bands::list,
        api::sources::list,
        api::sources::named,
        api::backfills::get_backfill,
        api::backfills::post_backfill,
        api::backfills::delete_backfill,
        api::source_test::get_test,
        api::source_test::post_test,
        api::quality::get_quality,
        api::journal::list,
        api::journal::replay,
        api::catalogue::get_catalogue,
        api::catalogue::put_catalogue,
        api::tokens::list,
        api::tokens::create,
        api::tokens::revoke,
        api::links::put_incident,
        api::links::delete_incident,
        api::links::put_deployment,
        api::links::delete_deployment,
        api::rebuild::post_rebuild,
        api::rebuild::get_rebuild,
        api::seal::post_seal,
        api::stream::get_stream,
        api::openapi::get_openapi,
        api::health::healthz,
        api::health::readyz,
        api::articles::dora,
        api::articles::change_failure_rate,
    )
)]
struct Documented;

/// The OpenAPI document of every address.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::openapi::complete(Documented::openapi())
}
