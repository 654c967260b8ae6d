//! A report for a terminal.

use super::model::{Number, Report};
use super::words;
use crate::format::{Align, Direction, Paint, Table, Tone, band_tone, count, fill, spark};

const WIDTH: usize = 110;

/// The report as text.
pub(crate) fn render(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    let mut head = paint.apply(Tone::Strong, &words::title(&report.node));
    if let Some(overall) = &report.overall {
        let mark = words::mark(Some(overall));
        head.push_str(&format!("  {}", paint.apply(band_tone(Some(overall)), &format!("{mark} {overall} overall"))));
    }
    out.push_str(&format!("{head}\n{}\n", words::when(report)));
    out.push_str(&paint.apply(Tone::Faint, fill(&words::definition(report), WIDTH, "").trim_end()));
    out.push_str("\n\n");
    out.push_str(&numbers(report, paint));
    if !report.below.is_empty() {
        out.push('\n');
        out.push_str(&below(report, paint));
    }
    if report.hidden > 0 {
        let hint = format!("{} more below; --depth {} shows them", count(report.hidden as u64), deeper(report));
        out.push_str(&format!("  {}\n", paint.apply(Tone::Faint, &hint)));
    }
    out
}

fn deeper(report: &Report) -> usize {
    report.below.iter().map(|(depth, _)| *depth).max().unwrap_or_default() + 1
}

fn numbers(report: &Report, paint: Paint) -> String {
    let against = format!("Against {}", words::before(report));
    let mut table = Table::new(&[
        ("", Align::Left),
        ("Value", Align::Right),
        ("Band", Align::Left),
        ("n", Align::Right),
        ("Used", Align::Right),
        ("Trend", Align::Left),
        (against.as_str(), Align::Left),
    ]);
    for (metric, number) in &report.metrics {
        let (direction, change) = words::changed(number).unwrap_or((Direction::Same, String::new()));
        let signed = if change.is_empty() { change } else { format!("{} {change}", direction.sign()) };
        table.row(vec![
            (metric.title().to_owned(), Tone::Strong),
            (words::shown(number), if number.value.is_some() { Tone::Strong } else { Tone::Faint }),
            band(number),
            (count(number.n), Tone::Plain),
            (words::coverage(number), Tone::Plain),
            (line(number), Tone::Faint),
            (signed, tone(direction)),
        ]);
        let detail = words::detail(report, number);
        if !detail.is_empty() {
            table.note(format!("  {detail}"));
        }
        if number.value.is_none() {
            let why =
                number.reason_text.clone().or_else(|| number.reason.clone()).unwrap_or_else(|| "no value".to_owned());
            for part in fill(&why, WIDTH - 4, "  ").lines() {
                table.note(part.to_owned());
            }
        }
        let left_out = words::left_out(number);
        if !left_out.is_empty() {
            table.note(format!("  left out: {left_out}"));
        }
    }
    table.text(paint, "  ")
}

fn below(report: &Report, paint: Paint) -> String {
    let mut columns = vec![("", Align::Left), ("", Align::Left)];
    for (metric, _) in &report.metrics {
        columns.extend([(words::column(*metric), Align::Right), ("", Align::Left)]);
    }
    let mut table = Table::new(&columns);
    for (depth, node) in &report.below {
        let name = format!("{}{}", "  ".repeat(depth - 1), node.name);
        let mut cells =
            vec![(name, if *depth == 1 { Tone::Strong } else { Tone::Plain }), (node.level.clone(), Tone::Faint)];
        for (metric, _) in &report.metrics {
            match node.metrics.get(metric.text()) {
                Some(number) if number.value.is_some() => {
                    let band = number.band.as_deref();
                    cells
                        .extend([(words::shown(number), Tone::Plain), (words::mark(band).to_owned(), band_tone(band))]);
                }
                _ => cells.extend([("–".to_owned(), Tone::Faint), (String::new(), Tone::Plain)]),
            }
        }
        table.row(cells);
    }
    table.text(paint, "  ")
}

fn band(number: &Number) -> (String, Tone) {
    let band = number.band.as_deref();
    let text = band.map(|band| format!("{} {band}", words::mark(Some(band)))).unwrap_or_default();
    (text, band_tone(band))
}

/// At most 32 characters of the line.
fn line(number: &Number) -> String {
    let points: Vec<Option<f64>> = number.series.iter().map(|point| point.value).collect();
    spark(&points[points.len().saturating_sub(32)..])
}

const fn tone(direction: Direction) -> Tone {
    match direction {
        Direction::Better => Tone::Better,
        Direction::Worse => Tone::Worse,
        Direction::Same => Tone::Faint,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::sample;
    use super::*;

    #[test]
    fn a_report_is_readable_without_colour() {
        let text = render(&sample(), Paint::Plain);
        assert!(!text.contains('\u{1b}'));
        for wanted in [
            "product shop  ●●●○ high overall\n",
            "Against the 30 days before",
            "▲ 18 % faster",
            "3.4 / week",
            "N/A",
            "No deployment failed here in this window, so nothing had to recover.",
            "left out: 3 no commit link",
            "  cart   component   3.4 / week  ●●●○",
            "1 more below; --depth 2 shows them",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
        assert!(render(&sample(), Paint::Colour).contains('\u{1b}'));
    }
}
