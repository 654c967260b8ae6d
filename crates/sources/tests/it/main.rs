//! The crate as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod alertmanager;
mod articles;
mod backfill;
mod compliance;
mod git;
mod github;
mod jira;
mod pagerduty;
mod samples;
mod servicenow;
mod support;
mod vendor;
