//! The extended protocol: prepared statements, parameters, rows as they come.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ParamValues;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::pgwire::api::portal::{Format, Portal, PortalExecutionState};
use datafusion_postgres::pgwire::api::query::ExtendedQueryHandler;
use datafusion_postgres::pgwire::api::results::{FieldInfo, QueryResponse, Response, Tag};
use datafusion_postgres::pgwire::api::stmt::{QueryParser, StoredStatement};
use datafusion_postgres::pgwire::api::store::{Entry, PortalStore};
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, PgWireConnectionState, Type};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Execute, Parse, ParseComplete, PortalSuspended,
    TARGET_TYPE_BYTE_STATEMENT,
};
use datafusion_postgres::pgwire::messages::response::EmptyQueryResponse;
use futures_util::{Sink, SinkExt as _, StreamExt as _};

use super::engine;
use super::errors::{self, code};
use super::handlers::{Connection, complete, in_transaction, shown_fields};
use super::names::named;
use super::prepared::{self, Prepared, Query};
use super::session::Session;
use super::simple::answered;
use super::statement::{self, Asked, Command};

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
        let kinds = |schema: &Schema| -> Vec<DataType> {
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
