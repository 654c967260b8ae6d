//! `/api/v1/deployments`

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::event::Status;
use domain::{Code, DeploymentKey};
use serde_json::{Value, json};
use store::StoreError;
use warehouse::{Listed, Listing};

use super::reply;
use crate::auth::Read;
use crate::clock;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Deployments, newest first, with all their evidence columns.
#[utoipa::path(get, path = "/api/v1/deployments", tag = "read",
    params(
        ("node" = Option<String>, Query, description = "As for `/api/v1/metrics`"),
        ("from" = Option<String>, Query, description = "Finished from this instant on"),
        ("to" = Option<String>, Query, description = "Finished before this instant"),
        ("status" = Option<String>, Query, description = "`in_progress`, `succeeded`, `failed` or `cancelled`"),
        ("production" = Option<bool>, Query, description = "Only production ones, or only others"),
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
    let query = query.only(&["node", "from", "to", "status", "production", "limit", "cursor"])?;
    app.fresh().await?;
    let mut listing = listing(&app, &query)?;
    if let Some(status) = query.one("status") {
        if !domain::event::DEPLOYMENT_STATUSES.contains(&status) {
            return Err(ApiError::new(
                Code::InvalidParameter,
                "`status` takes in_progress, succeeded, failed or cancelled",
            ));
        }
        listing.status = Some(Status::read(Some(status)));
    }
    listing.production = flag(&query, "production")?;
    let page = app.warehouse().deployments(&listing).await?;
    reply::json(&headers, &listed("deployments", page))
}

/// A page as both lists give it.
pub(crate) fn listed(rows: &str, page: Listed) -> Value {
    let mut body = json!({rows: page.rows, "next": page.next});
    if let Some(first) = page.kept_from {
        body["kept_from"] = json!(first);
    }
    body
}

/// What both lists take.
pub(crate) fn listing(app: &App, query: &Query) -> Result<Listing, ApiError> {
    let now = clock::now();
    Ok(Listing {
        from: query.instant("from", now)?,
        to: query.instant("to", now)?,
        limit: query.number("limit", 50, 1..=1_000)?,
        cursor: query.one("cursor").map(str::to_owned),
        ..Listing::of(app.node(query.one("node"))?)
    })
}

pub(crate) fn flag(query: &Query, name: &str) -> Result<Option<bool>, ApiError> {
    match query.one(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(ApiError::new(Code::InvalidParameter, format!("`{name}` takes true or false"))),
    }
}

/// One deployment by `SOURCE/ID`, or by its id while that is unambiguous: its commits, its links and the evidence of each.
#[utoipa::path(get, path = "/api/v1/deployments/{id}", tag = "read", params(("id" = String, Path, description = "`SOURCE/ID` or ID")),
    responses((status = 200, description = "The deployment"), (status = 404, description = "not_found"), (status = 409, description = "ambiguous")))]
pub(crate) async fn one(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    app.fresh().await?;
    let store = app.store.clone();
    let read = move || named("deployment", &id, |key| store.deployment(key), || store.deployments_by_id(&id));
    let (fact, commits) = app.blocking(read).await?;
    reply::json(&headers, &json!({"deployment": fact, "commits": commits}))
}

/// What is named by `SOURCE/ID`, or by its id while that is unambiguous.
pub(crate) fn named<T>(
    what: &str,
    name: &str,
    exactly: impl Fn(&DeploymentKey) -> Result<Option<T>, StoreError>,
    by_id: impl FnOnce() -> Result<Vec<DeploymentKey>, StoreError>,
) -> Result<T, ApiError> {
    if let Some((source, id)) = name.split_once('/')
        && let Some(found) = exactly(&DeploymentKey::new(source, id))?
    {
        return Ok(found);
    }
    let missing = || ApiError::new(Code::NotFound, format!("there is no {what} `{name}`"));
    match by_id()?.as_slice() {
        [] => Err(missing()),
        [key] => exactly(key)?.ok_or_else(missing),
        many => {
            let names: Vec<String> = many.iter().take(10).map(ToString::to_string).collect();
            let message = format!("`{name}` fits {} {what}s: {}", many.len(), names.join(", "));
            Err(ApiError::new(Code::Ambiguous, message))
        }
    }
}
