//! Conditions of a workload: what its controller says of it, and since when.

use domain::{Problem, Timestamp};
use serde_json::Value;

use crate::body::Body;
use crate::json::{read_instant, text};

/// One condition.
pub(super) struct Condition<'b> {
    fields: &'b Value,
}

/// The condition of a type.
pub(super) fn condition<'b>(body: &'b Body<'_>, kind: &str) -> Option<Condition<'b>> {
    let conditions = body.get("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|fields| text(fields.get("type")) == Some(kind)).map(|fields| Condition { fields })
}

impl<'b> Condition<'b> {
    pub(super) fn is_true(&self) -> bool {
        text(self.fields.get("status")) == Some("True")
    }

    pub(super) fn reason(&self) -> &'b str {
        text(self.fields.get("reason")).unwrap_or_default()
    }

    pub(super) fn message(&self) -> Option<&'b str> {
        text(self.fields.get("message"))
    }

    /// Since when it says what it says. `lastTransitionTime` moves only with the status, and the one that tells of
    /// progress stays true from one rollout to the next.
    pub(super) fn at(&self) -> Result<Option<Timestamp>, Problem> {
        self.instant("lastUpdateTime").or_else(|| self.instant("lastTransitionTime")).transpose()
    }

    /// Since when its status is what it is.
    pub(super) fn turned_at(&self) -> Result<Option<Timestamp>, Problem> {
        self.instant("lastTransitionTime").transpose()
    }

    fn instant(&self, name: &str) -> Option<Result<Timestamp, Problem>> {
        let written = text(self.fields.get(name))?;
        Some(read_instant(&format!("status.conditions.{name}"), written).map(|(at, _)| at))
    }
}
