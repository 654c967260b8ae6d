//! What connections share, what each keeps, and what it answers without the engine.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use datafusion::execution::SessionState;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, RandomPidSecretKeyGenerator, Type};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::response::TransactionStatus;
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;
use futures_util::{Sink, SinkExt as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::engine::Engine;
use super::errors::{self, code};
use super::execution::Run;
use super::login::Attempts;
use super::prepared::Names;
use super::session::Session;
use super::statement::Command;
use super::{Gate, Settings};

/// What ends a statement from outside, by its connection's number and secret.
pub(super) type Cancels = HashMap<(i32, Vec<u8>), watch::Sender<u64>>;

/// What all connections share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) engine: Arc<Engine>,
    pub(super) parser: PostgresCompatibilityParser,
    pub(super) attempts: Attempts,
    pub(super) keys: RandomPidSecretKeyGenerator,
    pub(super) cancels: Mutex<Cancels>,
    pub(super) places: Arc<Semaphore>,
    /// Where plans run.
    pub(super) runtime: Handle,
}

impl Shared {
    pub(super) fn cancels(&self) -> MutexGuard<'_, Cancels> {
        self.cancels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: SocketAddr,
    pub(super) session: OnceLock<Session>,
    pub(super) place: Mutex<Option<OwnedSemaphorePermit>>,
    pub(super) key: OnceLock<(i32, Vec<u8>)>,
    statements: Mutex<Names>,
    portals: Mutex<Names>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(key) = self.key.get() {
            self.shared.cancels().remove(key);
        }
    }
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, peer: SocketAddr) -> Self {
        Connection {
            shared,
            peer,
            session: OnceLock::new(),
            place: Mutex::new(None),
            key: OnceLock::new(),
            statements: Mutex::default(),
            portals: Mutex::default(),
        }
    }

    /// Whether somebody has logged in.
    pub(super) fn is_open(&self) -> bool {
        self.session.get().is_some()
    }

    pub(super) fn session(&self) -> PgWireResult<&Session> {
        self.session.get().ok_or_else(|| errors::fatal(code::AUTHORIZATION, "nobody has logged in"))
    }

    pub(super) fn statements(&self) -> MutexGuard<'_, Names> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn portals(&self) -> MutexGuard<'_, Names> {
        self.portals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits of a statement that begins now.
    pub(super) fn run(&self, session: &Session) -> Run {
        let own = session.variables().timeout();
        let limit = own.map_or(self.shared.settings.timeout, |own| own.min(self.shared.settings.timeout));
        Run {
            runtime: self.shared.runtime.clone(),
            deadline: Instant::now() + limit,
            cancelled: session.cancellation(),
            max_rows: self.shared.settings.max_rows,
        }
    }

    /// A session of the engine over what there is now.
    pub(super) fn engine(&self, session: &Session) -> PgWireResult<SessionState> {
        let warehouse = self.shared.gate.warehouse();
        let (_snapshot, pinned) = warehouse.pinned().map_err(|problem| errors::problem(&problem))?;
        self.shared.engine.session(&pinned, session).map_err(|error| errors::engine(&error))
    }

    /// Waits until what was accepted before can be seen.
    pub(super) async fn fresh(&self, run: &mut Run) -> PgWireResult<()> {
        let gate = self.shared.gate.clone();
        run.within(async move { gate.fresh().await.map_err(|problem| errors::problem(&problem)) }).await
    }
}

/// Refuses what is not the end of a transaction that has failed.
pub(super) fn in_transaction(status: TransactionStatus, command: Option<&Command>) -> PgWireResult<()> {
    let ends = matches!(command, Some(Command::Commit | Command::Rollback | Command::RollbackTo));
    if status == TransactionStatus::Error && !ends {
        let message = "current transaction is aborted, commands ignored until end of transaction block";
        return Err(errors::error(code::ABORTED, message));
    }
    Ok(())
}

impl Connection {
    /// Answers a command.
    pub(super) async fn command<C>(&self, client: &mut C, command: &Command) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let session = self.session()?;
        let done = |word: &str| Ok(Response::Execution(Tag::new(word)));
        match command {
            Command::Begin => Ok(Response::TransactionStart(Tag::new("BEGIN"))),
            Command::Commit if client.transaction_status() == TransactionStatus::Error => {
                Ok(Response::TransactionEnd(Tag::new("ROLLBACK")))
            }
            Command::Commit => Ok(Response::TransactionEnd(Tag::new("COMMIT"))),
            Command::Rollback => Ok(Response::TransactionEnd(Tag::new("ROLLBACK"))),
            Command::RollbackTo => Ok(Response::TransactionStart(Tag::new("ROLLBACK"))),
            Command::Nothing(word) => done(word),
            Command::Set(name, value) => {
                let changed = session.variables().set(name, value.clone())?;
                if let Some(text) = changed.notice {
                    let notice = ErrorInfo::new("NOTICE".to_owned(), "00000".to_owned(), text);
                    client.feed(PgWireBackendMessage::NoticeResponse(notice.into())).await?;
                }
                if let Some((name, value)) = changed.report {
                    client.feed(PgWireBackendMessage::ParameterStatus(ParameterStatus::new(name, value))).await?;
                }
                done("SET")
            }
            Command::Show(name) => Ok(Response::Query(self.shown(name)?)),
            Command::Reset(word) => {
                session.variables().reset();
                done(word)
            }
            Command::Deallocate(name) => {
                let names = match name {
                    Some(name) => vec![name.clone()],
                    None => self.statements().clear(),
                };
                for name in names {
                    self.statements().leave(&name);
                    client.portal_store().rm_statement(&name);
                }
                done("DEALLOCATE")
            }
        }
    }

    fn shown(&self, name: &str) -> PgWireResult<QueryResponse> {
        let variables = self.session()?.variables().clone();
        let rows: Vec<Vec<String>> = if name == "all" {
            let all = variables.all().iter();
            all.map(|(name, value)| vec![(*name).to_owned(), value.clone(), String::new()]).collect()
        } else {
            vec![vec![variables.get(name)?.to_owned()]]
        };
        let fields = Arc::new(shown_fields(name));
        let mut encoded = Vec::with_capacity(rows.len());
        for row in rows {
            let mut encoder = DataRowEncoder::new(fields.clone());
            for value in row {
                encoder.encode_field(&Some(value))?;
            }
            encoded.push(Ok(encoder.take_row()));
        }
        let mut response = QueryResponse::new(fields, futures_util::stream::iter(encoded));
        response.set_command_tag("SHOW");
        Ok(response)
    }
}

/// Columns of what `SHOW` answers.
pub(super) fn shown_fields(name: &str) -> Vec<FieldInfo> {
    let names = if name == "all" { vec!["name", "setting", "description"] } else { vec![name] };
    names.into_iter().map(|name| FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text)).collect()
}

/// Says that a statement has ended.
pub(super) async fn complete<C>(client: &mut C, tag: Tag) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin + Send,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
    Ok(())
}

/// The longest a message may take: a reader that does not read holds a snapshot no longer than this.
pub(super) fn longest(settings: &Settings) -> Duration {
    settings.timeout + Duration::from_secs(10)
}
