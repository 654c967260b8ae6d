//! A report as a page of its own: no script, nothing loaded from anywhere, light and dark, good on paper.

use super::model::{Number, Report};
use super::words;
use crate::format::{Direction, count};

const STYLE: &str = include_str!("page.css");

/// The report as HTML.
pub(super) fn render(report: &Report) -> String {
    let title = format!("Delivery of {}", words::title(&report.node));
    let overall = report.overall.as_deref().map(|band| format!(" {}", badge(band, " overall"))).unwrap_or_default();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}{overall}</h1>\n<p>{}</p>\n<p class=\"faint\">{}</p>\n</header>\n<section class=\"tiles\" aria-label=\"Headline metrics\">\n{}</section>\n{}</main>\n</body>\n</html>\n",
        escaped(&words::when(report)),
        escaped(&words::definition(report)),
        report.metrics.iter().map(|(metric, number)| tile(report, metric.title(), number)).collect::<String>(),
        tree(report),
        title = escaped(&title),
    )
}

fn tile(report: &Report, title: &str, number: &Number) -> String {
    let band = number.band.as_deref().map(|band| badge(band, "")).unwrap_or_default();
    let change = words::changed(number).map(|(direction, words)| {
        let class = match direction {
            Direction::Better => "better",
            Direction::Worse => "worse",
            Direction::Same => "faint",
        };
        // A change of that kind is against something; the others say it themselves.
        let against =
            if direction == Direction::Same { String::new() } else { format!(" than {}", words::before(report)) };
        format!(
            "<p class=\"{class}\">{} {}{}</p>\n",
            direction.sign(),
            escaped(&words),
            escaped(&than(&against, &words))
        )
    });
    let why = match number.value {
        Some(_) => String::new(),
        None => format!("<p>{}</p>\n", escaped(number.reason_text.as_deref().unwrap_or("No value."))),
    };
    let used = number.coverage.map(|_| format!(" · {} used", words::coverage(number))).unwrap_or_default();
    let mut detail = vec![format!("n = {}{used}", count(number.n)), words::detail(report, number)];
    let left_out = words::left_out(number);
    if !left_out.is_empty() {
        detail.push(format!("left out: {left_out}"));
    }
    detail.retain(|part| !part.is_empty());
    format!(
        "<article>\n<h2>{}</h2>\n<p class=\"value\">{} {band}</p>\n{}{}{why}<p class=\"faint\">{}</p>\n</article>\n",
        escaped(title),
        escaped(&words::shown(number)),
        line(title, number),
        change.unwrap_or_default(),
        detail.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("<br>\n")
    )
}

/// `18 % faster than …`, but `3 times as often as in …`.
fn than(against: &str, words: &str) -> String {
    if words.contains(" times as ") { against.replacen(" than ", " as in ", 1) } else { against.to_owned() }
}

/// The series as a line from zero, with gaps where there is no value.
fn line(title: &str, number: &Number) -> String {
    const WIDTH: f64 = 240.0;
    const HEIGHT: f64 = 44.0;
    let points: Vec<Option<f64>> = number.series.iter().map(|point| point.value).collect();
    let top = points.iter().flatten().copied().fold(0.0, f64::max);
    if points.len() < 2 || top <= 0.0 {
        return String::new();
    }
    let step = WIDTH / (points.len() - 1) as f64;
    let (mut path, mut drawing) = (String::new(), false);
    for (index, point) in points.iter().enumerate() {
        let Some(value) = point else {
            drawing = false;
            continue;
        };
        let (x, y) = (index as f64 * step, HEIGHT - 2.0 - (HEIGHT - 4.0) * value / top);
        // A lone point is drawn as a dot: a line of no length with round ends.
        let lone = !drawing && points.get(index + 1).is_none_or(Option::is_none);
        path.push_str(&format!("{}{x:.1} {y:.1}", if drawing { "L" } else { "M" }));
        if lone {
            path.push_str("h0");
        }
        drawing = true;
    }
    format!(
        "<svg viewBox=\"-3 0 246 44\" role=\"img\" aria-label=\"{} over the window\"><path d=\"{path}\"/></svg>\n",
        escaped(title)
    )
}

fn tree(report: &Report) -> String {
    if report.below.is_empty() {
        return String::new();
    }
    let heads: String =
        report.metrics.iter().map(|(metric, _)| format!("<th scope=\"col\">{}</th>", words::column(*metric))).collect();
    let mut rows = String::new();
    for (depth, node) in &report.below {
        rows.push_str(&format!(
            "<tr class=\"d{depth}\"><th scope=\"row\">{} <span class=\"faint\">{}</span></th>",
            escaped(&node.name),
            escaped(&node.level)
        ));
        for (metric, _) in &report.metrics {
            match node.metrics.get(metric.text()).filter(|number| number.value.is_some()) {
                Some(number) => {
                    let band = number.band.as_deref().map(|band| badge(band, "")).unwrap_or_default();
                    rows.push_str(&format!("<td>{} {band}</td>", escaped(&words::shown(number))));
                }
                None => rows.push_str("<td class=\"faint\">–</td>"),
            }
        }
        rows.push_str("</tr>\n");
    }
    format!(
        "<section>\n<h2>What is below</h2>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Name</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn badge(band: &str, more: &str) -> String {
    let class = if ["elite", "high", "medium", "low"].contains(&band) { band } else { "none" };
    format!("<span class=\"band {class}\">{}{more}</span>", escaped(band))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn the_page_stands_alone_and_names_do_nothing() {
        let page = render(&sample());
        assert!(page.contains("&lt;pay&gt;") && !page.contains("<pay>"));
        assert!(!page.contains("http") && !page.contains("<script"));
        assert!(page.contains("18 % faster than the 30 days before"), "{page}");
        assert!(page.contains("<path d=\"M0.0 22.0h0M240.0 2.0h0\"/>"), "{page}");
    }
}
