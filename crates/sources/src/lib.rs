//! From what tools send to native events: one folder a tool, one line in [`SOURCES`].
//!
//! Parsing is pure: bytes and the time they were received in, events and problems out. The journal keeps the bytes, so
//! that a better parser can read them again. [`mod@file`] and [`git`] read history that no tool sends, [`poll`] asks tools
//! for theirs.

pub mod articles;
mod body;
mod cdevents;
pub mod file;
pub mod git;
mod github;
mod json;
pub mod native;
mod opentelemetry;
pub mod poll;
mod severity;
mod table;
mod verify;

pub use severity::severity;
pub use table::{Answer, Delivery, Parsed, Route, SOURCES, Source, delivery_id, find};
pub use verify::{Digits, Scheme, Signs, Verification, sign, verify};
