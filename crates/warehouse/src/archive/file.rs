//! One Parquet file of a day, rows in the order of arrival.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::arrow::{ArrowWriter, ProjectionMask};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::RowGroupMetaData;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::file::statistics::Statistics;
use datafusion::parquet::schema::types::ColumnPath;
use deltalake::kernel::Add;
use domain::time::Day;
use domain::{Problem, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{BodyName, told};
use crate::lake::{entry, external};
use crate::tables::Table;
use crate::tables::journal::{self, ArchivedRow};

/// Rows read together.
const BATCH: usize = 1_000;

/// A file being written.
pub struct DayFile {
    table: Table<ArchivedRow>,
    writer: ArrowWriter<BufWriter<File>>,
    written: DayWritten,
}

/// A file that is whole and on the disk, and not yet a part of the table.
#[derive(Debug)]
pub struct DayWritten {
    day: Day,
    /// Relative to the folder of the table.
    path: String,
    full: PathBuf,
    size: u64,
    rows: usize,
    seqs: Option<(i64, i64)>,
}

impl DayWritten {
    /// Rows in it.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn folder(&self, root: &Path) -> Option<PathBuf> {
        root.join(&self.path).parent().map(Path::to_path_buf)
    }
}

impl DayFile {
    pub(super) fn create(root: &Path, day: Day, known: &[Arc<str>]) -> Result<Self> {
        let directory = format!("day={day}");
        let folder = root.join(&directory);
        let path = format!("{directory}/part-{}.parquet", uuid::Uuid::new_v4());
        let full = root.join(&path);
        let failed = |error: std::io::Error| external("cannot write", &full, error);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
            if name.ends_with(".parquet") && !known.iter().any(|known| **known == *name) {
                std::fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        let opened = File::create_new(&full).map_err(failed)?;
        let table = journal::table();
        let body = ColumnPath::from("body");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            // Bodies differ from each other, and no reader looks for the greatest.
            .set_column_dictionary_enabled(body.clone(), false)
            .set_column_statistics_enabled(body, EnabledStatistics::None)
            .build();
        let writer = ArrowWriter::try_new(BufWriter::new(opened), table.schema().clone(), Some(properties))?;
        let written = DayWritten { day, path, full, size: 0, rows: 0, seqs: None };
        Ok(DayFile { table, writer, written })
    }

    /// Adds rows that come after those before. They are a group of their own, so that they are found without the others.
    ///
    /// # Errors
    /// `unavailable` when the disk fails.
    pub fn write(&mut self, rows: &[ArchivedRow]) -> std::result::Result<(), Problem> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let writing = self.table.batch(rows).and_then(|batch| {
            self.writer.write(&batch)?;
            Ok(self.writer.flush()?)
        });
        writing.map_err(|error| told(&error))?;
        self.written.rows += rows.len();
        let from = self.written.seqs.map_or(first.seq, |(from, _)| from);
        self.written.seqs = Some((from, last.seq));
        Ok(())
    }

    /// Ends the file and waits until it is on the disk. None when nothing was written: then there is no file.
    ///
    /// # Errors
    /// `unavailable` when the disk fails.
    pub fn finish(self) -> std::result::Result<Option<DayWritten>, Problem> {
        let DayFile { writer, mut written, .. } = self;
        let failed = |error: std::io::Error| told(&external("cannot write", &written.full, error));
        if written.rows == 0 {
            std::fs::remove_file(&written.full).map_err(failed)?;
            return Ok(None);
        }
        let buffered = writer.into_inner().map_err(|error| told(&error.into()))?;
        let opened = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        opened.sync_all().map_err(failed)?;
        let size = opened.metadata().map_err(failed)?.len();
        written.size = size;
        Ok(Some(written))
    }
}

/// What the log says of a file.
pub(super) fn add(written: &DayWritten, now: Timestamp) -> Add {
    let mut stats = json!({ "numRecords": written.rows });
    if let Some((low, high)) = written.seqs {
        stats["minValues"]["seq"] = json!(low);
        stats["maxValues"]["seq"] = json!(high);
    }
    let made_ms = now.micros().div_euclid(1_000);
    entry(&written.path, ("day", Some(written.day.to_string())), written.size, made_ms, &stats)
}

/// Gives `take` every body of the groups that `within` wants by their first and last number.
pub(super) fn read(path: &Path, within: impl Fn((i64, i64)) -> bool, take: impl FnMut(BodyName, &[u8])) -> Result<()> {
    each(path, within, |_| true, take)
}

/// As [`read`], of these rows alone.
pub(super) fn read_some(
    path: &Path,
    within: impl Fn((i64, i64)) -> bool,
    seqs: &HashSet<i64>,
    take: impl FnMut(BodyName, &[u8]),
) -> Result<()> {
    each(path, within, |seq| seqs.contains(&seq), take)
}

fn each(
    path: &Path,
    within: impl Fn((i64, i64)) -> bool,
    wanted: impl Fn(i64) -> bool,
    mut take: impl FnMut(BodyName, &[u8]),
) -> Result<()> {
    let failed = |error: &dyn std::fmt::Display| external("cannot read archived bodies from", path, error);
    let opened = File::open(path).map_err(|error| failed(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(&error))?;
    let groups = reader.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| seqs_of(group).is_none_or(&within)).map(|(index, _)| index).collect();
    let mask = ProjectionMask::columns(reader.parquet_schema(), ["seq", "body"]);
    let batches = reader.with_row_groups(groups).with_projection(mask).with_batch_size(BATCH).build();
    for batch in batches.map_err(|error| failed(&error))? {
        let batch = batch.map_err(|error| failed(&error))?;
        let column = |name: &str| {
            let missing = || DataFusionError::Internal(format!("an archived file without the column {name}"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let (seqs, bodies) = (column("seq")?.as_primitive::<Int64Type>(), column("body")?.as_binary::<i32>());
        for (seq, body) in seqs.values().iter().zip(bodies.iter()) {
            let body = body.unwrap_or_default();
            if wanted(*seq) {
                take((*seq, digest(body)), body);
            }
        }
    }
    Ok(())
}

/// First half of the SHA-256 of a body.
fn digest(body: &[u8]) -> [u8; 16] {
    let whole = Sha256::digest(body);
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

fn seqs_of(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let Some(Statistics::Int64(found)) = group.column(0).statistics() else { return None };
    Some((*found.min_opt()?, *found.max_opt()?))
}
