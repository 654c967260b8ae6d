//! The real client against an API server that is simulated over loopback: it pages, forgets, breaks off and refuses.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod crash;
mod follow;
mod hub;
mod keeper;
mod manifests;
mod trouble;
mod world;
