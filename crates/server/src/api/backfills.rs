//! `/api/v1/sources/{name}/backfill`: a source's past, read through its API.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use domain::{Code, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::auth::{Admin, Read};
use crate::backfills::Record;
use crate::error::ApiError;
use crate::state::App;
use crate::{body, clock};

/// What to read.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBackfill {
    /// Nothing older than this instant, RFC 3339; all there is when left out.
    since: Option<String>,
}

/// How far the last backfill of a source is.
#[utoipa::path(get, path = "/api/v1/sources/{name}/backfill", tag = "read",
    params(("name" = String, Path, description = "Name of a source of the configuration")),
    responses((status = 200, description = "Its state"), (status = 404, description = "No source has this name")))]
pub(crate) async fn get_backfill(
    State(app): State<App>,
    _: Read,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let backfills = app.backfills.clone();
    let source = name.clone();
    let record = app.blocking(move || backfills.state(&source)).await?;
    Ok(Json(shown(&name, &record)))
}

/// Reads a source's past through its API, in the background and over restarts. What is known already does no harm. One
/// that was stopped or failed goes on where it was when it is asked for the same.
#[utoipa::path(post, path = "/api/v1/sources/{name}/backfill", tag = "admin", request_body = NewBackfill,
    params(("name" = String, Path, description = "Name of a source of the configuration")),
    responses((status = 202, description = "It runs: its state"), (status = 404, description = "No source has this name"),
        (status = 422, description = "invalid_parameter: the source has no token, or another backfill of it runs")))]
pub(crate) async fn post_backfill(
    State(app): State<App>,
    _: Admin,
    Path(name): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let bytes = body::read(request.into_body(), 16 * 1024).await?;
    let new: NewBackfill = if bytes.trim_ascii().is_empty() {
        NewBackfill::default()
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::new(Code::MalformedJson, format!("a backfill takes `since`: {error}")))?
    };
    let since = new.since.as_deref().map(Timestamp::parse).transpose().map_err(|error| {
        ApiError::new(Code::InvalidParameter, format!("`since`: {error}; write it as 2025-01-31T12:00:00Z"))
    })?;
    let backfills = app.backfills.clone();
    let source = name.clone();
    let record = app.blocking(move || backfills.start(&source, since)).await?;
    Ok((StatusCode::ACCEPTED, Json(shown(&name, &record))))
}

/// Stops a source's backfill. What it has read stays.
#[utoipa::path(delete, path = "/api/v1/sources/{name}/backfill", tag = "admin",
    params(("name" = String, Path, description = "Name of a source of the configuration")),
    responses((status = 200, description = "Its state"), (status = 404, description = "No source has this name")))]
pub(crate) async fn delete_backfill(
    State(app): State<App>,
    _: Admin,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let backfills = app.backfills.clone();
    let source = name.clone();
    let record = app.blocking(move || backfills.stop(&source)).await?;
    Ok(Json(shown(&name, &record)))
}

fn shown(name: &str, record: &Record) -> Value {
    let progress = &record.progress;
    json!({
        "source": name,
        "state": record.state,
        "since": record.since,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "message": record.message,
        "repository": progress.repository,
        "resource": progress.resource,
        "repositories_done": progress.repositories_done,
        "repositories_total": progress.repositories_total,
        "pages": progress.pages,
        "unchanged_pages": progress.unchanged_pages,
        "items": progress.items,
        "remaining_s": record.remaining(clock::now()).map(|left| left.as_secs()),
        "waiting": progress.waiting,
        "rate_limit": progress.rate_limit,
        "failures": progress.failures,
    })
}
