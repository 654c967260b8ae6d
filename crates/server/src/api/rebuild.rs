//! `POST /api/v1/rebuild`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::auth::Admin;
use crate::error::ApiError;
use crate::state::App;

/// Makes all entities and facts anew from the journal. The old numbers are shown until the new ones are complete.
#[utoipa::path(post, path = "/api/v1/rebuild", tag = "admin", responses((status = 200, description = "Done: rows applied, and the SHA-256 of the facts")))]
pub(crate) async fn post_rebuild(State(app): State<App>, _: Admin) -> Result<Json<Value>, ApiError> {
    let store = app.store.clone();
    let (rows, hash) = app
        .blocking(move || {
            let mut rows = 0;
            store.rebuild(&mut |done, _| rows = done)?;
            Ok((rows, store.dump(&mut std::io::sink())?))
        })
        .await?;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Json(json!({"status": "rebuilt", "rows": rows, "facts_sha256": hash})))
}
