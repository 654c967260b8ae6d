//! `commits`: one row a commit that arrived with a deployment.

use std::sync::Arc;

use domain::fact::{CommitFact, DeploymentFact};

use super::{Column, Table, deployments, flag, instant, lent, object, places, text};

/// A commit and its deployment.
pub(crate) struct Row {
    pub(crate) fact: CommitFact,
    pub(crate) of: Arc<DeploymentFact>,
}

pub(crate) fn table() -> Table<Row> {
    let mut columns = deployment();
    columns.extend(commit());
    Table::new("commits", "One commit that arrived with one deployment.", "finished_at", columns)
}

fn deployment() -> Vec<Column<Row>> {
    vec![
        text("source", "Source of the deployment.", |row: &Row| lent(&row.of.key.source)),
        text("id", "Id of the deployment.", |row: &Row| lent(&row.of.key.id)),
        text("product", "Product.", |row: &Row| lent(row.of.lane.component.product())),
        text("component", "Component by its full name, `product/component`.", |row: &Row| {
            lent(row.of.lane.component.as_str())
        }),
        text("instance", "Instance of the component.", |row: &Row| lent(&row.of.lane.instance)),
        places::place(|row: &Row| deployments::names(&row.of)),
        text("environment", "Environment as the source names it.", |row: &Row| lent(&row.of.lane.environment)),
        instant("finished_at", "When the deployment ended.", |row: &Row| row.of.finished_at),
        flag("production", "Whether the environment is production.", |row: &Row| Some(row.of.production)),
        text("status", "Status of the deployment.", |row: &Row| lent(row.of.status.text())),
        text("kind", "Kind of the deployment.", |row: &Row| lent(row.of.kind.text())),
        flag("counted", "Whether the deployment is production, succeeded, not configuration only.", |row: &Row| {
            Some(row.of.counted)
        }),
        flag("semver", "Whether the deployed version follows SemVer.", |row: &Row| {
            Some(row.of.version.as_deref().is_some_and(domain::version::is_semver))
        }),
        flag(
            "first_deployment",
            "The range of the deployment is unknown because nothing was deployed before.",
            |row: &Row| Some(row.of.first_deployment),
        ),
        text("range_incomplete", "Why the range of the deployment is not believed.", |row: &Row| {
            row.of.range_incomplete.as_deref().and_then(lent)
        }),
        text("labels", "Labels of the deployment as JSON text; NULL without any.", |row: &Row| object(&row.of.labels)),
    ]
}

fn commit() -> Vec<Column<Row>> {
    vec![
        text("sha", "Hash.", |row: &Row| lent(&row.fact.sha)),
        text("repo", "Repository; NULL when only the event knows the commit.", |row: &Row| {
            row.fact.repo.as_deref().and_then(lent)
        }),
        instant("authored_at", "When it was written.", |row: &Row| row.fact.authored_at),
        instant("committed_at", "When it was committed.", |row: &Row| Some(row.fact.committed_at)),
        flag("first_arrival", "Whether it had not arrived on any instance of the component.", |row: &Row| {
            Some(row.fact.first_arrival)
        }),
        text("role", "`new`, `head`, `squashed`, `merge`, `squash` or `other_paths`.", |row: &Row| {
            lent(row.fact.role.text())
        }),
        text("pull_request", "Number of the pull request that brought it; NULL when none is known.", |row: &Row| {
            row.fact.pull_request.as_deref().and_then(lent)
        }),
        flag("used", "Whether lead times are taken from it.", |row: &Row| Some(row.fact.role.used())),
    ]
}
