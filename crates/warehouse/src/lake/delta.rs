//! One Delta table: its log, its files, its commits.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::Result;
use datafusion::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use datafusion::parquet::file::statistics::Statistics;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, Remove, StructField, StructType, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder};
use domain::Timestamp;
use domain::time::Month;
use url::Url;

use super::{BaseFile, Filed, external};
use crate::snapshot::Shape;

/// What a table is made with. Open queries hold their files for seconds, people who look at an older version for a day.
const PROPERTIES: [(&str, &str); 5] = [
    ("delta.checkpointInterval", "20"),
    ("delta.deletedFileRetentionDuration", "interval 1 days"),
    ("delta.enableExpiredLogCleanup", "true"),
    ("delta.logRetentionDuration", "interval 30 days"),
    ("delta.dataSkippingStatsColumns", "product"),
];

/// A table in a folder. It is made when first something is sealed.
pub(crate) struct DeltaFolder {
    pub(crate) folder: PathBuf,
    shape: Arc<Shape>,
    state: Mutex<State>,
}

#[derive(Clone)]
struct State {
    table: DeltaTable,
    /// Whether there is a log.
    made: bool,
    /// Whether its log knows every column: rows sealed without one say nothing there, and would be counted wrong.
    fits: bool,
    sealed: u64,
    /// The first month it has; none when it has all.
    kept: Option<Month>,
}

impl DeltaFolder {
    /// Opens the table of this shape below a folder.
    pub(crate) async fn open(root: &Path, shape: &Arc<Shape>) -> Result<Self> {
        let folder = root.join(shape.name);
        let failed = |error: &dyn std::fmt::Display| external("cannot open the Delta table", &folder, error);
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let full = folder.canonicalize().map_err(|error| failed(&error))?;
        let url = Url::from_directory_path(&full).map_err(|()| failed(&"its path is not absolute"))?;
        let built = DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build);
        let mut table = built.map_err(|error| failed(&error))?;
        let made = full.join("_delta_log").exists();
        let (mut fits, mut sealed, mut kept) = (true, 0, None);
        if made {
            table.load().await.map_err(|error| failed(&error))?;
            fits = missing(&table, shape).map_err(|error| failed(&error))?.is_empty();
            sealed = read_sealed(&table, shape.name).await.map_err(|error| failed(&error))?;
            kept = read_kept(&table, shape.name).await.map_err(|error| failed(&error))?;
        }
        let state = Mutex::new(State { table, made, fits, sealed, kept });
        Ok(DeltaFolder { folder: full, shape: shape.clone(), state })
    }

    /// Whether its rows have every column.
    pub(crate) fn fits(&self) -> bool {
        self.state().fits
    }

    /// The table, made when there is none, with every column.
    async fn ready(&self) -> Result<DeltaTable> {
        let State { mut table, made, fits, sealed, kept } = self.state().clone();
        if !made {
            let configuration = PROPERTIES.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
            table = table
                .create()
                .with_table_name(self.shape.name)
                .with_comment(self.shape.doc)
                .with_columns(columns(&self.shape).map_err(|error| self.failed("make", error))?)
                .with_partition_columns(["month"])
                .with_configuration(configuration)
                .await
                .map_err(|error| self.failed("make", error))?;
        } else if !fits {
            let new = missing(&table, &self.shape).map_err(|error| self.failed("read", error))?;
            table = table.add_columns().with_fields(new).await.map_err(|error| self.failed("widen", error))?;
        }
        *self.state() = State { table: table.clone(), made: true, fits: true, sealed, kept };
        Ok(table)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> datafusion::error::DataFusionError {
        external(&format!("cannot {what} the Delta table"), &self.folder, error)
    }

    /// The change number up to which the table holds all facts.
    pub(crate) fn sealed(&self) -> u64 {
        self.state().sealed
    }

    /// Whether anything was ever written to it.
    pub(crate) fn made(&self) -> bool {
        self.state().made
    }

    /// The first month it has; none when it has all.
    pub(crate) fn kept(&self) -> Option<Month> {
        self.state().kept
    }

    /// Its files as the log names them now, each with what its footer says.
    pub(crate) fn files(&self) -> Result<Vec<Arc<BaseFile>>> {
        let State { table, made, .. } = self.state().clone();
        if !made {
            return Ok(Vec::new());
        }
        let snapshot = table.snapshot().map_err(|error| self.failed("read", error))?;
        let mut files = Vec::new();
        for view in snapshot.log_data() {
            let path = view.path().into_owned();
            let month = view.partition_values_map().get("month").cloned().flatten();
            let month =
                month.map(|text| Month::parse(&text).ok_or_else(|| self.failed("read", "a month that is none")));
            files.push(Arc::new(self.file(&path, month.transpose()?)?));
        }
        files.sort_by(|left, right| (left.month, &left.path).cmp(&(right.month, &right.path)));
        Ok(files)
    }

    fn file(&self, path: &str, month: Filed) -> Result<BaseFile> {
        let full = self.folder.join(path);
        let failed = |error: &dyn std::fmt::Display| external("cannot read the sealed file", &full, error);
        let opened = File::open(&full).map_err(|error| failed(&error))?;
        let size = opened.metadata().map_err(|error| failed(&error))?.len();
        let footer = ParquetMetaDataReader::new().parse_and_finish(&opened).map_err(|error| failed(&error))?;
        let rows = usize::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let span = span(&footer, self.shape.at);
        Ok(BaseFile { path: path.into(), full, size, month, rows, span })
    }

    /// Reads the log anew; the number up to which it is sealed now, by whomever.
    pub(crate) async fn refresh(&self) -> Result<u64> {
        let State { mut table, made, .. } = self.state().clone();
        if !made && !self.folder.join("_delta_log").exists() {
            return Ok(0);
        }
        table.load().await.map_err(|error| self.failed("read", error))?;
        let sealed = read_sealed(&table, self.shape.name).await.map_err(|error| self.failed("read", error))?;
        let fits = missing(&table, &self.shape).map_err(|error| self.failed("read", error))?.is_empty();
        let kept = read_kept(&table, self.shape.name).await.map_err(|error| self.failed("read", error))?;
        *self.state() = State { table, made: true, fits, sealed, kept };
        Ok(sealed)
    }

    /// Reads the log anew, and stops when another writer sealed later changes than these.
    pub(crate) async fn fence(&self, change: u64) -> Result<()> {
        let sealed = self.refresh().await?;
        if sealed <= change {
            return Ok(());
        }
        let name = self.shape.name;
        let told = format!(
            "another process sealed {name} up to change {sealed}; this one knows changes up to {change} and leaves the \
             tables alone"
        );
        Err(datafusion::error::DataFusionError::External(told.into()))
    }

    /// Puts these files in the place of all that the log names now, of whatever change: the store may have been put back.
    pub(crate) async fn replace(&self, adds: Vec<Add>, change: u64, kept: Option<Month>, now: Timestamp) -> Result<()> {
        self.refresh().await?;
        let before = self.files()?;
        self.commit(adds, &before, change, kept, now).await
    }

    /// One commit: files that come, files that go, up to which change number the table holds all facts, and from which
    /// month on.
    ///
    /// # Errors
    /// When another writer sealed meanwhile: then nothing is changed.
    pub(crate) async fn commit(
        &self,
        mut adds: Vec<Add>,
        gone: &[Arc<BaseFile>],
        number: u64,
        kept: Option<Month>,
        now: Timestamp,
    ) -> Result<()> {
        let table = self.ready().await?;
        let millis = now.micros().div_euclid(1_000);
        adds.iter_mut().for_each(|add| add.modification_time = millis);
        let mut actions: Vec<Action> = gone.iter().map(|file| Action::Remove(remove(file, millis))).collect();
        actions.extend(adds.into_iter().map(Action::Add));
        let version = i64::try_from(number).unwrap_or(i64::MAX);
        let mut properties = CommitProperties::default()
            .with_application_transaction(Transaction::new(application(self.shape.name), version));
        if kept != self.kept() {
            let month = kept.map_or(0, |month| i64::from(month.number()));
            properties = properties.with_application_transaction(Transaction::new(keeping(self.shape.name), month));
        }
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(vec!["month".to_owned()]),
            predicate: None,
        };
        let snapshot = table.snapshot().map_err(|error| self.failed("read", error))?;
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), table.log_store(), operation)
            .await
            .map_err(|error| self.failed("seal", error))?;
        let mut table = DeltaTable::new(table.log_store());
        table.state = Some(done.snapshot());
        *self.state() = State { table, made: true, fits: true, sealed: number, kept };
        Ok(())
    }

    /// Removes files that no version within the retention names any more.
    pub(crate) async fn vacuum(&self) -> Result<usize> {
        let State { table, made, .. } = self.state().clone();
        if !made {
            return Ok(0);
        }
        let (table, done) = table.vacuum().with_dry_run(false).await.map_err(|error| self.failed("clean", error))?;
        self.state().table = table;
        Ok(done.files_deleted.len())
    }
}

/// The application whose last transaction says what is sealed.
fn application(name: &str) -> String {
    format!("seal:{name}")
}

/// The application whose last transaction says from which month on there are rows, as [`Month::number`]; 0 for all.
fn keeping(name: &str) -> String {
    format!("kept:{name}")
}

async fn read_kept(table: &DeltaTable, name: &str) -> std::result::Result<Option<Month>, deltalake::DeltaTableError> {
    let log = table.log_store();
    let found = table.snapshot()?.transaction_version(log.as_ref(), keeping(name)).await?;
    let number = found.and_then(|number| i32::try_from(number).ok()).filter(|number| *number != 0);
    Ok(number.map(Month::numbered))
}

async fn read_sealed(table: &DeltaTable, name: &str) -> std::result::Result<u64, deltalake::DeltaTableError> {
    let log = table.log_store();
    let found = table.snapshot()?.transaction_version(log.as_ref(), application(name)).await?;
    Ok(found.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// Columns a table does not have yet.
fn missing(table: &DeltaTable, shape: &Shape) -> std::result::Result<Vec<StructField>, deltalake::DeltaTableError> {
    let known = table.snapshot()?.schema();
    let wanted = columns(shape).map_err(deltalake::DeltaTableError::from)?;
    Ok(wanted.into_iter().filter(|field| known.field(field.name()).is_none()).collect())
}

fn columns(shape: &Shape) -> std::result::Result<Vec<StructField>, datafusion::arrow::error::ArrowError> {
    let own = shape.schema.fields().iter().map(|field| field.as_ref().clone());
    let all = own.chain([Field::new("month", DataType::Utf8, true)]);
    let schema: StructType = (&Schema::new(all.collect::<Vec<_>>())).try_into_kernel()?;
    Ok(schema.fields().cloned().collect())
}

fn remove(file: &BaseFile, millis: i64) -> Remove {
    Remove {
        path: file.path.to_string(),
        data_change: true,
        deletion_timestamp: Some(millis),
        extended_file_metadata: Some(true),
        partition_values: Some(HashMap::from([("month".to_owned(), super::month_text(file.month))])),
        size: Some(i64::try_from(file.size).unwrap_or(i64::MAX)),
        ..Remove::default()
    }
}

/// First and last instant by the footer; none when a row group does not say, or a row has none.
fn span(footer: &ParquetMetaData, at: &str) -> Option<(i64, i64)> {
    let index = footer.file_metadata().schema_descr().columns().iter().position(|column| column.name() == at)?;
    let mut whole: Option<(i64, i64)> = None;
    for group in footer.row_groups() {
        let Some(Statistics::Int64(found)) = group.column(index).statistics() else { return None };
        if found.null_count_opt() != Some(0) {
            return None;
        }
        let (low, high) = (*found.min_opt()?, *found.max_opt()?);
        whole = Some(whole.map_or((low, high), |(from, to)| (from.min(low), to.max(high))));
    }
    whole
}
