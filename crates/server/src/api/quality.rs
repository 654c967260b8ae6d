//! `GET /api/v1/quality`: what is missing in the data, how much, and what to do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Timestamp;
use domain::metric::Metric;
use serde_json::{Value, json};

use super::{question, reply, sources};
use crate::auth::Read;
use crate::backfills::Poller;
use crate::clock;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Of a polled source what concerns the quality of numbers.
fn state(name: &str, poller: &Poller, now: Timestamp) -> Value {
    let polling = sources::polling(poller, now);
    let fields = ["late", "circuit", "read_to", "last_success_at", "next_at", "last_error"];
    let told = fields.iter().map(|field| ((*field).to_owned(), polling.get(*field).cloned().unwrap_or_default()));
    std::iter::once(("source".to_owned(), Value::from(name))).chain(told).collect()
}

/// Rows left out of the metrics of a node, by reason, worst first; and deliveries that could not be taken.
#[utoipa::path(get, path = "/api/v1/quality", tag = "read",
    params(
        ("node" = Option<String>, Query, description = "As for `/api/v1/metrics`"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant"),
        ("to" = Option<String>, Query, description = "First instant after the window"),
    ),
    responses((status = 200, description = "Score, reasons with counts, journal counts")))]
pub(crate) async fn get_quality(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["node", "definition", "from", "to"])?;
    app.fresh().await?;
    let asked = question::question(&app, &query)?;
    let answer = app.warehouse().answer(&asked).await?;
    let (mut used, mut population) = (0, 0);
    let mut reasons: Vec<(u64, Value)> = Vec::new();
    for (metric, answer) in &answer.metrics {
        let excluded: u64 = answer.excluded.values().sum();
        used += answer.n;
        population += answer.n + excluded;
        for (kind, counts) in [("left_out", &answer.excluded), ("used_with_doubt", &answer.marked)] {
            for (reason, count) in counts {
                let row =
                    json!({"metric": metric, "reason": reason, "effect": kind, "count": count, "text": reason.doc()});
                reasons.push((*count, row));
            }
        }
    }
    reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let store = app.store.clone();
    let counts = app.blocking(move || store.journal_counts().map_err(ApiError::from)).await?;
    let now = clock::now();
    let polled: Vec<Value> = app.backfills.polled().iter().map(|(name, poller)| state(name, poller, now)).collect();
    let score = if population == 0 { Value::Null } else { json!(used as f64 / population as f64) };
    let body = json!({
        "node": asked.node.to_ref().to_string(),
        "from": asked.window.from,
        "to": asked.window.to,
        "quality_score": score,
        "reasons": reasons.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
        "not_taken": {
            "rejected": counts.rejected,
            "refused": counts.refused,
            "signature_invalid": app.senders.iter().map(|(_, sender)| sender.strangers()).sum::<u64>(),
        },
        // Polled sources: what is known of one that is late is older than it should be.
        "polled": polled,
        "metrics": Metric::ALL.len(),
    });
    reply::json(&headers, &body)
}
