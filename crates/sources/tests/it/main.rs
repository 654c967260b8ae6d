//! The crate as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod articles;
mod backfill;
mod cdevents;
mod compliance;
mod git;
mod github;
mod opentelemetry;
mod samples;
mod snippets;
mod support;
