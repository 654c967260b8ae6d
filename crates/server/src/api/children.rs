//! `GET /api/v1/children`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// The same question about every node right below one: platforms of the group, domains of a platform, products of a
/// domain or a team, components of a product, instances of a component. One answer a node in the order of their names, as
/// `/api/v1/metrics` gives it, from rows that are read once; none below an instance.
#[utoipa::path(get, path = "/api/v1/children", tag = "read",
    params(
        ("node" = Option<String>, Query, description = "The node above them: `group` (default), or as in `/api/v1/metrics`"),
        ("metric" = Option<String>, Query, description = "Metric id; may repeat or be a list with commas; all when left out"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant: RFC 3339, a date, or a time ago such as `30d`"),
        ("to" = Option<String>, Query, description = "First instant after the window; now when left out"),
        ("bucket" = Option<String>, Query, description = "`day`, `week`, `month` or `quarter`: adds `series`"),
        ("zone" = Option<String>, Query, description = "IANA time zone of the buckets; UTC when left out"),
        ("compare" = Option<String>, Query, description = "`previous`, or a window `FROM/TO`: adds `previous`"),
        ("distribution" = Option<bool>, Query, description = "As in `/api/v1/metrics`"),
        ("changes" = Option<bool>, Query, description = "As in `/api/v1/metrics`"),
        ("split" = Option<String>, Query, description = "As in `/api/v1/metrics`"),
        ("part" = Option<String>, Query, description = "As in `/api/v1/metrics`"),
    ),
    responses((status = 200, description = "Answers"), (status = 404, description = "not_found"),
        (status = 409, description = "ambiguous"), (status = 422, description = "invalid_parameter or definition_unknown")))]
pub(crate) async fn get_children(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(question::PARAMETERS)?;
    let as_of = app.fresh().await?;
    let question = question::question(&app, &query)?;
    let warehouse = app.warehouse();
    let content = warehouse.children(&question).await?;
    // After the answers: what left in between is told although it was counted, never the other way round.
    let kept_from = warehouse.kept_from(&question);
    let dated: Vec<::metrics::Answer> =
        content.iter().map(|answer| ::metrics::Answer { as_of: Some(as_of), ..answer.clone() }).collect();
    let mut body = json!({ "node": question.node.to_ref().to_string(), "as_of": as_of, "children": dated });
    if let Some(kept_from) = kept_from {
        body["kept_from"] = json!(kept_from);
    }
    reply::json_as_of(&headers, &body, &(kept_from, &*content))
}
