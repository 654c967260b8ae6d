//! `GET /healthz` and `GET /readyz`: open to everybody, and silent about the data.

use axum::Json;
use axum::extract::State;
use domain::Code;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::App;

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does")))]
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// Whether numbers can be asked for: the store can be read and the warehouse has followed it.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, description = "Ready"), (status = 503, description = "Not yet, and why")))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    if !app.synced.borrow().ready {
        return Err(ApiError::new(Code::Unavailable, "the warehouse is still being read from the store").retry_after(2));
    }
    let store = app.store.clone();
    app.blocking(move || store.change_number().map_err(ApiError::from)).await?;
    Ok(Json(json!({"status": "ready", "pending": app.store.pending()})))
}
