//! The base: sealed rows in Delta tables, one a table, partitioned by calendar month. Everything here can be made anew
//! from the store; what it adds is that a restart does not read all facts and that other tools can read them.

mod delta;
mod keys;
mod named;
mod scan;
mod seal;
mod segment;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use domain::Timestamp;
use domain::time::Month;

use crate::kept::Kept;
use crate::snapshot::{Shape, Snapshot};

pub(crate) use delta::DeltaFolder;
pub(crate) use keys::Keys;
pub(crate) use named::Named;
pub(crate) use scan::{Predicate, halves, scan};
pub(crate) use seal::{Crash, Outcome, merge_tables};
pub(crate) use segment::{Segment, Written, entry};

/// The month a row is filed under; none for rows without an instant, such as deployments in progress.
pub(crate) type Filed = Option<Month>;

/// How a month is written in the partition column.
pub(crate) fn month_text(month: Filed) -> Option<String> {
    month.map(|month| month.to_string())
}

/// One Parquet file of the base. Rows are sorted by product, instant, source and id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BaseFile {
    /// Relative to its table's folder, as the Delta log has it.
    pub(crate) path: Arc<str>,
    pub(crate) full: PathBuf,
    pub(crate) size: u64,
    pub(crate) month: Filed,
    pub(crate) rows: usize,
    /// First and last instant; none when some row has none.
    pub(crate) span: Option<(i64, i64)>,
}

/// The Delta tables of a warehouse, and which of their rows stand where.
pub(crate) struct Lake {
    pub(crate) tables: BTreeMap<&'static str, DeltaFolder>,
    pub(crate) keys: Keys,
    pub(crate) places: Named,
    /// Nothing is committed before all of it is there: for a rebuild, while the tables go on as they were.
    pub(crate) staged: bool,
}

impl Lake {
    /// Opens the tables below a folder; makes those that are missing.
    pub(crate) async fn open(root: &Path, shapes: &[Arc<Shape>], staged: bool) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for shape in shapes {
            tables.insert(shape.name, DeltaFolder::open(root, shape).await?);
        }
        let places = Named::open(root).await?;
        Ok(Lake { tables, keys: Keys::default(), places, staged })
    }

    /// Whether the rows of some table were sealed without a column that is known now.
    pub(crate) fn stale(&self) -> bool {
        !self.tables.values().all(DeltaFolder::fits)
    }

    /// Where the files of a table are.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let table = self.tables.get(name).map(|table| table.folder.clone());
        table.ok_or_else(|| DataFusionError::Internal(format!("no table {name}")))
    }

    /// Whether some table is known to hold later changes.
    pub(crate) fn ahead_of(&self, change: u64) -> bool {
        !self.staged && self.tables.values().any(|table| table.sealed() > change)
    }

    /// The change number up to which every table holds all facts.
    pub(crate) fn sealed(&self) -> u64 {
        self.tables.values().map(|table| table.sealed()).min().unwrap_or(0)
    }

    /// The first month that each table has, of those that do not have all.
    pub(crate) fn kept(&self) -> Kept {
        self.tables.iter().filter_map(|(name, table)| Some((*name, table.kept()?))).collect()
    }

    /// Makes what was staged the content of the tables, and nothing else.
    pub(crate) async fn promote(&mut self, pinned: &Snapshot, change: u64, now: Timestamp) -> Result<()> {
        for (name, table) in &self.tables {
            let Some(data) = pinned.tables.get(name) else { continue };
            let adds = data.base.iter().map(|file| segment::add(file, data.shape.at, None)).collect();
            table.replace(adds, change, pinned.kept.get(name).copied(), now).await?;
        }
        self.staged = false;
        Ok(())
    }

    /// Sealed files by table; none yet when staged.
    pub(crate) fn files(&self) -> Result<HashMap<&'static str, Vec<Arc<BaseFile>>>> {
        if self.staged || self.stale() {
            return Ok(HashMap::new());
        }
        self.tables.iter().map(|(name, table)| Ok((*name, table.files()?))).collect()
    }
}

/// A failure of the disk or of the tables on it, with what was attempted.
pub(crate) fn external(what: &str, path: &Path, error: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::External(format!("{what} {}: {error}", path.display()).into())
}
