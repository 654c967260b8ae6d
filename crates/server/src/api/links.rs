//! `/api/v1/links`: corrections by people, each a journal row with who, when and why.

use axum::Json;
use axum::extract::{Path, Request, State};
use domain::event::{Event, EventKind, entity_key};
use domain::{Code, DeploymentKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::Delivery;
use utoipa::ToSchema;

use super::events::append;
use crate::auth::Admin;
use crate::error::ApiError;
use crate::state::App;
use crate::{body, clock};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentLink {
    /// `SOURCE/ID` of the deployment that caused it, or `none`.
    cause: String,
    /// Why.
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeploymentLink {
    /// Whether it failed, whatever the signals say.
    failed: Option<bool>,
    /// Its kind, whatever the rules say: `rollback`, `hotfix`, `config` or `code`.
    change_kind: Option<String>,
    /// Why.
    reason: String,
}

/// Sets the cause of an incident.
#[utoipa::path(put, path = "/api/v1/links/incidents/{id}", tag = "admin", params(("id" = String, Path, description = "`SOURCE/ID`")), request_body = IncidentLink, responses((status = 200, description = "Recorded"), (status = 404, description = "not_found")))]
pub(crate) async fn put_incident(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let link: IncidentLink = read(request).await?;
    let key = key_of(&id)?;
    let store = app.store.clone();
    let (wanted, cause) = (key.clone(), link.cause.clone());
    app.blocking(move || {
        if store.incident(&wanted)?.is_none() {
            return Err(ApiError::new(Code::NotFound, format!("there is no incident `{wanted}`")));
        }
        if cause != "none" && store.deployment(&key_of(&cause)?)?.is_none() {
            return Err(ApiError::new(Code::NotFound, format!("there is no deployment `{cause}`")));
        }
        Ok(())
    })
    .await?;
    record(
        &app,
        "incident",
        &key,
        &caller.name,
        json!({"cause": link.cause, "reason": link.reason, "withdrawn": false}),
    )
    .await
}

/// Sets the verdict on a deployment, or its kind.
#[utoipa::path(put, path = "/api/v1/links/deployments/{id}", tag = "admin", params(("id" = String, Path, description = "`SOURCE/ID`")), request_body = DeploymentLink, responses((status = 200, description = "Recorded"), (status = 404, description = "not_found")))]
pub(crate) async fn put_deployment(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let link: DeploymentLink = read(request).await?;
    let key = key_of(&id)?;
    if link.failed.is_none() && link.change_kind.is_none() {
        return Err(ApiError::new(Code::MissingField, "a correction needs `failed` or `change_kind`"));
    }
    if link.change_kind.as_deref().is_some_and(|kind| !["rollback", "hotfix", "config", "code"].contains(&kind)) {
        return Err(ApiError::new(Code::UnknownValue, "`change_kind` takes rollback, hotfix, config or code"));
    }
    let (store, wanted) = (app.store.clone(), key.clone());
    let known = app.blocking(move || Ok(store.deployment(&wanted)?.is_some())).await?;
    if !known {
        return Err(ApiError::new(Code::NotFound, format!("there is no deployment `{key}`")));
    }
    // What this correction leaves open must not be filled from one made before.
    let failed = link.failed.map_or(json!("unset"), Value::from);
    let kind = link.change_kind.unwrap_or_else(|| "unknown".to_owned());
    let fields = json!({"failed": failed, "change_kind": kind, "reason": link.reason, "withdrawn": false});
    record(&app, "deployment", &key, &caller.name, fields).await
}

/// Takes the correction of an incident back.
#[utoipa::path(delete, path = "/api/v1/links/incidents/{id}", tag = "admin", params(("id" = String, Path, description = "`SOURCE/ID`")), responses((status = 200, description = "Recorded")))]
pub(crate) async fn delete_incident(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    record(&app, "incident", &key_of(&id)?, &caller.name, json!({"reason": "withdrawn", "withdrawn": true})).await
}

/// Takes the correction of a deployment back.
#[utoipa::path(delete, path = "/api/v1/links/deployments/{id}", tag = "admin", params(("id" = String, Path, description = "`SOURCE/ID`")), responses((status = 200, description = "Recorded")))]
pub(crate) async fn delete_deployment(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    record(&app, "deployment", &key_of(&id)?, &caller.name, json!({"reason": "withdrawn", "withdrawn": true})).await
}

async fn record(
    app: &App,
    kind: &str,
    key: &DeploymentKey,
    actor: &str,
    fields: Value,
) -> Result<Json<Value>, ApiError> {
    let id = format!("{kind}:{key}");
    let mut fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
    fields.insert("id".to_owned(), Value::from(id.as_str()));
    fields.insert("actor".to_owned(), Value::from(actor));
    fields.insert("updated_at".to_owned(), Value::from(clock::now().to_string()));
    let event = Event { key: entity_key(EventKind::Override, "people", &id), fields };
    append(app, vec![Delivery::Event(event)]).await?;
    Ok(Json(json!({"status": "recorded"})))
}

async fn read<T: serde::de::DeserializeOwned>(request: Request) -> Result<T, ApiError> {
    let bytes = body::read(request.into_body(), 64 * 1024).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::new(Code::MalformedJson, format!("the correction cannot be read: {error}")))
}

pub(crate) fn key_of(id: &str) -> Result<DeploymentKey, ApiError> {
    id.split_once('/')
        .map(|(source, id)| DeploymentKey::new(source, id))
        .ok_or_else(|| ApiError::new(Code::InvalidParameter, format!("`{id}` is not SOURCE/ID")))
}
