//! `[data]`

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A folder; made when missing.
    pub dir: PathBuf,
}

impl Default for DataConfig {
    fn default() -> Self {
        DataConfig { dir: PathBuf::from("leadline-data") }
    }
}
