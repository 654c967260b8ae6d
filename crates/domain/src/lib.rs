//! The words of software delivery: events, the catalogue tree, facts, definitions, bands and error codes.
//!
//! No I/O, no clock, no randomness. Every instant is a parameter, so everything here can be tested by example.

pub mod band;
pub mod catalogue;
pub mod code;
pub mod definition;
pub mod event;
pub mod fact;
pub mod key;
pub mod metric;
pub mod part;
pub mod rules;
pub mod time;
pub mod version;

pub use code::{Code, Problem};
pub use key::{DeploymentKey, EntityKey, OrderKey};
pub use time::Timestamp;
