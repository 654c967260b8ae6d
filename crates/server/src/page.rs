//! The page: `dashboard-assets` over HTTP.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dashboard_assets::Asset;
use domain::Code;

use crate::error::ApiError;

/// Only what this server sends may run. Styles set on single elements are let through: charts place their labels so.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself, at `/` and at every address it draws by itself.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    answer(&headers, dashboard_assets::index())
}

/// A hashed file of the page. A missing one is a 404: a page in its place would be run as a script.
pub(crate) async fn asset(headers: HeaderMap, Path(path): Path<String>) -> Result<Response, ApiError> {
    file(&headers, &format!("assets/{path}"))
}

/// Files at the root, which keep their names.
pub(crate) async fn icon(headers: HeaderMap) -> Result<Response, ApiError> {
    file(&headers, "icon.svg")
}

/// What the page is made of and under which licences.
pub(crate) async fn licences(headers: HeaderMap) -> Result<Response, ApiError> {
    file(&headers, "third-party-licences.txt")
}

fn file(headers: &HeaderMap, path: &str) -> Result<Response, ApiError> {
    let found = dashboard_assets::asset(path);
    found.map(|found| answer(headers, found)).ok_or_else(|| ApiError::new(Code::NotFound, "the page has no such file"))
}

fn answer(headers: &HeaderMap, asset: Asset) -> Response {
    let tag = format!("\"{}\"", asset.tag);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { asset.bytes.into_response() };
    let keep = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let set = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, keep),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
