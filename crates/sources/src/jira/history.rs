//! What was changed of an issue: one change in a webhook, all in a search.

use domain::Timestamp;
use serde_json::Value;

use crate::json::text;

/// One field that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// In lower case.
    pub(super) field: String,
    /// As people see it.
    pub(super) from: Option<String>,
    pub(super) from_id: Option<String>,
    pub(super) at: Timestamp,
}

/// All changes that are told: those of a webhook happened when the issue was last changed.
pub(super) fn read(webhook: Option<&Value>, page: Option<&Value>, updated_at: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    items(webhook, updated_at, &mut changes);
    let histories = page.and_then(|page| page.get("histories")).and_then(Value::as_array);
    for history in histories.into_iter().flatten() {
        let at = text(history.get("created")).and_then(|at| Timestamp::parse(at).ok());
        items(Some(history), at.unwrap_or(updated_at), &mut changes);
    }
    changes
}

fn items(of: Option<&Value>, at: Timestamp, out: &mut Vec<Change>) {
    let items = of.and_then(|of| of.get("items")).and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        let field = text(item.get("field")).unwrap_or_default().to_lowercase();
        let word = |name: &str| text(item.get(name)).map(str::to_owned);
        out.push(Change { field, from: word("fromString"), from_id: word("from"), at });
    }
}
