//! The simple protocol: text in, one statement after the other.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::query::{SimpleQueryHandler, send_query_response, send_ready_for_query};
use datafusion_postgres::pgwire::api::results::{QueryResponse, Response};
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, PgWireConnectionState};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};
use datafusion_postgres::pgwire::messages::simplequery::Query as SimpleQuery;
use futures_util::{Sink, SinkExt as _};

use super::engine;
use super::errors::{self, code};
use super::handlers::{Connection, complete, in_transaction};
use super::names::named;
use super::session::Session;
use super::statement::{self, Asked};

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
pub(super) async fn answered<C>(client: &mut C, response: Response) -> PgWireResult<Option<QueryResponse>>
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
