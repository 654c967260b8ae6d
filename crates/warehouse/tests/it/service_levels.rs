//! Error budgets and burn rates read slowly off the samples, against the SQL and the roll-up.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::catalogue::ComponentId;
use domain::event::{EventKind, entity_key};
use domain::fact::OtherFact;
use domain::metric::{Metric, Reason};
use domain::part::{Last, Split};
use domain::time::{DAY, HOUR};
use metrics::{Bucket, Question, Window};
use proptest::prelude::*;
use serde_json::{Value, json};
use warehouse::Page;

use crate::support::{at, definition, empty_warehouse, node_named, tree};

const MINUTE: i64 = HOUR / 60;

fn start() -> Timestamp {
    at("2025-01-01T00:00:00Z")
}

fn window() -> Window {
    Window { from: start().plus(2 * DAY), to: start().plus(8 * DAY) }
}

#[derive(Clone, Debug)]
struct Sample {
    id: String,
    product: &'static str,
    component: Option<&'static str>,
    slo: &'static str,
    at: Timestamp,
    good: f64,
    total: f64,
    objective: Option<f64>,
}

/// Mostly in the last hours of the window, where the short parts are.
fn sample(index: usize, raw: [u8; 5]) -> Sample {
    let back = if raw[0].is_multiple_of(3) { i64::from(raw[1]) * HOUR } else { i64::from(raw[1]) * 2 * MINUTE };
    let total = f64::from(raw[2] % 8) * 100.0;
    let (product, slo) = (["a", "b"][usize::from(raw[3] % 2)], ["up", "fast", "odd"][usize::from(raw[3] / 2 % 3)]);
    Sample {
        id: format!("s{index:03}"),
        product,
        component: [None, Some("x"), Some("y")][usize::from(raw[3] / 8 % 3)],
        slo,
        at: window().to.plus(HOUR / 2 - back),
        good: if slo == "odd" { total + 1.0 } else { total - f64::from(raw[4] % 50).min(total) },
        total,
        // What the catalogue says of the service level, so the same for all of its samples.
        objective: (product == "a" || slo == "up").then_some(if slo == "up" { 0.99 } else { 0.9 }),
    }
}

fn told(sample: &Sample) -> OtherFact {
    let mut values = json!({"slo": sample.slo, "good": sample.good, "total": sample.total, "at": sample.at});
    if let Some(objective) = sample.objective {
        values["objective"] = json!(objective);
    }
    let Value::Object(values) = values else { unreachable!("written as an object") };
    OtherFact {
        key: entity_key(EventKind::SloSample, "monitor", &sample.id),
        product: Some(sample.product.to_owned()),
        component: sample.component.map(|name| ComponentId::new(sample.product, name)),
        at: sample.at,
        values,
    }
}

/// Burn rates of the service levels of samples, and why others have none.
fn burns(samples: &[&Sample]) -> (Vec<f64>, BTreeMap<Reason, u64>) {
    let (mut used, mut left) = (Vec::new(), BTreeMap::<Reason, u64>::new());
    let levels: BTreeSet<_> = samples.iter().map(|sample| (sample.product, sample.component, sample.slo)).collect();
    for level in levels {
        let of: Vec<_> =
            samples.iter().filter(|sample| (sample.product, sample.component, sample.slo) == level).collect();
        let (good, total): (f64, f64) =
            (of.iter().map(|sample| sample.good).sum(), of.iter().map(|sample| sample.total).sum());
        let mut leave = |reason| *left.entry(reason).or_default() += 1;
        match of[0].objective {
            None => leave(Reason::NoObjective),
            Some(_) if total == 0.0 => leave(Reason::NoEvents),
            Some(_) if good > total => leave(Reason::GoodAboveTotal),
            Some(objective) => used.push((total - good) / total / (1.0 - objective)),
        }
    }
    (used, left)
}

fn most(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::max)
}

fn close(ours: Option<f64>, theirs: Option<f64>) -> bool {
    ours.zip(theirs).map_or(ours == theirs, |(ours, theirs)| (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0))
}

async fn compare(samples: &[Sample]) {
    let warehouse = empty_warehouse(samples.len());
    warehouse.set_tree(tree(&[("p/d/a", &["x", "y"]), ("p/d/b", &["x", "y"])]));
    warehouse.apply(vec![], vec![], samples.iter().map(told).collect()).unwrap();
    for node in ["group", "product:a", "component:b/x"] {
        let (kind, name) = node.split_once(':').unwrap_or((node, ""));
        let below = |sample: &&Sample| match kind {
            "group" => true,
            "product" => sample.product == name,
            _ => sample.component.is_some_and(|component| format!("{}/{component}", sample.product) == name),
        };
        let within = |from: Timestamp, to: Timestamp| -> Vec<&Sample> {
            samples.iter().filter(below).filter(|sample| (from..to).contains(&sample.at)).collect()
        };
        let mut question = Question::new(node_named(&warehouse, node), definition("dora"), window());
        question.metrics = vec![Metric::ErrorBudgetRemaining, Metric::BurnRate];
        question.split = Some(Split::Last);
        question.bucket = Some(Bucket::Day);
        let answer = warehouse.answer(&question).await.unwrap();
        let (used, left) = burns(&within(window().from, window().to));
        let budget = &answer.metrics[&Metric::ErrorBudgetRemaining];
        assert_eq!((budget.n, &budget.excluded), (used.len() as u64, &left), "{node}");
        assert!(close(budget.value, most(&used).map(|burn| 1.0 - burn)), "{node}: {:?} {used:?}", budget.value);
        assert_eq!(budget.reason.is_none(), budget.value.is_some());
        assert!(budget.split.is_none());
        let burn = &answer.metrics[&Metric::BurnRate];
        assert_eq!((burn.n, &burn.excluded), (used.len() as u64, &left), "{node}");
        assert!(close(burn.value, most(&used)), "{node}: {:?} {used:?}", burn.value);
        for (part, last) in burn.split.as_ref().unwrap().parts.iter().zip(Last::ALL) {
            let (used, left) = burns(&within(window().to.plus(-last.micros()), window().to));
            assert_eq!((part.n, &part.excluded), (used.len() as u64, &left), "{node} {last:?}");
            assert!(close(part.value, most(&used)), "{node} {last:?}: {:?}", part.value);
        }
        for point in burn.series.as_ref().unwrap() {
            let (used, _) = burns(&within(point.from, point.to));
            assert_eq!(point.n, used.len() as u64, "{node} {}", point.from);
            assert!(close(point.value, most(&used)), "{node} {}: {:?}", point.from, point.value);
        }
        let explained = warehouse.explain(&question, Metric::BurnRate, Page::default()).await.unwrap();
        assert_eq!((explained.used, &explained.excluded), (used.len() as u64, &left));
        let mut shown: Vec<f64> = explained.rows.iter().filter_map(|row| row["value"].as_f64()).collect();
        shown.sort_by(f64::total_cmp);
        assert!(close(shown.last().copied(), most(&used)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn budgets_and_burn_rates_are_as_the_page_says(samples in proptest::collection::vec(any::<[u8; 5]>(), 0..80)) {
        let samples: Vec<Sample> = samples.into_iter().enumerate().map(|(index, raw)| sample(index, raw)).collect();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&samples));
    }
}
