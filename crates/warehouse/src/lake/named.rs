//! The table of places on disk: only ever added to, before any row that names one of the new ones.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use domain::Timestamp;

use super::segment::Segment;
use super::{DeltaFolder, external};
use crate::snapshot::Shape;
use crate::tables::places::{self, Places};

/// Above this many files they become one.
const FILES: usize = 16;

/// Places on disk.
pub(crate) struct Named {
    table: DeltaFolder,
    shape: Arc<Shape>,
    /// How many of those known, from the first on, are on disk.
    saved: AtomicUsize,
}

impl Named {
    pub(crate) async fn open(root: &Path) -> Result<Self> {
        let shape = Arc::new(Shape::new(&places::table(), &[]));
        Ok(Named { table: DeltaFolder::open(root, &shape).await?, shape, saved: AtomicUsize::new(0) })
    }

    /// All that are on disk.
    pub(crate) fn read(&self) -> Result<Places> {
        let mut places = Places::default();
        for file in self.table.files()? {
            let failed = |error: &dyn std::fmt::Display| external("cannot read the places of", &file.full, error);
            let opened = File::open(&file.full).map_err(|error| failed(&error))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(&error))?;
            for batch in reader.build().map_err(|error| failed(&error))? {
                places.read(&batch?)?;
            }
        }
        self.saved.store(places.rows.len(), Ordering::Release);
        Ok(places)
    }

    /// Puts the new ones on disk. Another writer may have put the same there: read twice they are one.
    pub(crate) async fn save(&self, places: &Places, now: Timestamp) -> Result<()> {
        let saved = self.saved.load(Ordering::Acquire);
        if saved >= places.rows.len() {
            return Ok(());
        }
        let number = self.table.refresh().await?;
        let before = self.table.files()?;
        let whole = before.len() >= FILES;
        let mut rows = places.rows[saved..].to_vec();
        if whole {
            // With those that another one put there.
            let mut all = self.read()?;
            for row in &rows {
                all.add(row.names())?;
            }
            rows = all.rows;
        }
        let gone = if whole { before } else { Vec::new() };
        let mut segment = Segment::create(&self.table.folder, &self.shape, None)?;
        segment.write(&places::table().batch(&rows)?)?;
        let added = segment.finish()?.map(|(_, add)| add);
        self.table.commit(added.into_iter().collect(), &gone, number + 1, None, now).await?;
        self.saved.store(places.rows.len(), Ordering::Release);
        Ok(())
    }
}
