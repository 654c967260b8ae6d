//! The archive of the raw journal: a Delta table partitioned by the day on which deliveries came. Unlike every other table
//! of the lake it cannot be made anew: what stands here stands nowhere else.

mod file;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::{DataFusionError, Result};
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, StructField, StructType};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder};
use domain::time::Day;
use domain::{Code, Problem, Timestamp};
use url::Url;

use crate::lake::external;
use crate::tables::journal;
use file::{add, read};

pub use file::{DayFile, DayWritten};

/// Name of the table and of its folder.
const NAME: &str = "journal";

/// What the table is made with. Nothing is ever taken out of it, so every version is a part of the next.
const PROPERTIES: [(&str, &str); 5] = [
    ("delta.appendOnly", "true"),
    ("delta.checkpointInterval", "20"),
    ("delta.enableExpiredLogCleanup", "true"),
    ("delta.logRetentionDuration", "interval 30 days"),
    ("delta.dataSkippingStatsColumns", "seq"),
];

/// What names a body: number of its row, and the first half of its SHA-256.
pub type BodyName = (i64, [u8; 16]);

/// The archive below a lake's folder. One process at a time writes it; readers never wait.
pub struct JournalArchive {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    /// None before anything was archived.
    table: Option<DeltaTable>,
    /// Its files by day, relative to its folder.
    days: BTreeMap<Day, Vec<Arc<str>>>,
}

impl JournalArchive {
    /// Opens the table below a lake's folder. It is made when first something is archived.
    ///
    /// # Errors
    /// `unavailable` with what is wrong on disk.
    pub async fn open(lake: &Path) -> std::result::Result<Self, Problem> {
        let archive = JournalArchive { root: lake.join(NAME), state: Mutex::default() };
        archive.reload().await.map_err(|error| told(&error))?;
        Ok(archive)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> DataFusionError {
        external(&format!("cannot {what} the archive of the journal in"), &self.root, error)
    }

    /// Reads the log from the disk, as if nothing of it were known.
    async fn reload(&self) -> Result<()> {
        if !self.root.join("_delta_log").exists() {
            *self.state() = State::default();
            return Ok(());
        }
        let mut table = self.builder()?;
        table.load().await.map_err(|error| self.failed("read", error))?;
        let days = self.days(&table)?;
        *self.state() = State { table: Some(table), days };
        Ok(())
    }

    fn builder(&self) -> Result<DeltaTable> {
        std::fs::create_dir_all(&self.root).map_err(|error| self.failed("make", error))?;
        let full = self.root.canonicalize().map_err(|error| self.failed("open", error))?;
        let url = Url::from_directory_path(&full).map_err(|()| self.failed("open", "its path is not absolute"))?;
        DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build).map_err(|error| self.failed("open", error))
    }

    fn days(&self, table: &DeltaTable) -> Result<BTreeMap<Day, Vec<Arc<str>>>> {
        let snapshot = table.snapshot().map_err(|error| self.failed("read", error))?;
        let mut days: BTreeMap<Day, Vec<Arc<str>>> = BTreeMap::new();
        for view in snapshot.log_data() {
            let day = view.partition_values_map().get("day").cloned().flatten();
            let day = day.and_then(|text| Day::parse(&text));
            let day = day.ok_or_else(|| self.failed("read", "a file without a day"))?;
            days.entry(day).or_default().push(view.path().into_owned().into());
        }
        days.values_mut().for_each(|files| files.sort());
        Ok(days)
    }

    async fn made(&self) -> Result<DeltaTable> {
        if let Some(table) = self.state().table.clone() {
            return Ok(table);
        }
        let columns = columns().map_err(|error| self.failed("make", error))?;
        self.builder()?
            .create()
            .with_table_name(NAME)
            .with_comment(journal::table().doc())
            .with_columns(columns)
            .with_partition_columns(["day"])
            .with_configuration(PROPERTIES.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))))
            .await
            .map_err(|error| self.failed("make", error))
    }

    /// What is archived of a day, read from the disk whole and now: every body is hashed again.
    ///
    /// # Errors
    /// `unavailable` when the disk fails or a file is not what it was.
    pub async fn names(&self, day: Day) -> std::result::Result<Vec<BodyName>, Problem> {
        let reading = async {
            self.reload().await?;
            let mut names = Vec::new();
            for path in self.files(day) {
                read(&self.root.join(&*path), |_| true, |name, _| names.push(name))?;
            }
            Ok::<_, DataFusionError>(names)
        };
        reading.await.map_err(|error| told(&error))
    }

    fn files(&self, day: Day) -> Vec<Arc<str>> {
        self.state().days.get(&day).cloned().unwrap_or_default()
    }

    /// Begins a file of a day. Files of that day that the log does not name were left by a process that ended, and go.
    ///
    /// # Errors
    /// `unavailable` when the disk fails.
    pub fn begin(&self, day: Day) -> std::result::Result<DayFile, Problem> {
        DayFile::create(&self.root, day, &self.files(day)).map_err(|error| told(&error))
    }

    /// Makes a file a part of the table. When this returns, all of it is on the disk for good.
    ///
    /// # Errors
    /// `unavailable` when the disk fails; then the table is as it was.
    pub async fn commit(&self, written: DayWritten, now: Timestamp) -> std::result::Result<(), Problem> {
        self.committed(written, now).await.map_err(|error| told(&error))
    }

    async fn committed(&self, written: DayWritten, now: Timestamp) -> Result<()> {
        let table = self.made().await?;
        let snapshot = table.snapshot().map_err(|error| self.failed("read", error))?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec!["day".to_owned()]),
            predicate: None,
        };
        CommitBuilder::default()
            .with_actions(vec![Action::Add(add(&written, now))])
            .build(Some(snapshot), table.log_store(), operation)
            .await
            .map_err(|error| self.failed("write", error))?;
        self.sync(&written).map_err(|error| self.failed("write", error))?;
        self.reload().await
    }

    /// The log is written without waiting for the disk; bodies are deleted elsewhere because of what it says.
    fn sync(&self, written: &DayWritten) -> std::io::Result<()> {
        let log = self.root.join("_delta_log");
        for entry in std::fs::read_dir(&log)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::File::open(entry.path())?.sync_all()?;
            }
        }
        let lake = self.root.parent().map(Path::to_path_buf);
        for folder in [Some(log), written.folder(&self.root), Some(self.root.clone()), lake].into_iter().flatten() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Bodies of rows that came on a day, in the order asked for.
    ///
    /// # Errors
    /// `unavailable` when one of them is not there or not as it was.
    pub fn bodies(&self, day: Day, wanted: &[BodyName]) -> std::result::Result<Vec<Vec<u8>>, Problem> {
        let asked = || wanted.iter().map(|(seq, _)| *seq);
        let (Some(first), Some(last)) = (asked().min(), asked().max()) else { return Ok(Vec::new()) };
        let mut places: HashMap<BodyName, Vec<usize>> = HashMap::with_capacity(wanted.len());
        for (place, name) in wanted.iter().enumerate() {
            places.entry(*name).or_default().push(place);
        }
        let seqs: std::collections::HashSet<i64> = asked().collect();
        let mut bodies: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
        for path in self.files(day) {
            let within = |(low, high): (i64, i64)| low <= last && high >= first;
            file::read_some(&self.root.join(&*path), within, &seqs, |name, body| {
                for place in places.get(&name).into_iter().flatten() {
                    bodies[*place] = Some(body.to_vec());
                }
            })
            .map_err(|error| told(&error))?;
        }
        let missing = bodies.iter().position(Option::is_none).and_then(|place| wanted.get(place));
        if let Some((seq, _)) = missing {
            return Err(Problem::new(
                Code::Unavailable,
                format!(
                    "the body of journal row {seq}, received on {day}, is not in the archive {}, or not as it was; put \
                     that folder back from a copy",
                    self.root.display()
                ),
            ));
        }
        Ok(bodies.into_iter().flatten().collect())
    }
}

fn columns() -> std::result::Result<Vec<StructField>, datafusion::arrow::error::ArrowError> {
    let table = journal::table();
    let own = table.schema().fields().iter().map(|field| field.as_ref().clone());
    let all = own.chain([Field::new("day", DataType::Utf8, true)]);
    let schema: StructType = (&Schema::new(all.collect::<Vec<_>>())).try_into_kernel()?;
    Ok(schema.fields().cloned().collect())
}

fn told(error: &DataFusionError) -> Problem {
    Problem::new(Code::Unavailable, error.strip_backtrace())
}
