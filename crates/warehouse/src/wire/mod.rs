//! The SQL port: PostgreSQL's wire protocol over the tables, for reading only.
//!
//! `pgwire` speaks the protocol; who may come in, what may be asked and how much an answer may cost is decided here. A
//! statement passes two gates that do not know of each other: a list of what is allowed ([`statement`]), read off the
//! syntax, and DataFusion's own options without DDL, DML and statements, read off the plan ([`engine`]).

mod connection;
mod dialect;
mod engine;
mod errors;
mod execution;
mod extended;
mod handlers;
mod login;
mod names;
mod percentile;
mod pool;
mod port;
mod postgres;
mod prepared;
mod schemas;
mod session;
mod simple;
mod startup;
mod statement;
mod tls;
mod variables;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::Problem;

use crate::Warehouse;

pub use port::{Port, PortError};

/// How the port is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address and port.
    pub listen: String,
    /// Certificate chain and key, both PEM. Without them only loopback is served.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// A statement gets this long, from its arrival to its last row.
    pub timeout: Duration,
    /// Most rows of an answer.
    pub max_rows: usize,
    /// Most memory one statement may hold, in bytes.
    pub max_memory_bytes: usize,
    /// Most connections at once.
    pub max_connections: usize,
    /// What clients are told the server is.
    pub version: &'static str,
}

/// Whoever was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Name of the token: goes to the log.
    pub name: String,
    /// Tells tokens of one name apart.
    pub mark: i64,
}

/// Why somebody was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The password is no live token.
    Unknown,
    /// It is one that may not read; its name.
    Scope(String),
    /// It could not be looked up.
    Fault,
}

/// What a gate answers, later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the port needs of whoever runs it.
pub trait Gate: Send + Sync + 'static {
    /// Lets somebody in by a password.
    fn admit(&self, password: String) -> Later<'_, Result<Guest, Refusal>>;

    /// Whether somebody let in before still is.
    fn still(&self, guest: Guest) -> Later<'_, bool>;

    /// Waits, for a short while, until what was accepted before can be seen.
    ///
    /// # Errors
    /// `unavailable` while there is nothing to see yet.
    fn fresh(&self) -> Later<'_, Result<(), Problem>>;

    /// What answers are given from now.
    fn warehouse(&self) -> Arc<Warehouse>;
}

/// Whether what goes to this peer stays on the machine.
fn is_local(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}
