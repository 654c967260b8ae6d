//! `[metrics]`

use serde::{Deserialize, Serialize};

/// What numbers mean unless asked otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Id of the definition used when none is asked for.
    pub definition: String,
    /// Length of the window used when none is asked for, in days.
    pub window_days: u32,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        MetricsConfig { definition: "dora".to_owned(), window_days: 30 }
    }
}

impl MetricsConfig {
    pub(super) fn validate(&self) -> Result<(), String> {
        let known: Vec<String> = domain::definition::shipped().into_iter().map(|definition| definition.id).collect();
        if !known.contains(&self.definition) {
            return Err(format!("metrics.definition is `{}`; there are {}", self.definition, known.join(", ")));
        }
        if !(1..=3650).contains(&self.window_days) {
            return Err(format!("metrics.window_days is {}; it is between 1 and 3650", self.window_days));
        }
        Ok(())
    }
}
