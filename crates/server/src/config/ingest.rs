//! `[ingest]`

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Networks that may send without a token; none unless named here.
    pub anonymous_networks: Vec<IpNet>,
    /// Largest body taken, in bytes.
    pub max_body_bytes: usize,
    /// Most events in one request.
    pub max_events: usize,
    /// Deliveries that may wait to be applied before senders are told to slow down.
    pub max_pending: u64,
}

impl Default for IngestConfig {
    fn default() -> Self {
        IngestConfig {
            anonymous_networks: Vec::new(),
            max_body_bytes: 16 * 1024 * 1024,
            max_events: 50_000,
            max_pending: 500_000,
        }
    }
}

impl IngestConfig {
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.max_body_bytes < 1024 {
            return Err(format!("ingest.max_body_bytes is {}; it is at least 1024", self.max_body_bytes));
        }
        if self.max_events == 0 {
            return Err("ingest.max_events is 0; it is at least 1".to_owned());
        }
        Ok(())
    }
}
