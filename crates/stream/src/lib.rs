//! A durable stream in: NATS JetStream.
//!
//! A message is what a source would have sent by HTTP: native events, CDEvents, or a tool's webhook with its headers, by
//! its subject. It is acknowledged after the [`Keeper`] (the journal) has made it durable, sent again while that fails,
//! and kept with the reason where it can never be read: nothing is lost, and nothing is dropped in silence. What arrives
//! twice has one identity ([`Received::delivery_id`]), by which the keeper knows it.
//!
//! ```no_run
//! # async fn run(keeper: impl stream::Keeper, now: fn() -> domain::Timestamp, stopped: impl Future<Output = ()> + Send) {
//! let settings = stream::Settings { stream: "DELIVERY".to_owned(), ..stream::Settings::default() };
//! let consumer = stream::Consumer::new(settings, sources::find).expect("settings that fit");
//! consumer.run(&keeper, now, stopped).await.expect("files of the settings");
//! # }
//! ```
//!
//! [`Consumer::run`] goes on until it is told to stop, whatever becomes of the connection, the stream or the consumer;
//! [`Consumer::counts`] says how it goes.

mod connect;
mod consumer;
mod counts;
mod keeper;
mod read;
mod settings;
mod subject;

pub use consumer::Consumer;
pub use counts::Counts;
pub use keeper::{Keeper, Received, Refused, Trouble};
pub use settings::{Error, Rule, Settings};
