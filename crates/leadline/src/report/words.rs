//! The pieces all forms of a report are made of.

use domain::metric::Metric;

use super::model::{Number, Report};
use crate::format::{Direction, change, count, moment, percent, span, value, window};

/// The node for people: `the whole group`, `product shop`.
pub(super) fn title(node: &str) -> String {
    match node.split_once(':') {
        None => "the whole group".to_owned(),
        Some((level, name)) => format!("{level} {name}"),
    }
}

/// The window and when the data was known so.
pub(super) fn when(report: &Report) -> String {
    let as_of = report.as_of.map(|at| format!(" · as of {} UTC", moment(at))).unwrap_or_default();
    format!("{}{as_of}", window(report.from, report.to))
}

/// The definition with its title, when it is one of those that come with Leadline.
pub(super) fn definition(report: &Report) -> String {
    let known = domain::definition::shipped().into_iter().find(|known| known.id == report.definition);
    let title = known.map(|known| format!(": {}", known.title)).unwrap_or_default();
    format!("definition {} v{}{title}", report.definition, report.definition_version)
}

/// The value, or N/A.
pub(super) fn shown(number: &Number) -> String {
    number.value.map_or_else(|| "N/A".to_owned(), |found| value(&number.unit, found))
}

/// How much of the population was used.
pub(super) fn coverage(number: &Number) -> String {
    number.coverage.map(percent).unwrap_or_default()
}

/// The window before, in words: `the 30 days before`.
pub(super) fn before(report: &Report) -> String {
    format!("the {} before", span(report.from, report.to))
}

/// The change against the window before, with its direction; none when there is nothing to compare.
pub(super) fn changed(number: &Number) -> Option<(Direction, String)> {
    let previous = number.previous?;
    match (number.value, previous.value, previous.change) {
        (_, _, Some(by)) => Some(change(&number.unit, &number.better, by)),
        (Some(now), Some(then), None) if now > then => {
            Some((Direction::Same, format!("up from {}", value(&number.unit, then))))
        }
        (Some(_), Some(_), None) => Some((Direction::Same, "unchanged".to_owned())),
        (None, Some(then), None) => Some((Direction::Same, format!("was {}", value(&number.unit, then)))),
        (_, None, None) => None,
    }
}

/// Statistics and spread: `mean 2 d 7 h · p95 6 d 2 h · 2 components from 1 h to 2 d 4 h, median 2 h`.
pub(super) fn detail(report: &Report, number: &Number) -> String {
    let mut parts = Vec::new();
    let show = |found| value(&number.unit, found);
    if let Some(stats) = number.stats {
        parts.push(format!("mean {} · median {} · p95 {}", show(stats.mean), show(stats.p50), show(stats.p95)));
    }
    if let Some(spread) = number.spread.filter(|spread| spread.children > 1) {
        parts.push(format!(
            "{} {} from {} to {}, median {}",
            count(spread.children),
            children(report),
            show(spread.min),
            show(spread.max),
            show(spread.p50)
        ));
    }
    parts.join(" · ")
}

/// Rows left out, by reason.
pub(super) fn left_out(number: &Number) -> String {
    let parts: Vec<String> =
        number.excluded.iter().map(|(reason, n)| format!("{} {}", count(*n), reason.replace('_', " "))).collect();
    parts.join(", ")
}

/// What is below the node, in the plural.
fn children(report: &Report) -> &'static str {
    match report.below.first().map(|(_, node)| node.level.as_str()) {
        Some("platform") => "platforms",
        Some("domain") => "domains",
        Some("product") => "products",
        Some("component") => "components",
        Some("instance") => "instances",
        _ => "parts",
    }
}

/// A short name of a metric, for the head of a column.
pub(super) const fn column(metric: Metric) -> &'static str {
    match metric {
        Metric::DeploymentFrequency => "Deployments",
        Metric::LeadTime => "Lead time",
        Metric::ChangeFailureRate => "Failures",
        Metric::FailedDeploymentRecoveryTime => "Recovery",
        Metric::TimeToRestore => "Restore",
        Metric::ReworkRate => "Rework",
        other => other.title(),
    }
}

/// A band as a mark that needs no colour: elite ●●●●, low ●○○○.
pub(super) fn mark(band: Option<&str>) -> &'static str {
    match band {
        Some("elite") => "●●●●",
        Some("high") => "●●●○",
        Some("medium") => "●●○○",
        Some("low") => "●○○○",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn pieces_read_well() {
        let report = sample();
        assert_eq!(title(&report.node), "product shop");
        assert_eq!(when(&report), "30 days: 2025-01-01 00:00 to 2025-01-31 00:00 UTC · as of 2025-01-31 09:30 UTC");
        assert!(definition(&report).starts_with("definition dora v1: DORA's five metrics"));
        let lead = &report.metrics[1].1;
        assert_eq!(changed(lead), Some((Direction::Better, "18 % faster".to_owned())));
        assert_eq!(
            detail(&report, lead),
            "mean 2 d 8 h · median 2 d 4 h · p95 6 d 2 h · 2 components from 1 h to 2 d 4 h, median 2 h"
        );
        assert_eq!(left_out(lead), "3 no commit link");
        assert_eq!(changed(&report.metrics[0].1), None);
    }
}
