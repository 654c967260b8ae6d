//! The sets of arrived commits a walk works on: read once, written once.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::ledger::{Ledger, Reach, Result};

#[derive(Debug, Default)]
pub(crate) struct Reached(BTreeMap<(Reach, u32), RoaringBitmap>);

impl Reached {
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
