//! `GET /api/v1/definitions`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::metric::{Metric, Reason};
use serde_json::json;

use super::reply;
use crate::auth::Read;
use crate::error::ApiError;
use crate::state::App;

/// The definitions that come with Leadline, then those of the catalogue, with every metric in words, and every reason a row can be left out for.
#[utoipa::path(get, path = "/api/v1/definitions", tag = "read", responses((status = 200, description = "Definitions, metrics and reasons")))]
pub(crate) async fn list(State(app): State<App>, _: Read, headers: HeaderMap) -> Result<Response, ApiError> {
    // A catalogue that was taken before this call is seen.
    app.fresh().await?;
    let definitions: Vec<_> = app
        .shown
        .definitions
        .load()
        .iter()
        .map(|definition| {
            let sentences: serde_json::Map<String, serde_json::Value> = Metric::ALL
                .iter()
                .map(|metric| (metric.text().to_owned(), ::metrics::sentence(*metric, definition).into()))
                .collect();
            json!({"definition": definition, "sentences": sentences})
        })
        .collect();
    let metrics: Vec<_> = Metric::ALL
        .iter()
        .map(|metric| json!({"id": metric.text(), "title": metric.title(), "unit": metric.unit(), "better": metric.better(), "doc": metric.doc()}))
        .collect();
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| json!({"id": reason.text(), "doc": reason.doc()})).collect();
    let default = &app.config.metrics.definition;
    reply::json(
        &headers,
        &json!({"default": default, "definitions": definitions, "metrics": metrics, "reasons": reasons}),
    )
}
