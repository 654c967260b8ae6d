//! Pipeline runs and canary analyses.

use super::{NO_TEXT, Rows, View, one_if};

impl View<'_> {
    fn others(&self, from: &'static str, at: &'static str, finished: &str, value: String) -> Rows {
        let mut conditions = vec![finished.to_owned()];
        conditions.extend(self.within(at));
        conditions.extend(self.scope(false));
        Rows { from: from.into(), item: NO_TEXT, at, value, conditions, ..Rows::default() }
    }
}

/// Runs that succeeded among those that succeeded or failed; one that was cancelled or skipped tells nothing.
pub(super) fn pipelines(view: &View<'_>) -> Rows {
    view.others("pipeline_runs", "ended_at", "status IN ('succeeded', 'failed')", one_if("status = 'succeeded'"))
}

/// Analyses that passed among those with a verdict.
pub(super) fn canaries(view: &View<'_>) -> Rows {
    view.others("canary_analyses", "at", "passed IS NOT NULL", one_if("passed"))
}
