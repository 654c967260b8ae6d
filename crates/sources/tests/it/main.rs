//! The crate as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod argo_rollouts;
mod argocd;
mod articles;
mod backfill;
mod bent;
mod compliance;
mod deploy;
mod flux;
mod git;
mod github;
mod gitlab;
mod samples;
mod support;
mod told;
