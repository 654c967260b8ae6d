//! What goes in and what comes out.

use std::path::PathBuf;

use domain::catalogue::Catalogue;
use domain::event::Event;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use domain::key::IncidentKey;
use domain::time::Month;
use domain::{DeploymentKey, EntityKey, Problem, Timestamp};

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
    ///
    /// # Errors
    /// The whole delivery cannot be read; a single bad event in it is an `Err` in the list.
    fn interpret(&self, row: &Webhook, received_at: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem>;
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

impl Receipt {
    /// The number of the journal row.
    #[must_use]
    pub const fn seq(self) -> i64 {
        match self {
            Receipt::Accepted(seq) | Receipt::Duplicate(seq) => seq,
        }
    }
}

/// Facts that changed after a change number, and those that were removed after it.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The greatest change number seen: ask for what comes after it next.
    pub upto: u64,
    /// Whole new state of deployments, each with all its commits.
    pub deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    /// Whole new state of incidents.
    pub incidents: Vec<IncidentFact>,
    /// Whole new state of the others.
    pub others: Vec<OtherFact>,
    /// Deployments that are no longer. None of them is in `deployments`.
    pub removed_deployments: Vec<DeploymentKey>,
    /// Incidents that are no longer. None of them is in `incidents`.
    pub removed_incidents: Vec<IncidentKey>,
    /// Months under which facts of this page stood before; none for one without an instant. Some may be long gone.
    pub before: Vec<(EntityKey, Option<Month>)>,
    /// Whether the catalogue or what events told of products changed.
    pub tree: bool,
    /// Whether everything was rebuilt since: forget all facts known before this page. Those that still are come in
    /// this page and the next ones.
    pub rebuilt: bool,
    /// Whether there is more after `upto`.
    pub more: bool,
}
