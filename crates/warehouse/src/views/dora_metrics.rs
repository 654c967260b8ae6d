//! `dora_metrics`: what a large group's queries read.

use super::{Column, View, column};

pub(super) const VIEWS: &[View] = &[
    View {
        name: "deployments",
        doc: "One deployment that succeeded.",
        columns: DEPLOYMENTS,
        from: "FROM deployments WHERE status = 'succeeded' AND finished_at IS NOT NULL",
    },
    View {
        name: "git_commits",
        doc: "The commit of a tag that was deployed.",
        columns: GIT_COMMITS,
        from: "FROM deployments WHERE semver AND coalesce(head_committed_at, commit_at) IS NOT NULL \
               GROUP BY component, version",
    },
    View { name: "incidents", doc: "One incident.", columns: INCIDENTS, from: "FROM incidents" },
    View {
        name: "deployments_with_commits",
        doc: "One production deployment of which the definition `rex` takes a lead time, with its commit: its tag is \
              SemVer and brings the commit to the instance.",
        columns: WITH_COMMITS,
        from: "FROM deployments WHERE counted AND semver AND kind <> 'rollback' AND brings_new_commit \
               AND coalesce(head_committed_at, commit_at) <= finished_at",
    },
    View {
        name: "lead_time_daily",
        doc: "Lead times of one product on one day, in UTC.",
        columns: DAILY,
        from: DAILY_FROM,
    },
];

const DEPLOYMENTS: &[Column] = &[
    column("deployment_id", "source || '/' || id", "Source and the reporter's own id."),
    column(
        "component_name",
        "component",
        "Component by its full name, `product/component`: it alone tells components apart.",
    ),
    column("product_id", "product", "Product."),
    column(
        "git_tag",
        "component || '@' || version",
        "Component and version: a tag alone would be that of many repositories.",
    ),
    column(
        "environment",
        "CASE WHEN production THEN 'prod' ELSE environment END",
        "`prod`, else as the source names it.",
    ),
    column("deployment_timestamp", "finished_at", "When it ended."),
    column("is_config_only", "kind = 'config'", "Whether it brings configuration only."),
    column("version", "version", "Version or tag."),
    column("instance", "instance", "Instance of the component."),
];

const GIT_COMMITS: &[Column] = &[
    column("tag", "component || '@' || version", "Component and version, as `git_tag` of `deployments`."),
    column("commit_timestamp", "min(coalesce(head_committed_at, commit_at))", "When its commit was committed."),
    column("commit_sha", "min(sha)", "Its commit."),
    column("repository", "min(repo)", "Repository."),
];

const INCIDENTS: &[Column] = &[
    column("incident_id", "source || '/' || id", "Source and the reporter's own id."),
    column("product_id", "product", "Product it hurts."),
    column("status", "CASE WHEN resolved_at IS NULL THEN 'Open' ELSE 'Resolved' END", "`Resolved` or `Open`."),
    column("created_timestamp", "opened_at", "When the ticket was made."),
    column("resolved_timestamp", "resolved_at", "When it was resolved; NULL while open."),
    column("severity", "severity", "`critical`, `high`, `medium`, `low` or `unknown`."),
];

const WITH_COMMITS: &[Column] = &[
    column("deployment_id", "source || '/' || id", "Source and the reporter's own id."),
    column("component_name", "component", "Component by its full name, `product/component`."),
    column("product_id", "product", "Product."),
    column("git_tag", "component || '@' || version", "Component and version."),
    column("environment", "'prod'", "`prod`: there are no others here."),
    column("deployment_timestamp", "finished_at", "When it ended."),
    column("commit_timestamp", "coalesce(head_committed_at, commit_at)", "When its commit was committed."),
    column("commit_sha", "sha", "Its commit."),
];

pub(super) const DAILY: &[Column] = &[
    column("product_id", "product", "Product."),
    column("deployment_date", "CAST(date_trunc('day', finished_at) AS DATE)", "Day of the deployments, in UTC."),
    column(
        "avg_lead_time_hours",
        "avg(trunc(seconds_between(coalesce(head_committed_at, commit_at), finished_at) / 3600.0))",
        "Mean of the lead times in whole hours, as `TIMESTAMP_DIFF(…, HOUR)` counts them.",
    ),
    column(
        "avg_lead_time_s",
        "avg(seconds_between(coalesce(head_committed_at, commit_at), finished_at))",
        "Mean of the lead times in seconds, nothing cut off.",
    ),
    column("deployments", "count(*)", "Deployments it is the mean of."),
];

pub(super) const DAILY_FROM: &str = "FROM deployments WHERE counted AND semver AND kind <> 'rollback' AND brings_new_commit \
     AND coalesce(head_committed_at, commit_at) <= finished_at \
     GROUP BY product, CAST(date_trunc('day', finished_at) AS DATE)";
