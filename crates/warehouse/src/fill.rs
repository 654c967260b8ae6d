//! Filling the tables on disk from the beginning, product after product: a file a month, written in one pass, without
//! going through memory. For a group of any size memory holds one row group of each month.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use domain::event::EventKind;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::time::Month;
use domain::{Code, Problem};

use crate::lake::{Filed, Lake, Segment};
use crate::snapshot::Writer;
use crate::tables::{canary_analyses, commits, deployments, incidents, pipeline_runs};
use crate::warehouse::{Writers, sealing_problem};

/// Tables being filled. Nothing of it is to be seen before [`crate::Warehouse::put_filled`].
pub struct Fill<'l> {
    lake: &'l Lake,
    writers: Writers,
    segments: BTreeMap<(&'static str, Filed), Segment>,
    last: Option<String>,
    pub(crate) change: u64,
}

/// Files of each table that is full.
pub struct Filled(pub(crate) Vec<(&'static str, Vec<crate::lake::Written>)>, pub(crate) u64);

impl<'l> Fill<'l> {
    pub(crate) fn new(lake: &'l Lake, change: u64) -> Self {
        Fill { lake, writers: Writers::new(), segments: BTreeMap::new(), last: None, change }
    }

    /// All facts of a product. Products come in bytewise order; facts without a product first, under the empty name.
    ///
    /// # Errors
    /// `conflict` when the product does not come after the one before, `unavailable` when the disk fails.
    pub fn put(
        &mut self,
        product: &str,
        deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
        incidents: Vec<IncidentFact>,
        others: Vec<OtherFact>,
    ) -> Result<(), Problem> {
        if let Some(last) = &self.last
            && last.as_str() >= product
        {
            return Err(Problem::new(
                Code::Internal,
                format!("{product} comes after {last}: products are filled in order"),
            ));
        }
        self.last = Some(product.to_owned());
        self.write(deployments, incidents, others).map_err(|error| sealing_problem(&error))
    }

    fn write(
        &mut self,
        deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
        incidents: Vec<IncidentFact>,
        others: Vec<OtherFact>,
    ) -> datafusion::error::Result<()> {
        let (mut rows, mut brought) = (Months::default(), Months::default());
        for (fact, commits) in deployments {
            let month = fact.finished_at.map(Month::of);
            let (row, own) = deployments::with_commits(fact, commits);
            brought.0.entry(month).or_default().extend(own);
            rows.add(month, row);
        }
        let (mut pain, mut analyses, mut runs) = (Months::default(), Months::default(), Months::default());
        for fact in incidents {
            pain.add(Some(Month::of(fact.started_at)), fact);
        }
        for fact in others {
            match fact.key.kind {
                EventKind::CanaryAnalysis => analyses.add(Some(Month::of(fact.at)), fact),
                EventKind::PipelineRun => runs.add(Some(Month::of(fact.at)), fact),
                _ => {}
            }
        }
        let Fill { lake, writers, segments, .. } = self;
        into::<deployments::Row>(lake, segments, &writers.deployments, rows)?;
        into::<commits::Row>(lake, segments, &writers.commits, brought)?;
        into::<incidents::Row>(lake, segments, &writers.incidents, pain)?;
        into::<canary_analyses::Row>(lake, segments, &writers.canary_analyses, analyses)?;
        into::<pipeline_runs::Row>(lake, segments, &writers.pipeline_runs, runs)
    }

    /// Ends all files.
    ///
    /// # Errors
    /// `unavailable` when the disk fails.
    pub fn finish(self) -> Result<Filled, Problem> {
        let mut files: BTreeMap<&'static str, Vec<_>> =
            self.lake.tables.keys().map(|name| (*name, Vec::new())).collect();
        for ((name, _), segment) in self.segments {
            if let Some(written) = segment.finish().map_err(|error| sealing_problem(&error))? {
                files.entry(name).or_default().push(written);
            }
        }
        Ok(Filled(files.into_iter().collect(), self.change))
    }
}

/// Rows of one product by month.
struct Months<R>(BTreeMap<Filed, Vec<R>>);

impl<R> Default for Months<R> {
    fn default() -> Self {
        Months(BTreeMap::new())
    }
}

impl<R> Months<R> {
    fn add(&mut self, month: Filed, row: R) {
        self.0.entry(month).or_default().push(row);
    }
}

fn into<R>(
    lake: &Lake,
    segments: &mut BTreeMap<(&'static str, Filed), Segment>,
    writer: &Writer<R>,
    months: Months<R>,
) -> datafusion::error::Result<()> {
    let shape = writer.shape();
    let Some(table) = lake.tables.get(shape.name) else {
        return Err(DataFusionError::Internal(format!("no table {}", shape.name)));
    };
    for (month, rows) in months.0 {
        let Some(batch) = writer.sorted(&rows)? else { continue };
        let segment = match segments.entry((shape.name, month)) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(Segment::create(&table.folder, &Arc::clone(shape), month)?)
            }
        };
        segment.write(&batch)?;
    }
    Ok(())
}
