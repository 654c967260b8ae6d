//! Filling the tables on disk from the beginning, product after product: a file a month, written in one pass, without
//! going through memory. However large the group and however long its past, the row groups that are open in all months
//! together take a bounded part of memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::{Code, Problem};

use crate::kept::Kept;
use crate::lake::{Filed, Lake, Segment, Written};
use crate::tables::places::Places;
use crate::warehouse::{Batch, sealing_problem};
use crate::writers::{Puts, Writers};

/// Bytes of row groups that are open at once. Over that the largest are ended early: smaller ones are read a little slower.
const OPEN: usize = 512 * 1024 * 1024;

/// Tables being filled. Nothing of it is to be seen before [`crate::Warehouse::put_filled`].
pub struct Fill<'l> {
    lake: &'l Lake,
    writers: Writers,
    segments: BTreeMap<(&'static str, Filed), Segment>,
    places: Arc<Places>,
    kept: Arc<Kept>,
    last: Option<String>,
    change: u64,
}

/// Files of each table that is full.
pub struct Filled {
    pub(crate) tables: Vec<(&'static str, Vec<Written>)>,
    pub(crate) places: Places,
    pub(crate) change: u64,
}

impl<'l> Fill<'l> {
    pub(crate) fn new(lake: &'l Lake, places: Places, kept: Arc<Kept>, change: u64) -> Self {
        let (writers, segments) = (Writers::new(), BTreeMap::new());
        Fill { lake, writers, segments, places: Arc::new(places), kept, last: None, change }
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
        let Fill { lake, writers, segments, places, kept, .. } = self;
        let mut puts = Puts::of(Batch { deployments, incidents, others, ..Batch::default() });
        puts.leave(kept);
        Writers::name(places, &puts).map_err(|error| sealing_problem(&error))?;
        let written = writers.sorted(puts, &mut |shape, month, batch| {
            let segment = match segments.entry((shape.name, month)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Segment::create(&lake.folder(shape.name)?, shape, month)?),
            };
            segment.write(&batch)
        });
        written.and_then(|()| self.end_largest(OPEN)).map_err(|error| sealing_problem(&error))
    }

    /// Ends the largest row groups when all of them together take more than this, until they take half of it.
    fn end_largest(&mut self, most: usize) -> datafusion::error::Result<()> {
        let mut open: Vec<&mut Segment> = self.segments.values_mut().collect();
        let mut held: usize = open.iter().map(|segment| segment.held()).sum();
        if held <= most {
            return Ok(());
        }
        open.sort_by_key(|segment| std::cmp::Reverse(segment.held()));
        for segment in open {
            if held <= most / 2 {
                break;
            }
            held = held.saturating_sub(segment.held());
            segment.end_group()?;
        }
        Ok(())
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
        let places = Arc::unwrap_or_clone(self.places);
        Ok(Filled { tables: files.into_iter().collect(), places, change: self.change })
    }
}
