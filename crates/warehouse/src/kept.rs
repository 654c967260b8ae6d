//! Retention: months of a table that are past it leave the table, and nothing brings them back until the tables are made
//! anew. The store keeps every fact.

use std::collections::BTreeMap;

use datafusion::error::Result;
use domain::metric::Metric;
use domain::time::Month;
use domain::{Problem, Timestamp};
use metrics::Question;
use metrics::population::population;

use crate::lake::{BaseFile, Lake};
use crate::snapshot::Snapshot;
use crate::warehouse::{Warehouse, sealing_problem};

/// The first month kept, by table; tables that are not named keep all.
pub(crate) type Kept = BTreeMap<&'static str, Month>;

/// Whether rows filed so are kept. Those without an instant are no part of the past.
pub(crate) fn keeps(kept: &Kept, table: &str, month: Option<Month>) -> bool {
    match (kept.get(table), month) {
        (Some(first), Some(month)) => month >= *first,
        _ => true,
    }
}

impl Warehouse {
    /// From now on takes no rows of months before these, by table. What it has of them stays until
    /// [`Warehouse::forget_months`].
    pub fn keep_from(&self, first: &BTreeMap<&'static str, Month>) {
        self.change(|next| raise(next, first));
    }

    /// Takes all rows of months before these out of memory, and out of each table on disk in one commit. How many files
    /// went.
    ///
    /// # Errors
    /// `unavailable` when the disk fails or another process seals: some tables may still have their old months, which
    /// the next time goes on with.
    pub async fn forget_months(
        &self,
        first: &BTreeMap<&'static str, Month>,
        now: Timestamp,
    ) -> std::result::Result<usize, Problem> {
        let _one_at_a_time = self.sealing.lock().await;
        self.change(|next| {
            raise(next, first);
            drop_months(next);
        });
        let Some(lake) = self.lake.as_ref().filter(|lake| !lake.staged) else { return Ok(0) };
        let kept = self.pinned_kept();
        from_disk(lake, &kept, now).await.map_err(|error| sealing_problem(&error))
    }

    /// From when on there are rows for all that a question asks; none when nothing it asks for was ever taken out.
    #[must_use]
    pub fn kept_from(&self, question: &Question) -> Option<Timestamp> {
        let earliest = question.compare.map_or(question.window.from, |other| other.from.min(question.window.from));
        let kept = self.pinned_kept();
        let late = |(table, month): (&&'static str, &Month)| {
            let start = month.start();
            (start > earliest && question.metrics.iter().any(|metric| reads(question, *metric, table))).then_some(start)
        };
        kept.iter().filter_map(late).max()
    }

    /// From when on there are rows of a table for who reads it from an instant on, or from its beginning; none when
    /// nothing of that was ever taken out.
    #[must_use]
    pub fn rows_kept_from(&self, table: &str, from: Option<Timestamp>) -> Option<Timestamp> {
        let start = self.pinned_kept().get(table)?.start();
        from.is_none_or(|from| from < start).then_some(start)
    }
}

/// Whether a metric, or a part of it that is asked for, is counted from a table.
fn reads(question: &Question, metric: Metric, table: &str) -> bool {
    let parts = question.split.map(|split| split.parts(metric)).unwrap_or_default();
    let asked = std::iter::once(question.part).chain(parts.into_iter().map(Some));
    asked.into_iter().any(|part| {
        let question = Question { part, ..question.clone() };
        let sql = population(&question, metric, question.window);
        sql.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).any(|word| word == table)
    })
}

fn raise(next: &mut Snapshot, first: &Kept) {
    let mut kept = Kept::clone(&next.kept);
    for (table, month) in first.iter().filter(|(table, _)| next.tables.contains_key(**table)) {
        let known = kept.entry(table).or_insert(*month);
        *known = (*known).max(*month);
    }
    next.kept = kept.into();
}

fn drop_months(next: &mut Snapshot) {
    let kept = next.kept.clone();
    for (name, data) in &mut next.tables {
        if let Some(first) = kept.get(name)
            && data.has_before(*first)
        {
            std::sync::Arc::make_mut(data).drop_before(*first);
        }
    }
}

/// What the logs name, not what is known in memory: a commit that failed is made up for.
async fn from_disk(lake: &Lake, kept: &Kept, now: Timestamp) -> Result<usize> {
    let mut went = 0;
    for (name, first) in kept {
        let Some(table) = lake.tables.get(name) else { continue };
        let sealed = table.refresh().await?;
        let old = |file: &std::sync::Arc<BaseFile>| file.month.is_some_and(|month| month < *first);
        let gone: Vec<_> = table.files()?.into_iter().filter(old).collect();
        // Before anything was sealed there is nothing to be taken out, and what will be is taken without these months.
        if table.made() && (!gone.is_empty() || table.kept() < Some(*first)) {
            table.commit(Vec::new(), &gone, sealed, Some(*first), now).await?;
            went += gone.len();
        }
    }
    Ok(went)
}
