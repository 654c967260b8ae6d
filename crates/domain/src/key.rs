//! Identities and the one order in which events of the same instant stand.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::event::EventKind;

/// Identity of anything an event speaks of.
///
/// Commits, tags and pull requests are the same thing whoever reports them, so their `source` is `git` and their
/// `id` is made of the repository and its own name for them (`shop@1f2e…`, `shop:v1.2.0`, `shop#12`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey {
    /// What kind of thing.
    pub kind: EventKind,
    /// Who reports it.
    pub source: Arc<str>,
    /// The reporter's own name for it.
    pub id: Arc<str>,
}

/// Identity of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeploymentKey {
    /// Who reports it.
    pub source: Arc<str>,
    /// The reporter's own id.
    pub id: Arc<str>,
}

/// Identity of an incident has the same shape as that of a deployment.
pub type IncidentKey = DeploymentKey;

/// Place of a finished deployment among the others: by time, ties broken bytewise by source, then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// `finished_at` of the deployment.
    pub at: Timestamp,
    /// Identity, for deployments that finished at the same instant.
    pub key: DeploymentKey,
}

impl DeploymentKey {
    /// From its two parts.
    pub fn new(source: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        DeploymentKey { source: source.into(), id: id.into() }
    }
}

impl OrderKey {
    /// From its parts.
    #[must_use]
    pub fn new(at: Timestamp, key: DeploymentKey) -> Self {
        OrderKey { at, key }
    }

    /// The place before everything that finished at `at` or later.
    #[must_use]
    pub fn before(at: Timestamp) -> Self {
        OrderKey { at, key: DeploymentKey::new("", "") }
    }
}

impl fmt::Display for DeploymentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.id)
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.source, self.id)
    }
}
