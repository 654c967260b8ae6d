//! Rows in buckets by product and month, and the snapshots that queries pin.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{Array, AsArray, BooleanArray};
use datafusion::arrow::compute::{
    SortColumn, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use domain::Timestamp;
use domain::catalogue::Tree;
use domain::time::DAY;

use crate::tables::Table;

/// Identity of a row's owner: source and id.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// A product (empty for none) and a month of 30 days since the epoch; none for rows without an instant.
pub(crate) type Place = (Arc<str>, Option<i64>);

/// The place of a row.
pub(crate) fn place(product: &str, at: Option<Timestamp>) -> Place {
    (product.into(), at.map(|at| at.micros().div_euclid(30 * DAY)))
}

/// Rows of one product and month, sorted by instant and identity.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) batch: RecordBatch,
    /// First and last instant; none without any.
    pub(crate) span: Option<(i64, i64)>,
}

type Months = BTreeMap<Option<i64>, Arc<Bucket>>;

/// One table as it is in a snapshot. Cloning shares every bucket.
#[derive(Clone, Debug)]
pub(crate) struct TableData {
    /// Columns of the rows, without the dimensions.
    pub(crate) schema: SchemaRef,
    pub(crate) at: &'static str,
    pub(crate) products: BTreeMap<Arc<str>, Arc<Months>>,
    pub(crate) rows: usize,
}

impl TableData {
    pub(crate) fn new<R>(table: &Table<R>) -> Self {
        TableData { schema: table.schema().clone(), at: table.at, products: BTreeMap::new(), rows: 0 }
    }

    fn get(&self, place: &Place) -> Option<&Arc<Bucket>> {
        self.products.get(&place.0)?.get(&place.1)
    }

    fn put(&mut self, place: &Place, bucket: Option<Bucket>) {
        let before = self.get(place).map_or(0, |bucket| bucket.batch.num_rows());
        let after = bucket.as_ref().map_or(0, |bucket| bucket.batch.num_rows());
        self.rows = self.rows - before + after;
        let months = Arc::make_mut(self.products.entry(place.0.clone()).or_default());
        match bucket {
            Some(bucket) => {
                months.insert(place.1, Arc::new(bucket));
            }
            None => {
                months.remove(&place.1);
            }
        }
        if months.is_empty() {
            self.products.remove(&place.0);
        }
    }
}

/// What the writer knows of a table besides its snapshot: where each key's rows stand.
pub(crate) struct Writer<R> {
    table: Table<R>,
    index: HashMap<Key, Place>,
    /// Columns that, with the instant, order rows.
    order: &'static [&'static str],
}

/// New rows of one key; none take the key's rows away.
pub(crate) struct Put<R> {
    pub(crate) key: Key,
    pub(crate) place: Place,
    pub(crate) rows: Vec<R>,
}

impl<R> Writer<R> {
    pub(crate) fn new(table: Table<R>, order: &'static [&'static str]) -> Self {
        Writer { table, index: HashMap::new(), order }
    }

    pub(crate) fn empty(&self) -> TableData {
        TableData::new(&self.table)
    }

    /// Replaces the rows of each key and rebuilds the buckets touched. Of two puts of one key the last counts.
    pub(crate) fn apply(&mut self, data: &mut TableData, puts: Vec<Put<R>>) -> Result<()> {
        let mut last: HashMap<Key, Put<R>> = HashMap::with_capacity(puts.len());
        for put in puts {
            last.insert(put.key.clone(), put);
        }
        let mut touched: BTreeMap<Place, (HashSet<Key>, Vec<R>)> = BTreeMap::new();
        let mut moves = Vec::with_capacity(last.len());
        for (key, put) in last {
            if let Some(old) = self.index.get(&key) {
                touched.entry(old.clone()).or_default().0.insert(key.clone());
            }
            let place = (!put.rows.is_empty()).then(|| put.place.clone());
            if let Some(place) = &place {
                touched.entry(place.clone()).or_default().1.extend(put.rows);
            }
            moves.push((key, place));
        }
        // All of them before anything is changed: what fails here is tried again from the start.
        let rebuilt = touched
            .into_iter()
            .map(|(place, (gone, rows))| {
                let bucket = self.rebuild(data.get(&place), &gone, &rows)?;
                Ok((place, bucket))
            })
            .collect::<Result<Vec<_>>>()?;
        for (place, bucket) in rebuilt {
            data.put(&place, bucket);
        }
        for (key, place) in moves {
            match place {
                Some(place) => self.index.insert(key, place),
                None => self.index.remove(&key),
            };
        }
        Ok(())
    }

    fn rebuild(&self, old: Option<&Arc<Bucket>>, gone: &HashSet<Key>, rows: &[R]) -> Result<Option<Bucket>> {
        let mut batches = Vec::with_capacity(2);
        if let Some(old) = old {
            batches.push(without(&old.batch, gone)?);
        }
        if !rows.is_empty() {
            batches.push(self.table.batch(rows)?);
        }
        let batch = concat_batches(self.table.schema(), &batches)?;
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let columns = std::iter::once(self.table.at).chain(self.order.iter().copied());
        let columns: Vec<SortColumn> = columns
            .filter_map(|name| Some(SortColumn { values: batch.column_by_name(name)?.clone(), options: None }))
            .collect();
        let batch = take_record_batch(&batch, &lexsort_to_indices(&columns, None)?)?;
        let span = span(&batch, self.table.at);
        Ok(Some(Bucket { batch, span }))
    }
}

fn without(batch: &RecordBatch, gone: &HashSet<Key>) -> Result<RecordBatch> {
    if gone.is_empty() {
        return Ok(batch.clone());
    }
    let (Some(sources), Some(ids)) = (batch.column_by_name("source"), batch.column_by_name("id")) else {
        return Ok(batch.clone());
    };
    let gone: HashSet<(&str, &str)> = gone.iter().map(|(source, id)| (&**source, &**id)).collect();
    let (sources, ids) = (sources.as_string::<i32>(), ids.as_string::<i32>());
    let stays: BooleanArray =
        (0..batch.num_rows()).map(|row| Some(!gone.contains(&(sources.value(row), ids.value(row))))).collect();
    Ok(filter_record_batch(batch, &stays)?)
}

fn span(batch: &RecordBatch, at: &str) -> Option<(i64, i64)> {
    let at = batch.column_by_name(at)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    if at.null_count() > 0 {
        return None;
    }
    Some((at.iter().flatten().min()?, at.iter().flatten().max()?))
}

/// Every table and the tree at one moment.
pub(crate) struct Snapshot {
    /// Counts up with each change.
    pub(crate) number: u64,
    pub(crate) tree: Arc<Tree>,
    pub(crate) deployments: Arc<TableData>,
    pub(crate) commits: Arc<TableData>,
    pub(crate) incidents: Arc<TableData>,
    pub(crate) canary_analyses: Arc<TableData>,
    pub(crate) pipeline_runs: Arc<TableData>,
    pub(crate) pipeline_stages: Arc<TableData>,
    pub(crate) pull_requests: Arc<TableData>,
    pub(crate) slo_samples: Arc<TableData>,
    pub(crate) flag_changes: Arc<TableData>,
    /// The session that sees this snapshot, made when first asked.
    pub(crate) session: OnceLock<SessionContext>,
}

impl Snapshot {
    /// Tables by name.
    pub(crate) fn tables(&self) -> [(&'static str, &Arc<TableData>); 9] {
        [
            ("deployments", &self.deployments),
            ("commits", &self.commits),
            ("incidents", &self.incidents),
            ("canary_analyses", &self.canary_analyses),
            ("pipeline_runs", &self.pipeline_runs),
            ("pipeline_stages", &self.pipeline_stages),
            ("pull_requests", &self.pull_requests),
            ("slo_samples", &self.slo_samples),
            ("flag_changes", &self.flag_changes),
        ]
    }

    /// The next one, to be changed before it is published.
    pub(crate) fn next(&self) -> Self {
        Snapshot {
            number: self.number + 1,
            tree: self.tree.clone(),
            deployments: self.deployments.clone(),
            commits: self.commits.clone(),
            incidents: self.incidents.clone(),
            canary_analyses: self.canary_analyses.clone(),
            pipeline_runs: self.pipeline_runs.clone(),
            pipeline_stages: self.pipeline_stages.clone(),
            pull_requests: self.pull_requests.clone(),
            slo_samples: self.slo_samples.clone(),
            flag_changes: self.flag_changes.clone(),
            session: OnceLock::new(),
        }
    }
}
