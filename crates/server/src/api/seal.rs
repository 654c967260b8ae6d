//! `POST /api/v1/seal`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::auth::Admin;
use crate::error::ApiError;
use crate::seal;
use crate::state::App;

/// Writes what stands in memory to the Delta tables below the data folder now, for readers outside. It happens by itself
/// once a day, or when memory holds much (`[warehouse]` of the configuration).
#[utoipa::path(post, path = "/api/v1/seal", tag = "admin", responses((status = 200, description = "Done: the change number up to which the tables hold everything, and rows written, those merged with them included")))]
pub(crate) async fn post_seal(State(app): State<App>, _: Admin) -> Result<Json<Value>, ApiError> {
    // What was accepted before this call is sealed with it.
    app.fresh().await?;
    let warehouse = app.shown.warehouse.load_full();
    let done = seal::seal(&app.store, &warehouse).await?;
    Ok(Json(json!({"change": done.change, "rows": done.rows})))
}
