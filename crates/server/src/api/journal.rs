//! `/api/v1/journal`: what came in and what became of it; above all what could not be taken.

use axum::Json;
use axum::extract::{Path, State};
use domain::Code;
use serde_json::{Value, json};
use store::{JournalFilter, State as RowState};

use crate::auth::{Admin, Read};
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Rows of the journal, newest first, by `state` (`pending`, `applied`, `ignored`, `rejected`, `refused`) and `source`.
#[utoipa::path(get, path = "/api/v1/journal", tag = "read",
    params(("state" = Option<String>, Query, description = "State of the rows"), ("source" = Option<String>, Query, description = "Source of the rows"), ("limit" = Option<usize>, Query, description = "1 to 1000; 100 when left out")),
    responses((status = 200, description = "Counts by state and rows with their reasons")))]
pub(crate) async fn list(State(app): State<App>, _: Read, query: Query) -> Result<Json<Value>, ApiError> {
    let query = query.only(&["state", "source", "limit"])?;
    let state = query.one("state").map(|state| {
        state.parse::<RowState>().map_err(|_| {
            ApiError::new(Code::InvalidParameter, "`state` takes pending, applied, ignored, rejected or refused")
        })
    });
    let filter = JournalFilter {
        state: state.transpose()?,
        source: query.one("source").map(str::to_owned),
        newest_first: true,
        limit: query.number("limit", 100, 1..=1_000)?,
        ..JournalFilter::default()
    };
    let store = app.store.clone();
    let read = move || Ok((store.journal_counts()?, store.journal(filter)?));
    let (counts, rows) = app.blocking(read).await?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let reason = row.reason.as_ref().map(|reason| json!({"code": reason.code, "message": reason.message}));
            json!({"seq": row.seq, "source": row.source, "kind": row.kind.text(), "type": row.type_, "id": row.id,
                "received_at": row.received_at, "state": row.state.text(), "reason": reason})
        })
        .collect();
    let counts = json!({"pending": counts.pending, "applied": counts.applied, "ignored": counts.ignored,
        "rejected": counts.rejected, "refused": counts.refused, "duplicates": counts.duplicates});
    Ok(Json(json!({"counts": counts, "rows": rows})))
}

/// Applies a rejected row again, after whatever was wrong has been mended.
#[utoipa::path(post, path = "/api/v1/journal/{seq}/replay", tag = "admin", params(("seq" = i64, Path, description = "Number of the row")), responses((status = 200, description = "It is pending again"), (status = 404, description = "not_found")))]
pub(crate) async fn replay(State(app): State<App>, _: Admin, Path(seq): Path<i64>) -> Result<Json<Value>, ApiError> {
    let store = app.store.clone();
    let replayed = app.blocking(move || store.replay(seq).map_err(ApiError::from)).await?;
    if replayed {
        Ok(Json(json!({"status": "pending"})))
    } else {
        Err(ApiError::new(Code::NotFound, format!("there is no rejected row {seq}")))
    }
}
