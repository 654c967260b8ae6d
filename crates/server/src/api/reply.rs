//! JSON answers with an `ETag`, so that a client that asks again for the same numbers gets an empty 304.

use std::io::BufWriter;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// Headers of the request that an answer depends on.
pub(crate) fn json(headers: &HeaderMap, body: &impl Serialize) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(failed)?;
    let digest = Sha256::digest(&bytes);
    Ok(tagged(headers, bytes, &digest))
}

/// The same for an answer that holds the time it was made: only `content` decides whether it is a new one.
pub(crate) fn json_as_of(
    headers: &HeaderMap,
    body: &impl Serialize,
    content: &impl Serialize,
) -> Result<Response, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(failed)?;
    // Read as it is written: an answer may be megabytes, and this one goes nowhere.
    let mut digest = Sha256::new();
    serde_json::to_writer(BufWriter::new(&mut digest), content).map_err(failed)?;
    Ok(tagged(headers, bytes, &digest.finalize()))
}

fn failed(error: serde_json::Error) -> ApiError {
    ApiError::internal("an answer could not be written", &error)
}

fn tagged(headers: &HeaderMap, bytes: Vec<u8>, digest: &[u8]) -> Response {
    let tag: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = known == "*" || known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
