//! `GET /api/v1/bands`

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::reply;
use crate::auth::Read;
use crate::error::ApiError;

/// The band tables: the first step whose comparison holds gives the band, `low` when none holds.
#[utoipa::path(get, path = "/api/v1/bands", tag = "read", responses((status = 200, description = "Band tables")))]
pub(crate) async fn list(_: Read, headers: HeaderMap) -> Result<Response, ApiError> {
    reply::json(&headers, &json!({"bands": domain::band::tables()}))
}
