//! `[warehouse]`: how the tables that queries read are kept.

use serde::{Deserialize, Serialize};

/// When what stands in memory goes to the tables on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarehouseConfig {
    /// MiB of changed rows kept in memory before they are sealed into the Delta tables below the data folder.
    /// While much comes in at once up to twice as much is held.
    pub memory_mb: usize,
    /// Seconds after which what stands in memory is sealed though it is little.
    pub seal_after_s: u64,
    /// Seconds between two times in which files of one month are made one and files nobody needs are deleted.
    pub tidy_every_s: u64,
}

impl Default for WarehouseConfig {
    fn default() -> Self {
        WarehouseConfig { memory_mb: 64, seal_after_s: 86_400, tidy_every_s: 86_400 }
    }
}

impl WarehouseConfig {
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.memory_mb == 0 || self.seal_after_s == 0 || self.tidy_every_s == 0 {
            return Err("[warehouse] memory_mb, seal_after_s and tidy_every_s have to be at least 1".to_owned());
        }
        Ok(())
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.memory_mb.saturating_mul(1024 * 1024)
    }
}
