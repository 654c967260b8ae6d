//! Runs the queries that count, and counts their rows while they come: each partition on a thread of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Float64Array, Int64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream_partitioned};
use futures_util::StreamExt;
use metrics::query::{Counted, Counting, Subject};
use metrics::tally::{Bunch, Fate};
use metrics::{Bucket, Layout, Tally};
use roaring::RoaringBitmap;

use crate::digest::{self, Asked, Digest, Turn};
use crate::engine::{self, Columns};
use crate::grounds::Grounds;
use crate::lake::BaseFile;
use crate::snapshot::Snapshot;
use crate::summary::{Calendar, Summary};
use crate::warehouse::Warehouse;

/// A row that is none of the node's.
const NOWHERE: u32 = u32::MAX;

/// How rows are told apart, whatever the query.
pub(crate) struct Counter {
    pub(crate) grounds: Arc<Grounds>,
    /// Which stands count; none for all of them.
    pub(crate) mask: Option<Vec<bool>>,
    /// First instants of the periods, in microseconds; empty without a series.
    pub(crate) periods: Vec<i64>,
    /// Whose periods they are.
    pub(crate) calendar: Option<Calendar>,
    /// First instant of the window and the one after its last.
    pub(crate) window: (i64, i64),
    /// How the series of each subject is laid out.
    pub(crate) layouts: BTreeMap<Subject, Layout>,
}

/// What was counted for each subject.
pub(crate) type Tallies = BTreeMap<Subject, Tally>;

/// Where rows are read.
pub(crate) struct Reading<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) session: &'a SessionContext,
    /// Whether the question is about few of the rows: they are read faster than files are looked through.
    pub(crate) narrow: bool,
}

/// Runs the queries one after the other: each is spread over all threads there are.
pub(crate) async fn gather(reading: &Reading<'_>, counter: Arc<Counter>, countings: Vec<Counting>) -> Result<Tallies> {
    let sealed = reading.snapshot.tables.values().flat_map(|data| &data.base).map(|file| file.rows).sum();
    let turn = reading.warehouse.digests.turn(sealed);
    let mut tallies = Tallies::new();
    for counting in countings {
        let counting = Arc::new(counting);
        let counted = match files_of(reading, turn, &counter, &counting) {
            Some(files) => from_digests(reading, turn, &counter, &counting, files).await?,
            None => run(reading.session, &counter, &counting).await?,
        };
        for (subject, tally) in counting.counted.iter().map(|counted| counted.subject).zip(counted) {
            match tallies.get_mut(&subject) {
                Some(known) => known.merge(tally),
                None => drop(tallies.insert(subject, tally)),
            }
        }
    }
    Ok(tallies)
}

async fn run(session: &SessionContext, counter: &Arc<Counter>, counting: &Arc<Counting>) -> Result<Vec<Tally>> {
    let plan = engine::reading(session, &counting.sql).await?.create_physical_plan().await?;
    let mut tasks = tokio::task::JoinSet::new();
    for stream in execute_stream_partitioned(plan, session.task_ctx())? {
        tasks.spawn(count_all(stream, counter.clone(), counting.clone()));
    }
    let whole = merged(tasks).await?;
    Ok(whole.unwrap_or_else(|| counter.tallies(counting)))
}

async fn merged(mut tasks: tokio::task::JoinSet<Result<Vec<Tally>>>) -> Result<Option<Vec<Tally>>> {
    let mut whole: Option<Vec<Tally>> = None;
    while let Some(done) = tasks.join_next().await {
        let part = done.map_err(|error| DataFusionError::External(error.into()))??;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.iter_mut().zip(part).for_each(|(mine, theirs)| mine.merge(theirs)),
        }
    }
    Ok(whole)
}

/// What is needed of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Its rows added up: they lie between these instants, which are in the window, and none is gone.
    Sums(i64, i64),
    /// Each row, perhaps with its instant.
    Rows { with_at: bool },
}

type Files = Vec<(Arc<BaseFile>, Need)>;

/// Files with rows in the window; none when the rows are better read by the statement.
fn files_of(reading: &Reading<'_>, turn: Turn, counter: &Counter, counting: &Counting) -> Option<Files> {
    let whole = counting.whole.as_ref().filter(|_| !reading.narrow)?;
    let data = reading.snapshot.tables.get(whole.table.as_str())?;
    let (from, to) = counter.window;
    let by_span = data.shape.at == whole.at;
    let span = |file: &BaseFile| file.span.filter(|_| by_span);
    let files = data.base.iter().filter(|file| span(file).is_none_or(|(first, last)| last >= from && first < to));
    let complete = |file: &BaseFile| data.gone.get(&file.path).is_none_or(|gone| gone.is_empty());
    let need = |file: &BaseFile| match span(file).filter(|(first, last)| *first >= from && *last < to) {
        Some((first, last)) if complete(file) && counter.adds_up() => Need::Sums(first, last),
        Some((first, last)) => Need::Rows { with_at: counter.period(first) != counter.period(last) },
        None => Need::Rows { with_at: true },
    };
    let files: Files = files.map(|file| (file.clone(), need(file))).collect();
    let bytes = |(file, need): &(Arc<BaseFile>, Need)| file.rows * digest::expected(matches!(need, Need::Sums(..)));
    (turn.room_for(files.iter().map(bytes).sum()) && !files.is_empty()).then_some(files)
}

/// Counts sealed rows by what is known of their files, and those in memory by the statement.
async fn from_digests(
    reading: &Reading<'_>,
    turn: Turn,
    counter: &Arc<Counter>,
    counting: &Arc<Counting>,
    files: Files,
) -> Result<Vec<Tally>> {
    let Some((whole, data)) =
        counting.whole.as_ref().and_then(|whole| Some((whole, reading.snapshot.tables.get(whole.table.as_str())?)))
    else {
        return run(reading.session, counter, counting).await;
    };
    let fresh = async {
        if data.rows == 0 {
            return Ok(counter.tallies(counting));
        }
        let session = engine::fresh(data, &reading.snapshot.tree, &reading.warehouse.runtime)?;
        run(&session, counter, counting).await
    };
    let mut tallies = fresh.await?;
    let mut tasks = tokio::task::JoinSet::new();
    for some in shares(files) {
        let (counter, digests) = (counter.clone(), reading.warehouse.digests.clone());
        let asked = Asked {
            data: data.clone(),
            counting: counting.clone(),
            whole: whole.clone(),
            runtime: reading.warehouse.runtime.clone(),
        };
        tasks.spawn(async move {
            let mut tallies = counter.tallies(&asked.counting);
            for (file, need) in some {
                match need {
                    Need::Sums(first, last) => {
                        let calendar = counter.calendar.as_ref();
                        let summary = digests.summed(turn, &asked, &file, (first, last), calendar).await?;
                        counter.count_summary(&summary, &asked.counting, &mut tallies)?;
                    }
                    Need::Rows { with_at } => {
                        let digest = digests.rows(turn, &asked, &file, with_at).await?;
                        let gone = asked.data.gone.get(&file.path).map(AsRef::as_ref);
                        counter.count_digest(&digest, &file, gone, &asked.counting, &mut tallies)?;
                    }
                }
            }
            Ok(tallies)
        });
    }
    if let Some(sealed) = merged(tasks).await? {
        tallies.iter_mut().zip(sealed).for_each(|(mine, theirs)| mine.merge(theirs));
    }
    Ok(tallies)
}

/// Two shares of about as many rows.
fn shares(mut files: Files) -> [Files; 2] {
    files.sort_by_key(|(file, _)| std::cmp::Reverse(file.rows));
    let mut shares = [Files::new(), Files::new()];
    let mut rows = [0; 2];
    for file in files {
        let to = usize::from(rows[1] < rows[0]);
        rows[to] += file.0.rows;
        shares[to].push(file);
    }
    shares
}

async fn count_all(
    mut stream: SendableRecordBatchStream,
    counter: Arc<Counter>,
    counting: Arc<Counting>,
) -> Result<Vec<Tally>> {
    let mut tallies = counter.tallies(&counting);
    while let Some(batch) = stream.next().await {
        counter.count(&batch?, &counting, &mut tallies)?;
    }
    Ok(tallies)
}

impl Counter {
    fn tallies(&self, counting: &Counting) -> Vec<Tally> {
        let of = |counted: &Counted| {
            let layout = self.layouts.get(&counted.subject).cloned().unwrap_or(Layout::None);
            Tally::new(counted.carried, self.grounds.forest.len(), layout)
        };
        counting.counted.iter().map(of).collect()
    }

    fn count(&self, batch: &RecordBatch, counting: &Counting, tallies: &mut [Tally]) -> Result<()> {
        let mut stands = if counting.placed { self.placed(batch)? } else { self.named(batch)? };
        if let Some(mask) = &self.mask {
            stands.iter_mut().filter(|stand| !mask[**stand as usize]).for_each(|stand| *stand = NOWHERE);
        }
        let periods = if self.periods.is_empty() { Vec::new() } else { self.periods_of(batch)? };
        for (counted, tally) in counting.counted.iter().zip(tallies) {
            count_one(batch, counted, &stands, &periods, tally)?;
        }
        Ok(())
    }

    /// The period an instant lies in.
    fn period(&self, at: i64) -> usize {
        self.periods.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Whether rows are added up by period: days and weeks are so short that little would be added.
    fn adds_up(&self) -> bool {
        !matches!(self.calendar, Some(Calendar { bucket: Bucket::Day | Bucket::Week, .. }))
    }

    /// The stands of places, by their numbers.
    fn stands_of(&self, places: &[i64]) -> Result<Vec<u32>> {
        let stand = |place: &i64| {
            let stand = *self.grounds.by_place.get(place).ok_or_else(|| strange(&place.to_string()))?;
            Ok(if self.mask.as_ref().is_none_or(|mask| mask[stand as usize]) { stand } else { NOWHERE })
        };
        places.iter().map(stand).collect()
    }

    /// As [`Counter::count`], for a sealed file whose rows are in the window and none of which is gone.
    fn count_summary(&self, summary: &Summary, counting: &Counting, tallies: &mut [Tally]) -> Result<()> {
        let by_name = self.stands_of(&summary.names)?;
        for ((counted, found), tally) in counting.counted.iter().zip(&summary.found).zip(tallies) {
            tally.hold(found.values.clone());
            let fates = counted.fate.as_ref().map_or([Fate::Used].as_slice(), |(_, fates)| fates.as_slice());
            for (index, group) in summary.groups.iter().enumerate() {
                let stand = by_name[group.name as usize];
                if stand != NOWHERE {
                    tally.bunch(&Bunch {
                        stand: stand as usize,
                        period: self.period(group.at),
                        rows: found.rows(index),
                        fates,
                        sum: found.sum(index),
                        values: found.values(index),
                    });
                }
            }
        }
        Ok(())
    }

    /// As [`Counter::count`], for the rows of a sealed file that are not gone.
    fn count_digest(
        &self,
        digest: &Digest,
        file: &BaseFile,
        gone: Option<&RoaringBitmap>,
        counting: &Counting,
        tallies: &mut [Tally],
    ) -> Result<()> {
        let by_name = self.stands_of(&digest.names)?;
        let mut stands: Vec<u32> = (0..digest.len()).map(|row| by_name[digest.places.get(row)]).collect();
        let mut periods = Vec::new();
        match &digest.ats {
            Some(ats) => {
                let (from, to) = self.window;
                let outside = stands.iter_mut().zip(ats).filter(|(_, at)| **at < from || **at >= to);
                outside.for_each(|(stand, _)| *stand = NOWHERE);
                if !self.periods.is_empty() {
                    periods = self.periods_at(ats);
                }
            }
            None if self.periods.is_empty() => {}
            None => periods = vec![self.period(file.span.map_or(0, |(first, _)| first)) as u32; digest.len()],
        }
        if let Some(gone) = gone.filter(|gone| !gone.is_empty()) {
            let left = stands.iter_mut().zip(digest.rows()).filter(|(_, row)| gone.contains(*row));
            left.for_each(|(stand, _)| *stand = NOWHERE);
        }
        for (counted, tally) in counting.counted.iter().zip(tallies) {
            let values = counted.value.as_ref().map(|name| digest.values_of(name)).transpose()?;
            let fates = match &counted.fate {
                None => None,
                Some((name, meanings)) => Some((digest.fates_of(name)?, meanings)),
            };
            for (row, stand) in stands.iter().enumerate().filter(|(_, stand)| **stand != NOWHERE) {
                let fate = fates.as_ref().map_or(Fate::Used, |(fates, meanings)| meanings[usize::from(fates[row])]);
                let value = values.and_then(|values| values.get(row));
                tally.row(*stand as usize, periods.get(row).map_or(0, |period| *period as usize), fate, value);
            }
        }
        Ok(())
    }

    fn placed(&self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let places = Columns(batch).cast("place", &DataType::Int64)?;
        let places = places.as_primitive::<Int64Type>();
        // Rows of a place often follow each other.
        let (mut last, mut stand) = (None, 0);
        let mut stands = Vec::with_capacity(places.len());
        for place in places.values() {
            if last != Some(*place) {
                stand = *self.grounds.by_place.get(place).ok_or_else(|| strange(&place.to_string()))?;
                last = Some(*place);
            }
            stands.push(stand);
        }
        Ok(stands)
    }

    fn named(&self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let [products, components, instances] =
            ["product", "component", "instance"].map(|name| Columns(batch).cast(name, &DataType::Utf8));
        let (products, components, instances) = (products?, components?, instances?);
        let columns = [&products, &components, &instances].map(|column| column.as_string::<i32>());
        let mut last: Option<([Option<&str>; 3], u32)> = None;
        let mut stands = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let names = columns.map(|column| column.is_valid(row).then(|| column.value(row)));
            let stand = match last {
                Some((known, stand)) if known == names => stand,
                _ => {
                    let found = self.grounds.forest.stand_of(names);
                    found.ok_or_else(|| strange(&names.map(Option::unwrap_or_default).join(" ")))? as u32
                }
            };
            last = Some((names, stand));
            stands.push(stand);
        }
        Ok(stands)
    }

    fn periods_of(&self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let ats = Columns(batch).cast("at", &crate::tables::instant_type())?;
        Ok(self.periods_at(ats.as_primitive::<TimestampMicrosecondType>().values()))
    }

    fn periods_at(&self, ats: &[i64]) -> Vec<u32> {
        let (mut from, mut to, mut period) = (0, 0, 0);
        let of = |at: &i64| {
            if *at < from || *at >= to {
                let after = self.periods.partition_point(|start| start <= at);
                period = after.saturating_sub(1);
                from = self.periods.get(period).copied().filter(|from| from <= at).unwrap_or(i64::MIN);
                to = self.periods.get(after).copied().unwrap_or(i64::MAX);
            }
            period as u32
        };
        ats.iter().map(of).collect()
    }
}

fn strange(place: &str) -> DataFusionError {
    DataFusionError::Internal(format!("rows stand at {place}, which nothing has named"))
}

fn count_one(batch: &RecordBatch, counted: &Counted, stands: &[u32], periods: &[u32], tally: &mut Tally) -> Result<()> {
    let values = counted.value.as_deref().map(|name| Columns(batch).cast(name, &DataType::Float64)).transpose()?;
    let values: Option<&Float64Array> = values.as_ref().map(|values| values.as_primitive::<Float64Type>());
    let fates = counted.fate.as_ref();
    let numbers = fates.map(|(name, _)| Columns(batch).cast(name, &DataType::Int64)).transpose()?;
    let numbers: Option<&Int64Array> = numbers.as_ref().map(|numbers| numbers.as_primitive::<Int64Type>());
    let fates: Option<(&Int64Array, &Vec<Fate>)> = numbers.zip(fates.map(|(_, meanings)| meanings));
    let period = |row: usize| periods.get(row).map_or(0, |period| *period as usize);
    for (row, stand) in stands.iter().enumerate() {
        if *stand == NOWHERE {
            continue;
        }
        let fate = match fates {
            None => Fate::Used,
            Some((numbers, meanings)) => {
                let number = usize::try_from(numbers.value(row)).unwrap_or(usize::MAX);
                let known = meanings.get(number).copied();
                known.ok_or_else(|| DataFusionError::Internal("a fate that means nothing".to_owned()))?
            }
        };
        let value = values.filter(|values| values.is_valid(row)).map(|values| values.value(row));
        tally.row(*stand as usize, period(row), fate, value);
    }
    Ok(())
}
