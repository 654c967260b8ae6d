//! `/api/v1/catalogue`

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use domain::catalogue::Catalogue;
use domain::{Code, Problem};
use serde_json::{Value, json};
use store::Delivery;

use super::events::append;
use super::reply;
use crate::auth::{Admin, Read};
use crate::body;
use crate::error::ApiError;
use crate::state::App;

/// The declared tree, the rules and definitions of one's own.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "read", responses((status = 200, description = "The catalogue")))]
pub(crate) async fn get_catalogue(State(app): State<App>, _: Read, headers: HeaderMap) -> Result<Response, ApiError> {
    app.fresh().await?;
    let store = app.store.clone();
    let catalogue = app.blocking(move || store.catalogue().map_err(ApiError::from)).await?;
    reply::json(&headers, &catalogue)
}

/// Replaces the catalogue. What it moves is placed and linked anew; a journal row remembers it.
#[utoipa::path(put, path = "/api/v1/catalogue", tag = "admin",
    request_body(content = String, description = "The whole catalogue: `application/json`, `application/toml` or `application/yaml`"),
    responses((status = 200, description = "Taken"), (status = 422, description = "catalogue_invalid or definition_invalid")))]
pub(crate) async fn put_catalogue(
    State(app): State<App>,
    Admin(caller): Admin,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = Format::of(content_type);
    let bytes = body::read(request.into_body(), app.config.ingest.max_body_bytes).await?;
    let catalogue = format.read(&bytes)?;
    catalogue.validate()?;
    check_definitions(&app, &catalogue).await?;
    let counts = json!({
        "platforms": catalogue.platforms.len(),
        "products": catalogue.products().count(),
        "components": catalogue.components().count(),
        "teams": catalogue.teams.len(),
        "definitions": catalogue.definitions.len(),
    });
    append(&app, vec![Delivery::Catalogue(catalogue, caller.name)]).await?;
    Ok(Json(json!({"status": "recorded", "catalogue": counts})))
}

/// Each can be used, and one that changed has a new version, whatever catalogues came in between.
async fn check_definitions(app: &App, catalogue: &Catalogue) -> Result<(), ApiError> {
    if catalogue.definitions.is_empty() {
        return Ok(());
    }
    domain::definition::whole(&catalogue.definitions)?;
    let store = app.store.clone();
    let before = app.blocking(move || store.every_catalogue().map_err(ApiError::from)).await?;
    let before = before.iter().flat_map(|catalogue| &catalogue.definitions);
    Ok(domain::definition::check_versions(&catalogue.definitions, before)?)
}

enum Format {
    Json,
    Toml,
    Yaml,
}

impl Format {
    fn of(content_type: &str) -> Self {
        if content_type.contains("toml") {
            Format::Toml
        } else if content_type.contains("yaml") || content_type.contains("yml") {
            Format::Yaml
        } else {
            Format::Json
        }
    }

    fn read(&self, bytes: &[u8]) -> Result<Catalogue, Problem> {
        let bad = |error: &dyn std::fmt::Display| Problem::new(Code::CatalogueInvalid, error.to_string());
        let text = std::str::from_utf8(bytes).map_err(|error| bad(&error))?;
        match self {
            Format::Json => serde_json::from_str(text).map_err(|error| bad(&error)),
            Format::Toml => toml::from_str(text).map_err(|error| bad(&error)),
            Format::Yaml => serde_norway::from_str(text).map_err(|error| bad(&error)),
        }
    }
}
