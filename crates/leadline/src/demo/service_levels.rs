//! How available components were, as a monitor tells it, and the flags that are turned meanwhile.

use domain::Timestamp;
use domain::time::{DAY, HOUR};
use serde_json::json;

use super::events::Item;
use super::group::{Member, Style};
use super::history::MINUTE;
use crate::random::Random;

/// The service level that is measured.
pub(super) const AVAILABILITY: &str = "availability";
/// What it is to reach.
pub(super) const OBJECTIVE: f64 = 0.999;

/// Samples of the last two months, closer to each other the newer they are, and flags. Only some teams have a monitor.
pub(super) fn told(member: &Member, seed: u64, now: Timestamp) -> Vec<Item> {
    let lives = member.life.1 >= 1.0;
    if !lives || !matches!(member.style, Style::Elite | Style::Improving | Style::Slow) {
        return Vec::new();
    }
    // A stream of its own: what else happens in the group stays as it is.
    let mut random = Random::new(seed, &format!("{} levels", member.name));
    let badly = match member.style {
        Style::Elite => 0.3,
        Style::Improving => 0.8,
        _ => 1.6,
    };
    let mut items = Vec::new();
    let mut at = Timestamp::from_micros(now.micros().div_euclid(12 * HOUR) * 12 * HOUR - 60 * DAY);
    while at <= now {
        let left = now.since(at);
        let step = if left > 3 * DAY {
            12 * HOUR
        } else if left > 6 * HOUR {
            HOUR
        } else {
            5 * MINUTE
        };
        let total = f64::from(random.whole(40, 80)) * (step / MINUTE) as f64;
        // Mostly quiet, now and then a bad stretch.
        let share = random.wait(badly) * if random.chance(0.06) { 5.0 } else { 0.6 } * (1.0 - OBJECTIVE);
        let bad = (total * share).round().min(total);
        items.push(Item::native(
            member,
            at,
            &json!({"type": "slo_sample", "source": "monitor", "slo": AVAILABILITY, "product": member.product,
                "component": member.name, "at": at, "good": total - bad, "total": total, "window_s": step / 1_000_000}),
        ));
        at = at.plus(step);
    }
    for number in 0..random.whole(2, 6) {
        let at = now.plus(-(random.between(0.0, 60.0) * DAY as f64) as i64);
        items.push(Item::native(
            member,
            at,
            &json!({"type": "flag_change", "source": "flags", "id": format!("{}-{number}", member.name),
                "flag": format!("{}-new-{number}", member.name), "product": member.product, "component": member.name,
                "environment": "production", "at": at, "from": "off", "to": "on"}),
        ));
    }
    items
}
