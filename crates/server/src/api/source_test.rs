//! `/api/v1/sources/{name}/test`: what became of a delivery, step by step.

use axum::Json;
use axum::extract::{Path, Request, State};
use domain::Code;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;
use crate::{body, replay};

/// Which delivery.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichDelivery {
    /// The sender's id of it, or its number in the journal; the last one when left out.
    delivery: Option<String>,
}

/// How the last delivery of a source was verified, read, placed and linked, and what would place it where nothing did.
/// It is read again by the parser and placed by the catalogue as they are now; nothing is changed.
#[utoipa::path(get, path = "/api/v1/sources/{name}/test", tag = "read",
    params(("name" = String, Path, description = "Name of a source, as the journal has it"),
        ("delivery" = Option<String>, Query, description = "The sender's id of a delivery, or its number in the journal; the last one when left out")),
    responses((status = 200, description = "The steps"), (status = 404, description = "There is no such delivery")))]
pub(crate) async fn get_test(
    State(app): State<App>,
    _: Read,
    Path(name): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let query = query.only(&["delivery"])?;
    test(&app, name, query.one("delivery").map(str::to_owned)).await
}

/// As with GET; the delivery is named in the body.
#[utoipa::path(post, path = "/api/v1/sources/{name}/test", tag = "read", request_body = WhichDelivery,
    params(("name" = String, Path, description = "Name of a source, as the journal has it")),
    responses((status = 200, description = "The steps"), (status = 404, description = "There is no such delivery")))]
pub(crate) async fn post_test(
    State(app): State<App>,
    _: Read,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let bytes = body::read(request.into_body(), 16 * 1024).await?;
    let which: WhichDelivery = if bytes.trim_ascii().is_empty() {
        WhichDelivery::default()
    } else {
        serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::new(Code::MalformedJson, format!("a test takes `delivery`: {error}")))?
    };
    test(&app, name, which.delivery).await
}

async fn test(app: &App, name: String, delivery: Option<String>) -> Result<Json<Value>, ApiError> {
    let (store, senders) = (app.store.clone(), app.senders.clone());
    app.blocking(move || replay::tell(&store, &senders, &name, delivery.as_deref())).await.map(Json)
}
