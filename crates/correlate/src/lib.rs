//! Events, catalogue and rules to facts: which commits a deployment brought, what kind it is, what it broke and what
//! mended it. Pure and incremental: [`Engine::apply`] gives, batch by batch and in any order, what one pass over all
//! events gives.
//!
//! The way of a batch, each step feeding the next:
//!
//! 1. `engine`: events are merged into entities; what they touch is noted in a [`work::Work`] list.
//! 2. `base`: touched deployments are placed in the tree and their commit is found.
//! 3. `walk`: touched components are walked again from the first touched deployment on: kinds, what is counted, which
//!    commits arrived, which deployment a rollback or hotfix blames.
//! 4. `attribute`: touched incidents look for the deployment that caused them.
//! 5. `signals`: touched deployments collect their failure signals, incidents and remediation.

mod attribute;
mod base;
mod code;
mod commits;
mod engine;
mod graph;
pub mod indexed;
mod kind;
mod ledger;
#[cfg(feature = "memory")]
pub mod memory;
pub mod parts;
mod reached;
mod requests;
mod signals;
mod told;
mod walk;
mod work;

pub use engine::{Applied, Engine};
pub use ledger::{Arrived, CommitNode, Ledger, LedgerError, Reach, Result, Wait, Which, same_code};
