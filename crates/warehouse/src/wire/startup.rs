//! Logging in, and asking from outside that a statement end.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::PoisonError;

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
};
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::{ClientInfo, PgWireConnectionState, PidSecretKeyGenerator as _};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::startup::{Authentication, PasswordMessageFamily, SecretKey, Startup};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures_util::{Sink, SinkExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use super::errors::{self, code};
use super::handlers::Connection;
use super::login::SLOW;
use super::session::{Session, database};
use super::variables::Variables;
use super::{Refusal, is_local};

/// Parameters a client is told of when it comes in.
struct Told(Vec<(String, String)>);

impl ServerParameterProvider for Told {
    fn server_parameters<C: ClientInfo>(&self, _client: &C) -> Option<HashMap<String, String>> {
        Some(self.0.iter().cloned().collect())
    }
}

#[async_trait]
impl StartupHandler for Connection {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match message {
            PgWireFrontendMessage::Startup(startup) => self.greet(client, &startup).await,
            PgWireFrontendMessage::PasswordMessageFamily(message) => self.admit(client, message).await,
            _ => Err(errors::fatal(code::PROTOCOL, "this message does not belong to a login")),
        }
    }
}

impl Connection {
    async fn greet<C>(&self, client: &mut C, startup: &Startup) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        protocol_negotiation(client, startup).await?;
        // A password over an open network is everybody's.
        if !client.is_secure() && !is_local(self.peer) {
            let message = "this port takes passwords over TLS only; connect with sslmode=require or stricter";
            return Err(errors::fatal(code::AUTHORIZATION, message));
        }
        for name in ["user", "database", "application_name"] {
            if let Some(value) = startup.parameters.get(name) {
                client.metadata_mut().insert(name.to_owned(), value.chars().take(128).collect());
            }
        }
        client.set_state(PgWireConnectionState::AuthenticationInProgress);
        client.send(PgWireBackendMessage::Authentication(Authentication::CleartextPassword)).await?;
        Ok(())
    }

    async fn admit<C>(&self, client: &mut C, message: PasswordMessageFamily) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let shared = &self.shared;
        let address = self.peer.ip().to_canonical();
        let password = message.into_password()?.password;
        let admitted = if shared.attempts.too_many(address, Instant::now()) {
            Err("this address has failed to log in too often; wait a minute".to_owned())
        } else {
            match shared.gate.admit(password).await {
                Ok(guest) => Ok(guest),
                Err(refusal) => {
                    if refusal != Refusal::Fault {
                        shared.attempts.failed(address, Instant::now());
                    }
                    Err(match refusal {
                        Refusal::Unknown => "password authentication failed: the password is a token of Leadline's, and this one is not known or was revoked".to_owned(),
                        Refusal::Scope(name) => format!("password authentication failed: the token `{name}` lacks the scope `read`"),
                        Refusal::Fault => "the token could not be looked up; the server's log says more".to_owned(),
                    })
                }
            }
        };
        let guest = match admitted {
            Ok(guest) => guest,
            Err(message) => {
                // No user name: people put tokens there by mistake.
                tracing::warn!(peer = %self.peer, "a login to the SQL port failed");
                tokio::time::sleep(SLOW).await;
                return Err(errors::fatal(code::PASSWORD, message));
            }
        };
        let Ok(place) = shared.places.clone().try_acquire_owned() else {
            let message =
                format!("there are {} connections already, and no more are taken", shared.settings.max_connections);
            return Err(errors::fatal(code::CONNECTIONS, message));
        };
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        let of = |name: &str| client.metadata().get(name).cloned();
        let user = of("user").unwrap_or_default();
        let (database, schema) = database(of("database").as_deref(), &user)?;
        let application = of("application_name").unwrap_or_default();
        let variables = Variables::new(&user, schema, shared.settings.version, &application);
        let told = Told(variables.reported());
        let (pid, secret) = shared.keys.generate(client);
        let key = (pid, bytes(&secret));
        client.set_pid_and_secret_key(pid, secret);
        let (cancelled, _) = watch::channel(0);
        shared.cancels().insert(key.clone(), cancelled.clone());
        // A client that sends a second password is told that it is in already, by the state the first has left.
        let _ = self.key.set(key);
        let session = Session::new(guest, user, database, pid, variables, cancelled);
        tracing::info!(peer = %self.peer, token = session.guest.name, database, "a connection to the SQL port");
        let _ = self.session.set(session);
        finish_authentication(client, &told).await
    }
}

fn bytes(key: &SecretKey) -> Vec<u8> {
    match key {
        SecretKey::I32(number) => number.to_be_bytes().to_vec(),
        SecretKey::Bytes(bytes) => bytes.to_vec(),
    }
}

#[async_trait]
impl CancelHandler for Connection {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let key = (request.pid, bytes(&request.secret_key));
        if let Some(cancelled) = self.shared.cancels().get(&key) {
            cancelled.send_modify(|many| *many = many.wrapping_add(1));
        }
    }
}
