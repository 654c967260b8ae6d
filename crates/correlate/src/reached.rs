//! The sets of arrived commits a walk works on: read once, written once.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::ledger::{Ledger, Reach, Result};

/// So many commits arrive with most deployments at most.
const FEW: u64 = 64;

#[derive(Debug, Default)]
pub(crate) struct Reached(BTreeMap<(Reach, u32), RoaringBitmap>);

impl Reached {
    /// Takes a set out, to be put back with [`Reached::put`]: two are needed at once.
    pub(crate) fn take(&mut self, ledger: &mut impl Ledger, reach: &Reach, repo: u32) -> Result<RoaringBitmap> {
        self.get(ledger, reach, repo).map(std::mem::take)
    }

    /// Puts a set back with what has arrived since.
    pub(crate) fn put(&mut self, reach: Reach, repo: u32, mut commits: RoaringBitmap, arrived: &RoaringBitmap) {
        // A few are put in one by one: to unite two sets is to write both anew.
        if arrived.len() <= FEW {
            commits.extend(arrived);
        } else {
            commits |= arrived;
        }
        self.0.insert((reach, repo), commits);
    }

    pub(crate) fn get(&mut self, ledger: &mut impl Ledger, reach: &Reach, repo: u32) -> Result<&mut RoaringBitmap> {
        let place = (reach.clone(), repo);
        match self.0.entry(place) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(empty) => Ok(empty.insert(ledger.reached(reach, repo)?)),
        }
    }

    pub(crate) fn write(self, ledger: &mut impl Ledger) -> Result<()> {
        for ((reach, repo), mut commits) in self.0 {
            commits.optimize();
            ledger.put_reached(&reach, repo, &commits)?;
        }
        Ok(())
    }
}
