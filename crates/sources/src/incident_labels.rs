//! Labels of issues: which make an incident of one, how bad it is, and where it belongs.

use domain::event::SEVERITIES;
use serde_json::{Map, Value};

use crate::json::clip;
use crate::severity;

/// The type of an issue that is an incident.
pub(crate) fn is_incident_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("incident")
}

/// `incident`, `outage`, `type: incident`, `kind/incident`, and severities that are given to nothing else: `sev1` to
/// `sev5`, `P0` and `P1`. Lower priorities are given to wishes too.
pub(crate) fn says_incident(label: &str) -> bool {
    let says = |word: &str| ["incident", "outage"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let plain = plain(label);
    says(label)
        || ["type", "kind"].iter().any(|name| valued(label, name).is_some_and(says))
        || plain.strip_prefix("sev").is_some_and(is_grade)
        || matches!(&*plain, "p0" | "p1")
}

/// The worst severity among the labels, and the label.
pub(crate) fn worst(labels: &Map<String, Value>) -> (&'static str, Option<&str>) {
    let told = labels.keys().filter_map(|label| {
        let plain = plain(label);
        let short = ["sev", "p", "s"].iter().any(|prefix| plain.strip_prefix(prefix).is_some_and(is_grade));
        let word = ["severity", "sev", "priority", "prio"].iter().find_map(|name| valued(label, name));
        let native = severity(if short { Some(&*plain) } else { word }?);
        let rank = SEVERITIES.iter().position(|known| *known == native)?;
        Some((rank, native, clip(label, 512)))
    });
    let worst = told.min_by_key(|(rank, ..)| *rank);
    worst.map_or(("unknown", None), |(_, native, label)| (native, Some(label)))
}

/// The value of a label such as `product: shop`, `product/shop` or `product::shop`.
pub(crate) fn valued<'a>(label: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = label.split_once([':', '/'])?;
    Some(value.strip_prefix(':').unwrap_or(value).trim())
        .filter(|value| !value.is_empty() && key.trim().eq_ignore_ascii_case(name))
}

/// Letters and digits only, in lower case.
fn plain(label: &str) -> String {
    label.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).collect::<String>().to_ascii_lowercase()
}

fn is_grade(text: &str) -> bool {
    matches!(text, "0" | "1" | "2" | "3" | "4" | "5")
}
