//! Service levels: samples of good and total events against an objective.
//!
//! A row is a service level of a place with all of its samples in the window, or, where the question cuts the window into
//! buckets, in each of them. It belongs to the window by the last sample.

use domain::metric::Reason;
use domain::part::Part;

use super::{Rows, View};
use crate::literal::text;
use crate::question::Window;

/// How many times faster than allowed bad events came.
const BURN: &str = "(total - good) / total / (1.0 - objective)";

/// What is left of the bad events the objective allows for as many events as there were.
pub(super) fn budget(view: &View<'_>) -> Rows {
    rows(view, &format!("1.0 - {BURN}"))
}

/// How many times faster than allowed bad events came: in the window, or in the last part of it.
pub(super) fn burn(view: &View<'_>) -> Rows {
    rows(view, BURN)
}

fn rows(view: &View<'_>, value: &str) -> Rows {
    let window = match view.question.part {
        Some(Part::Last(last)) => {
            Window { from: view.window.from.max(view.window.to.plus(-last.micros())), to: view.window.to }
        }
        _ => view.window,
    };
    let mut samples = View { window, ..*view }.within("at");
    samples.extend(view.scope(false));
    let place = "platform, domain, product, component, instance, slo, objective";
    let period = view
        .question
        .bucket
        .map_or_else(String::new, |bucket| format!(", period('{}', {}, at)", bucket.text(), text(&view.question.zone)));
    let from = format!(
        "(SELECT last_value(source ORDER BY at, source, id) AS source, last_value(id ORDER BY at, source, id) AS id, {place},\n    \
         max(at) AS at, sum(good) AS good, sum(total) AS total\n  FROM slo_samples\n  WHERE {}\n  GROUP BY {place}{period}) AS levels",
        samples.join("\n    AND ")
    );
    Rows {
        from: from.into(),
        item: "slo",
        at: "at",
        value: format!("CASE WHEN total > 0.0 THEN {value} END"),
        reasons: vec![
            ("objective IS NULL".to_owned(), Reason::NoObjective),
            ("total <= 0.0".to_owned(), Reason::NoEvents),
            ("good > total".to_owned(), Reason::GoodAboveTotal),
        ],
        ..Rows::default()
    }
}
