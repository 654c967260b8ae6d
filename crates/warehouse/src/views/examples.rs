//! `examples`: what an article's queries for PostgreSQL read, unchanged.

use super::{Column, View, column};

pub(super) const VIEWS: &[View] = &[
    View {
        name: "deployments",
        doc: "One deployment that ended, of any outcome and kind.",
        columns: DEPLOYMENTS,
        from: "FROM deployments WHERE status <> 'in_progress' AND finished_at IS NOT NULL",
    },
    View { name: "incidents", doc: "One incident.", columns: INCIDENTS, from: "FROM incidents" },
];

const DEPLOYMENTS: &[Column] = &[
    column("id", "id", "The reporter's own id."),
    column("service", "substr(component, strpos(component, '/') + 1)", "Component, without its product."),
    column(
        "environment",
        "CASE WHEN production THEN 'production' ELSE environment END",
        "`production`, else as the source names it.",
    ),
    column("commit_sha", "sha", "Commit of the code."),
    column(
        "commit_timestamp",
        "CASE WHEN kind <> 'rollback' AND brings_new_commit AND commit_at <= finished_at \
         THEN arrow_cast(commit_at, 'Timestamp(Microsecond, None)') END",
        "Time of the commit as the event gave it; NULL where no lead time is taken: rollbacks, and commits that had arrived \
         before.",
    ),
    column("deployed_at", "arrow_cast(finished_at, 'Timestamp(Microsecond, None)')", "When it ended."),
    column(
        "status",
        "CASE status WHEN 'succeeded' THEN 'success' WHEN 'failed' THEN 'failure' ELSE status END",
        "`success`, `failure` or `cancelled`.",
    ),
    column("is_rollback", "kind = 'rollback'", "Whether it goes back to what ran before."),
    column("is_hotfix", "kind = 'hotfix'", "Whether it repairs an earlier one."),
    column(
        "caused_incident",
        "coalesce(first_delay_s_started_product <= 86400.0, false)",
        "Whether an incident of the product that began within a day is attributed to it.",
    ),
    column("created_at", "arrow_cast(finished_at, 'Timestamp(Microsecond, None)')", "When it ended, too."),
    column("source", "source", "Who reports it."),
    column("product", "product", "Product."),
    column("component", "component", "Component by its full name, `product/component`."),
];

const INCIDENTS: &[Column] = &[
    column("incident_id", "id", "The reporter's own id."),
    column(
        "service",
        "coalesce(substr(component, strpos(component, '/') + 1), product)",
        "Component it names, without its product; else the product.",
    ),
    column("severity", "severity", "`critical`, `high`, `medium`, `low` or `unknown`."),
    column("title", "title", "Title."),
    column(
        "detected_at",
        "arrow_cast(coalesce(detected_at, started_at), 'Timestamp(Microsecond, None)')",
        "When it was noticed, else when users felt it.",
    ),
    column(
        "resolved_at",
        "arrow_cast(resolved_at, 'Timestamp(Microsecond, None)')",
        "When it was resolved; NULL while open.",
    ),
    column("created_at", "arrow_cast(opened_at, 'Timestamp(Microsecond, None)')", "When the ticket was made."),
    column("source", "source", "Who reports it."),
    column("product", "product", "Product."),
    column("component", "component", "Component by its full name, `product/component`."),
];
