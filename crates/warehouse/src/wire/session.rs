//! One connection's session: who it is, which database, its settings, and how its statement is ended from outside.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion_postgres::pgwire::error::PgWireResult;
use tokio::sync::watch;
use tokio::time::Instant;

use super::errors::{self, code};
use super::variables::Variables;
use super::{Gate, Guest};

/// A revoked token's connections end at their first statement after this.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// Names of databases and the schema each begins with.
pub(super) const DATABASES: [(&str, &str); 4] =
    [("leadline", "public"), ("postgres", "public"), ("examples", "examples"), ("dora_metrics", "dora_metrics")];

/// The database a client means. Clients that are told none name the user's, which is the first then.
pub(super) fn database(named: Option<&str>, user: &str) -> PgWireResult<(&'static str, &'static str)> {
    let named = named.filter(|name| *name != user || DATABASES.iter().any(|(known, _)| known == name));
    let Some(named) = named else { return Ok(DATABASES[0]) };
    DATABASES.iter().find(|(name, _)| *name == named).copied().ok_or_else(|| {
        let known: Vec<&str> = DATABASES.iter().map(|(name, _)| *name).collect();
        let named: String = named.chars().take(64).collect();
        errors::fatal(code::DATABASE, format!("database \"{named}\" does not exist; there are {}", known.join(", ")))
    })
}

/// Of one connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) guest: Guest,
    pub(super) user: String,
    pub(super) database: &'static str,
    pub(super) pid: i32,
    variables: Mutex<Variables>,
    /// Counts up with each request to cancel.
    cancelled: watch::Sender<u64>,
    looked: Mutex<Instant>,
}

impl Session {
    pub(super) fn new(
        guest: Guest,
        user: String,
        database: &'static str,
        pid: i32,
        variables: Variables,
        cancelled: watch::Sender<u64>,
    ) -> Self {
        let (variables, looked) = (Mutex::new(variables), Mutex::new(Instant::now()));
        Session { guest, user, database, pid, variables, cancelled, looked }
    }

    pub(super) fn variables(&self) -> MutexGuard<'_, Variables> {
        self.variables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes when the statement that begins now is to end.
    pub(super) fn cancellation(&self) -> watch::Receiver<u64> {
        self.cancelled.subscribe()
    }

    /// Whether the token is still alive, asked again now and then.
    pub(super) async fn checked(&self, gate: &dyn Gate) -> PgWireResult<()> {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.elapsed() < ASKED_AGAIN {
                return Ok(());
            }
            *looked = Instant::now();
        }
        if gate.still(self.guest.clone()).await {
            return Ok(());
        }
        Err(errors::fatal(code::AUTHORIZATION, format!("the token `{}` was revoked", self.guest.name)))
    }
}
