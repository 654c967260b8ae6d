//! Reading sealed files, without the rows that changed since.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetRowSelection};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::object_store::path::Path;
use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use roaring::RoaringBitmap;

use super::{BaseFile, external};
use crate::snapshot::Shape;

/// A file, or the row groups that begin between two of its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    file: Arc<BaseFile>,
    range: Option<(u64, u64)>,
}

impl Part {
    pub(crate) fn whole(file: Arc<BaseFile>) -> Self {
        Part { file, range: None }
    }
}

/// The files in two halves of as many bytes; few rows stay together.
pub(crate) fn halves(files: Vec<Arc<BaseFile>>) -> Vec<Vec<Part>> {
    let rows: usize = files.iter().map(|file| file.rows).sum();
    if rows < crate::provider::SPLIT {
        return vec![files.into_iter().map(Part::whole).collect()];
    }
    let half = files.iter().map(|file| file.size).sum::<u64>() / 2;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut before = 0;
    for file in files {
        let size = file.size;
        if before + size <= half {
            first.push(Part::whole(file));
        } else if before >= half {
            second.push(Part::whole(file));
        } else {
            let cut = half - before;
            first.push(Part { file: file.clone(), range: Some((0, cut)) });
            second.push(Part { file, range: Some((cut, size)) });
        }
        before += size;
    }
    vec![first, second].into_iter().filter(|parts| !parts.is_empty()).collect()
}

/// What rows have to fulfil.
pub(crate) struct Predicate {
    pub(crate) all: Arc<dyn PhysicalExpr>,
    /// Whether it picks so few rows that its own columns are read first. Where it does not, that made questions half as
    /// slow again: then it only leaves out row groups and pages, and is applied above.
    pub(crate) picks: bool,
}

/// A plan over these files: the columns asked for by index, row groups that cannot fulfil the predicate not read, rows
/// that are gone left out. One partition a group of files.
pub(crate) fn scan(
    shape: &Shape,
    groups: &[Vec<Part>],
    gone: &HashMap<Arc<str>, Arc<RoaringBitmap>>,
    projection: Vec<usize>,
    predicate: Option<Predicate>,
    runtime: &RuntimeEnv,
) -> Result<Arc<dyn ExecutionPlan>> {
    let url = ObjectStoreUrl::local_filesystem();
    let store = runtime.object_store(&url)?;
    let cache = runtime.cache_manager.get_file_metadata_cache();
    let mut source = ParquetSource::new(shape.schema.clone())
        .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, cache)));
    if let Some(predicate) = predicate {
        source = source.with_predicate(predicate.all).with_pushdown_filters(predicate.picks);
    }
    let groups = groups.iter().map(|files| {
        let files = files.iter().map(|part| partitioned(part, gone.get(&part.file.path)));
        Ok(FileGroup::new(files.collect::<Result<Vec<_>>>()?))
    });
    let config = FileScanConfigBuilder::new(url, Arc::new(source))
        .with_file_groups(groups.collect::<Result<Vec<_>>>()?)
        .with_projection_indices(Some(projection))?
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

fn partitioned(part: &Part, gone: Option<&Arc<RoaringBitmap>>) -> Result<PartitionedFile> {
    let file = &part.file;
    let path = Path::from_absolute_path(&file.full).map_err(|error| external("cannot name", &file.full, error))?;
    let mut whole = PartitionedFile::new(path.to_string(), file.size);
    if let Some((from, to)) = part.range {
        let offset = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        whole = whole.with_range(offset(from), offset(to));
    }
    match gone {
        Some(gone) if !gone.is_empty() => Ok(whole.with_extension(ParquetRowSelection::new(without(gone, file.rows)))),
        _ => Ok(whole),
    }
}

/// Everything but these rows.
fn without(gone: &RoaringBitmap, rows: usize) -> RowSelection {
    let mut selectors = Vec::new();
    let mut next = 0;
    for row in gone.iter().map(|row| row as usize).filter(|row| *row < rows) {
        if row > next {
            selectors.push(RowSelector::select(row - next));
        }
        selectors.push(RowSelector::skip(1));
        next = row + 1;
    }
    if rows > next {
        selectors.push(RowSelector::select(rows - next));
    }
    RowSelection::from(selectors)
}
