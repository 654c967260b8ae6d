//! System of record: journal, entities, facts, tokens. SQLite now; PostgreSQL will stand behind the same types.
//! CONTRACT: the public items below are what `server` and `leadline` use.

use std::path::PathBuf;
use std::sync::Arc;

use domain::catalogue::{Catalogue, ProductHint};
use domain::event::Event;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::{Code, Problem, Timestamp};

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A folder; made when missing.
    Folder(PathBuf),
    /// Nowhere: gone with the process. For tests and one-off reports.
    Memory,
}

/// Turns a raw webhook body into native events when it is applied; `server` gives it the `SOURCES` table.
pub trait Interpreter: Send + Sync {
    /// Pure: the same row gives the same events for ever, `received_at` is its only clock.
    fn interpret(&self, row: &Webhook) -> Result<Vec<Result<Event, Problem>>, Problem>;
}

/// A raw delivery as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Source by its configured name.
    pub source: String,
    /// Which parser: a name of the `SOURCES` table.
    pub parser: String,
    /// The sender's id of the delivery, or a hash of parser, event and body.
    pub delivery_id: String,
    /// The event or route, as the parser wants it.
    pub event: String,
    /// Headers the parser needs; never a secret.
    pub headers: Vec<(String, String)>,
    /// The body, unchanged.
    pub body: Vec<u8>,
}

/// Something to be made durable.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// A native event that passed its checks. Unique by identity and content hash.
    Event(Event),
    /// A raw webhook. Unique by (source, delivery id).
    Webhook(Webhook),
    /// A new catalogue with its rules, whole. Who sent it.
    Catalogue(Catalogue, String),
    /// An event that was refused: kept so that nothing is lost in silence. Source, what came, why.
    Refused(String, Vec<u8>, Problem),
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// New; it is on disk under this number.
    Accepted(i64),
    /// Known already under this number.
    Duplicate(i64),
}

/// Facts that changed after a change number.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The greatest change number seen.
    pub upto: u64,
    /// Whole new state of deployments, each with all its commits.
    pub deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    /// Whole new state of incidents.
    pub incidents: Vec<IncidentFact>,
    /// Whole new state of the others.
    pub others: Vec<OtherFact>,
    /// Whether the catalogue or what events told of products changed.
    pub tree: bool,
    /// Whether there is more after `upto`.
    pub more: bool,
}
