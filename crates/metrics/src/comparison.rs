//! Nodes or windows beside each other, each against the first.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::catalogue::Node;
use domain::metric::{Metric, Reason};
use serde::Serialize;

use crate::answer::{self, Bands, Value, node_text};
use crate::inference::difference::{Difference, Side, difference};
use crate::question::Question;
use crate::rollup::Rolled;

/// One node in one window.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// The node.
    #[serde(serialize_with = "node_text")]
    pub node: Node,
    /// First instant of the window.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
    /// The metrics.
    pub metrics: BTreeMap<Metric, Compared>,
}

/// A value, and how it differs from that of the first column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The value.
    #[serde(flatten)]
    pub value: Value,
    /// What its reason means and what to do.
    pub reason_text: Option<&'static str>,
    /// Against the first column; none in that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// Puts columns beside each other. Each comes with the question it answers, which share their definition and metrics.
#[must_use]
pub fn columns(answered: &[(&Question, BTreeMap<Metric, Rolled>)]) -> Vec<Column> {
    let first = answered.first();
    let column = |place: usize, question: &Question, values: &BTreeMap<Metric, Rolled>| {
        let bands = Bands::of(&question.definition);
        let compared = |metric: Metric, rolled: &Rolled| {
            let against = first.filter(|_| place > 0).and_then(|(asked, values)| Some((asked, values.get(&metric)?)));
            let value = answer::value(metric, &bands, rolled.into());
            let reason_text = value.reason.map(Reason::doc);
            let difference = against
                .map(|(asked, first)| difference(metric, &side(question, metric, rolled), &side(asked, metric, first)));
            Compared { value, reason_text, difference }
        };
        Column {
            node: question.node.clone(),
            from: question.window.from,
            to: question.window.to,
            metrics: values.iter().map(|(metric, rolled)| (*metric, compared(*metric, rolled))).collect(),
        }
    };
    answered.iter().enumerate().map(|(place, (question, values))| column(place, question, values)).collect()
}

fn side(question: &Question, metric: Metric, rolled: &Rolled) -> Side {
    let level = question.node.to_ref().level();
    Side::of(metric, &question.definition, level, rolled, question.window.days())
}
