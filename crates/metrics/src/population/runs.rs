//! Pipeline runs judged by what was before and after them.

use domain::metric::Reason;
use domain::part::CiStage;
use domain::time::DAY;

use super::{NO_TEXT, Rows, View, counted, one_if};
use crate::literal::instant;

/// How long before the window runs of the same commit are looked for.
const BEFORE: i64 = 30 * DAY;

/// Commits whose pipeline failed and then passed unchanged. A row is a commit with a pipeline by name, and belongs to the
/// window by the last of its runs.
pub(super) fn flaky(view: &View<'_>) -> Rows {
    let mut runs = vec![
        "status IN ('succeeded', 'failed')".to_owned(),
        format!("ended_at >= {}", instant(view.window.from.plus(-BEFORE))),
        format!("ended_at < {}", instant(view.window.to)),
    ];
    runs.extend(view.scope(false));
    // A run that names no commit stands for itself.
    let together = "PARTITION BY product, component, repo, name, coalesce(sha, concat(source, ' ', id))";
    let from = format!(
        "(SELECT source, id, platform, domain, product, component, instance, sha, ended_at,\n    \
         row_number() OVER ({together} ORDER BY ended_at DESC, source DESC, id DESC) AS place,\n    \
         min(CASE WHEN status = 'failed' THEN ended_at END) OVER ({together}) AS failed_at,\n    \
         max(CASE WHEN status = 'succeeded' THEN ended_at END) OVER ({together}) AS passed_at\n  \
         FROM pipeline_runs\n  WHERE {}) AS runs",
        runs.join(" AND ")
    );
    let mut conditions = vec!["place = 1".to_owned()];
    conditions.extend(view.within("ended_at"));
    Rows {
        from: from.into(),
        held: &["pipeline_runs"],
        item: "sha",
        at: "ended_at",
        value: one_if("coalesce(failed_at < passed_at, false)"),
        reasons: vec![("sha IS NULL".to_owned(), Reason::RunWithoutCommit)],
        conditions,
        ..Rows::default()
    }
}

/// How long runs took whose commit was deployed afterwards, whenever that was.
pub(super) fn time_in_ci(view: &View<'_>) -> Rows {
    in_ci(view, "", "seconds_between(started_at, finished_at)", Vec::new())
}

/// How long stages of one kind took in those runs. What ran beside another of its kind counts once.
pub(super) fn stage(view: &View<'_>, stage: CiStage) -> Rows {
    let of_kind = format!("kind = '{}' AND coalesce(status, '') <> 'skipped'", stage.text());
    let times = |condition: &str| format!("sum(CASE WHEN {of_kind}{condition} THEN 1 ELSE 0 END)");
    let mut ran = view.within("ended_at");
    ran.extend(view.of_products());
    let stages = format!(
        "\nLEFT JOIN (SELECT source AS of_source, id AS of_id, {} AS times, {} AS timed, {} AS backwards,\n    \
         sum(CASE WHEN {of_kind} THEN own_seconds END) AS spent FROM pipeline_stages WHERE {} GROUP BY source, id) AS stages\n  \
         ON source = of_source AND id = of_id",
        times(""),
        times(" AND seconds IS NOT NULL"),
        times(" AND seconds < 0.0"),
        ran.join(" AND ")
    );
    let missing = vec![
        ("times IS NULL".to_owned(), Reason::StagesUnknown),
        ("times = 0".to_owned(), Reason::StageNotRun),
        ("timed < times".to_owned(), Reason::StageNotTimed),
        ("backwards > 0".to_owned(), Reason::NegativeDuration),
    ];
    Rows { held: &["pipeline_runs", "pipeline_stages", "deployments"], ..in_ci(view, &stages, "spent", missing) }
}

fn in_ci(view: &View<'_>, joined: &str, seconds: &str, missing: Vec<(String, Reason)>) -> Rows {
    let mut deployed = counted(view.definition().population);
    deployed.push(format!("finished_at >= {}", instant(view.window.from)));
    deployed.push("sha IS NOT NULL".to_owned());
    // A run need not name the instance its commit is deployed to.
    deployed.extend(view.joined(&match &view.question.node {
        domain::catalogue::Node::Instance(id, _) => domain::catalogue::Node::Component(id.clone()),
        other => other.clone(),
    }));
    let from = format!(
        "pipeline_runs\nLEFT JOIN (SELECT product AS of_product, sha AS of_sha, max(finished_at) AS deployed_at FROM deployments WHERE {} GROUP BY product, sha) AS deployed\n  ON product = of_product AND sha = of_sha{joined}",
        deployed.join(" AND ")
    );
    let mut reasons = vec![
        ("status <> 'succeeded'".to_owned(), Reason::RunNotPassed),
        ("sha IS NULL".to_owned(), Reason::RunWithoutCommit),
        ("coalesce(deployed_at < ended_at, true)".to_owned(), Reason::NotDeployed),
    ];
    reasons.extend(missing);
    reasons.push((format!("{seconds} < 0.0"), Reason::NegativeDuration));
    let mut conditions = vec!["status IN ('succeeded', 'failed')".to_owned(), "finished_at IS NOT NULL".to_owned()];
    conditions.extend(view.within("ended_at"));
    conditions.extend(view.scope(false));
    Rows {
        from: from.into(),
        held: &["pipeline_runs", "deployments"],
        item: NO_TEXT,
        at: "ended_at",
        value: seconds.to_owned(),
        reasons,
        conditions,
        ..Rows::default()
    }
}
