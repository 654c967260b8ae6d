//! Where the rows of a key stand in a sealed file: asked whenever a fact changes whose month is sealed.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::AsArray;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};

use super::{BaseFile, external};
use crate::snapshot::Key;

/// Keys kept for all files together: 48 MB.
const KEPT: usize = 2_000_000;

/// 128 bits of a key's hash: two keys of one file never share it in the life of the universe. In two halves, which need no
/// room between one entry and the next.
type Hash = [u64; 2];

fn hash(source: &str, id: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update((source.len() as u64).to_le_bytes());
    hasher.update(source.as_bytes());
    hasher.update(id.as_bytes());
    let whole = hasher.finalize();
    let part = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&whole[from..from + 8]);
        u64::from_le_bytes(bytes)
    };
    [part(0), part(8)]
}

/// The keys of one file by hash, each with its run of rows.
struct Index(Vec<(Hash, u32, u32)>);

impl Index {
    fn read(file: &BaseFile, key: &str) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| external("cannot read the keys of", &file.full, error);
        let opened = File::open(&file.full).map_err(|error| failed(&error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(&error))?;
        let mask = ProjectionMask::columns(reader.parquet_schema(), ["source", key]);
        let batches = reader.with_projection(mask).build().map_err(|error| failed(&error))?;
        let mut runs: Vec<(Hash, u32, u32)> = Vec::new();
        let mut row = 0_u32;
        for batch in batches {
            let batch = batch?;
            let column = |name: &str| {
                let found = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
                found.ok_or_else(|| DataFusionError::Internal(format!("a file without the column {name}")))
            };
            let (sources, ids) = (column("source")?, column(key)?);
            for at in 0..batch.num_rows() {
                let hash = hash(sources.value(at), ids.value(at));
                match runs.last_mut() {
                    Some((last, _, length)) if *last == hash => *length += 1,
                    _ => runs.push((hash, row, 1)),
                }
                row += 1;
            }
        }
        runs.sort_unstable();
        runs.shrink_to_fit();
        Ok(Index(runs))
    }

    fn rows(&self, hash: Hash) -> impl Iterator<Item = u32> {
        let from = self.0.partition_point(|(known, ..)| *known < hash);
        let found = self.0[from..].iter().take_while(move |(known, ..)| *known == hash);
        found.flat_map(|(_, start, length)| *start..start + length)
    }
}

/// Indexes of the files asked for last.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_path: HashMap<Arc<str>, Arc<Index>>,
    /// Oldest question first.
    order: VecDeque<Arc<str>>,
    size: usize,
}

impl Keys {
    /// The rows of these keys in a file; `key` is the column that has them beside `source`.
    pub(crate) fn find<'k>(
        &self,
        file: &BaseFile,
        key: &str,
        keys: impl IntoIterator<Item = &'k Key>,
    ) -> Result<RoaringBitmap> {
        let index = self.index(file, key)?;
        Ok(keys.into_iter().flat_map(|(source, id)| index.rows(hash(source, id))).collect())
    }

    fn index(&self, file: &BaseFile, key: &str) -> Result<Arc<Index>> {
        if let Some(known) = self.kept().get(&file.path) {
            return Ok(known);
        }
        let index = Arc::new(Index::read(file, key)?);
        self.kept().put(&file.path, &index);
        Ok(index)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, path: &Arc<str>) -> Option<Arc<Index>> {
        let known = self.by_path.get(path)?.clone();
        if self.order.back() != Some(path) {
            self.order.retain(|other| other != path);
            self.order.push_back(path.clone());
        }
        Some(known)
    }

    fn put(&mut self, path: &Arc<str>, index: &Arc<Index>) {
        if self.by_path.insert(path.clone(), index.clone()).is_none() {
            self.order.push_back(path.clone());
            self.size += index.0.len();
        }
        while self.size > KEPT && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { break };
            let gone = self.by_path.remove(&oldest).map_or(0, |index| index.0.len());
            self.size -= gone;
        }
    }
}
