//! How a version spreads over the instances of its component.

use domain::metric::Reason;

use super::{LOOKS_BACK, Rows, Scope, View};
use crate::literal::instant;

/// From the first to the last instance reached by one version. A row is the code of a component, by its commit, else its
/// version; it belongs to the window by the last instance reached so far. Going back to it later reaches nothing anew.
/// A version that reached its first instance longer before the window than is looked back is taken to have begun there.
pub(super) fn spread(view: &View<'_>) -> Rows {
    let mut reached = vec![
        "counted".to_owned(),
        "coalesce(sha, version) IS NOT NULL".to_owned(),
        format!("finished_at >= {}", instant(view.window.from.plus(-LOOKS_BACK))),
        format!("finished_at < {}", instant(view.window.to)),
    ];
    reached.extend(view.scope(true));
    // Whoever counts rows knows what is above a product: rows to group are shorter without.
    let above = if matches!(view.scope, Scope::Node) { "platform, domain, " } else { "" };
    let from = format!(
        "(SELECT first_value(source ORDER BY reached_at DESC, source DESC, id DESC) AS source,\n    \
         first_value(id ORDER BY reached_at DESC, source DESC, id DESC) AS id, {above}product, component,\n    \
         CAST(NULL AS VARCHAR) AS instance, code, min(reached_at) AS first_at, max(reached_at) AS reached_at, count(*) AS instances\n  \
         FROM (SELECT first_value(source ORDER BY finished_at, source, id) AS source,\n      \
         first_value(id ORDER BY finished_at, source, id) AS id, {above}product, component, instance,\n      \
         coalesce(sha, version) AS code, min(finished_at) AS reached_at\n    FROM deployments\n    WHERE {}\n    \
         GROUP BY {above}product, component, instance, coalesce(sha, version)) AS reached\n  \
         GROUP BY {above}product, component, code) AS rollouts",
        reached.join(" AND ")
    );
    Rows {
        from: from.into(),
        held: &["deployments"],
        item: "code",
        at: "reached_at",
        value: "seconds_between(first_at, reached_at)".to_owned(),
        reasons: vec![("instances < 2".to_owned(), Reason::OneInstance)],
        conditions: view.within("reached_at"),
        ..Rows::default()
    }
}
