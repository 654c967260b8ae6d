//! Series in InfluxDB's line protocol: `measurement,tag=value field=value timestamp`.

use std::fmt::Write as _;

use domain::Timestamp;

use crate::answer::Answer;

/// The series of an answer, a line a point: the metric is the measurement; tags say definition, kind and name of the
/// node; fields are `value`, when there is one, and `n`; the time is the start of the point's bucket in nanoseconds.
#[must_use]
pub fn lines(answer: &Answer) -> String {
    let mut out = String::new();
    let node = answer.node.to_ref();
    let (definition, name) = (escaped(&answer.definition.id), escaped(&node.name()));
    for (metric, of) in &answer.metrics {
        for point in of.series.iter().flatten() {
            let value = point.value.filter(|value| value.is_finite());
            let value = value.map(|value| format!("value={value},")).unwrap_or_default();
            // Writing to a string does not fail. Tags stand in the order of their names, which InfluxDB reads fastest.
            let _ = writeln!(
                out,
                "{metric},definition={definition},kind={},node={name} {value}n={}i {}",
                node.level(),
                point.n,
                nanoseconds(point.from)
            );
        }
    }
    out
}

fn nanoseconds(at: Timestamp) -> i64 {
    at.micros().saturating_mul(1_000)
}

/// A tag's value: commas, equal signs and spaces need a backslash. A backslash stands for itself, so that one at the end
/// would take away the meaning of what follows: it is left out, as Telegraf does. There is no way to write a line break,
/// which becomes a space, nor an empty value.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.trim_end_matches('\\').chars() {
        match character {
            ',' | '=' | ' ' => {
                out.push('\\');
                out.push(character);
            }
            character if character.is_control() => out.push_str("\\ "),
            character => out.push(character),
        }
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::catalogue::{ComponentId, Node};
    use domain::metric::{Metric, Unit};

    use super::*;
    use crate::answer::{DefinitionRef, MetricAnswer, Point};

    fn answer(node: Node, points: Vec<(Option<f64>, u64)>) -> Answer {
        let at = |day: i64| Timestamp::from_micros(day * domain::time::DAY);
        let series = points.into_iter().enumerate().map(|(index, (value, n))| {
            let from = at(index as i64);
            Point { from, to: at(index as i64 + 1), value, n }
        });
        let of = MetricAnswer {
            value: None,
            unit: Unit::Seconds,
            better: "lower",
            n: 0,
            excluded: BTreeMap::new(),
            marked: BTreeMap::new(),
            coverage: None,
            band: None,
            reason: None,
            reason_text: None,
            stats: None,
            distribution: None,
            spread: None,
            previous: None,
            series: Some(series.collect()),
            changes: None,
            split: None,
        };
        Answer {
            node,
            definition: DefinitionRef { id: "dora".to_owned(), version: 1 },
            from: at(0),
            to: at(2),
            as_of: None,
            bucket: None,
            compare: None,
            overall: None,
            metrics: BTreeMap::from([(Metric::LeadTime, of)]),
        }
    }

    #[test]
    fn a_point_is_a_line_with_tags_fields_and_nanoseconds() {
        let lines = lines(&answer(Node::Group, vec![(Some(1.5), 3), (None, 0)]));
        assert_eq!(
            lines,
            "lead_time,definition=dora,kind=group,node=group value=1.5,n=3i 0\n\
             lead_time,definition=dora,kind=group,node=group n=0i 86400000000000\n"
        );
    }

    #[test]
    fn names_are_escaped_so_that_they_stay_one_tag() {
        assert_eq!(escaped("a b,c=d"), "a\\ b\\,c\\=d");
        assert_eq!(escaped("in\\side ends\\"), "in\\side\\ ends");
        assert_eq!(escaped("two\nlines"), "two\\ lines");
        assert_eq!(escaped(""), "-");
        assert_eq!(escaped("\"é\""), "\"é\"");
        let id = ComponentId::new("my shop", "cart");
        let lines = lines(&answer(Node::Component(id), vec![(Some(2.0), 1)]));
        assert_eq!(lines, "lead_time,definition=dora,kind=component,node=my\\ shop/cart value=2,n=1i 0\n");
    }

    #[test]
    fn what_is_no_number_is_no_value() {
        assert!(lines(&answer(Node::Group, vec![(Some(f64::NAN), 1)])).contains("node=group n=1i"));
    }
}
