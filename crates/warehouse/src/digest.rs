//! What a counting finds in a sealed file, row by row, kept in memory. A file never changes, so what a row says to a
//! definition stays true of it; only the window, the node and the rows that went since differ between questions. Reading
//! and decoding columns is most of what a question costs: whoever asks again, after an event came or about another
//! window, does not pay for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::{Array, AsArray, BooleanArray, Float64Array, Int64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::execute_stream_partitioned;
use domain::catalogue::Tree;
use futures_util::StreamExt;
use metrics::Bucket;
use metrics::packed::Packed;
use metrics::query::{Counted, Counting, Whole};

use crate::engine::{self, Columns};
use crate::grounds::ByPlace;
use crate::lake::BaseFile;
use crate::snapshot::TableData;
use crate::summary::{self, Calendar, Summary};

/// Memory for all of them, in bytes: so much a sealed row, and at least and at most so much in all. Two years of ten
/// million deployments fit, added up, with the rows of their ends.
const A_ROW: usize = 6;
const LEAST: usize = 1 << 20;
const CAPACITY: usize = 288 << 20;
/// Bytes a row is expected to take before it is read: added up with others, or each alone.
pub(crate) const fn expected(summed: bool) -> usize {
    if summed { 5 } else { 14 }
}

/// The rows of one file that are of the population, in the order of the file.
pub(crate) struct Digest {
    /// Numbers of the places that occur.
    pub(crate) names: Vec<i64>,
    /// Which of them, by row.
    pub(crate) places: Numbers,
    /// When each is, in microseconds; none when nobody asks, because all are in the window and in one period of it.
    pub(crate) ats: Option<Vec<i64>>,
    /// By the names of their columns, as the statement has them: countings of other subjects may have the same statement.
    pub(crate) values: BTreeMap<String, Packed>,
    pub(crate) fates: BTreeMap<String, Vec<u8>>,
    /// Rows of the file, one bit each: whether it is one of these.
    wanted: Vec<u64>,
    len: usize,
}

/// Whole numbers that are mostly small.
pub(crate) enum Numbers {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

impl Numbers {
    pub(crate) fn get(&self, row: usize) -> usize {
        match self {
            Numbers::Narrow(numbers) => usize::from(numbers[row]),
            Numbers::Wide(numbers) => numbers[row] as usize,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Numbers::Narrow(numbers) => numbers.capacity() * 2,
            Numbers::Wide(numbers) => numbers.capacity() * 4,
        }
    }
}

impl Digest {
    /// Rows of the population.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(crate) fn of(
        names: Vec<i64>,
        places: Numbers,
        ats: Option<Vec<i64>>,
        values: BTreeMap<String, Packed>,
        fates: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let len = fates.values().map(Vec::len).max().unwrap_or(0);
        Digest { names, places, ats, values, fates, wanted: Vec::new(), len }
    }

    /// The values of a column.
    pub(crate) fn values_of(&self, name: &str) -> Result<&Packed> {
        self.values.get(name).ok_or_else(|| missing(name))
    }

    /// What became of rows, as numbers of a column.
    pub(crate) fn fates_of(&self, name: &str) -> Result<&[u8]> {
        self.fates.get(name).map(Vec::as_slice).ok_or_else(|| missing(name))
    }

    /// Which rows of the file these are.
    pub(crate) fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.wanted.iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    word as u32 * 64 + bit
                })
            })
        })
    }

    fn bytes(&self) -> usize {
        let values = self.values.values().map(Packed::bytes).sum::<usize>();
        let fates = self.fates.values().map(Vec::capacity).sum::<usize>();
        let ats = self.ats.as_ref().map_or(0, |ats| ats.capacity() * 8);
        self.places.bytes() + ats + self.wanted.capacity() * 8 + self.names.capacity() * 8 + values + fates
    }
}

fn missing(name: &str) -> DataFusionError {
    DataFusionError::Internal(format!("a digest without the column {name}"))
}

/// A digest while its rows come.
struct Making {
    names: ByPlace<u32>,
    places: Vec<u32>,
    ats: Option<Vec<i64>>,
    values: BTreeMap<String, Packed>,
    fates: BTreeMap<String, Vec<u8>>,
    wanted: Vec<u64>,
    read: usize,
}

impl Making {
    fn new(counting: &Counting, with_at: bool, rows: usize) -> Self {
        let values = counting.counted.iter().filter_map(|counted| counted.value.clone());
        let fates = counting.counted.iter().filter_map(|counted| Some(counted.fate.as_ref()?.0.clone()));
        Making {
            names: ByPlace::default(),
            places: Vec::new(),
            ats: with_at.then(Vec::new),
            values: values.map(|name| (name, Packed::default())).collect(),
            fates: fates.map(|name| (name, Vec::new())).collect(),
            wanted: vec![0; rows.div_ceil(64)],
            read: 0,
        }
    }

    fn add(&mut self, batch: &RecordBatch, counting: &Counting) -> Result<()> {
        let columns = Columns(batch);
        let wanted = columns.cast("wanted", &DataType::Boolean)?;
        let ats = columns.cast("at", &crate::tables::instant_type())?;
        let places = columns.cast("place", &DataType::Int64)?;
        let (wanted, places) = (wanted.as_boolean(), places.as_primitive::<Int64Type>());
        let ats = ats.as_primitive::<TimestampMicrosecondType>();
        // A row without an instant is in no window.
        let wanted: BooleanArray = (0..batch.num_rows())
            .map(|row| Some(wanted.is_valid(row) && wanted.value(row) && ats.is_valid(row)))
            .collect();
        for row in 0..batch.num_rows() {
            if wanted.value(row) {
                let at = self.read + row;
                self.wanted[at / 64] |= 1 << (at % 64);
                let next = self.names.len() as u32;
                self.places.push(*self.names.entry(places.value(row)).or_insert(next));
                if let Some(known) = &mut self.ats {
                    known.push(ats.value(row));
                }
            }
        }
        for counted in &counting.counted {
            self.add_found(batch, counted, &wanted)?;
        }
        self.read += batch.num_rows();
        Ok(())
    }

    fn done(mut self) -> Digest {
        let mut names = vec![0; self.names.len()];
        for (name, index) in &self.names {
            names[*index as usize] = *name;
        }
        let len = self.places.len();
        let places = if u16::try_from(names.len()).is_ok() {
            Numbers::Narrow(self.places.iter().map(|place| *place as u16).collect())
        } else {
            self.places.shrink_to_fit();
            Numbers::Wide(self.places)
        };
        self.ats.iter_mut().for_each(Vec::shrink_to_fit);
        self.values.values_mut().for_each(Packed::shrink);
        self.fates.values_mut().for_each(Vec::shrink_to_fit);
        Digest { names, places, ats: self.ats, values: self.values, fates: self.fates, wanted: self.wanted, len }
    }

    fn add_found(&mut self, batch: &RecordBatch, counted: &Counted, wanted: &BooleanArray) -> Result<()> {
        let rows = || (0..batch.num_rows()).filter(|row| wanted.value(*row));
        if let Some((name, known)) = counted.value.as_ref().and_then(|name| Some((name, self.values.get_mut(name)?))) {
            let values = Columns(batch).cast(name, &DataType::Float64)?;
            let values: &Float64Array = values.as_primitive::<Float64Type>();
            rows().for_each(|row| known.push(values.is_valid(row).then(|| values.value(row))));
        }
        if let Some((name, meanings)) = &counted.fate
            && let Some(known) = self.fates.get_mut(name)
        {
            let fates = Columns(batch).cast(name, &DataType::Int64)?;
            let fates: &Int64Array = fates.as_primitive::<Int64Type>();
            for row in rows() {
                let fate = u8::try_from(fates.value(row)).ok().filter(|fate| usize::from(*fate) < meanings.len());
                known.push(fate.ok_or_else(|| DataFusionError::Internal("a fate that means nothing".to_owned()))?);
            }
        }
        Ok(())
    }
}

/// What is asked of files.
#[derive(Clone)]
pub(crate) struct Asked {
    /// The table they belong to.
    pub(crate) data: Arc<TableData>,
    pub(crate) counting: Arc<Counting>,
    pub(crate) whole: Whole,
    pub(crate) runtime: Arc<RuntimeEnv>,
}

/// Reads a whole file for a counting.
async fn read(asked: &Asked, file: &Arc<BaseFile>, with_at: bool) -> Result<Digest> {
    let Asked { data, counting, whole, runtime } = asked;
    let alone = TableData::new(data.shape.clone(), vec![file.clone()]);
    let context = engine::in_order(Arc::new(alone), Arc::new(Tree::default()), runtime)?;
    let plan = engine::reading(&context, &whole.sql).await?.create_physical_plan().await?;
    let mut making = Making::new(counting, with_at, file.rows);
    // The parts of a file in their order: which row is which is told by counting.
    for mut part in execute_stream_partitioned(plan, context.task_ctx())? {
        while let Some(batch) = part.next().await {
            let batch = batch?;
            if making.read + batch.num_rows() > file.rows {
                return Err(strange(file));
            }
            making.add(&batch, counting)?;
        }
    }
    if making.read != file.rows {
        return Err(strange(file));
    }
    Ok(making.done())
}

fn strange(file: &BaseFile) -> DataFusionError {
    DataFusionError::Internal(format!("{} does not hold the rows its log tells of", file.full.display()))
}

/// Whose rows: a file, and what is asked of them.
type Name = (Arc<str>, Arc<str>, Form);

/// How rows are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// Each, perhaps with its instant.
    Rows { with_at: bool },
    /// Added up, by the periods of a calendar if there is one.
    Summed(Option<(Bucket, Arc<str>)>),
}

#[derive(Clone)]
enum What {
    Rows(Arc<Digest>),
    Summed(Arc<Summary>),
}

impl What {
    fn bytes(&self) -> usize {
        match self {
            What::Rows(digest) => digest.bytes(),
            What::Summed(summary) => summary.bytes(),
        }
    }
}

struct Known {
    what: What,
    bytes: usize,
    /// When it was used last, counted in questions.
    used: u64,
}

#[derive(Default)]
struct Kept {
    known: HashMap<Name, Known>,
    bytes: usize,
    questions: u64,
}

/// All that are kept: the least recently used go first, but never one that the present question uses as well.
#[derive(Default)]
pub(crate) struct Digests(Mutex<Kept>);

/// Digests as one question uses them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    question: u64,
    capacity: usize,
}

impl Turn {
    /// Whether so many bytes can be kept at all: what cannot is better read as it is needed.
    pub(crate) fn room_for(self, bytes: usize) -> bool {
        bytes <= self.capacity
    }
}

impl Digests {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A question begins, on so many sealed rows.
    pub(crate) fn turn(&self, sealed: usize) -> Turn {
        let mut kept = self.kept();
        kept.questions += 1;
        Turn { question: kept.questions, capacity: sealed.saturating_mul(A_ROW).clamp(LEAST, CAPACITY) }
    }

    fn known(&self, turn: Turn, name: &Name) -> Option<What> {
        let mut kept = self.kept();
        let known = kept.known.get_mut(name)?;
        known.used = turn.question;
        Some(known.what.clone())
    }

    fn known_rows(&self, turn: Turn, asked: &Asked, file: &BaseFile, with_at: bool) -> Option<Arc<Digest>> {
        let sql: Arc<str> = asked.whole.sql.as_str().into();
        // One with instants serves who needs none as well.
        for with_at in HashSet::from([with_at, true]) {
            if let Some(What::Rows(digest)) =
                self.known(turn, &(file.path.clone(), sql.clone(), Form::Rows { with_at }))
            {
                return Some(digest);
            }
        }
        None
    }

    /// What a counting finds in each row of a file.
    pub(crate) async fn rows(
        &self,
        turn: Turn,
        asked: &Asked,
        file: &Arc<BaseFile>,
        with_at: bool,
    ) -> Result<Arc<Digest>> {
        if let Some(known) = self.known_rows(turn, asked, file, with_at) {
            return Ok(known);
        }
        let digest = Arc::new(read(asked, file, with_at).await?);
        let name = (file.path.clone(), asked.whole.sql.as_str().into(), Form::Rows { with_at });
        self.keep(turn, name, What::Rows(digest.clone()));
        Ok(digest)
    }

    /// What a counting finds in a file whose rows lie between two instants, added up.
    pub(crate) async fn summed(
        &self,
        turn: Turn,
        asked: &Asked,
        file: &Arc<BaseFile>,
        span: (i64, i64),
        calendar: Option<&Calendar>,
    ) -> Result<Arc<Summary>> {
        let form = Form::Summed(calendar.map(|calendar| (calendar.bucket, calendar.name.clone())));
        let name = (file.path.clone(), summary::name(&asked.whole.sql, &asked.counting), form);
        if let Some(What::Summed(known)) = self.known(turn, &name) {
            return Ok(known);
        }
        let begins = summary::begins(calendar, span);
        let with_at = begins.len() > 1;
        let digest = match self.known_rows(turn, asked, file, with_at) {
            Some(known) => known,
            None => Arc::new(read(asked, file, with_at).await?),
        };
        let summary = Arc::new(Summary::new(&digest, &asked.counting, &begins)?);
        self.keep(turn, name, What::Summed(summary.clone()));
        Ok(summary)
    }

    fn keep(&self, turn: Turn, name: Name, what: What) {
        let bytes = what.bytes();
        let mut kept = self.kept();
        while kept.bytes + bytes > turn.capacity {
            let oldest =
                kept.known.iter().filter(|(_, known)| known.used < turn.question).min_by_key(|(_, known)| known.used);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { return };
            kept.bytes -= kept.known.remove(&oldest).map_or(0, |known| known.bytes);
        }
        kept.bytes += bytes;
        let known = Known { what, bytes, used: turn.question };
        if let Some(before) = kept.known.insert(name, known) {
            kept.bytes -= before.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_file_are_those_whose_bit_is_set() {
        let digest = Digest {
            names: Vec::new(),
            places: Numbers::Narrow(Vec::new()),
            ats: None,
            values: BTreeMap::new(),
            fates: BTreeMap::new(),
            wanted: vec![0b101, 0, 1 << 63],
            len: 3,
        };
        assert_eq!(digest.rows().collect::<Vec<_>>(), [0, 2, 191]);
    }

    #[test]
    fn what_was_used_longest_ago_goes_first_and_nothing_of_the_present_question() {
        let digests = Digests::default();
        let of = |bytes: usize| {
            Arc::new(Digest {
                names: Vec::new(),
                places: Numbers::Narrow(Vec::new()),
                ats: Some(Vec::with_capacity(bytes / 8)),
                values: BTreeMap::new(),
                fates: BTreeMap::new(),
                wanted: Vec::new(),
                len: 0,
            })
        };
        let name = |file: &str| (Arc::from(file), Arc::from("SELECT"), Form::Rows { with_at: true });
        let half = || What::Rows(of(CAPACITY / 2));
        let (first, second) = (digests.turn(CAPACITY), digests.turn(CAPACITY));
        digests.keep(first, name("a"), half());
        digests.keep(second, name("b"), half());
        let third = digests.turn(CAPACITY);
        digests.keep(third, name("c"), half());
        digests.keep(third, name("d"), half());
        // Neither `c` nor `d` may go for it.
        digests.keep(third, name("e"), half());
        let mut left: Vec<_> = digests.kept().known.keys().map(|(file, ..)| file.to_string()).collect();
        left.sort();
        assert_eq!(left, ["c", "d"]);
        assert_eq!(digests.kept().bytes, CAPACITY);
        // Of few rows little is kept.
        let few = digests.turn(1_000);
        assert!(few.room_for(LEAST) && !few.room_for(LEAST + 1));
    }
}
