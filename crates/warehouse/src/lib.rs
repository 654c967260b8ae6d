//! The columnar store of facts and the only crate that knows DataFusion and Delta Lake: wide tables, sealed months on
//! disk and recent changes in memory over them, one snapshot a query, answers to the questions of `metrics`.
//!
//! Facts come in through [`Warehouse::apply`] and replace what stood under their keys; the tree stands beside them, so
//! that moving a product changes no fact. A query pins one snapshot and never sees half of a change.

mod archive;
mod asking;
mod cache;
mod compare;
mod digest;
mod engine;
mod explain;
mod export;
mod fill;
mod firsts;
mod functions;
mod gather;
mod grounds;
mod json;
mod kept;
mod lake;
mod listing;
mod places;
mod provider;
mod shares;
mod snapshot;
mod statistics;
mod summary;
mod tables;
mod views;
mod warehouse;
pub mod wire;
mod writers;

pub use archive::{BodyName, DayFile, DayWritten, JournalArchive};
pub use explain::{Explanation, Left, Page};
pub use export::{Export, Exported, FileFormat};
pub use fill::{Fill, Filled};
pub use listing::{Listed, Listing};
pub use places::Places;
pub use tables::journal::{ArchivedRow, journal_reference};
pub use tables::{ColumnDoc, TableDoc, reference};
pub use views::sql_reference;
pub use warehouse::{Batch, Removed, Sealing, Warehouse};
pub use writers::Rows;
