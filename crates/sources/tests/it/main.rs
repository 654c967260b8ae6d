//! The crate as its users see it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod alertmanager;
mod argo_rollouts;
mod argocd;
mod articles;
mod backfill;
mod bent;
mod cdevents;
mod compliance;
mod contract;
mod deploy;
mod flux;
mod git;
mod github;
mod gitlab;
mod gke;
mod jira;
mod kubernetes;
mod mapped;
mod opentelemetry;
mod pagerduty;

mod samples;
mod servicenow;
mod snippets;
mod support;
mod told;
mod vendor;
