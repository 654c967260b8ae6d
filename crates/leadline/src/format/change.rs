//! How a value changed, in words and sign.

use super::value::quantity;

/// Whether a change is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Better.
    Better,
    /// Worse.
    Worse,
    /// Neither, or too small to tell.
    Same,
}

impl Direction {
    /// The sign beside the words: better is up, worse is down.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Direction::Better => "▲",
            Direction::Worse => "▼",
            Direction::Same => "=",
        }
    }
}

/// A change in words. It is relative for frequencies, durations and counts, in shares of one for ratios; `better` is
/// `higher`, `lower` or `neither`.
pub(crate) fn change(unit: &str, better: &str, change: f64) -> (Direction, String) {
    let ratio = unit == "ratio";
    let small = if ratio { 0.000_5 } else { 0.005 };
    if change.abs() < small {
        return (Direction::Same, "unchanged".to_owned());
    }
    let direction = match (better, change > 0.0) {
        ("higher", true) | ("lower", false) => Direction::Better,
        ("higher", false) | ("lower", true) => Direction::Worse,
        _ => Direction::Same,
    };
    if ratio {
        let points = quantity((change * 1_000.0).round().abs() / 10.0);
        let noun = if points == "1" { "point" } else { "points" };
        return (direction, format!("{points} {noun} {}", if change > 0.0 { "higher" } else { "lower" }));
    }
    let (more, less, times) = match unit {
        "1/day" => ("more often", "less often", "times as often"),
        "s" => ("slower", "faster", "times as long"),
        _ => ("more", "less", "times as much"),
    };
    let words = if change >= 1.0 {
        format!("{} {times}", quantity(change + 1.0))
    } else {
        format!("{:.0} % {}", change.abs() * 100.0, if change > 0.0 { more } else { less })
    };
    (direction, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_words() {
        use Direction::{Better, Same, Worse};
        for (unit, better, by, wanted) in [
            ("s", "lower", -0.18, (Better, "18 % faster")),
            ("s", "lower", 0.4, (Worse, "40 % slower")),
            ("s", "lower", 1.5, (Worse, "2.5 times as long")),
            ("1/day", "higher", 0.12, (Better, "12 % more often")),
            ("1/day", "higher", 2.0, (Better, "3 times as often")),
            ("ratio", "lower", -0.012, (Better, "1.2 points lower")),
            ("ratio", "higher", 0.01, (Better, "1 point higher")),
            ("ratio", "lower", 0.1, (Worse, "10 points higher")),
            ("1", "lower", -0.5, (Better, "50 % less")),
            ("1/day", "neither", 0.5, (Same, "50 % more often")),
            ("s", "lower", 0.001, (Same, "unchanged")),
        ] {
            let (direction, words) = change(unit, better, by);
            assert_eq!((direction, words.as_str()), wanted);
        }
    }
}
