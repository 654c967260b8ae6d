//! A report for spreadsheets: one row for each node and metric, numbers in the metric's own unit.

use super::model::{Number, Report};

const HEAD: &str = "node,level,metric,value,unit,n,coverage,band,reason,definition,definition_version,from,to\n";

/// The report as CSV (RFC 4180), without the rows' own text for people.
pub(super) fn render(report: &Report) -> String {
    let mut out = HEAD.to_owned();
    let level = report.node.split_once(':').map_or("group", |(level, _)| level);
    for (metric, number) in &report.metrics {
        out.push_str(&row(report, &report.node, level, metric.text(), number));
    }
    for (_, node) in &report.below {
        for (metric, _) in &report.metrics {
            if let Some(number) = node.metrics.get(metric.text()) {
                out.push_str(&row(report, &node.node, &node.level, metric.text(), number));
            }
        }
    }
    out
}

fn row(report: &Report, node: &str, level: &str, metric: &str, number: &Number) -> String {
    let plain = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let cells = [
        node.to_owned(),
        level.to_owned(),
        metric.to_owned(),
        plain(number.value),
        number.unit.clone(),
        number.n.to_string(),
        plain(number.coverage),
        number.band.clone().unwrap_or_default(),
        number.reason.clone().unwrap_or_default(),
        report.definition.clone(),
        report.definition_version.to_string(),
        report.from.to_string(),
        report.to.to_string(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\n", cells.join(","))
}

/// Quoted where needed. A cell that a spreadsheet would take for a formula is made a text: names come from outside.
fn quoted(cell: &str) -> String {
    let cell = if cell.starts_with(['=', '+', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn one_row_for_each_node_and_metric() {
        let text = render(&sample());
        assert_eq!(text.lines().count(), 1 + 3 * 5);
        assert!(text.contains(
            "product:shop,product,failed_deployment_recovery_time,,s,0,,,no_failures,dora,1,2025-01-01T00:00:00Z,2025-01-31T00:00:00Z\n"
        ));
        assert_eq!((quoted("a,\"b\""), quoted("=1+1")), ("\"a,\"\"b\"\"\"".to_owned(), "'=1+1".to_owned()));
    }
}
