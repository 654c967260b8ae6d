//! A report for a page or a message.

use super::model::Report;
use super::words;
use crate::format::count;

/// The report as GitHub-flavoured Markdown.
pub(super) fn render(report: &Report) -> String {
    let overall = report.overall.as_ref().map(|band| format!(", {band} overall")).unwrap_or_default();
    let mut out = format!(
        "# Delivery of {}{overall}\n\n{}  \n{}\n\n",
        escaped(&words::title(&report.node)),
        words::when(report),
        words::definition(report)
    );
    out.push_str(&format!("| Metric | Value | Band | n | Used | Against {} | Detail |\n", words::before(report)));
    out.push_str("|---|--:|---|--:|--:|---|---|\n");
    for (metric, number) in &report.metrics {
        let change = words::changed(number).map(|(direction, words)| format!("{} {words}", direction.sign()));
        let mut detail = vec![words::detail(report, number)];
        if number.value.is_none() {
            detail.extend(number.reason_text.clone());
        }
        let left_out = words::left_out(number);
        if !left_out.is_empty() {
            detail.push(format!("left out: {left_out}"));
        }
        detail.retain(|part| !part.is_empty());
        let cells = [
            metric.title().to_owned(),
            format!("**{}**", words::shown(number)),
            number.band.clone().unwrap_or_default(),
            count(number.n),
            words::coverage(number),
            change.unwrap_or_default(),
            detail.join("; "),
        ];
        out.push_str(&row(&cells));
    }
    if !report.below.is_empty() {
        let names: Vec<String> = report.metrics.iter().map(|(metric, _)| words::column(*metric).to_owned()).collect();
        out.push_str(&format!("\n|  | Level | {} |\n|---|---|{}\n", names.join(" | "), "--:|".repeat(names.len())));
        for (depth, node) in &report.below {
            let indent = "&emsp;".repeat(depth - 1);
            let mut cells = vec![format!("{indent}{}", escaped(&node.name)), node.level.clone()];
            for (metric, _) in &report.metrics {
                let number = node.metrics.get(metric.text()).filter(|number| number.value.is_some());
                cells.push(number.map_or_else(
                    || "–".to_owned(),
                    |number| match &number.band {
                        Some(band) => format!("{} ({band})", words::shown(number)),
                        None => words::shown(number),
                    },
                ));
            }
            out.push_str(&row(&cells));
        }
    }
    out
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// Names come from outside: they make no table, link or tag of their own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => out.extend(['\\', letter]),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn markdown_has_both_tables_and_no_names_that_act() {
        let text = render(&sample());
        assert!(text.starts_with("# Delivery of product shop, high overall\n"), "{text}");
        assert!(text.contains("| Change lead time | **2 d 4 h** | high | 4 | 90 % | ▲ 18 % faster |"), "{text}");
        assert!(text.contains("| &lt;pay> | component | 3.4 / week (high) |"), "{text}");
    }
}
