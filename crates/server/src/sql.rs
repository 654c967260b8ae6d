//! Who may come in at the SQL port, and what is seen there: what the API shows, to the same tokens.

use std::sync::Arc;

use domain::Problem;
use store::{Scope, StoreError, Token};
use warehouse::Warehouse;
use warehouse::wire::{Gate, Guest, Later, Refusal};

use crate::state::App;

/// The gate of a server.
pub(crate) struct Door(pub(crate) App);

fn mark(token: &Token) -> i64 {
    token.created_at.micros()
}

impl Door {
    async fn asked<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&store::Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let store = self.0.store.clone();
        match tokio::task::spawn_blocking(move || ask(&store)).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::error!(%error, "a token could not be looked up");
                None
            }
            Err(error) => {
                tracing::error!(%error, "a token could not be looked up");
                None
            }
        }
    }
}

impl Gate for Door {
    fn admit(&self, password: String) -> Later<'_, Result<Guest, Refusal>> {
        Box::pin(async move {
            match self.asked(move |store| store.token(password.trim())).await {
                None => Err(Refusal::Fault),
                Some(None) => Err(Refusal::Unknown),
                Some(Some(token)) if token.allows(Scope::Read) => Ok(Guest { mark: mark(&token), name: token.name }),
                Some(Some(token)) => Err(Refusal::Scope(token.name)),
            }
        })
    }

    fn still(&self, guest: Guest) -> Later<'_, bool> {
        Box::pin(async move {
            let tokens = self.asked(store::Store::tokens).await;
            // What cannot be looked up now is not held against anybody.
            tokens.is_none_or(|tokens| {
                tokens
                    .iter()
                    .any(|token| token.name == guest.name && mark(token) == guest.mark && token.allows(Scope::Read))
            })
        })
    }

    fn fresh(&self) -> Later<'_, Result<(), Problem>> {
        Box::pin(async move { self.0.fresh().await.map(|_| ()).map_err(crate::error::ApiError::into_problem) })
    }

    fn warehouse(&self) -> Arc<Warehouse> {
        self.0.warehouse()
    }
}
