//! Sessions over snapshots, and query results as typed rows.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use domain::catalogue::Tree;
use domain::metric::Reason;
use domain::{Code, Problem, Timestamp};

use crate::functions;
use crate::provider::Provider;
use crate::snapshot::{Snapshot, TableData};
use crate::tables::places;

/// Memory all queries together may take.
const MEMORY: usize = 256 * 1024 * 1024;

/// What all sessions share.
pub(crate) fn runtime() -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(MEMORY)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
}

/// A session that sees one snapshot.
fn session(snapshot: &Snapshot, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    let mut config = SessionConfig::new().with_target_partitions(2).with_information_schema(true);
    // Rows that are nearly all groups of their own are not grouped twice: this many tell.
    config.options_mut().execution.skip_partial_aggregation_probe_rows_threshold = 16_384;
    let context = SessionContext::new_with_config_rt(config, runtime.clone());
    functions::register(&context);
    for (name, data) in &snapshot.tables {
        let provider = Provider::new(data.clone(), snapshot.tree.clone(), runtime.clone());
        context.register_table(*name, Arc::new(provider))?;
    }
    let places = places::table().batch(&snapshot.places.rows)?;
    context.register_table("places", Arc::new(MemTable::try_new(places.schema(), vec![vec![places]])?))?;
    Ok(context)
}

/// A session that sees one table and gives its rows in the order of its files.
pub(crate) fn in_order(data: Arc<TableData>, tree: Arc<Tree>, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    let config = SessionConfig::new()
        .with_target_partitions(1)
        .with_round_robin_repartition(false)
        .with_repartition_file_scans(false);
    let context = SessionContext::new_with_config_rt(config, runtime.clone());
    functions::register(&context);
    context.register_table(data.shape.name, Arc::new(Provider::new(data, tree, runtime.clone())))?;
    Ok(context)
}

/// A session that sees the rows of one table that stand in memory.
pub(crate) fn fresh(data: &TableData, tree: &Arc<Tree>, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    let fresh = TableData { base: Vec::new(), gone: HashMap::new(), ..data.clone() };
    in_order(Arc::new(fresh), tree.clone(), runtime)
}

/// What plans of our own run in.
pub(crate) fn task(runtime: &Arc<RuntimeEnv>) -> Arc<TaskContext> {
    SessionContext::new_with_config_rt(SessionConfig::new().with_target_partitions(1), runtime.clone()).task_ctx()
}

/// The session of a snapshot, made once.
pub(crate) fn session_of(snapshot: &Snapshot, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    if let Some(known) = snapshot.session.get() {
        return Ok(known.clone());
    }
    let made = session(snapshot, runtime)?;
    Ok(snapshot.session.get_or_init(|| made).clone())
}

/// A session as another, for statements that want few of the rows and much of each: what tells them apart is read first.
pub(crate) fn picking(session: &SessionContext) -> SessionContext {
    let mut state = session.state();
    state.config_mut().options_mut().execution.parquet.pushdown_filters = true;
    SessionContext::new_with_state(state)
}

/// One statement that only reads, not yet run.
pub(crate) async fn reading(context: &SessionContext, sql: &str) -> Result<DataFrame> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    context.sql_with_options(sql, options).await
}

/// Runs one statement that only reads.
pub(crate) async fn run(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    reading(context, sql).await?.collect().await
}

/// What a client may know of a failure.
pub(crate) fn problem(error: &DataFusionError) -> Problem {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => Problem::new(
            Code::Unavailable,
            "the question needs more memory than queries may take; ask for a shorter window or a smaller node",
        ),
        DataFusionError::SQL(..) | DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => {
            Problem::new(Code::InvalidParameter, format!("the statement cannot be run: {}", error.strip_backtrace()))
        }
        _ => Problem::new(Code::Internal, "the warehouse could not answer"),
    }
}

/// Columns of one batch by name, in the types asked for.
pub(crate) struct Columns<'a>(pub(crate) &'a RecordBatch);

impl Columns<'_> {
    pub(crate) fn cast(&self, name: &str, to: &DataType) -> Result<Arc<dyn Array>> {
        let column =
            self.0.column_by_name(name).ok_or_else(|| DataFusionError::Internal(format!("no column {name}")))?;
        Ok(cast(column, to)?)
    }

    fn texts(&self, name: &str) -> Result<Vec<Option<String>>> {
        let array = self.cast(name, &DataType::Utf8)?;
        Ok(array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn counts(&self, name: &str) -> Result<Vec<u64>> {
        let array = self.cast(name, &DataType::Int64)?;
        Ok(array
            .as_primitive::<Int64Type>()
            .iter()
            .map(|n| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
            .collect())
    }

    fn instants(&self, name: &str) -> Result<Vec<Option<Timestamp>>> {
        let array = self.cast(name, &crate::tables::instant_type())?;
        Ok(array.as_primitive::<TimestampMicrosecondType>().iter().map(|at| at.map(Timestamp::from_micros)).collect())
    }

    fn reasons(&self, name: &str) -> Result<Vec<Option<Reason>>> {
        let texts = self.texts(name)?;
        let read =
            |text: String| Reason::read(&text).ok_or_else(|| DataFusionError::Internal(format!("no reason {text}")));
        texts.into_iter().map(|text| text.map(read).transpose()).collect()
    }
}

/// Rows of [`metrics::query::firsts`]: places, and the microsecond of their first deployment.
pub(crate) fn firsts(batches: &[RecordBatch]) -> Result<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = Columns(batch);
        let places = columns.cast("place", &DataType::Int64)?;
        let ends = columns.instants("first_at")?;
        let pairs = places.as_primitive::<Int64Type>().iter().zip(ends);
        found.extend(pairs.filter_map(|(place, end)| Some((place?, end?.micros()))));
    }
    Ok(found)
}

/// Rows of [`metrics::query::totals`].
pub(crate) fn totals(batches: &[RecordBatch]) -> Result<Vec<(Option<Reason>, u64)>> {
    let mut totals = Vec::new();
    for batch in batches {
        let columns = Columns(batch);
        totals.extend(columns.reasons("reason")?.into_iter().zip(columns.counts("n")?));
    }
    totals.sort();
    Ok(totals)
}
