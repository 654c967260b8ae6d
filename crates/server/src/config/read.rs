//! `[read]`

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadConfig {
    /// Networks that may read without a token; none unless named here.
    pub anonymous_networks: Vec<IpNet>,
}
