//! Rows in memory in buckets by product and month, over sealed files, and the snapshots that queries pin.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

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
use domain::time::Month;
use roaring::RoaringBitmap;

use crate::firsts::Kind;
use crate::grounds::Grounds;
use crate::kept::Kept;
use crate::lake::{BaseFile, Filed, Keys};
use crate::tables::Table;
use crate::tables::places::Places;

/// Identity of a row's owner: source and id.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// A product (empty for none) and the month its rows are filed under.
pub(crate) type Place = (Arc<str>, Filed);

/// The place of a row.
pub(crate) fn place(product: &str, at: Option<Timestamp>) -> Place {
    (product.into(), at.map(Month::of))
}

/// What is the same for every state of a table.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// Columns of the rows, without the dimensions.
    pub(crate) schema: SchemaRef,
    /// The column of the instant by which rows are found.
    pub(crate) at: &'static str,
    /// The column that, with `source`, names whose rows they are.
    key: &'static str,
    /// Columns that, with product and instant, order rows.
    ties: &'static [&'static str],
}

impl Shape {
    pub(crate) fn new<R>(table: &Table<R>, ties: &'static [&'static str]) -> Self {
        let schema = table.schema().clone();
        Shape { name: table.name, doc: table.doc(), schema, at: table.at, key: table.key, ties }
    }

    /// Columns that order the rows of a product.
    pub(crate) fn order(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.at).chain(self.ties.iter().copied())
    }
}

/// Rows of one product and month, sorted by instant and identity.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) batch: RecordBatch,
    /// First and last instant; none when some row has none.
    pub(crate) span: Option<(i64, i64)>,
    bytes: usize,
}

type Months = BTreeMap<Filed, Arc<Bucket>>;

/// One table as it is in a snapshot: sealed files without the rows that are gone, and rows in memory. Cloning shares
/// every file and bucket.
#[derive(Clone, Debug)]
pub(crate) struct TableData {
    pub(crate) shape: Arc<Shape>,
    /// Rows in memory.
    pub(crate) products: BTreeMap<Arc<str>, Arc<Months>>,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    /// Sealed files.
    pub(crate) base: Vec<Arc<BaseFile>>,
    /// Rows of sealed files that changed or are no longer, by the file's path.
    pub(crate) gone: HashMap<Arc<str>, Arc<RoaringBitmap>>,
}

impl TableData {
    pub(crate) fn new(shape: Arc<Shape>, base: Vec<Arc<BaseFile>>) -> Self {
        TableData { shape, products: BTreeMap::new(), rows: 0, bytes: 0, base, gone: HashMap::new() }
    }

    /// Rows that queries see.
    pub(crate) fn live(&self) -> usize {
        let sealed: usize = self.base.iter().map(|file| file.rows).sum();
        let gone: u64 = self.gone.values().map(|rows| rows.len()).sum();
        self.rows + sealed - usize::try_from(gone).unwrap_or(0)
    }

    /// The last instant of a row, of those whose instant is known of all rows beside them.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        let sealed = self.base.iter().filter_map(|file| file.span);
        let fresh = self.products.values().flat_map(|months| months.values()).filter_map(|bucket| bucket.span);
        sealed.chain(fresh).map(|(_, last)| Timestamp::from_micros(last)).max()
    }

    /// Rows that may be of an instant or later: those in memory, and those of files that are not all before it.
    pub(crate) fn rows_since(&self, at: Timestamp) -> usize {
        let later = |file: &&Arc<BaseFile>| file.span.is_none_or(|(_, last)| last >= at.micros());
        self.rows + self.base.iter().filter(later).map(|file| file.rows).sum::<usize>()
    }

    fn get(&self, place: &Place) -> Option<&Arc<Bucket>> {
        self.products.get(&place.0)?.get(&place.1)
    }

    fn put(&mut self, place: &Place, bucket: Option<Bucket>) {
        let size = |bucket: &Bucket| (bucket.batch.num_rows(), bucket.bytes);
        let before = self.get(place).map_or((0, 0), |bucket| size(bucket));
        let after = bucket.as_ref().map_or((0, 0), size);
        self.rows = self.rows - before.0 + after.0;
        self.bytes = self.bytes - before.1 + after.1;
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

    /// Whether there is anything of months before one.
    pub(crate) fn has_before(&self, first: Month) -> bool {
        let old = |month: &Filed| month.is_some_and(|month| month < first);
        self.base.iter().any(|file| old(&file.month)) || self.products.values().any(|months| months.keys().any(&old))
    }

    /// Forgets everything of months before one.
    pub(crate) fn drop_before(&mut self, first: Month) {
        let old = |month: &Filed| month.is_some_and(|month| month < first);
        let products = self.products.iter();
        let places: Vec<Place> = products
            .flat_map(|(product, months)| months.keys().map(move |month| (product.clone(), *month)))
            .filter(|(_, month)| old(month))
            .collect();
        for place in &places {
            self.put(place, None);
        }
        self.base.retain(|file| !old(&file.month));
        let left: HashSet<&Arc<str>> = self.base.iter().map(|file| &file.path).collect();
        self.gone.retain(|path, _| left.contains(path));
    }

    /// Hides the sealed rows of these keys, each in the months it may be filed under.
    fn hide<'k>(&mut self, keys: &Keys, of: impl IntoIterator<Item = (&'k Key, Filed)>) -> Result<()> {
        if self.base.is_empty() {
            return Ok(());
        }
        let mut by_month: HashMap<Filed, Vec<&Key>> = HashMap::new();
        for (key, month) in of {
            by_month.entry(month).or_default().push(key);
        }
        for file in &self.base {
            let Some(wanted) = by_month.get(&file.month) else { continue };
            let rows = keys.find(file, self.shape.key, wanted.iter().copied())?;
            if !rows.is_empty() {
                *Arc::make_mut(self.gone.entry(file.path.clone()).or_default()) |= rows;
            }
        }
        Ok(())
    }
}

/// What the writer knows of a table besides its snapshot: where the rows of each key in memory stand.
pub(crate) struct Writer<R> {
    table: Table<R>,
    shape: Arc<Shape>,
    index: HashMap<Key, Place>,
    /// While memory is being sealed: what came since, with the months it was or is filed under.
    since: Option<HashMap<Key, BTreeSet<Filed>>>,
}

/// New rows of one key; none take the key's rows away.
pub(crate) struct Put<R> {
    pub(crate) key: Key,
    pub(crate) place: Place,
    pub(crate) rows: Vec<R>,
    /// Further months under which the key was filed before.
    pub(crate) also: Vec<Filed>,
}

impl<R> Writer<R> {
    pub(crate) fn new(table: Table<R>, ties: &'static [&'static str]) -> Self {
        let shape = Shape::new(&table, ties);
        Writer { table, shape: Arc::new(shape), index: HashMap::new(), since: None }
    }

    pub(crate) fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Replaces the rows of each key and rebuilds the buckets touched. Of two puts of one key the last counts.
    pub(crate) fn apply(&mut self, data: Option<&mut TableData>, puts: Vec<Put<R>>, keys: &Keys) -> Result<()> {
        let Some(data) = data else { return Ok(()) };
        let mut last: HashMap<Key, Put<R>> = HashMap::with_capacity(puts.len());
        for put in puts {
            last.insert(put.key.clone(), put);
        }
        let mut touched: BTreeMap<Place, (HashSet<Key>, Vec<R>)> = BTreeMap::new();
        let mut moves = Vec::with_capacity(last.len());
        let mut filed: Vec<(Key, Filed)> = Vec::with_capacity(last.len());
        for (key, put) in last {
            if let Some(old) = self.index.get(&key) {
                touched.entry(old.clone()).or_default().0.insert(key.clone());
                filed.push((key.clone(), old.1));
            }
            filed.extend(put.also.iter().map(|month| (key.clone(), *month)));
            let place = (!put.rows.is_empty()).then(|| put.place.clone());
            if let Some(place) = &place {
                filed.push((key.clone(), place.1));
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
        data.hide(keys, filed.iter().map(|(key, month)| (key, *month)))?;
        for (place, bucket) in rebuilt {
            data.put(&place, bucket);
        }
        if let Some(since) = &mut self.since {
            for (key, month) in filed {
                since.entry(key).or_default().insert(month);
            }
        }
        for (key, place) in moves {
            match place {
                Some(place) => self.index.insert(key, place),
                None => self.index.remove(&key),
            };
        }
        Ok(())
    }

    /// Rows in the order of the base; none for none.
    pub(crate) fn sorted(&self, rows: &[R]) -> Result<Option<RecordBatch>> {
        Ok(self.bucket(&self.table.batch(rows)?)?.map(|bucket| bucket.batch))
    }

    fn rebuild(&self, old: Option<&Arc<Bucket>>, gone: &HashSet<Key>, rows: &[R]) -> Result<Option<Bucket>> {
        let mut batches = Vec::with_capacity(2);
        if let Some(old) = old {
            let gone = named(gone);
            batches.push(filtered(&old.batch, self.shape.key, |key| !gone.contains(key))?);
        }
        if !rows.is_empty() {
            batches.push(self.table.batch(rows)?);
        }
        let batch = concat_batches(self.table.schema(), &batches)?;
        self.bucket(&batch)
    }

    fn bucket(&self, batch: &RecordBatch) -> Result<Option<Bucket>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let columns: Vec<SortColumn> = self
            .shape
            .order()
            .filter_map(|name| Some(SortColumn { values: batch.column_by_name(name)?.clone(), options: None }))
            .collect();
        let batch = take_record_batch(batch, &lexsort_to_indices(&columns, None)?)?;
        let span = span(&batch, self.table.at);
        let bytes = batch.get_array_memory_size();
        Ok(Some(Bucket { batch, span, bytes }))
    }
}

/// The side of a writer that does not care what its rows are.
pub(crate) trait Sealed {
    fn name(&self) -> &'static str;
    /// From here on, what comes is noted: it is not in what is being sealed.
    fn note(&mut self);
    /// Sealing came to nothing.
    fn forget(&mut self);
    /// Memory as it is once what was pinned is in these files: only what came since the note.
    fn after(&self, data: &TableData, files: Vec<Arc<BaseFile>>, keys: &Keys) -> Result<TableData>;
    /// Takes `after` as what is there.
    fn settle(&mut self);
}

impl<R> Sealed for Writer<R> {
    fn name(&self) -> &'static str {
        self.shape.name
    }

    fn note(&mut self) {
        self.since = Some(HashMap::new());
    }

    fn forget(&mut self) {
        self.since = None;
    }

    fn after(&self, data: &TableData, files: Vec<Arc<BaseFile>>, keys: &Keys) -> Result<TableData> {
        let mut after = TableData::new(self.shape.clone(), files);
        let Some(since) = &self.since else { return Ok(after) };
        let mut places: BTreeMap<&Place, Vec<&Key>> = BTreeMap::new();
        for key in since.keys() {
            if let Some(place) = self.index.get(key) {
                places.entry(place).or_default().push(key);
            }
        }
        for (place, wanted) in places {
            if let Some(bucket) = data.get(place) {
                let wanted = named(wanted);
                let kept = filtered(&bucket.batch, self.shape.key, |key| wanted.contains(key))?;
                after.put(place, self.bucket(&kept)?);
            }
        }
        after.hide(keys, since.iter().flat_map(|(key, months)| months.iter().map(move |month| (key, *month))))?;
        Ok(after)
    }

    fn settle(&mut self) {
        if let Some(since) = self.since.take() {
            self.index.retain(|key, _| since.contains_key(key));
            self.index.shrink_to_fit();
        }
    }
}

/// The rows whose source and key are wanted.
fn filtered(batch: &RecordBatch, key: &str, wanted: impl Fn(&(&str, &str)) -> bool) -> Result<RecordBatch> {
    let (Some(sources), Some(ids)) = (batch.column_by_name("source"), batch.column_by_name(key)) else {
        return Ok(batch.clone());
    };
    let (sources, ids) = (sources.as_string::<i32>(), ids.as_string::<i32>());
    let stays: BooleanArray =
        (0..batch.num_rows()).map(|row| Some(wanted(&(sources.value(row), ids.value(row))))).collect();
    Ok(filter_record_batch(batch, &stays)?)
}

fn named<'k>(keys: impl IntoIterator<Item = &'k Key>) -> HashSet<(&'k str, &'k str)> {
    keys.into_iter().map(|(source, id)| (&**source, &**id)).collect()
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
    /// The change number of the store up to which everything is in.
    pub(crate) change: u64,
    pub(crate) tree: Arc<Tree>,
    /// By name.
    pub(crate) tables: BTreeMap<&'static str, Arc<TableData>>,
    /// What the rows of all tables name.
    pub(crate) places: Arc<Places>,
    /// Months before which tables have no rows.
    pub(crate) kept: Arc<Kept>,
    /// The session that sees this snapshot, made when first asked.
    pub(crate) session: OnceLock<SessionContext>,
    /// Where its rows stand, made when first asked; and where those of the one before stood.
    pub(crate) grounds: OnceLock<Arc<Grounds>>,
    pub(crate) grounds_before: Option<Arc<Grounds>>,
    /// First deployments by stand, found when first asked for.
    pub(crate) firsts: Mutex<HashMap<Kind, Arc<Vec<i64>>>>,
}

impl Snapshot {
    /// The next one, to be changed before it is published.
    pub(crate) fn next(&self) -> Self {
        Snapshot {
            number: self.number + 1,
            change: self.change,
            tree: self.tree.clone(),
            tables: self.tables.clone(),
            places: self.places.clone(),
            kept: self.kept.clone(),
            session: OnceLock::new(),
            grounds: OnceLock::new(),
            grounds_before: self.grounds.get().or(self.grounds_before.as_ref()).cloned(),
            firsts: Mutex::default(),
        }
    }

    /// Where its rows stand.
    pub(crate) fn grounds(&self) -> Arc<Grounds> {
        let before = || self.grounds_before.clone().filter(|before| before.of(&self.tree, &self.places));
        let make = || before().unwrap_or_else(|| Arc::new(Grounds::new(&self.tree, &self.places)));
        self.grounds.get_or_init(make).clone()
    }

    /// Rows of a table that queries see.
    pub(crate) fn live(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, |data| data.live())
    }
}
