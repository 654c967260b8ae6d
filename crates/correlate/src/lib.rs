//! Events, catalogue and rules to facts: which commits a deployment brought, what kind it is, what it broke and what
//! mended it. Pure and incremental: [`Engine::apply`] gives, batch by batch and in any order, what one pass over all
//! events gives.

mod ledger;

pub use ledger::{Arrived, CommitNode, Ledger, LedgerError, Reach, Result, Wait, Which, same_code};

use domain::catalogue::Catalogue;
use domain::event::Event;

/// Applies events to a ledger.
#[derive(Debug)]
pub struct Engine {}

/// What one batch changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Entities whose content changed.
    pub entities: usize,
}

impl Engine {
    /// For a catalogue, with what events of this ledger have told of the tree.
    ///
    /// # Errors
    /// When the ledger fails.
    pub fn new(catalogue: &Catalogue, ledger: &mut impl Ledger) -> Result<Self> {
        let _ = (catalogue, ledger);
        Ok(Engine {})
    }

    /// Applies a batch: merges entities, then re-links what they touch.
    ///
    /// # Errors
    /// When the ledger fails; the caller rolls its transaction back.
    pub fn apply(&mut self, ledger: &mut impl Ledger, events: &[Event]) -> Result<Applied> {
        let _ = (ledger, events);
        Ok(Applied::default())
    }

    /// Takes another catalogue and places and links anew what it changes.
    ///
    /// # Errors
    /// When the ledger fails; the caller rolls its transaction back.
    pub fn change_catalogue(&mut self, ledger: &mut impl Ledger, catalogue: &Catalogue) -> Result<Applied> {
        let _ = (ledger, catalogue);
        Ok(Applied::default())
    }
}
