//! What the server answers, as far as a report needs it.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::metric::Metric;
use serde::Deserialize;
use serde_json::Value;

/// Every metric that can be one of the five; the definition says which of the two recoveries is.
pub(super) const HEADLINE: &str =
    "deployment_frequency,lead_time,change_failure_rate,failed_deployment_recovery_time,time_to_restore,rework_rate";

/// A report, ready to be written in any form.
#[derive(Debug)]
pub(crate) struct Report {
    /// The node.
    pub(crate) node: String,
    /// Id of the definition.
    pub(crate) definition: String,
    /// Its version.
    pub(crate) definition_version: u32,
    /// First instant of the window.
    pub(crate) from: Timestamp,
    /// First instant after it.
    pub(crate) to: Timestamp,
    /// When the data was known so.
    pub(crate) as_of: Option<Timestamp>,
    /// The worst band.
    pub(crate) overall: Option<String>,
    /// The headline metrics in their order.
    pub(crate) metrics: Vec<(Metric, Number)>,
    /// What is below, from the top, with the depth below the node.
    pub(crate) below: Vec<(usize, Node)>,
    /// Levels that are there and not shown.
    pub(crate) hidden: usize,
    /// The answers as they came.
    pub(crate) raw: Value,
}

/// One metric of the node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Number {
    /// The value.
    pub(crate) value: Option<f64>,
    /// Its unit.
    pub(crate) unit: String,
    /// `higher`, `lower` or `neither`.
    pub(crate) better: String,
    /// Rows used.
    pub(crate) n: u64,
    /// Rows left out, by reason.
    pub(crate) excluded: BTreeMap<String, u64>,
    /// Rows used among all.
    pub(crate) coverage: Option<f64>,
    /// Its band.
    pub(crate) band: Option<String>,
    /// Why there is no value.
    pub(crate) reason: Option<String>,
    /// What that means.
    pub(crate) reason_text: Option<String>,
    /// Statistics.
    pub(crate) stats: Option<Stats>,
    /// Over the children.
    pub(crate) spread: Option<Spread>,
    /// The window before.
    pub(crate) previous: Option<Previous>,
    /// The line.
    pub(crate) series: Vec<Point>,
}

/// Statistics of the rows.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Stats {
    /// Median.
    pub(crate) p50: f64,
    /// Percentile 95.
    pub(crate) p95: f64,
    /// Arithmetic mean.
    pub(crate) mean: f64,
}

/// Spread over the children.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Spread {
    /// Children with a value.
    pub(crate) children: u64,
    /// Smallest.
    pub(crate) min: f64,
    /// Median.
    pub(crate) p50: f64,
    /// Greatest.
    pub(crate) max: f64,
}

/// The window before.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Previous {
    /// The value there.
    pub(crate) value: Option<f64>,
    /// How it changed since.
    pub(crate) change: Option<f64>,
}

/// One point of a line.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Point {
    /// The value.
    pub(crate) value: Option<f64>,
}

/// A node of the tree.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Node {
    /// As it is written.
    pub(crate) node: String,
    /// Its level.
    pub(crate) level: String,
    /// Its name.
    pub(crate) name: String,
    /// Who it belongs to.
    pub(crate) parent: Option<String>,
    /// The team that owns it.
    pub(crate) team: Option<String>,
    /// Its numbers.
    pub(crate) metrics: BTreeMap<String, Number>,
}

#[derive(Deserialize)]
struct Answer {
    node: String,
    definition: DefinitionRef,
    from: Timestamp,
    to: Timestamp,
    as_of: Option<Timestamp>,
    overall: Option<String>,
    metrics: BTreeMap<String, Number>,
}

#[derive(Deserialize)]
struct DefinitionRef {
    id: String,
    version: u32,
}

#[derive(Deserialize)]
struct Tree {
    nodes: Vec<Node>,
}

impl Report {
    /// From the two answers.
    pub(crate) fn read(mut answer: Value, tree: Value, depth: usize) -> Result<Self, serde_json::Error> {
        let read = Answer::deserialize(&answer)?;
        let nodes = Tree::deserialize(&tree)?.nodes;
        let below = descend(&nodes, &read.node);
        let hidden = below.iter().filter(|(level, _)| *level > depth).count();
        let below: Vec<(usize, Node)> = below.into_iter().filter(|(level, _)| *level <= depth).collect();
        let shown = headline(&nodes, &read.node);
        let find = |metric: Metric| Some((metric, read.metrics.get(metric.text())?.clone()));
        let metrics =
            Metric::ALL.iter().copied().filter(|metric| shown.contains(metric.text())).filter_map(find).collect();
        if let Value::Object(fields) = &mut answer {
            let kept: BTreeSet<&str> =
                below.iter().map(|(_, node)| node.node.as_str()).chain([read.node.as_str()]).collect();
            let nodes = tree.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
            let named = |node: &Value| node.get("node").and_then(Value::as_str).is_some_and(|name| kept.contains(name));
            fields.insert("tree".to_owned(), nodes.into_iter().filter(named).collect());
            if let Some(Value::Object(metrics)) = fields.get_mut("metrics") {
                metrics.retain(|name, _| shown.contains(name));
            }
        }
        Ok(Report {
            node: read.node,
            definition: read.definition.id,
            definition_version: read.definition.version,
            from: read.from,
            to: read.to,
            as_of: read.as_of,
            overall: read.overall,
            metrics,
            below,
            hidden,
            raw: answer,
        })
    }
}

/// The metrics the definition means by its headline: those the tree shows.
fn headline(nodes: &[Node], node: &str) -> BTreeSet<String> {
    let shown = nodes.iter().find(|known| known.node == node).or(nodes.first());
    match shown.filter(|shown| !shown.metrics.is_empty()) {
        Some(shown) => shown.metrics.keys().cloned().collect(),
        None => HEADLINE.split(',').filter(|name| *name != "time_to_restore").map(str::to_owned).collect(),
    }
}

/// What is below a node, each with its depth, in the order of the tree.
fn descend(nodes: &[Node], top: &str) -> Vec<(usize, Node)> {
    let mut children: BTreeMap<String, Vec<&Node>> = BTreeMap::new();
    for node in nodes {
        let owner = node.team.as_ref().map(|team| format!("team:{team}"));
        for above in node.parent.iter().cloned().chain(owner) {
            children.entry(above).or_default().push(node);
        }
    }
    let mut below = Vec::new();
    collect(&children, top, 1, &mut below);
    below
}

fn collect(children: &BTreeMap<String, Vec<&Node>>, above: &str, depth: usize, below: &mut Vec<(usize, Node)>) {
    // A tree is five levels deep; one in which something is its own child would not end.
    if depth > 8 {
        return;
    }
    // Teams stand across the tree, so they are no children of anything.
    for child in children.get(above).into_iter().flatten().filter(|child| child.level != "team") {
        below.push((depth, (*child).clone()));
        collect(children, &child.node, depth + 1, below);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::report) fn sample() -> Report {
        let number = |value: Option<f64>, unit: &str, band: Option<&str>| json!({"value": value, "unit": unit, "n": 4, "band": band, "coverage": 0.9});
        let five = json!({
            "deployment_frequency": number(Some(0.4857), "1/day", Some("high")),
            "lead_time": number(Some(187_200.0), "s", Some("high")),
            "change_failure_rate": number(Some(0.071), "ratio", Some("elite")),
            "failed_deployment_recovery_time": {"value": null, "unit": "s", "n": 0, "reason": "no_failures"},
            "rework_rate": number(Some(0.0), "ratio", None),
        });
        let mut metrics = five.clone();
        metrics["lead_time"]["better"] = "lower".into();
        metrics["lead_time"]["previous"] = json!({"value": 228_292.0, "n": 3, "change": -0.18});
        metrics["lead_time"]["stats"] = json!({"mean": 200_000.0, "p50": 187_200.0, "p95": 525_600.0});
        metrics["lead_time"]["spread"] =
            json!({"children": 2, "min": 3_600.0, "p25": 1.0, "p50": 7_200.0, "p75": 1.0, "max": 187_200.0});
        metrics["lead_time"]["series"] =
            json!([{"value": 1.0, "n": 1}, {"value": null, "n": 0}, {"value": 2.0, "n": 1}]);
        metrics["lead_time"]["excluded"] = json!({"no_commit_link": 3});
        metrics["failed_deployment_recovery_time"]["reason_text"] =
            "No deployment failed here in this window, so nothing had to recover.".into();
        metrics["time_to_restore"] = number(Some(60.0), "s", None);
        let answer = json!({"node": "product:shop", "definition": {"id": "dora", "version": 1}, "overall": "high",
            "from": "2025-01-01T00:00:00Z", "to": "2025-01-31T00:00:00Z", "as_of": "2025-01-31T09:30:01Z", "metrics": metrics});
        let node = |name: &str, level: &str, parent: Option<&str>| {
            let short = name.rsplit(['/', '@']).next();
            json!({"node": format!("{level}:{name}"), "level": level, "name": short, "parent": parent, "labels": {}, "metrics": five.clone()})
        };
        let tree = json!({"nodes": [node("x", "domain", None), node("shop", "product", Some("domain:x")),
            node("shop/cart", "component", Some("product:shop")), node("shop/cart@eu", "instance", Some("component:shop/cart")),
            node("shop/<pay>", "component", Some("product:shop"))]});
        Report::read(answer, tree, 1).unwrap()
    }

    #[test]
    fn a_report_holds_the_headline_and_what_is_below() {
        let report = sample();
        let metrics: Vec<_> = report.metrics.iter().map(|(metric, _)| metric.text()).collect();
        assert_eq!(
            metrics,
            [
                "deployment_frequency",
                "lead_time",
                "change_failure_rate",
                "failed_deployment_recovery_time",
                "rework_rate"
            ]
        );
        let below: Vec<_> = report.below.iter().map(|(depth, node)| (*depth, node.node.as_str())).collect();
        assert_eq!(below, [(1, "component:shop/cart"), (1, "component:shop/<pay>")]);
        assert_eq!(report.hidden, 1);
        assert_eq!(report.raw["tree"].as_array().unwrap().len(), 3);
        assert!(report.raw["metrics"].get("time_to_restore").is_none());
    }
}
