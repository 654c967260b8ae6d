//! Clusters of Kubernetes, watched: every workload that changes becomes a delivery for the journal.
//!
//! [`run`] is all there is to start. It lists the workloads of each cluster once and then follows the API server's watch
//! from where it was, also over restarts. What it sees goes to a [`Keeper`], which makes it durable; only then does the
//! cursor move, so that nothing is lost and what comes twice is the same delivery twice.
//!
//! Objects are not read here: `sources::kubernetes` does that, when the journal is applied. What only one who watches
//! knows (the images of the revision before, when a revision was first seen) is kept beside the cursor and told with the
//! object. This crate is the one place with an asynchronous client, so that `sources` stays without a runtime.

mod config;
mod connect;
mod delivery;
mod feed;
mod keeper;
mod list;
mod memory;
mod trouble;

pub use config::{Cluster, Config};
pub use feed::run;
pub use keeper::{Keeper, State, Stop};
