//! Statements in words.

use domain::metric::{Metric, Unit};

use super::changes::ChangePoint;
use super::difference::{Difference, Interval, Sure, in_points};
use super::{Lack, changes, correlation};

/// Three digits that count, without zeros at the end.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value with its unit.
fn amount(unit: Unit, value: f64) -> String {
    match unit {
        Unit::PerDay => format!("{} a day", short(value)),
        Unit::Count => short(value),
        Unit::Ratio => format!("{} %", short(value * 100.0)),
        Unit::Seconds => {
            let sizes = [(86_400.0, "d", 2.0), (3_600.0, "h", 1.0), (60.0, "min", 1.0)];
            let fits = sizes.into_iter().find(|(size, _, least)| value.abs() >= size * least);
            let (size, name, _) = fits.unwrap_or((1.0, "s", 0.0));
            format!("{} {name}", short(value / size))
        }
    }
}

fn signed_percent(share: f64) -> String {
    format!("{}{} %", if share > 0.0 { "+" } else { "" }, short(share * 100.0))
}

/// A difference, without its sign.
fn gap(unit: Unit, value: f64) -> String {
    if in_points(unit) { format!("{} points", short(value.abs() * 100.0)) } else { amount(unit, value.abs()) }
}

pub(super) fn difference(metric: Metric, this: Option<f64>, first: Option<f64>, found: &Difference) -> String {
    let (unit, Some((this, first))) = (metric.unit(), this.zip(first)) else {
        return "There is no difference to show, because one side has no value.".to_owned();
    };
    let way = match this - first {
        gap if gap > 0.0 => "more",
        gap if gap < 0.0 => "less",
        _ => "",
    };
    let change = found.change.filter(|_| !in_points(unit)).map(|change| format!(" ({})", signed_percent(change)));
    let sizes = if way.is_empty() {
        format!("{}, as on the other side", amount(unit, this))
    } else {
        let (this_text, first_text) = (amount(unit, this), amount(unit, first));
        format!("{this_text} against {first_text}: {} {way}{}", gap(unit, this - first), change.unwrap_or_default())
    };
    match (&found.interval, found.reason) {
        (Some(interval), _) => format!("{sizes}. {}; this {}.", between(unit, interval), sure(found.sure)),
        (None, reason) => format!("{sizes}. {}", reason.map_or("", lack)),
    }
}

fn between(unit: Unit, interval: &Interval) -> String {
    let level = short(interval.level * 100.0);
    if interval.of == "ratio" {
        return match interval.high {
            None => format!("By the {level} % interval it is at least {} times as often", short(interval.low)),
            Some(high) => format!(
                "The {level} % interval of the change is {} to {}",
                signed_percent(interval.low - 1.0),
                signed_percent(high - 1.0)
            ),
        };
    }
    let (low, high) = (interval.low, interval.high.unwrap_or(f64::INFINITY));
    let ends = if in_points(unit) {
        format!("{} to {} points", short(low * 100.0), short(high * 100.0))
    } else {
        format!("{} to {}", amount(unit, low), amount(unit, high))
    };
    format!("The {level} % interval of the difference is {ends}")
}

const fn sure(sure: Sure) -> &'static str {
    match sure {
        Sure::Clear => "is hardly chance",
        Sure::Likely => "is probably not chance",
        Sure::Chance | Sure::Unknown => "may be chance",
    }
}

const fn lack(lack: Lack) -> &'static str {
    match lack {
        Lack::TooFew => "There are too few rows to say how sure that is.",
        Lack::NoVariation => "All rows are the same, which says nothing about how sure that is.",
        Lack::NoValue => "One side has no value.",
        Lack::NotFromRows => {
            "A mean of children is not taken from rows, so they do not say how sure that is; compare the children."
        }
        Lack::NoMethod => "No method is known that says how sure that is under this definition.",
    }
}

/// The places of a series where its level moved, in words.
pub(super) fn changes(metric: Metric, points: &[ChangePoint], n: usize, reason: Option<Lack>) -> String {
    if reason.is_some() {
        return format!(
            "{n} whole buckets with a value are too few to look for changes of level; it takes {}.",
            changes::FEWEST
        );
    }
    let unit = metric.unit();
    let moves: Vec<String> = points
        .iter()
        .map(|point| {
            let day: String = point.at.to_string().chars().take(10).collect();
            format!("about {day} from {} to {}", amount(unit, point.before), amount(unit, point.after))
        })
        .collect();
    if moves.is_empty() {
        return format!("No change of level stands out from the noise of {n} buckets.");
    }
    format!("Over {n} buckets the level moved {}.", moves.join(", "))
}

/// How two metrics go together over nodes, in words.
#[must_use]
pub fn correlation(
    x: Metric,
    y: Metric,
    n: usize,
    nodes: &str,
    found: Result<correlation::Correlation, Lack>,
) -> String {
    let (x, y) = (x.title(), y.title());
    match found {
        Err(Lack::NoVariation) => {
            format!("{x} or {y} is the same for all of the {n} {nodes}, so nothing can go with it.")
        }
        Err(_) => format!(
            "{n} {nodes} with both values are too few for a correlation of {x} and {y}; it takes {}.",
            correlation::FEWEST
        ),
        Ok(found) => {
            let p = if found.p < 0.001 { "below 0.001".to_owned() } else { short(found.p) };
            let way = if found.r > 0.0 { "higher" } else { "lower" };
            let meaning = if found.p < 0.05 {
                format!("where {x} is higher, {y} tends to be {way}")
            } else {
                "which may be chance".to_owned()
            };
            format!(
                "Over {n} {nodes} {x} and {y} have a correlation of {} (Pearson's r, p {p}): {meaning}. A correlation is not a cause.",
                short(found.r)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0"), (1234.5, "1234"), (99.94, "99.9"), (0.1, "0.1"), (-0.012_34, "-0.0123"), (100.0, "100")]
        {
            assert_eq!(short(value), text);
        }
        assert_eq!(amount(Unit::Seconds, 5_400.0), "1.5 h");
        assert_eq!(amount(Unit::Seconds, -30.0), "-30 s");
    }

    #[test]
    fn a_correlation_never_claims_a_cause() {
        let found = correlation::Correlation { r: -0.72, p: 0.0004 };
        let say = |found| correlation(Metric::BatchSize, Metric::DeploymentFrequency, 12, "products", found);
        assert_eq!(
            say(Ok(found)),
            "Over 12 products Batch size and Deployment frequency have a correlation of -0.72 (Pearson's r, p below 0.001): where Batch size is higher, Deployment frequency tends to be lower. A correlation is not a cause."
        );
        assert!(say(Ok(correlation::Correlation { p: 0.2, ..found })).contains("which may be chance"));
        assert!(say(Err(Lack::TooFew)).contains("it takes 5"));
    }
}
