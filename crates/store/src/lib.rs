//! System of record: journal, entities, facts, cursors, tokens. SQLite now; PostgreSQL will stand behind the same types.
//!
//! A [`Store`] is a cheap handle on one folder. One thread owns the connection that writes: it makes deliveries
//! durable, many clients in one transaction, and between those groups applies what is pending, entities, facts, change
//! number and the rows' states in one transaction. Readers have connections of their own and see snapshots.

mod applier;
mod archive;
mod body;
mod changes;
mod connect;
mod cursors;
mod delivery;
mod door;
mod dump;
mod error;
mod handle;
mod journal;
mod ledger;
mod lock;
mod migrate;
mod rebuild;
mod sql;
mod tokens;
mod types;
mod writer;

pub use archive::{Archive, Archived, JournalRow};
pub use error::StoreError;
pub use handle::Store;
pub use journal::{EntryKind, JournalCounts, JournalEntry, JournalFilter, Reason, State};
pub use rebuild::{Phase, Progress, Rebuild, Rebuilt};
pub use tokens::{Scope, Token};
pub use types::{Changes, Delivery, Interpreter, Location, Receipt, Webhook};
