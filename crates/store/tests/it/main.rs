//! The store as its users see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apply;
mod archive;
mod cursors;
mod durable;
mod equivalence;
mod journal;
mod killed;
mod rebuild;
mod support;
mod tokens;
