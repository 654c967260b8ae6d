//! What every number means: definitions compiled to SQL text, rows of the answers rolled up the tree, typed results.
//!
//! Pure: no I/O, no clock, no engine. METRICS.md is the specification. A metric under a definition is one *population*
//! query ([`population`]): each row is used (`reason` is NULL) or left out for a reason, so used and excluded rows are
//! the whole population. [`query`] asks for its rows to be counted, and for pages of them for `explain`. [`tally`] counts them
//! where they stand in the [`forest`], [`rollup`] takes them up the tree, and [`answer`] gives them the shape of the API.

pub mod answer;
pub mod comparison;
pub mod distribution;
pub mod forest;
pub mod inference;
pub mod influx;
pub mod literal;
pub mod packed;
pub mod period;
pub mod population;
pub mod query;
pub mod question;
mod ranks;
pub mod rollup;
pub mod shape;
pub mod statistics;
pub mod tally;
pub mod words;

pub use answer::{Answer, Change, DefinitionRef, MetricAnswer, NodeValues, Point, Spread, Value, Values, headline};
pub use forest::{Forest, Spot};
pub use packed::Packed;
pub use period::{Bucket, Zone};
pub use question::{Question, Window};
pub use rollup::{Climb, Plan, Presence, Rolled};
pub use statistics::Stats;
pub use tally::{Layout, Tally};
pub use words::sentence;
