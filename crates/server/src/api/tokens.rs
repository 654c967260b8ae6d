//! `/api/v1/tokens`

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::Code;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Scope;
use utoipa::ToSchema;

use crate::auth::Admin;
use crate::error::ApiError;
use crate::state::App;
use crate::{body, clock};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Its name: the source of events that name none.
    name: String,
    /// `read`, `ingest`, `admin`.
    scopes: Vec<String>,
}

/// The tokens, without their secrets.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "admin", responses((status = 200, description = "Tokens")))]
pub(crate) async fn list(State(app): State<App>, _: Admin) -> Result<Json<Value>, ApiError> {
    let store = app.store.clone();
    let tokens = app.blocking(move || store.tokens().map_err(ApiError::from)).await?;
    let shown: Vec<_> = tokens
        .iter()
        .map(|token| {
            let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
            json!({"name": token.name, "scopes": scopes, "created_at": token.created_at})
        })
        .collect();
    Ok(Json(json!({"tokens": shown})))
}

/// Makes a token. Its secret is shown this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "admin", request_body = NewToken, responses((status = 201, description = "Name and secret"), (status = 422, description = "invalid_parameter")))]
pub(crate) async fn create(State(app): State<App>, _: Admin, request: Request) -> Result<Response, ApiError> {
    let bytes = body::read(request.into_body(), 16 * 1024).await?;
    let new: NewToken = serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::new(Code::MalformedJson, format!("a token needs `name` and `scopes`: {error}")))?;
    let scopes = new.scopes.iter().map(|scope| scope.parse::<Scope>()).collect::<Result<Vec<_>, _>>();
    let scopes = scopes.map_err(|_| ApiError::new(Code::UnknownValue, "`scopes` takes read, ingest and admin"))?;
    let (store, name) = (app.store.clone(), new.name.clone());
    let secret = app.blocking(move || store.create_token(&name, &scopes, clock::now()).map_err(ApiError::from)).await?;
    Ok((StatusCode::CREATED, Json(json!({"name": new.name, "token": secret}))).into_response())
}

/// Revokes a token.
#[utoipa::path(delete, path = "/api/v1/tokens/{name}", tag = "admin", params(("name" = String, Path, description = "Its name")), responses((status = 204, description = "It is known no more"), (status = 404, description = "not_found")))]
pub(crate) async fn revoke(State(app): State<App>, _: Admin, Path(name): Path<String>) -> Result<StatusCode, ApiError> {
    let (store, wanted) = (app.store.clone(), name.clone());
    let revoked = app.blocking(move || store.revoke_token(&wanted, clock::now()).map_err(ApiError::from)).await?;
    if revoked {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::new(Code::NotFound, format!("there is no token `{name}`")))
    }
}
