//! `/api/v1/incidents`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Code;
use domain::event::Severity;
use serde_json::json;

use super::deployments::{flag, listed, listing, named};
use super::reply;
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Incidents, latest start first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "read",
    params(
        ("node" = Option<String>, Query, description = "As for `/api/v1/metrics`"),
        ("from" = Option<String>, Query, description = "Started from this instant on"),
        ("to" = Option<String>, Query, description = "Started before this instant"),
        ("open" = Option<bool>, Query, description = "Only open ones, or only resolved ones"),
        ("severity" = Option<String>, Query, description = "`critical`, `high`, `medium`, `low` or `unknown`"),
        ("limit" = Option<usize>, Query, description = "1 to 1000; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses((status = 200, description = "A page; `next` is its cursor when there is more")))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["node", "from", "to", "open", "severity", "limit", "cursor"])?;
    app.fresh().await?;
    let mut listing = listing(&app, &query)?;
    listing.open = flag(&query, "open")?;
    listing.severity = query.one("severity").map(severity).transpose()?;
    let page = app.warehouse().incidents(&listing).await?;
    reply::json(&headers, &listed("incidents", page))
}

fn severity(text: &str) -> Result<Severity, ApiError> {
    Severity::ALL.iter().copied().find(|severity| severity.text() == text).ok_or_else(|| {
        let known: Vec<&str> = Severity::ALL.iter().map(|severity| severity.text()).collect();
        ApiError::new(Code::InvalidParameter, format!("`severity` takes {}", known.join(", ")))
    })
}

/// One incident by `SOURCE/ID`, or by its id while that is unambiguous, with the deployment it is attributed to under
/// each rule and why.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "read", params(("id" = String, Path, description = "`SOURCE/ID` or ID")),
    responses((status = 200, description = "The incident"), (status = 404, description = "not_found"), (status = 409, description = "ambiguous")))]
pub(crate) async fn one(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    app.fresh().await?;
    let store = app.store.clone();
    let read = move || named("incident", &id, |key| store.incident(key), || store.incidents_by_id(&id));
    let fact = app.blocking(read).await?;
    let causes: serde_json::Map<String, serde_json::Value> = domain::fact::CauseRule::ALL
        .iter()
        .map(|rule| (rule.text().to_owned(), json!(fact.causes[rule.index()])))
        .collect();
    let mut incident = json!(fact);
    incident["causes"] = causes.into();
    reply::json(&headers, &json!({ "incident": incident }))
}
