//! `[metrics]`

use serde::{Deserialize, Serialize};

/// What numbers mean unless asked otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Id of the definition used when none is asked for: one that comes with Leadline, or one of the catalogue. The
    /// catalogue is not known here, so a name that is nowhere is told when the first question is asked.
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
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&self.definition.len()) || !self.definition.bytes().all(allowed) {
            let known: Vec<String> = domain::definition::shipped().into_iter().map(|known| known.id).collect();
            return Err(format!(
                "metrics.definition is `{}`; it takes the id of a definition: {}, or one of the catalogue",
                self.definition.chars().take(64).collect::<String>(),
                known.join(", ")
            ));
        }
        if !(1..=3650).contains(&self.window_days) {
            return Err(format!("metrics.window_days is {}; it is between 1 and 3650", self.window_days));
        }
        Ok(())
    }
}
