//! Values in the units people use: `3.4 / week`, `2 d 4 h`, `7.1 %`.

/// A value of a metric by the unit the server gives it.
pub(crate) fn value(unit: &str, value: f64) -> String {
    match unit {
        "1/day" => frequency(value),
        "s" => duration(value),
        "ratio" => percent(value),
        _ => quantity(value),
    }
}

/// Times a day, in the largest everyday unit in which it is at least one.
fn frequency(per_day: f64) -> String {
    if per_day == 0.0 {
        return "none".to_owned();
    }
    let units = [(1.0, "day"), (7.0, "week"), (30.0, "month"), (365.0, "year")];
    // What would be shown as 1.0 is one.
    let fits = |days: &f64| per_day * days >= 0.95;
    let (days, name) = units.into_iter().find(|(days, _)| fits(days)).unwrap_or(units[3]);
    format!("{} / {name}", quantity(per_day * days))
}

const STEPS: [(f64, &str); 4] = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")];

/// Seconds, as the two largest units that matter.
fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("−{}", duration(-seconds));
    }
    if seconds < 0.95 {
        return if seconds == 0.0 { "0 s".to_owned() } else { format!("{seconds:.1} s") };
    }
    for (index, (size, name)) in STEPS.into_iter().enumerate() {
        let Some((small, small_name)) = STEPS.get(index + 1).copied() else {
            return format!("{} {name}", quantity(seconds.round()));
        };
        // Rounded first: 59 min 40 s is one hour, not 60 min.
        let rounded = (seconds / small).round() * small;
        if rounded < size {
            continue;
        }
        if rounded >= 100.0 * 86_400.0 {
            return format!("{} d", quantity((seconds / size).round()));
        }
        let (whole, rest) = ((rounded / size).floor(), ((rounded % size) / small).round());
        return if rest == 0.0 {
            format!("{whole:.0} {name}")
        } else {
            format!("{whole:.0} {name} {rest:.0} {small_name}")
        };
    }
    String::new()
}

/// A share of one as a percentage.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = if percent != 0.0 && percent.abs() < 0.95 { 2 } else { 1 };
    format!("{} %", trimmed(&format!("{percent:.decimals$}")))
}

/// A number with as many digits as say something.
pub(crate) fn quantity(number: f64) -> String {
    let size = number.abs();
    if size >= 99.95 {
        return grouped(number.round());
    }
    let decimals = if number != 0.0 && size < 0.095 {
        3
    } else if size < 0.95 {
        2
    } else {
        1
    };
    trimmed(&format!("{number:.decimals$}"))
}

/// A number of things.
pub(crate) fn count(number: u64) -> String {
    group(&number.to_string())
}

fn grouped(whole: f64) -> String {
    let digits = format!("{:.0}", whole.abs());
    if whole < 0.0 { format!("−{}", group(&digits)) } else { group(&digits) }
}

fn group(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn trimmed(number: &str) -> String {
    match number.split_once('.') {
        Some(_) => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_in_everyday_units() {
        for (per_day, text) in [
            (0.0, "none"),
            (12.4, "12.4 / day"),
            (1.0, "1 / day"),
            (0.96, "1 / day"),
            (0.4857, "3.4 / week"),
            (1.0 / 7.0, "1 / week"),
            (0.1, "3 / month"),
            (0.01, "3.6 / year"),
            (0.001, "0.36 / year"),
            (1234.5, "1,235 / day"),
        ] {
            assert_eq!(value("1/day", per_day), text, "{per_day}");
        }
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.4, "0.4 s"),
            (45.0, "45 s"),
            (59.7, "1 min"),
            (750.0, "12 min 30 s"),
            (3_569.0, "59 min 29 s"),
            (3_599.9, "1 h"),
            (18_000.0, "5 h"),
            (187_200.0, "2 d 4 h"),
            (86_399.0, "1 d"),
            (24_400.0, "6 h 47 min"),
            (86_400.0 * 123.6, "124 d"),
            (86_400.0 * 12.0 + 3_600.0 * 23.7, "13 d"),
            (-60.0, "−1 min"),
        ] {
            assert_eq!(value("s", seconds), text, "{seconds}");
        }
    }

    #[test]
    fn ratios_and_numbers_have_the_digits_that_matter() {
        for (ratio, text) in
            [(0.071, "7.1 %"), (0.0, "0 %"), (1.0, "100 %"), (0.6667, "66.7 %"), (0.0004, "0.04 %"), (0.5, "50 %")]
        {
            assert_eq!(value("ratio", ratio), text, "{ratio}");
        }
        for (number, text) in
            [(0.0, "0"), (4.25, "4.2"), (99.96, "100"), (12_345.6, "12,346"), (0.5, "0.5"), (0.012, "0.012")]
        {
            assert_eq!(value("1", number), text, "{number}");
        }
        assert_eq!((count(7), count(1_234_567)), ("7".to_owned(), "1,234,567".to_owned()));
    }
}
