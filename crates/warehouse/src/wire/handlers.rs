//! What happens on each message of a client: logging in, the simple protocol, the extended one, requests to cancel.

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::pgwire::api::auth::{
    ServerParameterProvider, StartupHandler, finish_authentication, protocol_negotiation,
};
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::portal::{Format, Portal, PortalExecutionState};
use datafusion_postgres::pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_query_response, send_ready_for_query,
};
use datafusion_postgres::pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use datafusion_postgres::pgwire::api::stmt::{QueryParser, StoredStatement};
use datafusion_postgres::pgwire::api::store::{Entry, PortalStore};
use datafusion_postgres::pgwire::api::{
    ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, PidSecretKeyGenerator,
    RandomPidSecretKeyGenerator, Type,
};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Execute, Parse, ParseComplete, PortalSuspended,
    TARGET_TYPE_BYTE_STATEMENT,
};
use datafusion_postgres::pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use datafusion_postgres::pgwire::messages::simplequery::Query as SimpleQuery;
use datafusion_postgres::pgwire::messages::startup::{
    Authentication, ParameterStatus, PasswordMessageFamily, SecretKey, Startup,
};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::engine::{self, Engine};
use super::errors::{self, code};
use super::execution::Run;
use super::login::{Attempts, SLOW};
use super::names::named;
use super::prepared::{self, Names, Prepared, Query};
use super::session::{Session, database};
use super::statement::{self, Asked, Command};
use super::variables::Variables;
use super::{Gate, Refusal, Settings, is_local};

/// What all connections share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) gate: Arc<dyn Gate>,
    pub(super) engine: Arc<Engine>,
    pub(super) parser: PostgresCompatibilityParser,
    pub(super) attempts: Attempts,
    pub(super) keys: RandomPidSecretKeyGenerator,
    /// How to end the statement of a connection, by its number and secret.
    pub(super) cancels: Mutex<HashMap<(i32, Vec<u8>), watch::Sender<u64>>>,
    pub(super) places: Arc<Semaphore>,
    /// Where plans run.
    pub(super) runtime: Handle,
}

impl Shared {
    fn cancels(&self) -> MutexGuard<'_, HashMap<(i32, Vec<u8>), watch::Sender<u64>>> {
        self.cancels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
pub(super) struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
    session: OnceLock<Session>,
    place: Mutex<Option<OwnedSemaphorePermit>>,
    key: OnceLock<(i32, Vec<u8>)>,
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

    fn session(&self) -> PgWireResult<&Session> {
        self.session.get().ok_or_else(|| errors::fatal(code::AUTHORIZATION, "nobody has logged in"))
    }

    fn statements(&self) -> MutexGuard<'_, Names> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn portals(&self) -> MutexGuard<'_, Names> {
        self.portals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits of a statement that begins now.
    fn run(&self, session: &Session) -> Run {
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
    fn engine(&self, session: &Session) -> PgWireResult<SessionState> {
        let warehouse = self.shared.gate.warehouse();
        let (_snapshot, pinned) = warehouse.pinned().map_err(|problem| errors::problem(&problem))?;
        self.shared.engine.session(&pinned, session).map_err(|error| errors::engine(&error))
    }

    /// Waits until what was accepted before can be seen.
    async fn fresh(&self, run: &mut Run) -> PgWireResult<()> {
        let gate = self.shared.gate.clone();
        run.within(async move { gate.fresh().await.map_err(|problem| errors::problem(&problem)) }).await
    }
}

fn in_transaction(status: TransactionStatus, command: Option<&Command>) -> PgWireResult<()> {
    let ends = matches!(command, Some(Command::Commit | Command::Rollback | Command::RollbackTo));
    if status == TransactionStatus::Error && !ends {
        let message = "current transaction is aborted, commands ignored until end of transaction block";
        return Err(errors::error(code::ABORTED, message));
    }
    Ok(())
}

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

impl Connection {
    /// Answers a command.
    async fn command<C>(&self, client: &mut C, command: &Command) -> PgWireResult<Response>
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

fn shown_fields(name: &str) -> Vec<FieldInfo> {
    let names = if name == "all" { vec!["name", "setting", "description"] } else { vec![name] };
    names.into_iter().map(|name| FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text)).collect()
}

#[async_trait]
impl SimpleQueryHandler for Connection {
    /// One statement after the other, each answered before the next begins.
    async fn on_query<C>(&self, client: &mut C, query: SimpleQuery) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        let session = self.session()?;
        session.checked(self.shared.gate.as_ref()).await?;
        // All of a message is allowed or nothing of it happens.
        let asked = statement::read(&self.shared.parser, &query.query)?;
        if asked.is_empty() {
            client.feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
        }
        for asked in asked {
            let response = match asked {
                Asked::Command(command) => {
                    in_transaction(client.transaction_status(), Some(&command))?;
                    self.command(client, &command).await?
                }
                Asked::Query(statement) => {
                    in_transaction(client.transaction_status(), None)?;
                    Response::Query(self.simple(session, statement).await?)
                }
            };
            if let Some(rows) = answered(client, response).await? {
                send_query_response(client, rows, true).await?;
            }
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        let status = client.transaction_status();
        send_ready_for_query(client, status).await
    }

    async fn do_query<C>(&self, _client: &mut C, _query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(errors::error(code::INTERNAL, "statements are answered one by one"))
    }
}

/// Sends what is no row, and gives back what has rows.
async fn answered<C>(client: &mut C, response: Response) -> PgWireResult<Option<QueryResponse>>
where
    C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let tag = match response {
        Response::Query(rows) => return Ok(Some(rows)),
        Response::TransactionStart(tag) => {
            client.set_transaction_status(TransactionStatus::Transaction);
            tag
        }
        Response::TransactionEnd(tag) => {
            client.set_transaction_status(TransactionStatus::Idle);
            tag
        }
        Response::Execution(tag) => tag,
        _ => return Err(errors::error(code::INTERNAL, "there is no such answer")),
    };
    complete(client, tag).await?;
    Ok(None)
}

impl Connection {
    async fn simple(&self, session: &Session, statement: Box<Statement>) -> PgWireResult<QueryResponse> {
        let mut run = self.run(session);
        self.fresh(&mut run).await?;
        let state = self.engine(session)?;
        let (planner, planned) = (state.clone(), statement.as_ref().clone());
        let work = async move { engine::plan(&planner, planned).await.map_err(|error| errors::engine(&error)) };
        let plan = run.within(work).await?;
        let columns = named(&statement, plan.schema().inner());
        let fields = Arc::new(arrow_schema_to_pg_fields(&columns, &Format::UnifiedText, None)?);
        Ok(run.rows(state, plan, fields))
    }
}

/// Prepares statements for the extended protocol.
pub(super) struct Preparing(pub(super) Arc<Connection>);

#[async_trait]
impl QueryParser for Preparing {
    type Statement = Prepared;

    async fn parse_sql<C>(&self, client: &C, sql: &str, _types: &[Option<Type>]) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let connection = &self.0;
        let session = connection.session()?;
        session.checked(connection.shared.gate.as_ref()).await?;
        let mut asked = statement::read(&connection.shared.parser, sql)?;
        if asked.len() > 1 {
            return Err(errors::error(code::SYNTAX, "cannot insert multiple commands into a prepared statement"));
        }
        match asked.pop() {
            None => Ok(None),
            Some(Asked::Command(command)) => {
                in_transaction(client.transaction_status(), Some(&command))?;
                Ok(Some(Prepared::Command(command)))
            }
            Some(Asked::Query(statement)) => {
                in_transaction(client.transaction_status(), None)?;
                let state = connection.engine(session)?;
                let parsed = statement.as_ref().clone();
                let work = async move { engine::plan(&state, parsed).await.map_err(|error| errors::engine(&error)) };
                let plan = connection.run(session).within(work).await?;
                let parameters = prepared::parameters(&plan)?;
                let columns = named(&statement, plan.schema().inner());
                Ok(Some(Prepared::Query(Arc::new(Query { statement, parameters, columns }))))
            }
        }
    }

    fn get_parameter_types(&self, statement: &Prepared) -> PgWireResult<Vec<Type>> {
        Ok(match statement {
            Prepared::Command(_) => Vec::new(),
            Prepared::Query(query) => query.parameters.iter().map(|parameter| parameter.wire.clone()).collect(),
        })
    }

    fn get_result_schema(&self, statement: &Prepared, format: Option<&Format>) -> PgWireResult<Vec<FieldInfo>> {
        match statement {
            Prepared::Command(Command::Show(name)) => Ok(shown_fields(name)),
            Prepared::Command(_) => Ok(Vec::new()),
            Prepared::Query(query) => {
                arrow_schema_to_pg_fields(&query.columns, format.unwrap_or(&Format::UnifiedText), None)
            }
        }
    }
}

/// The extended protocol of a connection.
pub(super) struct Extended(pub(super) Arc<Connection>);

#[async_trait]
impl ExtendedQueryHandler for Extended {
    type Statement = Prepared;
    type QueryParser = Preparing;

    fn query_parser(&self) -> Arc<Preparing> {
        Arc::new(Preparing(self.0.clone()))
    }

    async fn on_parse<C>(&self, client: &mut C, message: Parse) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_owned());
        self.0.statements().take(&name)?;
        match StoredStatement::parse(client, &message, self.query_parser()).await? {
            Some(statement) => client.portal_store().put_statement(Arc::new(statement)),
            None => client.portal_store().put_empty_statement(&name),
        }
        client.feed(PgWireBackendMessage::ParseComplete(ParseComplete::new())).await?;
        Ok(())
    }

    async fn on_bind<C>(&self, client: &mut C, message: Bind) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let named = message.statement_name.as_deref().unwrap_or(DEFAULT_NAME);
        let portal = message.portal_name.as_deref().unwrap_or(DEFAULT_NAME);
        self.0.portals().take(portal)?;
        match client.portal_store().get_statement(named) {
            None => return Err(PgWireError::StatementNotFound(named.to_owned())),
            Some(Entry::Empty) => {
                fits(&message, 0, 0)?;
                client.portal_store().put_empty_portal(portal);
            }
            Some(Entry::Value(statement)) => {
                let (parameters, columns) = match &statement.statement {
                    Prepared::Command(Command::Show(name)) => (0, shown_fields(name).len()),
                    Prepared::Command(_) => (0, 0),
                    Prepared::Query(query) => (query.parameters.len(), query.columns.fields().len()),
                };
                fits(&message, parameters, columns)?;
                client.portal_store().put_portal(Arc::new(Portal::try_new(&message, statement)?));
            }
        }
        client.feed(PgWireBackendMessage::BindComplete(BindComplete::new())).await?;
        Ok(())
    }

    async fn on_close<C>(&self, client: &mut C, message: Close) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        if message.target_type == TARGET_TYPE_BYTE_STATEMENT {
            self.0.statements().leave(name);
            client.portal_store().rm_statement(name);
        } else {
            self.0.portals().leave(name);
            client.portal_store().rm_portal(name);
        }
        client.feed(PgWireBackendMessage::CloseComplete(CloseComplete::new())).await?;
        Ok(())
    }

    /// As `pgwire` does it, but rows go out as they come instead of being gathered first.
    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if !matches!(client.state(), PgWireConnectionState::ReadyForQuery) {
            return Err(PgWireError::NotReadyForQuery);
        }
        client.set_state(PgWireConnectionState::QueryInProgress);
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        match client.portal_store().get_portal(name) {
            None => return Err(PgWireError::PortalNotFound(name.to_owned())),
            Some(Entry::Empty) => {
                client.feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())).await?;
            }
            Some(Entry::Value(portal)) => {
                let most = usize::try_from(message.max_rows).unwrap_or(0);
                self.execute(client, &portal, most).await?;
            }
        }
        client.set_state(PgWireConnectionState::ReadyForQuery);
        Ok(())
    }

    async fn do_query<C>(&self, client: &mut C, portal: &Portal<Prepared>, _max_rows: usize) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let connection = &self.0;
        let session = connection.session()?;
        session.checked(connection.shared.gate.as_ref()).await?;
        match &portal.statement.statement {
            Prepared::Command(command) => {
                in_transaction(client.transaction_status(), Some(command))?;
                connection.command(client, command).await
            }
            Prepared::Query(query) => {
                in_transaction(client.transaction_status(), None)?;
                connection.query(session, query, portal).await.map(Response::Query)
            }
        }
    }
}

/// Whether a `Bind` names as many values and formats as there are parameters and columns.
fn fits(message: &Bind, parameters: usize, columns: usize) -> PgWireResult<()> {
    let many = message.parameters.len();
    if many != parameters {
        let message =
            format!("bind message supplies {many} parameters, but the prepared statement requires {parameters}");
        return Err(errors::error(code::PROTOCOL, message));
    }
    let wrong = |formats: &[i16], of: usize| formats.len() > 1 && formats.len() != of;
    if wrong(&message.parameter_format_codes, parameters) || wrong(&message.result_column_format_codes, columns) {
        return Err(errors::error(code::PROTOCOL, "bind message has another number of formats than there are values"));
    }
    Ok(())
}

impl Extended {
    async fn execute<C>(&self, client: &mut C, portal: &Portal<Prepared>, most: usize) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let state = portal.state();
        let mut state = state.lock().await;
        if matches!(*state, PortalExecutionState::Initial) {
            let response = self.do_query(client, portal, most).await?;
            match answered(client, response).await? {
                Some(rows) => *state = PortalExecutionState::Suspended(rows),
                None => return Ok(()),
            }
        }
        let PortalExecutionState::Suspended(rows) = &mut *state else {
            return complete(client, Tag::new("SELECT").with_rows(0)).await;
        };
        let word = rows.command_tag().to_owned();
        let mut sent = 0;
        while most == 0 || sent < most {
            let Some(row) = rows.data_rows().next().await else {
                *state = PortalExecutionState::Finished;
                return complete(client, Tag::new(&word).with_rows(sent)).await;
            };
            client.feed(PgWireBackendMessage::DataRow(row?)).await?;
            sent += 1;
        }
        client.feed(PgWireBackendMessage::PortalSuspended(PortalSuspended::new())).await?;
        Ok(())
    }
}

async fn complete<C>(client: &mut C, tag: Tag) -> PgWireResult<()>
where
    C: Sink<PgWireBackendMessage> + Unpin + Send,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    client.feed(PgWireBackendMessage::CommandComplete(tag.into())).await?;
    Ok(())
}

impl Connection {
    async fn query(&self, session: &Session, query: &Query, portal: &Portal<Prepared>) -> PgWireResult<QueryResponse> {
        let mut run = self.run(session);
        let parameters = values(query, portal)?;
        self.fresh(&mut run).await?;
        let state = self.engine(session)?;
        let (planner, statement) = (state.clone(), query.statement.as_ref().clone());
        let work = async move {
            let planned = engine::plan(&planner, statement).await.map_err(|error| errors::engine(&error))?;
            let columns = planned.schema().inner().clone();
            let plan = planned.replace_params_with_values(&parameters).map_err(|error| errors::engine(&error))?;
            Ok((columns, plan))
        };
        let (columns, plan) = run.within(work).await?;
        let kinds = |schema: &datafusion::arrow::datatypes::Schema| -> Vec<DataType> {
            schema.fields().iter().map(|field| field.data_type().clone()).collect()
        };
        if kinds(&columns) != kinds(&query.columns) {
            let message = "cached plan must not change result type: prepare the statement anew";
            return Err(errors::error(code::UNSUPPORTED, message));
        }
        let fields = arrow_schema_to_pg_fields(&query.columns, &portal.result_column_format, None)?;
        Ok(run.rows(state, plan, Arc::new(fields)))
    }
}

/// What was bound, as the engine's values.
fn values(query: &Query, portal: &Portal<Prepared>) -> PgWireResult<ParamValues> {
    let types: Vec<Option<&DataType>> = query.parameters.iter().map(|parameter| parameter.data_type.as_ref()).collect();
    let wires: Vec<Option<&Type>> = query.parameters.iter().map(|parameter| Some(&parameter.wire)).collect();
    deserialize_parameters_with_server_types(portal, &types, &wires)
}

/// The longest a message may take: a reader that does not read holds a snapshot no longer than this.
pub(super) fn longest(settings: &Settings) -> Duration {
    settings.timeout + Duration::from_secs(10)
}
