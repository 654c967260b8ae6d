//! What was deployed, pull request by pull request: the stages of lead time, and lead times that begin with one.
//!
//! A row is a pull request with the deployment that brought it, or a commit that came with none and is left out.

use domain::definition::{LeadTimeOf, LeadTimeStart};
use domain::metric::Reason;
use domain::part::Stage;

use super::lead_time::{conditions, deployments_without, not_semver};
use super::{Rows, View};

/// What a pull request tells of itself, under names that no other table has.
const REQUESTS: &str = "(SELECT repo AS of_repo, number AS of_number, opened_at, first_commit_at AS began_at, first_review_at, merged_at, merge_sha FROM pull_requests) AS requests";

/// A time between two instants of a pull request and its deployment.
struct Span {
    from: &'static str,
    to: &'static str,
    missing: Vec<(&'static str, Reason)>,
    negative: Reason,
}

/// One stage of lead time.
pub(super) fn stage(view: &View<'_>, stage: Stage) -> Vec<Rows> {
    let reviewed_late =
        ("first_review_at IS NULL OR coalesce(first_review_at > merged_at, false)", Reason::NotReviewed);
    let not_merged = ("merged_at IS NULL", Reason::NotMerged);
    let span = match stage {
        Stage::Coding => Span {
            from: "began_at",
            to: "opened_at",
            missing: vec![("began_at IS NULL", Reason::NoFirstCommit)],
            negative: Reason::CommitsRewritten,
        },
        Stage::Pickup => Span {
            from: "opened_at",
            to: "first_review_at",
            missing: vec![reviewed_late],
            negative: Reason::NegativeDuration,
        },
        Stage::Review => Span {
            from: "first_review_at",
            to: "merged_at",
            missing: vec![not_merged, reviewed_late],
            negative: Reason::NegativeDuration,
        },
        Stage::MergeToDeploy => Span {
            from: "merged_at",
            to: "finished_at",
            missing: vec![not_merged],
            negative: Reason::DeployedBeforeMerge,
        },
    };
    rows(view, &span)
}

/// A lead time that begins with a pull request.
pub(super) fn lead_time(view: &View<'_>, start: LeadTimeStart) -> Vec<Rows> {
    if start == LeadTimeStart::Merged {
        return stage(view, Stage::MergeToDeploy);
    }
    rows(view, &Span { from: "opened_at", to: "finished_at", missing: Vec::new(), negative: Reason::NegativeLeadTime })
}

fn rows(view: &View<'_>, span: &Span) -> Vec<Rows> {
    match view.definition().lead_time.of {
        LeadTimeOf::NewCommits => vec![of_new_commits(view, span), deployments_without(view)],
        LeadTimeOf::DeployedCommit | LeadTimeOf::CommitAt => vec![of_deployed_commit(view, span)],
    }
}

fn reasons(view: &View<'_>, span: &Span) -> Vec<(String, Reason)> {
    let mut reasons = not_semver(view);
    reasons.push(("of_number IS NULL".to_owned(), Reason::NoPullRequest));
    reasons.extend(span.missing.iter().map(|(condition, reason)| ((*condition).to_owned(), *reason)));
    reasons.push((format!("{} < 0.0", seconds(span)), span.negative));
    reasons
}

fn seconds(span: &Span) -> String {
    format!("seconds_between({}, {})", span.from, span.to)
}

/// Pull requests of the new commits, at their first arrival on any instance of the component. Where the pull request does
/// not say when it began, its own commits do; the commit of its merge is none of them.
fn of_new_commits(view: &View<'_>, span: &Span) -> Rows {
    let mut brought = conditions(view);
    brought.push("used AND first_arrival".to_owned());
    let place = "source, id, platform, domain, product, component, instance, finished_at, semver, first_deployment, range_incomplete";
    let request = "of_repo, of_number, opened_at, first_review_at, merged_at";
    let alone = "CASE WHEN of_number IS NULL THEN sha END";
    let from = format!(
        "(SELECT {place}, {request},\n    CASE WHEN of_number IS NULL THEN min(sha) ELSE concat(of_repo, '#', of_number) END AS item,\n    \
         coalesce(began_at, min(CASE WHEN coalesce(sha <> merge_sha, true) THEN committed_at END)) AS began_at\n  \
         FROM commits\n  LEFT JOIN {REQUESTS}\n    ON repo = of_repo AND pull_request = of_number\n  WHERE {}\n  \
         GROUP BY {place}, {request}, began_at, {alone}) AS changes",
        brought.join("\n    AND ")
    );
    Rows {
        from: from.into(),
        held: &["commits"],
        item: "item",
        at: "finished_at",
        value: seconds(span),
        reasons: reasons(view, span),
        marks: vec![
            ("range_incomplete IS NOT NULL".to_owned(), Reason::RangeIncomplete),
            ("first_deployment".to_owned(), Reason::FirstDeployment),
        ],
        ..Rows::default()
    }
}

/// The pull request of the deployed commit, at each deployment that brings it to its instance.
fn of_deployed_commit(view: &View<'_>, span: &Span) -> Rows {
    let mut brought = vec!["pull_request IS NOT NULL".to_owned()];
    brought.extend(view.within("finished_at"));
    brought.extend(view.joined(&view.question.node));
    let from = format!(
        "deployments\nLEFT JOIN (SELECT source AS by_source, id AS by_id, sha AS by_sha, min(pull_request) AS by_number FROM commits WHERE {} GROUP BY source, id, sha) AS brought\n  \
         ON source = by_source AND id = by_id AND sha = by_sha\nLEFT JOIN {REQUESTS}\n  ON repo = of_repo AND by_number = of_number",
        brought.join(" AND ")
    );
    let mut left = vec![
        ("kind = 'rollback'".to_owned(), Reason::NoNewCommits),
        ("link = 'none'".to_owned(), Reason::NoCommitLink),
        ("NOT brings_new_commit".to_owned(), Reason::NoNewCommits),
    ];
    left.extend(reasons(view, span));
    Rows {
        from: from.into(),
        held: &["deployments", "commits"],
        item: "CASE WHEN of_number IS NULL THEN sha ELSE concat(of_repo, '#', of_number) END",
        at: "finished_at",
        value: seconds(span),
        reasons: left,
        conditions: conditions(view),
        ..Rows::default()
    }
}
