//! `POST /api/v1/rebuild`, `GET /api/v1/rebuild`

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use domain::{Code, Problem};
use serde_json::{Value, json};

use crate::auth::Admin;
use crate::error::ApiError;
use crate::state::App;

/// How far a rebuild is.
#[derive(Debug, Default)]
pub(crate) struct Rebuilding {
    running: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

/// Ends with the rebuild, however that ends.
struct Running<'r>(&'r Rebuilding);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
    }
}

impl Rebuilding {
    fn begin(&self) -> Result<Running<'_>, Problem> {
        if self.running.swap(true, Ordering::AcqRel) {
            let message = "a rebuild is under way; GET /api/v1/rebuild tells how far it is";
            return Err(Problem::new(Code::Unavailable, message));
        }
        self.done.store(0, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
        Ok(Running(self))
    }
}

/// Makes all entities and facts anew from the journal. The old numbers are shown until the new ones are complete; what
/// comes in meanwhile is taken when it is done. Cut off, it has changed nothing and can be asked for again.
#[utoipa::path(post, path = "/api/v1/rebuild", tag = "admin", responses((status = 200, description = "Done: rows applied, and the SHA-256 of the facts"), (status = 503, description = "One is under way")))]
pub(crate) async fn post_rebuild(State(app): State<App>, _: Admin) -> Result<Json<Value>, ApiError> {
    let (store, rebuilding) = (app.store.clone(), app.rebuilding.clone());
    let (rows, hash) = app
        .blocking(move || {
            let _running = rebuilding.begin()?;
            store.rebuild(&mut |done, total| {
                rebuilding.done.store(done, Ordering::Relaxed);
                rebuilding.total.store(total, Ordering::Relaxed);
            })?;
            Ok((rebuilding.done.load(Ordering::Relaxed), store.dump(&mut std::io::sink())?))
        })
        .await?;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Json(json!({"status": "rebuilt", "rows": rows, "facts_sha256": hash})))
}

/// How far a rebuild is: `running`, and rows of the journal `done` of `total` (of the last one when none runs).
#[utoipa::path(get, path = "/api/v1/rebuild", tag = "admin", responses((status = 200, description = "running, done, total")))]
pub(crate) async fn get_rebuild(State(app): State<App>, _: Admin) -> Json<Value> {
    let Rebuilding { running, done, total } = &*app.rebuilding;
    Json(json!({
        "running": running.load(Ordering::Acquire),
        "done": done.load(Ordering::Relaxed),
        "total": total.load(Ordering::Relaxed),
    }))
}
