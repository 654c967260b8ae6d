//! The HTTP server: events in, numbers out.

mod api;
mod archive;
mod auth;
mod backfills;
mod body;
pub mod clock;
mod config;
mod error;
mod feeds;
mod interpreter;
mod page;
mod query;
mod rebuilding;
mod replay;
mod routes;
mod seal;
mod senders;
mod serve;
mod sql;
mod state;
mod sync;
mod tools;

pub use archive::open_archive;
pub use config::{
    Config, ConfigError, DataConfig, IngestConfig, MetricsConfig, OneOrMore, OptionValue, ReadConfig, RetentionConfig,
    Secret, ServerConfig, SourceConfig, Span, SqlConfig, WarehouseConfig,
};
pub use interpreter::interpreter;
pub use routes::openapi;
pub use serve::{Server, StartError};
pub use sync::lake_of as lake;
