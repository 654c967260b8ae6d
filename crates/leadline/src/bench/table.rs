//! The results as people read them.

use super::timing::Memory;
use super::{Measure, Report, Setup};
use crate::format::{Align, Paint, Table, Tone, count};

pub(super) fn text(setup: &Setup, reports: &[Report], paint: Paint) -> String {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("", Align::Right),
        ("p50", Align::Right),
        ("p95", Align::Right),
        ("of", Align::Right),
    ]);
    for report in reports {
        table.row(vec![(report.stage.clone(), Tone::Strong)]);
        for measure in &report.measures {
            table.row(row(measure));
        }
        table.row(plain(vec!["  resident memory at most".to_owned(), memory(report.memory)]));
    }
    format!("size {}, seed {}, {} threads\n\n{}", setup.size.text(), setup.seed, setup.threads, table.text(paint, ""))
}

fn plain(cells: Vec<String>) -> Vec<(String, Tone)> {
    cells.into_iter().map(|cell| (cell, Tone::Plain)).collect()
}

fn row(measure: &Measure) -> Vec<(String, Tone)> {
    let name = format!("  {}", measure.name);
    match (&measure.times, measure.value) {
        (Some(times), _) => plain(vec![
            name,
            String::new(),
            format!("{} ms", number(times.p50_ms)),
            format!("{} ms", number(times.p95_ms)),
            count(times.n as u64),
        ]),
        (None, Some(value)) => plain(vec![name, format!("{} {}", number(value), measure.unit).trim_end().to_owned()]),
        (None, None) => plain(vec![name, "failed".to_owned()]),
    }
}

/// Whole from a hundred on, with thousands apart; else three digits.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => count(value.round() as u64),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

fn memory(memory: Memory) -> String {
    memory.peak.map_or_else(|| "not told".to_owned(), |bytes| format!("{} MiB", count(bytes / (1024 * 1024))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_matter() {
        assert_eq!([0.01234, 1.234, 12.34, 1234.5].map(number), ["0.012", "1.23", "12.3", "1,235"]);
    }
}
