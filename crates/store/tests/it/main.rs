//! The store as its users see it.

mod apply;
mod durable;
mod equivalence;
mod journal;
mod killed;
mod support;
mod tokens;
