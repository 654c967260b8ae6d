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
use metrics::tally::Fate;
use metrics::{Layout, Tally};

use crate::engine::{self, Columns};
use crate::grounds::Grounds;

/// A row that is none of the node's.
const NOWHERE: u32 = u32::MAX;

/// How rows are told apart, whatever the query.
pub(crate) struct Counter {
    pub(crate) grounds: Arc<Grounds>,
    /// Which stands count; none for all of them.
    pub(crate) mask: Option<Vec<bool>>,
    /// First instants of the periods, in microseconds; empty without a series.
    pub(crate) periods: Vec<i64>,
    /// How the series of each subject is laid out.
    pub(crate) layouts: BTreeMap<Subject, Layout>,
}

/// What was counted for each subject.
pub(crate) type Tallies = BTreeMap<Subject, Tally>;

/// Runs the queries one after the other: each is spread over all threads there are.
pub(crate) async fn gather(
    session: &SessionContext,
    counter: Arc<Counter>,
    countings: Vec<Counting>,
) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    for counting in countings {
        for (subject, tally) in run(session, &counter, counting).await? {
            match tallies.get_mut(&subject) {
                Some(known) => known.merge(tally),
                None => drop(tallies.insert(subject, tally)),
            }
        }
    }
    Ok(tallies)
}

async fn run(session: &SessionContext, counter: &Arc<Counter>, counting: Counting) -> Result<Vec<(Subject, Tally)>> {
    let plan = engine::reading(session, &counting.sql).await?.create_physical_plan().await?;
    let counting = Arc::new(counting);
    let mut tasks = tokio::task::JoinSet::new();
    for stream in execute_stream_partitioned(plan, session.task_ctx())? {
        tasks.spawn(count_all(stream, counter.clone(), counting.clone()));
    }
    let mut whole: Option<Vec<Tally>> = None;
    while let Some(done) = tasks.join_next().await {
        let part = done.map_err(|error| DataFusionError::External(error.into()))??;
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => whole.iter_mut().zip(part).for_each(|(mine, theirs)| mine.merge(theirs)),
        }
    }
    let whole = whole.unwrap_or_else(|| counter.tallies(&counting));
    Ok(counting.counted.iter().map(|counted| counted.subject).zip(whole).collect())
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
        let (mut from, mut to, mut period) = (0, 0, 0);
        let ats = ats.as_primitive::<TimestampMicrosecondType>().values();
        let of = |at: &i64| {
            if *at < from || *at >= to {
                let after = self.periods.partition_point(|start| start <= at);
                period = after.saturating_sub(1);
                from = self.periods.get(period).copied().filter(|from| from <= at).unwrap_or(i64::MIN);
                to = self.periods.get(after).copied().unwrap_or(i64::MAX);
            }
            period as u32
        };
        Ok(ats.iter().map(of).collect())
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
