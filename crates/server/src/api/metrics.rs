//! `GET /api/v1/metrics`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Timestamp;
use serde::Serialize;

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Metrics of a node over a window: values with sample size, coverage, what was left out and why, band, statistics,
/// spread over children, and on request a series and a comparison.
#[utoipa::path(get, path = "/api/v1/metrics", tag = "read",
    params(
        ("node" = Option<String>, Query, description = "`group` (default), `platform:NAME`, `domain:NAME`, `product:NAME`, `component:NAME`, `component:PRODUCT/NAME`, `instance:COMPONENT@NAME`, `team:NAME`"),
        ("metric" = Option<String>, Query, description = "Metric id; may repeat or be a list with commas; all when left out"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant: RFC 3339, a date, or a time ago such as `30d`"),
        ("to" = Option<String>, Query, description = "First instant after the window; now when left out"),
        ("bucket" = Option<String>, Query, description = "`day`, `week`, `month` or `quarter`: adds `series`"),
        ("zone" = Option<String>, Query, description = "IANA time zone of the buckets; UTC when left out"),
        ("compare" = Option<String>, Query, description = "`previous`, or a window `FROM/TO`: adds `previous`"),
        ("distribution" = Option<bool>, Query, description = "`true` adds `distribution` to metrics with statistics: bins `from` (in it), `to` (above it), `n`. Edges of durations are a minute times a power of two, with one bin below 0.9375 s; of other values multiples of 1, 2 or 5 times a power of ten"),
        ("changes" = Option<bool>, Query, description = "`true` adds `changes` to metrics with a series: where its level moved, over whole buckets that are over. Needs `bucket`"),
        ("split" = Option<String>, Query, description = "`stage`, `severity` or `last`: adds `split` to the metrics that have such parts, each part with its own population. Stages of `lead_time`: `coding`, `pickup`, `review`, `merge_to_deploy`; of `time_in_ci`: `build`, `test`, `scan`, `artifact`, `deploy`, `validation`, `other`; severities of the times of incidents; `5m`, `1h`, `6h` and `3d` up to the end of the window of `burn_rate`"),
        ("part" = Option<String>, Query, description = "Only this part of the one metric asked for: a word of `split`"),
    ),
    responses((status = 200, description = "Values"), (status = 404, description = "not_found"),
        (status = 409, description = "ambiguous"), (status = 422, description = "invalid_parameter or definition_unknown")))]
pub(crate) async fn get_metrics(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(question::PARAMETERS)?;
    let as_of = app.fresh().await?;
    let question = question::question(&app, &query)?;
    let warehouse = app.warehouse();
    let content = warehouse.answer(&question).await?;
    // After the answer: what left in between is told although it was counted, never the other way round.
    let kept_from = warehouse.kept_from(&question);
    let answer = ::metrics::Answer { as_of: Some(as_of), ..(*content).clone() };
    reply::json_as_of(&headers, &Told { kept_from, answer: &answer }, &Told { kept_from, answer: &content })
}

/// An answer, and from when on there are rows for it when some of its window lies before.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    answer: &'a ::metrics::Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_from: Option<Timestamp>,
}
