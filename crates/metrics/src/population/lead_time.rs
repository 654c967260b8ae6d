//! Lead times: of commits, or of deployments.

use domain::definition::{LeadTimeOf, LeadTimeStart};
use domain::metric::Reason;

use super::{NO_TEXT, NO_VALUE, Rows, View, counted};

pub(super) fn lead_time(view: &View<'_>) -> Vec<Rows> {
    let lead = view.definition().lead_time;
    match (lead.of, lead.start) {
        // The event tells one commit, which is the first as well, and of no pull request.
        (LeadTimeOf::CommitAt, _) => vec![deployed(view, "commit_at")],
        (_, start @ (LeadTimeStart::PrOpened | LeadTimeStart::Merged)) => super::stages::lead_time(view, start),
        (LeadTimeOf::NewCommits, LeadTimeStart::Commit) => vec![commits(view), deployments_without(view)],
        (LeadTimeOf::NewCommits, LeadTimeStart::FirstCommit) => vec![first_of_new(view)],
        (LeadTimeOf::DeployedCommit, LeadTimeStart::FirstCommit) => {
            vec![deployed(view, "coalesce(first_commit_at, commit_at)")]
        }
        (LeadTimeOf::DeployedCommit, LeadTimeStart::Commit) => {
            vec![deployed(view, "coalesce(head_committed_at, commit_at)")]
        }
    }
}

pub(super) fn conditions(view: &View<'_>) -> Vec<String> {
    let mut conditions = counted(view.definition().population);
    conditions.extend(view.within("finished_at"));
    conditions.extend(view.scope(true));
    conditions
}

pub(super) fn not_semver(view: &View<'_>) -> Vec<(String, Reason)> {
    if view.definition().lead_time.semver_only {
        vec![("NOT semver".to_owned(), Reason::NotSemver)]
    } else {
        Vec::new()
    }
}

/// New commits at their first arrival on any instance of the component. A commit of an unknown range is used and marked.
fn commits(view: &View<'_>) -> Rows {
    let seconds = "seconds_between(committed_at, finished_at)";
    let mut reasons = not_semver(view);
    reasons.push((format!("{seconds} < 0.0"), Reason::NegativeLeadTime));
    let mut conditions = conditions(view);
    conditions.push("used AND first_arrival".to_owned());
    Rows {
        from: "commits".into(),
        item: "sha",
        at: "finished_at",
        value: seconds.to_owned(),
        reasons,
        marks: vec![
            ("range_incomplete IS NOT NULL".to_owned(), Reason::RangeIncomplete),
            ("first_deployment".to_owned(), Reason::FirstDeployment),
        ],
        conditions,
        ..Rows::default()
    }
}

/// One lead time a deployment, from the earliest of its commits at their first arrival on any instance of the component.
fn first_of_new(view: &View<'_>) -> Rows {
    let mut brought = vec!["used AND first_arrival".to_owned()];
    brought.extend(view.within("finished_at"));
    brought.extend(view.joined(&view.question.node));
    let from = format!(
        "deployments\nLEFT JOIN (SELECT source AS of_source, id AS of_id, min(committed_at) AS first_new_at FROM commits WHERE {} GROUP BY source, id) AS brought\n  ON source = of_source AND id = of_id",
        brought.join(" AND ")
    );
    let seconds = "seconds_between(first_new_at, finished_at)";
    let mut reasons = vec![
        ("first_new_at IS NULL AND kind <> 'rollback' AND link = 'none'".to_owned(), Reason::NoCommitLink),
        ("first_new_at IS NULL".to_owned(), Reason::NoNewCommits),
    ];
    reasons.extend(not_semver(view));
    reasons.push((format!("{seconds} < 0.0"), Reason::NegativeLeadTime));
    Rows {
        from: from.into(),
        held: &["deployments", "commits"],
        item: NO_TEXT,
        at: "finished_at",
        value: seconds.to_owned(),
        reasons,
        marks: vec![
            ("range_incomplete IS NOT NULL".to_owned(), Reason::RangeIncomplete),
            ("first_deployment".to_owned(), Reason::FirstDeployment),
        ],
        conditions: conditions(view),
        ..Rows::default()
    }
}

/// Deployments with no such commit: left out, so that every counted deployment is accounted for.
pub(super) fn deployments_without(view: &View<'_>) -> Rows {
    Rows {
        from: "deployments".into(),
        item: NO_TEXT,
        at: "finished_at",
        value: NO_VALUE.to_owned(),
        // Not one of the conditions, which are those of other metrics: their rows are read together.
        only: Some("first_arrivals = 0".to_owned()),
        reasons: vec![
            ("kind <> 'rollback' AND link = 'none'".to_owned(), Reason::NoCommitLink),
            ("true".to_owned(), Reason::NoNewCommits),
        ],
        conditions: conditions(view),
        ..Rows::default()
    }
}

/// One lead time a deployment that brings its commit to its instance.
fn deployed(view: &View<'_>, committed: &str) -> Rows {
    let seconds = format!("seconds_between({committed}, finished_at)");
    let mut reasons = vec![("kind = 'rollback'".to_owned(), Reason::NoNewCommits)];
    reasons.extend(not_semver(view));
    reasons.push((format!("{committed} IS NULL"), Reason::NoCommitLink));
    reasons.push(("NOT brings_new_commit".to_owned(), Reason::NoNewCommits));
    reasons.push((format!("{seconds} < 0.0"), Reason::NegativeLeadTime));
    Rows {
        from: "deployments".into(),
        item: NO_TEXT,
        at: "finished_at",
        value: seconds,
        reasons,
        conditions: conditions(view),
        ..Rows::default()
    }
}
