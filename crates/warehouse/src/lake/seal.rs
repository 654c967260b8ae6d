//! Sealing: what stands in memory becomes files, merged with those of the base they change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltalake::kernel::Add;
use domain::Timestamp;
use futures_util::StreamExt;

use super::scan::{Part, scan};
use super::segment::Segment;
use super::{BaseFile, Filed, Lake};
use crate::snapshot::{Snapshot, TableData};

/// Where a process may stop: a test stops at each in turn. Every step of a seal asks it before it goes on.
pub(crate) type Crash<'a> = dyn Fn(&str) -> Result<()> + Send + Sync + 'a;

/// What became of a table.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its files from now on.
    pub(crate) files: Vec<Arc<BaseFile>>,
    /// Rows written.
    pub(crate) rows: usize,
}

/// Writes all that stands in memory over the base to files and commits them, table by table. With `whole` every month
/// of more than one file becomes one.
pub(crate) async fn merge_tables(
    lake: &Lake,
    pinned: &Snapshot,
    context: &Arc<TaskContext>,
    whole: bool,
    now: Timestamp,
    crash: &Crash<'_>,
) -> Result<BTreeMap<&'static str, Outcome>> {
    let mut done = BTreeMap::new();
    crash("places: before the commit")?;
    lake.places.save(&pinned.places, now).await?;
    for (name, data) in &pinned.tables {
        let Some(table) = lake.tables.get(name) else { continue };
        if !lake.staged {
            table.fence(pinned.change).await?;
        }
        let mut merge = Merge { data, context, files: data.base.clone(), adds: Vec::new(), gone: Vec::new(), rows: 0 };
        for month in merge.dirty(whole) {
            crash(&format!("{name}: before a month is written"))?;
            merge.month(&table.folder, month, whole).await?;
        }
        crash(&format!("{name}: before the commit"))?;
        if !lake.staged && (table.sealed() < pinned.change || !merge.adds.is_empty() || !merge.gone.is_empty()) {
            table.commit(merge.adds, &merge.gone, pinned.change, table.kept(), now).await?;
        }
        crash(&format!("{name}: after the commit"))?;
        done.insert(*name, Outcome { files: merge.files, rows: merge.rows });
    }
    Ok(done)
}

struct Merge<'a> {
    data: &'a TableData,
    context: &'a Arc<TaskContext>,
    files: Vec<Arc<BaseFile>>,
    adds: Vec<Add>,
    gone: Vec<Arc<BaseFile>>,
    rows: usize,
}

impl Merge<'_> {
    /// Months in which anything changed, and with `whole` those of several files.
    fn dirty(&self, whole: bool) -> BTreeSet<Filed> {
        let mut dirty: BTreeSet<Filed> =
            self.data.products.values().flat_map(|months| months.keys().copied()).collect();
        let mut files: BTreeMap<Filed, usize> = BTreeMap::new();
        for file in &self.data.base {
            *files.entry(file.month).or_default() += 1;
            if self.data.gone.contains_key(&file.path) {
                dirty.insert(file.month);
            }
        }
        if whole {
            dirty.extend(files.into_iter().filter(|(_, files)| *files > 1).map(|(month, _)| month));
        }
        dirty
    }

    /// One new file for what changed in a month, and for those of its files that lost rows or are small beside it:
    /// rewriting the small ones keeps files few, leaving the large ones keeps the cost that of the change.
    async fn month(&mut self, folder: &std::path::Path, month: Filed, whole: bool) -> Result<()> {
        let shape = &self.data.shape;
        let fresh: Vec<_> = self
            .data
            .products
            .values()
            .filter_map(|months| months.get(&month))
            .map(|bucket| bucket.batch.clone())
            .collect();
        let mut weight: usize = fresh.iter().map(|batch| batch.num_rows()).sum();
        let mut of_month: Vec<_> = self.data.base.iter().filter(|file| file.month == month).cloned().collect();
        of_month.sort_by_key(|file| (!self.data.gone.contains_key(&file.path), file.rows));
        let mut rewritten = Vec::new();
        for file in of_month {
            if whole || self.data.gone.contains_key(&file.path) || file.rows <= weight.saturating_mul(2) {
                weight += file.rows;
                rewritten.push(file);
            }
        }
        let columns: Vec<usize> = (0..shape.schema.fields().len()).collect();
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !fresh.is_empty() {
            inputs.push(MemorySourceConfig::try_new_exec(&[fresh], shape.schema.clone(), None)?);
        }
        for file in &rewritten {
            let one = [vec![Part::whole(file.clone())]];
            inputs.push(scan(shape, &one, &self.data.gone, columns.clone(), None, &self.context.runtime_env())?);
        }
        let mut segment = Segment::create(folder, shape, month)?;
        if let Some(plan) = merged(inputs, &self.order()?)? {
            let mut stream = execute_stream(plan, self.context.clone())?;
            while let Some(batch) = stream.next().await {
                segment.write(&batch?)?;
            }
        }
        let gone: BTreeSet<_> = rewritten.iter().map(|file| file.path.clone()).collect();
        self.files.retain(|file| !gone.contains(&file.path));
        self.gone.extend(rewritten);
        if let Some((file, add)) = segment.finish()? {
            self.rows += file.rows;
            self.files.push(file);
            self.adds.push(add);
        }
        Ok(())
    }

    fn order(&self) -> Result<LexOrdering> {
        let shape = &self.data.shape;
        let columns = std::iter::once("product").chain(shape.order());
        let sorts = columns.map(|name| Ok(PhysicalSortExpr::new(col(name, &shape.schema)?, SortOptions::default())));
        LexOrdering::new(sorts.collect::<Result<Vec<_>>>()?)
            .ok_or_else(|| DataFusionError::Internal("a table without an order".to_owned()))
    }
}

/// Inputs that are each in order, as one that is.
fn merged(mut inputs: Vec<Arc<dyn ExecutionPlan>>, order: &LexOrdering) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if inputs.len() < 2 {
        return Ok(inputs.pop());
    }
    let all = UnionExec::try_new(inputs)?;
    Ok(Some(Arc::new(SortPreservingMergeExec::new(order.clone(), all))))
}
