//! Metrics whose rows are deployments.

use domain::definition::{Definition, Frequency, Population};
use domain::fact::SignalKind;
use domain::metric::Reason;

use super::{NO_TEXT, NO_VALUE, Rows, View, counted, one_if};
use crate::literal::instant;

impl View<'_> {
    /// Rows of `deployments` that finished in the window and meet the conditions.
    fn deployments(&self, mut conditions: Vec<String>, value: String) -> Rows {
        conditions.extend(self.within("finished_at"));
        conditions.extend(self.scope(true));
        Rows { from: "deployments".into(), item: NO_TEXT, at: "finished_at", value, conditions, ..Rows::default() }
    }

    fn attempts(&self, value: String) -> Rows {
        self.deployments(counted(Population::Attempts), value)
    }

    fn counted(&self, value: String) -> Rows {
        self.deployments(counted(self.definition().population), value)
    }
}

/// Deployments of the definition's population, before the end of the window: who has ever deployed.
pub(crate) fn ever(view: &View<'_>, config: bool) -> Vec<String> {
    let mut conditions = if config { succeeded() } else { counted(view.definition().population) };
    conditions.push(format!("finished_at < {}", instant(view.window.to)));
    conditions.extend(view.scope(true));
    conditions
}

/// Those of them in the window.
pub(crate) fn deployed(view: &View<'_>, config: bool) -> Rows {
    if config { view.deployments(succeeded(), "1.0".to_owned()) } else { view.counted("1.0".to_owned()) }
}

/// Also those of configuration only.
fn succeeded() -> Vec<String> {
    ["production", "status = 'succeeded'"].map(str::to_owned).to_vec()
}

pub(super) fn frequency(view: &View<'_>) -> Vec<Rows> {
    match view.definition().frequency {
        Frequency::PerDay | Frequency::DeployDays => vec![view.counted("1.0".to_owned())],
        Frequency::MeanRate | Frequency::MeanRatePooled => {
            between(view, "86400.0 / nullif(seconds_between(previous_counted_at, finished_at), 0.0)")
        }
        Frequency::MeanInterval => between(view, "seconds_between(previous_counted_at, finished_at)"),
    }
}

/// Intervals to the previous counted deployment of the instance, also when that one lies before the window; and the
/// deployments that have none, which alone ask what else was deployed.
fn between(view: &View<'_>, value: &str) -> Vec<Rows> {
    let mut history = vec!["counted".to_owned(), format!("finished_at < {}", instant(view.window.to))];
    history.extend(view.joined(&match &view.question.node {
        // A component is judged by all its instances: `single_deployment` is about the component.
        domain::catalogue::Node::Instance(id, _) => domain::catalogue::Node::Component(id.clone()),
        other => other.clone(),
    }));
    // The engine keeps what stands on the left in memory: a row a component.
    let from = format!(
        "(SELECT component AS deployed, count(*) AS times FROM deployments WHERE {} GROUP BY component) AS history\nRIGHT JOIN deployments\n  ON component = deployed",
        history.join(" AND ")
    );
    let (mut following, mut first) = (view.counted(value.to_owned()), view.counted(NO_VALUE.to_owned()));
    following.conditions.push("previous_counted_at IS NOT NULL".to_owned());
    following.reasons = vec![("previous_counted_at = finished_at".to_owned(), Reason::ZeroInterval)];
    first.conditions.push("previous_counted_at IS NULL".to_owned());
    first.reasons = vec![
        ("times = 1".to_owned(), Reason::SingleDeployment),
        ("previous_counted_at IS NULL".to_owned(), Reason::FirstDeployment),
    ];
    vec![following, Rows { from: from.into(), ..first }]
}

pub(super) fn failure_rate(view: &View<'_>) -> Rows {
    view.counted(one_if(&failed(view.definition())))
}

/// From the end of a failed deployment to its recovery: the resolution of the last of its incidents when all are
/// resolved, else the end of the deployment that remedied it.
pub(super) fn recovery(view: &View<'_>) -> Rows {
    let rule = view.definition().failure.cause().text();
    let recovered = format!(
        "CASE WHEN incidents_{rule} > 0 AND open_incidents_{rule} = 0 THEN resolved_at_{rule} ELSE remediated_at END"
    );
    let seconds = format!("seconds_between(finished_at, {recovered})");
    let mut rows = view.counted(seconds.clone());
    rows.only = Some(failed(view.definition()));
    rows.reasons = vec![
        (format!("{seconds} IS NULL"), Reason::NotRecovered),
        (format!("{seconds} < 0.0"), Reason::NegativeDuration),
    ];
    rows
}

pub(super) fn rework(view: &View<'_>) -> Rows {
    view.counted(one_if("kind IN ('rollback', 'hotfix') OR is_fix"))
}

pub(super) fn rollbacks(view: &View<'_>) -> Rows {
    view.attempts(one_if("kind = 'rollback'"))
}

pub(super) fn successes(view: &View<'_>) -> Rows {
    view.attempts(one_if("status = 'succeeded'"))
}

pub(super) fn automated(view: &View<'_>) -> Rows {
    let value = format!("CASE WHEN trigger = 'unknown' THEN {NO_VALUE} ELSE {} END", one_if("trigger = 'automated'"));
    let reasons = vec![("trigger = 'unknown'".to_owned(), Reason::TriggerUnknown)];
    Rows { reasons, ..view.attempts(value) }
}

/// Commits of a counted deployment, where the whole range is known.
pub(super) fn batch_size(view: &View<'_>) -> Rows {
    let moved = "kind <> 'rollback'";
    let reasons = vec![
        (format!("{moved} AND link = 'none'"), Reason::NoCommitLink),
        (format!("{moved} AND first_deployment"), Reason::FirstDeployment),
        (format!("{moved} AND (link = 'commit_at' OR range_incomplete IS NOT NULL)"), Reason::RangeIncomplete),
    ];
    let rows = view.deployments(vec!["counted".to_owned()], "CAST(commits AS DOUBLE)".to_owned());
    Rows { reasons, ..rows }
}

pub(super) fn config(view: &View<'_>) -> Rows {
    let mut conditions = succeeded();
    conditions.push("kind = 'config'".to_owned());
    view.deployments(conditions, "1.0".to_owned())
}

/// Whether a deployment failed under a definition, as a condition that is never NULL (METRICS.md section 3).
///
/// A person's verdict, when the definition listens to it, stands above every signal.
#[must_use]
pub fn failed(definition: &Definition) -> String {
    let failure = &definition.failure;
    let signals: Vec<String> = SignalKind::ALL
        .iter()
        .filter(|signal| failure.counts(**signal))
        .filter_map(|signal| condition(definition, *signal))
        .collect();
    let any = match signals.as_slice() {
        [] => "false".to_owned(),
        [one] => one.clone(),
        many => format!("({})", many.join(" OR ")),
    };
    if failure.counts(SignalKind::Manual) { format!("coalesce(manual_failed, {any})") } else { any }
}

fn condition(definition: &Definition, signal: SignalKind) -> Option<String> {
    let failure = &definition.failure;
    let within = |column: &str| format!("coalesce({column} <= {}, false)", seconds(failure.window_s));
    Some(match signal {
        SignalKind::Incident => {
            let rule = failure.cause().text();
            let (count, delay) = if failure.closed_incidents_only {
                (format!("incidents_{rule} - open_incidents_{rule} > 0"), format!("first_resolved_delay_s_{rule}"))
            } else {
                (format!("incidents_{rule} > 0"), format!("first_delay_s_{rule}"))
            };
            match failure.incident_max_age_s {
                None => count,
                Some(age) => format!("({count} AND coalesce({delay} <= {}, false))", seconds(age)),
            }
        }
        SignalKind::IncidentWithin => within("incident_within_s"),
        SignalKind::Rollback => within("rollback_delay_s"),
        SignalKind::Hotfix => within("hotfix_delay_s"),
        SignalKind::Revert => within("revert_delay_s"),
        SignalKind::HealthCheck => within("health_check_delay_s"),
        SignalKind::DeployFailed => "status = 'failed'".to_owned(),
        SignalKind::IsRemediation => "kind IN ('rollback', 'hotfix')".to_owned(),
        SignalKind::Manual => return None,
    })
}

/// Whole seconds as a float literal.
fn seconds(seconds: i64) -> String {
    format!("{seconds}.0")
}
