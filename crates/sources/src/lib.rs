//! From what tools send to native events: one folder a tool, one line in [`SOURCES`].
//!
//! Parsing is pure: bytes and the time they were received in, events and problems out. The journal keeps the bytes, so
//! that a better parser can read them again. [`mod@file`] and [`git`] read history that no tool sends, [`poll`] asks tools
//! for theirs.

mod alertmanager;
mod argo_rollouts;
mod argocd;
pub mod articles;
mod body;
mod cdevents;
mod fields;
pub mod file;
mod first_time;
mod flux;
pub mod git;
mod github;
mod gitlab;
mod gke;
mod incident_labels;
mod jira;
mod json;
pub mod kubernetes;
mod mapped;
pub mod native;
mod opentelemetry;
mod pagerduty;
pub mod poll;
mod push;
mod servicenow;
mod severity;
mod table;
mod verify;

pub use mapped::{Tool, ToolError, Way};
pub use severity::severity;
pub use table::{Answer, Delivery, Parse, Parsed, Route, SOURCES, Source, all, delivery_id, find, learn};
pub use verify::{Digits, Scheme, Signs, Verification, sign, verify};
