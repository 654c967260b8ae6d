//! When something was first deployed at each place. Whether a node has ever deployed is asked with every frequency; reading
//! all deployments ever for it would make the cost of a question that of the history. Files never change, so what is
//! first in one is found once.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::{Array, AsArray, BooleanArray, Int64Array, PrimitiveArray, StringArray};
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use domain::definition::{Definition, Population};
use domain::metric::Metric;
use roaring::RoaringBitmap;

use crate::grounds::ByPlace;
use crate::lake::{BaseFile, external};
use crate::snapshot::TableData;

/// Which deployments count as one: what `metrics::query::firsts` says in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Of(Population),
    /// Production, succeeded: also of configuration only.
    Succeeded,
}

impl Kind {
    pub(crate) fn new(definition: &Definition, metric: Metric) -> Self {
        if metric == Metric::ConfigDeploymentFrequency { Kind::Succeeded } else { Kind::Of(definition.population) }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Kind::Of(Population::Counted) => &["place", "finished_at", "counted"],
            Kind::Of(Population::EveryProduction) | Kind::Succeeded => {
                &["place", "finished_at", "production", "status"]
            }
            Kind::Of(Population::Attempts) => &["place", "finished_at", "production", "status", "kind"],
        }
    }
}

/// The columns of some deployments that say whether they count.
struct Rows<'a> {
    kind: Kind,
    places: &'a Int64Array,
    ends: &'a PrimitiveArray<TimestampMicrosecondType>,
    flags: &'a BooleanArray,
    statuses: Option<&'a StringArray>,
    kinds: Option<&'a StringArray>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a RecordBatch, kind: Kind) -> Result<Self> {
        let missing = |name: &str| DataFusionError::Internal(format!("deployments without the column {name}"));
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| missing(name));
        let flag = if kind == Kind::Of(Population::Counted) { "counted" } else { "production" };
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        Ok(Rows {
            kind,
            places: column("place")?.as_primitive_opt::<Int64Type>().ok_or_else(|| missing("place"))?,
            ends: column("finished_at")?.as_primitive_opt().ok_or_else(|| missing("finished_at"))?,
            flags: column(flag)?.as_boolean_opt().ok_or_else(|| missing(flag))?,
            statuses: text("status"),
            kinds: text("kind"),
        })
    }

    /// Place and end of a row that counts.
    fn get(&self, row: usize) -> Option<(i64, i64)> {
        if !self.flags.value(row) || self.ends.is_null(row) {
            return None;
        }
        let text = |column: Option<&'a StringArray>| column.map_or("", |column| column.value(row));
        let counts = match self.kind {
            Kind::Of(Population::Counted) => true,
            Kind::Of(Population::EveryProduction) => text(self.statuses) != "in_progress",
            Kind::Of(Population::Attempts) => {
                matches!(text(self.statuses), "succeeded" | "failed") && text(self.kinds) != "config"
            }
            Kind::Succeeded => text(self.statuses) == "succeeded",
        };
        counts.then(|| (self.places.value(row), self.ends.value(row)))
    }
}

/// The first of each place in one file, and which row it is.
type InFile = ByPlace<(i64, u32)>;

fn read(file: &BaseFile, kind: Kind, without: Option<&RoaringBitmap>) -> Result<InFile> {
    let failed = |error: &dyn std::fmt::Display| external("cannot read the deployments of", &file.full, error);
    let opened = File::open(&file.full).map_err(|error| failed(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(&error))?;
    let mask = ProjectionMask::columns(reader.parquet_schema(), kind.columns().iter().copied());
    let mut firsts = InFile::default();
    let mut start = 0_u32;
    for batch in reader.with_projection(mask).build().map_err(|error| failed(&error))? {
        let batch = batch?;
        let rows = Rows::of(&batch, kind)?;
        for row in 0..batch.num_rows() {
            let at = start + row as u32;
            if let Some((place, end)) = rows.get(row)
                && without.is_none_or(|gone| !gone.contains(at))
            {
                let first = firsts.entry(place).or_insert((end, at));
                *first = (*first).min((end, at));
            }
        }
        start += batch.num_rows() as u32;
    }
    Ok(firsts)
}

/// Over all files: the first of each place, in which of them, and which row.
type Merged = ByPlace<(i64, usize, u32)>;

/// What is known of files.
#[derive(Default)]
pub(crate) struct Firsts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    in_files: HashMap<(Arc<str>, Kind), Arc<InFile>>,
    merged: HashMap<Kind, (Vec<Arc<str>>, Arc<Merged>)>,
}

impl Firsts {
    /// The end of the first deployment at each place.
    pub(crate) fn of(&self, data: &TableData, kind: Kind) -> Result<ByPlace<i64>> {
        let merged = self.merged(data, kind)?;
        let gone = |file: usize| data.gone.get(&data.base[file].path);
        let mut firsts = ByPlace::default();
        let mut unsure = Vec::new();
        for (place, (at, file, row)) in merged.iter() {
            if gone(*file).is_some_and(|gone| gone.contains(*row)) {
                unsure.push(*place);
            } else {
                firsts.insert(*place, *at);
            }
        }
        for bucket in data.products.values().flat_map(|months| months.values()) {
            let rows = Rows::of(&bucket.batch, kind)?;
            for (place, end) in (0..bucket.batch.num_rows()).filter_map(|row| rows.get(row)) {
                let first = firsts.entry(place).or_insert(end);
                *first = end.min(*first);
            }
        }
        self.without_gone(data, kind, &unsure, &mut firsts)?;
        Ok(firsts)
    }

    /// Places whose first deployment of all files changed or went since: what is first of the others.
    fn without_gone(&self, data: &TableData, kind: Kind, unsure: &[i64], firsts: &mut ByPlace<i64>) -> Result<()> {
        if unsure.is_empty() {
            return Ok(());
        }
        let mut doubtful = Vec::new();
        for file in &data.base {
            let known = self.in_file(file, kind)?;
            let gone = data.gone.get(&file.path);
            for place in unsure {
                let Some((at, row)) = known.get(place).copied() else { continue };
                if gone.is_some_and(|gone| gone.contains(row)) {
                    doubtful.push((*place, at, file));
                } else {
                    let first = firsts.entry(*place).or_insert(at);
                    *first = at.min(*first);
                }
            }
        }
        // A file whose first went can hold an earlier one than what is known only if that first was earlier.
        doubtful.retain(|(place, at, _)| firsts.get(place).is_none_or(|first| at < first));
        let mut read_again: HashMap<&str, InFile> = HashMap::new();
        for (place, _, file) in doubtful {
            if !read_again.contains_key(&*file.path) {
                let gone = data.gone.get(&file.path).map(AsRef::as_ref);
                read_again.insert(&file.path, read(file, kind, gone)?);
            }
            if let Some((at, _)) = read_again.get(&*file.path).and_then(|found| found.get(&place)) {
                let first = firsts.entry(place).or_insert(*at);
                *first = (*at).min(*first);
            }
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_file(&self, file: &BaseFile, kind: Kind) -> Result<Arc<InFile>> {
        let key = (file.path.clone(), kind);
        if let Some(known) = self.kept().in_files.get(&key) {
            return Ok(known.clone());
        }
        let found = Arc::new(read(file, kind, None)?);
        self.kept().in_files.insert(key, found.clone());
        Ok(found)
    }

    fn merged(&self, data: &TableData, kind: Kind) -> Result<Arc<Merged>> {
        let paths: Vec<Arc<str>> = data.base.iter().map(|file| file.path.clone()).collect();
        if let Some((of, merged)) = self.kept().merged.get(&kind)
            && *of == paths
        {
            return Ok(merged.clone());
        }
        let mut merged = Merged::default();
        for (index, file) in data.base.iter().enumerate() {
            for (place, (at, row)) in self.in_file(file, kind)?.iter() {
                let first = merged.entry(*place).or_insert((*at, index, *row));
                *first = (*first).min((*at, index, *row));
            }
        }
        let merged = Arc::new(merged);
        let mut kept = self.kept();
        kept.in_files.retain(|(path, _), _| paths.contains(path));
        kept.merged.insert(kind, (paths, merged.clone()));
        Ok(merged)
    }
}
