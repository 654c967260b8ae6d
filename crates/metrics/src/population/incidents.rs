//! Metrics whose rows are incidents. An incident belongs to the window by `started_at`.

use domain::definition::{RestoreFrom, RestoreTo};
use domain::metric::Reason;
use domain::part::Part;

use super::{NO_TEXT, Rows, View};

impl View<'_> {
    fn incidents(&self, from: &str, to: &str, missing: Vec<(String, Reason)>) -> Rows {
        let seconds = format!("seconds_between({from}, {to})");
        let mut reasons = missing;
        reasons.push((format!("{seconds} < 0.0"), Reason::NegativeDuration));
        let mut conditions = self.within("started_at");
        conditions.extend(self.scope(true));
        if let Some(Part::Severity(severity)) = self.question.part {
            conditions.push(format!("severity = '{}'", severity.text()));
        }
        Rows {
            from: "incidents".into(),
            item: NO_TEXT,
            at: "started_at",
            value: seconds,
            reasons,
            conditions,
            ..Rows::default()
        }
    }
}

/// From the start of an incident to its end, each as the definition says.
pub(super) fn restore(view: &View<'_>) -> Rows {
    let recovery = view.definition().recovery;
    let from = match recovery.from {
        RestoreFrom::StartedAt => "started_at",
        RestoreFrom::DetectedAt => "coalesce(detected_at, started_at)",
    };
    let to = match recovery.to {
        RestoreTo::ResolvedAt => "resolved_at",
        RestoreTo::MitigatedAt => "coalesce(mitigated_at, resolved_at)",
    };
    view.incidents(from, to, vec![(format!("{to} IS NULL"), Reason::NotRecovered)])
}

/// A step of an incident's life.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Mitigated,
    Acknowledged,
    Detected,
}

/// From the start of an incident to one of its steps.
pub(super) fn step(view: &View<'_>, step: Step) -> Rows {
    let (column, mut missing) = match step {
        Step::Mitigated => {
            ("mitigated_at", vec![("mitigated_at IS NULL AND resolved_at IS NULL".to_owned(), Reason::NotRecovered)])
        }
        Step::Acknowledged => ("acknowledged_at", Vec::new()),
        Step::Detected => ("detected_at", Vec::new()),
    };
    missing.push((format!("{column} IS NULL"), Reason::NotRecorded));
    view.incidents("started_at", column, missing)
}
