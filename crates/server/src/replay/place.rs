//! Where something was placed and by what, and what would place it.

use domain::catalogue::{Named, PlacedBy, Placer};
use domain::event::{Entity, EventKind};
use serde_json::{Value, json};

/// Kinds that have no place of their own: commits and tags are found through their repository.
const PLACELESS: &[EventKind] = &[EventKind::Change, EventKind::Tag, EventKind::Override, EventKind::Product];

pub(super) fn place(placer: &Placer, named: &Named<'_>, entity: &Entity) -> Value {
    if PLACELESS.contains(&named.kind) {
        return Value::Null;
    }
    let place = placer.locate(named);
    let rule = placer.rule(place.as_ref().and_then(|place| place.rule));
    let by = place.as_ref().map(|place| place.by);
    let told = |name: &str| entity.text(name).map(str::to_owned);
    json!({
        "product": place.as_ref().map(|place| place.product.as_str()),
        "component": place.as_ref().and_then(|place| place.component.as_ref()).map(ToString::to_string),
        "instance": rule.and_then(|rule| rule.instance.clone()).or_else(|| told("instance")),
        "environment": rule.and_then(|rule| rule.environment.clone()).or_else(|| told("environment")),
        "by": by,
        "why": why(placer, named, place.as_ref().and_then(|place| place.rule), by),
        "would_place": if is_placed(by) { Vec::new() } else { would_place(placer, named) },
    })
}

const fn is_placed(by: Option<PlacedBy>) -> bool {
    !matches!(by, None | Some(PlacedBy::Ambiguous | PlacedBy::Unassigned))
}

fn why(placer: &Placer, named: &Named<'_>, rule: Option<usize>, by: Option<PlacedBy>) -> String {
    let name = named.component.or(named.product).unwrap_or_default();
    let repo = named.repo.unwrap_or(name);
    match by {
        Some(PlacedBy::Rule) => placer.why(rule).unwrap_or_default(),
        Some(PlacedBy::Catalogue) => format!("the catalogue has the name `{name}`"),
        Some(PlacedBy::Event) => "it names its product itself".to_owned(),
        Some(PlacedBy::Repository) => format!("the repository `{repo}` is that of one component"),
        Some(PlacedBy::OtherEvents) => format!("another event names the product of `{name}`"),
        Some(PlacedBy::Ambiguous) => format!("several components are named `{name}`; it waits under `unassigned`"),
        Some(PlacedBy::Unassigned) => {
            format!("no rule fits its marks, and nobody knows the name `{name}`; it waits under `unassigned`")
        }
        None => "it names neither component nor product, and no rule fits its marks".to_owned(),
    }
}

/// What would have to be in the catalogue, nearest first.
fn would_place(placer: &Placer, named: &Named<'_>) -> Vec<String> {
    let mut ways = Vec::new();
    for (index, rule) in placer.rules().places.iter().enumerate() {
        let lacking = rule.lacking(&named.marks);
        let number = index + 1;
        if lacking.is_empty() && !rule.fits_source(named.source) {
            let source = rule.source.as_deref().unwrap_or_default();
            ways.push(format!("rule {number} of `rules.places`, if it were not only for the source `{source}`"));
        } else if !lacking.is_empty() && lacking.len() < rule.patterns().count() {
            ways.push(format!("rule {number} of `rules.places`, if it had a mark `{}`", lacking.join("` and `")));
        }
    }
    for mark in named.marks.iter() {
        ways.push(format!("a rule of `rules.places` with `mark = {}`", Value::from(mark.as_str())));
    }
    if let Some(name) = named.component {
        ways.push(format!("one component with the name {0}, or with {0} in its `aliases`", Value::from(name)));
    }
    if let Some(repo) = named.repo {
        ways.push(format!("one component with `repo = {}`", Value::from(repo)));
    }
    ways
}
