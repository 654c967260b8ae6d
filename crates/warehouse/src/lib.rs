//! The columnar store of facts and the only crate that knows DataFusion: wide tables in memory, one snapshot a query,
//! answers to the questions of `metrics`.
//!
//! Facts come in through [`Warehouse::apply`] and replace what stood under their keys; the tree stands beside them, so
//! that moving a product changes no fact. A query pins one snapshot and never sees half of a change.

mod cache;
mod compare;
mod engine;
mod explain;
mod functions;
mod json;
mod listing;
mod places;
mod provider;
mod snapshot;
mod statistics;
mod tables;
mod views;
mod warehouse;
pub mod wire;

pub use explain::{Explanation, Left, Page};
pub use listing::{Listed, Listing};
pub use places::Places;
pub use tables::{ColumnDoc, TableDoc, reference};
pub use views::sql_reference;
pub use warehouse::{Removed, Rows, Warehouse};
