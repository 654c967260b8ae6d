//! A statement under its limits: a deadline over everything up to the last row, a bound of rows, and an end from outside.

use std::future::Future;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion_postgres::arrow_pg::datatypes::encode_recordbatch;
use datafusion_postgres::pgwire::api::results::{FieldInfo, QueryResponse};
use datafusion_postgres::pgwire::error::PgWireResult;
use datafusion_postgres::pgwire::messages::data::DataRow;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::errors::{self, code};

/// Batches that wait to be sent: the plan does not run far ahead of a slow reader.
const AHEAD: usize = 2;

/// Ends a task with whoever waits for it.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The limits of one statement.
pub(super) struct Run {
    /// Where planning and execution happen: away from the threads that take events and answer.
    pub(super) runtime: Handle,
    pub(super) deadline: Instant,
    pub(super) cancelled: watch::Receiver<u64>,
    pub(super) max_rows: usize,
}

impl Run {
    async fn ended<T>(&mut self, work: impl Future<Output = T>) -> PgWireResult<T> {
        tokio::select! {
            biased;
            // The sender lives as long as the session does.
            Ok(()) = self.cancelled.changed() => Err(errors::cancelled()),
            done = work => Ok(done),
            () = tokio::time::sleep_until(self.deadline) => Err(errors::timeout()),
        }
    }

    /// Does something within the limits.
    pub(super) async fn within<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = PgWireResult<T>> + Send + 'static,
    ) -> PgWireResult<T> {
        // Planning folds constants, however long that takes: not on a thread that others wait for.
        let runtime = self.runtime.clone();
        let mut task = Task(self.runtime.spawn_blocking(move || runtime.block_on(work)));
        match self.ended(&mut task.0).await? {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "a statement of the SQL port could not be finished");
                Err(errors::error(code::INTERNAL, "the statement ran into a fault of the server"))
            }
        }
    }

    /// Rows of a plan, which runs from when the first is asked for until the last is taken or nobody asks any more.
    pub(super) fn rows(self, state: SessionState, plan: LogicalPlan, fields: Arc<Vec<FieldInfo>>) -> QueryResponse {
        let rows = Rows {
            run: self,
            fields: fields.clone(),
            source: Source::NotYet(Box::new((state, plan))),
            batch: Box::new(std::iter::empty()),
            sent: 0,
        };
        let stream = futures_util::stream::unfold(Some(rows), |rows| async {
            let mut rows = rows?;
            match rows.next().await {
                Ok(Some(row)) => Some((Ok(row), Some(rows))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        QueryResponse::new(fields, stream)
    }
}

enum Source {
    NotYet(Box<(SessionState, LogicalPlan)>),
    Running(mpsc::Receiver<Result<RecordBatch>>, Task<()>),
    Done,
}

struct Rows {
    run: Run,
    fields: Arc<Vec<FieldInfo>>,
    source: Source,
    batch: Box<dyn Iterator<Item = PgWireResult<DataRow>> + Send>,
    sent: usize,
}

impl Rows {
    async fn next(&mut self) -> PgWireResult<Option<DataRow>> {
        loop {
            if let Some(row) = self.batch.next() {
                if self.sent == self.run.max_rows {
                    return Err(errors::hinted(
                        code::LIMIT,
                        format!("the answer has more than {} rows", self.run.max_rows),
                        "Aggregate, filter, or add LIMIT; `sql.max_rows` in the configuration is the limit.",
                    ));
                }
                self.sent += 1;
                return row.map(Some);
            }
            match self.batch().await? {
                Some(batch) => self.batch = Box::new(encode_recordbatch(self.fields.clone(), batch)),
                None => return Ok(None),
            }
        }
    }

    async fn batch(&mut self) -> PgWireResult<Option<RecordBatch>> {
        if let Source::NotYet(_) = self.source
            && let Source::NotYet(work) = std::mem::replace(&mut self.source, Source::Done)
        {
            let (sender, receiver) = mpsc::channel(AHEAD);
            let (state, plan) = *work;
            self.source = Source::Running(receiver, Task(self.run.runtime.spawn(produce(state, plan, sender))));
        }
        let Source::Running(receiver, task) = &mut self.source else { return Ok(None) };
        match self.run.ended(receiver.recv()).await? {
            Some(batch) => batch.map(Some).map_err(|error| errors::engine(&error)),
            None => {
                let ended = (&mut task.0).await;
                self.source = Source::Done;
                match ended {
                    Ok(()) => Ok(None),
                    Err(error) => {
                        tracing::error!(%error, "a statement of the SQL port could not be finished");
                        Err(errors::error(code::INTERNAL, "the statement ran into a fault of the server"))
                    }
                }
            }
        }
    }
}

async fn produce(state: SessionState, plan: LogicalPlan, rows: mpsc::Sender<Result<RecordBatch>>) {
    let (context, runtime) = (state.task_ctx(), Handle::current());
    // As for planning, whose second half this is.
    let physical = tokio::task::spawn_blocking(move || runtime.block_on(state.create_physical_plan(&plan)));
    let physical = physical.await.unwrap_or_else(|error| Err(DataFusionError::ExecutionJoin(Box::new(error))));
    match physical.and_then(|plan| execute_stream(plan, context)) {
        Ok(mut stream) => {
            while let Some(batch) = stream.next().await {
                if rows.send(batch).await.is_err() {
                    return;
                }
            }
        }
        // Whoever would hear of it may have gone.
        Err(error) => drop(rows.send(Err(error)).await),
    }
}
