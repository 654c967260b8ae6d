//! `GET /api/v1/explain`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Code;
use serde_json::json;
use warehouse::Page;

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// One number taken apart: the definition in words, the statement, the rows used and the rows left out by reason.
/// Used and left out are the whole population.
#[utoipa::path(get, path = "/api/v1/explain", tag = "read",
    params(
        ("metric" = String, Query, description = "Metric id"),
        ("node" = Option<String>, Query, description = "As for `/api/v1/metrics`"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant"),
        ("to" = Option<String>, Query, description = "First instant after the window"),
        ("part" = Option<String>, Query, description = "A part of the metric, as for `/api/v1/metrics`"),
        ("limit" = Option<usize>, Query, description = "Rows of each list, 0 to 1000; 20 when left out"),
        ("offset" = Option<usize>, Query, description = "Rows of each list to skip"),
    ),
    responses((status = 200, description = "The explanation"), (status = 422, description = "invalid_parameter")))]
pub(crate) async fn get_explain(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let mut known = question::PARAMETERS.to_vec();
    known.extend(["limit", "offset"]);
    let query = query.only(&known)?;
    let as_of = app.fresh().await?;
    let asked = question::question(&app, &query)?;
    let &[metric] = asked.metrics.as_slice() else {
        return Err(ApiError::new(Code::InvalidParameter, "`metric` takes one metric here"));
    };
    let page =
        Page { limit: query.number("limit", 20, 0..=1_000)?, offset: query.number("offset", 0, 0..=100_000_000)? };
    let warehouse = app.warehouse();
    let explanation = warehouse.explain(&asked, metric, page).await?;
    let answer = warehouse.answer(&asked).await?;
    let value = answer.metrics.get(&metric);
    let mut content =
        json!({"from": asked.window.from, "to": asked.window.to, "answer": value, "explanation": explanation});
    if let Some(first) = warehouse.kept_from(&asked) {
        content["kept_from"] = json!(first);
    }
    let mut body = content.clone();
    body["as_of"] = json!(as_of);
    reply::json_as_of(&headers, &body, &content)
}
