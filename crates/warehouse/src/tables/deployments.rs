//! `deployments`: one row a deployment, with the evidence a definition judges by.

use std::sync::Arc;

use domain::fact::{CauseRule, CommitFact, DeploymentFact, SignalKind};

use super::{Column, Table, commits, count, flag, instant, lent, number, object, seconds, text};

/// A deployment with what is counted from its commits.
pub(crate) struct Row {
    pub(crate) fact: DeploymentFact,
    /// Commits used whose first arrival on any instance it is.
    pub(crate) first_arrivals: u32,
}

/// A deployment's row and those of its commits.
pub(crate) fn with_commits(fact: DeploymentFact, commits: Vec<CommitFact>) -> (Row, Vec<commits::Row>) {
    let first = commits.iter().filter(|commit| commit.role.used() && commit.first_arrival).count();
    let first_arrivals = u32::try_from(first).unwrap_or(u32::MAX);
    let of = Arc::new(fact.clone());
    let own = commits.into_iter().map(|fact| commits::Row { fact, of: of.clone() }).collect();
    (Row { fact, first_arrivals }, own)
}

/// Signals that are kept with their delay; the others follow from columns of their own.
const DELAYS: [SignalKind; 4] = [SignalKind::Rollback, SignalKind::Hotfix, SignalKind::Revert, SignalKind::HealthCheck];

pub(crate) fn table() -> Table<Row> {
    let mut columns = identity();
    columns.extend(range());
    for rule in CauseRule::ALL {
        columns.extend(tally(rule));
    }
    for kind in DELAYS {
        columns.push(delay(kind));
    }
    columns.extend(verdict());
    columns.extend(provenance());
    Table::new(
        "deployments",
        "One attempt to put one version of one component on one instance of one environment.",
        "finished_at",
        columns,
    )
}

fn identity() -> Vec<Column<Row>> {
    vec![
        text("source", "Who reports it.", |row: &Row| lent(&row.fact.key.source)),
        text("id", "The reporter's own id.", |row: &Row| lent(&row.fact.key.id)),
        text("product", "Product.", |row: &Row| lent(row.fact.lane.component.product())),
        text("component", "Component by its full name, `product/component`.", |row: &Row| {
            lent(row.fact.lane.component.as_str())
        }),
        text("instance", "Instance of the component.", |row: &Row| lent(&row.fact.lane.instance)),
        text("environment", "Environment as the source names it.", |row: &Row| lent(&row.fact.lane.environment)),
        flag("production", "Whether the environment is production.", |row: &Row| Some(row.fact.production)),
        text("status", "`succeeded`, `failed`, `cancelled` or `in_progress`.", |row: &Row| {
            lent(row.fact.status.text())
        }),
        instant("started_at", "When it began.", |row: &Row| row.fact.started_at),
        instant("finished_at", "When it ended; NULL while in progress.", |row: &Row| row.fact.finished_at),
        text("version", "Version or tag.", |row: &Row| row.fact.version.as_deref().and_then(lent)),
        flag("semver", "Whether the version follows SemVer.", |row: &Row| {
            Some(row.fact.version.as_deref().is_some_and(domain::version::is_semver))
        }),
        text("sha", "Commit of the code.", |row: &Row| row.fact.sha.as_deref().and_then(lent)),
        text("config_sha", "Commit of the configuration.", |row: &Row| row.fact.config_sha.as_deref().and_then(lent)),
        text("repo", "Repository of the code.", |row: &Row| row.fact.repo.as_deref().and_then(lent)),
        text("trigger", "`automated`, `manual` or `unknown`.", |row: &Row| lent(row.fact.trigger.text())),
        text("kind", "`rollback`, `hotfix`, `config`, `code` or `unknown`.", |row: &Row| lent(row.fact.kind.text())),
        text("kind_why", "The rule that gave the kind.", |row: &Row| lent(&row.fact.kind_why)),
        flag("counted", "Production, succeeded, not configuration only.", |row: &Row| Some(row.fact.counted)),
        instant("previous_counted_at", "End of the previous counted deployment of the instance.", |row: &Row| {
            row.fact.previous_counted_at
        }),
    ]
}

fn range() -> Vec<Column<Row>> {
    vec![
        text("link", "How its commits were found: `graph`, `event_commits`, `commit_at` or `none`.", |row: &Row| {
            lent(row.fact.link.text())
        }),
        count("commits", "Commits that arrived with it and are used.", |row: &Row| Some(i64::from(row.fact.commits))),
        count("first_arrivals", "Those of them that had not arrived on any instance of the component.", |row: &Row| {
            Some(i64::from(row.first_arrivals))
        }),
        flag("brings_new_commit", "Whether its own commit arrived with it.", |row: &Row| {
            Some(row.fact.brings_new_commit)
        }),
        instant("head_committed_at", "When its own commit was committed.", |row: &Row| row.fact.head_committed_at),
        instant("commit_at", "Time of the last commit as the event gave it.", |row: &Row| row.fact.commit_at),
        instant("first_commit_at", "Earliest commit that arrived with it.", |row: &Row| row.fact.first_commit_at),
        flag("first_deployment", "Its range is unknown because nothing was deployed before.", |row: &Row| {
            Some(row.fact.first_deployment)
        }),
        text("range_incomplete", "Why its range is not believed.", |row: &Row| {
            row.fact.range_incomplete.as_deref().and_then(lent)
        }),
        text("range_why", "How its commits were chosen.", |row: &Row| lent(&row.fact.range_why)),
    ]
}

fn tally(rule: CauseRule) -> [Column<Row>; 5] {
    let (name, index) = (rule.text(), rule.index());
    let by = format!("attributed by rule `{name}`");
    [
        count(format!("incidents_{name}"), format!("Incidents {by}."), move |row: &Row| {
            Some(i64::from(row.fact.incidents[index].count))
        }),
        count(format!("open_incidents_{name}"), format!("Those {by} that are not resolved."), move |row: &Row| {
            Some(i64::from(row.fact.incidents[index].open))
        }),
        number(format!("first_delay_s_{name}"), format!("Seconds to the first incident {by}."), move |row: &Row| {
            row.fact.incidents[index].first_delay.map(seconds)
        }),
        number(
            format!("first_resolved_delay_s_{name}"),
            format!("Seconds to the first resolved incident {by}."),
            move |row: &Row| row.fact.incidents[index].first_resolved_delay.map(seconds),
        ),
        instant(
            format!("resolved_at_{name}"),
            format!("When the last of the resolved incidents {by} was resolved."),
            move |row: &Row| row.fact.incidents[index].resolved_at,
        ),
    ]
}

fn delay(kind: SignalKind) -> Column<Row> {
    let name = kind.text();
    number(
        format!("{name}_delay_s"),
        format!("Seconds to the first sign of kind `{name}` that it failed."),
        move |row: &Row| {
            let delays = row.fact.signals.iter().filter(|signal| signal.kind == kind).map(|signal| signal.delay);
            delays.min().map(seconds)
        },
    )
}

fn verdict() -> Vec<Column<Row>> {
    vec![
        number(
            "incident_within_s",
            "Seconds to the first incident of the product opened after it, up to 90 days.",
            |row: &Row| row.fact.incident_within.map(seconds),
        ),
        flag("manual_failed", "A person's verdict.", |row: &Row| row.fact.manual_failed),
        instant("remediated_at", "When the deployment that ended its failure finished.", |row: &Row| {
            row.fact.remediation.as_ref().map(|remedy| remedy.at)
        }),
        text("remediation_source", "Source of that deployment.", |row: &Row| {
            row.fact.remediation.as_ref().and_then(|remedy| lent(&remedy.deployment.source))
        }),
        text("remediation_id", "Id of that deployment.", |row: &Row| {
            row.fact.remediation.as_ref().and_then(|remedy| lent(&remedy.deployment.id))
        }),
        flag("is_fix", "Whether it is named as the fix of an incident.", |row: &Row| Some(!row.fact.fixes.is_empty())),
    ]
}

fn provenance() -> Vec<Column<Row>> {
    vec![
        flag("status_assumed", "The status was assumed.", |row: &Row| Some(row.fact.status_assumed)),
        flag("environment_assumed", "The environment was assumed.", |row: &Row| Some(row.fact.environment_assumed)),
        text("assumed", "What it was made from when no tool reported it.", |row: &Row| {
            row.fact.assumed.as_deref().and_then(lent)
        }),
        text("url", "Where to look at it.", |row: &Row| row.fact.url.as_deref().and_then(lent)),
        text("labels", "Labels as JSON text; NULL without any.", |row: &Row| object(&row.fact.labels)),
    ]
}
