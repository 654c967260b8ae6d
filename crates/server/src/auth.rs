//! Who calls, and what they may do. A handler takes [`Ingest`], [`Read`] or [`Admin`] as an argument: it cannot run
//! without the check.
//!
//! A token comes as `Authorization: Bearer`, as the password of HTTP Basic, or as the first part of a source's own
//! address (`/t/TOKEN/deployments`), for tools that can only be given an address.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Uri, header};
use base64::Engine as _;
use domain::Code;
use ipnet::IpNet;
use store::{Scope, StoreError};

use crate::error::ApiError;
use crate::state::App;

/// Whoever calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Name of the token, `anonymous` without one: the source of events that name none.
    pub(crate) name: String,
}

/// May send events.
pub(crate) struct Ingest(pub(crate) Caller);
/// May read numbers.
pub(crate) struct Read;
/// May change the catalogue, tokens and links.
pub(crate) struct Admin(pub(crate) Caller);

/// A token found in the address.
#[derive(Clone)]
struct AddressToken(String);

/// Takes the token out of `/t/TOKEN/rest`, so that neither routes nor logs ever see it.
pub(crate) fn take_token_from_address(mut request: Request) -> Request {
    let path = request.uri().path_and_query().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some((token, rest)) = path.strip_prefix("/t/").and_then(|rest| rest.split_once('/')) else { return request };
    let Ok(uri) = format!("/{rest}").parse::<Uri>() else { return request };
    request.extensions_mut().insert(AddressToken(token.to_owned()));
    *request.uri_mut() = uri;
    request
}

impl FromRequestParts<App> for Ingest {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authorise(parts, app, Scope::Ingest, &app.config.ingest.anonymous_networks).await.map(Ingest)
    }
}

impl FromRequestParts<App> for Read {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authorise(parts, app, Scope::Read, &app.config.read.anonymous_networks).await.map(|_| Read)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        authorise(parts, app, Scope::Admin, &[]).await.map(Admin)
    }
}

async fn authorise(parts: &Parts, app: &App, scope: Scope, anonymous: &[IpNet]) -> Result<Caller, ApiError> {
    let Some(secret) = secret_of(parts)? else {
        if is_within(parts, anonymous) {
            return Ok(Caller { name: "anonymous".to_owned() });
        }
        return Err(ApiError::new(Code::Unauthenticated, "no token was sent"));
    };
    let store = app.store.clone();
    let token = app.blocking(move || store.token(&secret).map_err(StoreError::into)).await?;
    let Some(token) = token else {
        return Err(ApiError::new(Code::Unauthenticated, "the token is not known, or was revoked"));
    };
    if !token.scopes.contains(&scope) && !token.scopes.contains(&Scope::Admin) {
        let message = format!("the token `{}` lacks the scope `{scope}`", token.name);
        return Err(ApiError::new(Code::Forbidden, message));
    }
    Ok(Caller { name: token.name })
}

fn secret_of(parts: &Parts) -> Result<Option<String>, ApiError> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Ok(parts.extensions.get::<AddressToken>().map(|token| token.0.clone()));
    };
    let wrong = || ApiError::new(Code::Unauthenticated, "the Authorization header is neither Bearer nor Basic");
    let (scheme, value) = value.to_str().map_err(|_| wrong())?.trim().split_once(' ').ok_or_else(wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(value.trim().to_owned()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(value.trim()).map_err(|_| wrong())?;
        let pair = String::from_utf8(decoded).map_err(|_| wrong())?;
        return pair.split_once(':').map(|(_, password)| Some(password.to_owned())).ok_or_else(wrong);
    }
    Err(wrong())
}

fn is_within(parts: &Parts, networks: &[IpNet]) -> bool {
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else { return false };
    let address = match peer.ip() {
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        address @ IpAddr::V4(_) => address,
    };
    networks.iter().any(|network| network.contains(&address))
}
