//! PELT against the results of PyPI's `ruptures` on series of our own (`tests/ruptures/generate.py`).

use metrics::inference::changes::{pelt, penalty};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn changes_are_where_ruptures_finds_them() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../ruptures/expected.json")).unwrap();
    assert!(cases.len() >= 100);
    for (number, case) in cases.iter().enumerate() {
        let (values, cost) = (numbers(&case["values"]), case["penalty"].as_f64().unwrap());
        if number % 3 == 0 {
            assert!((penalty(&values) - cost).abs() <= 1e-9 * cost, "penalty of case {number}");
        }
        let least = usize::try_from(case["least"].as_u64().unwrap()).unwrap();
        let theirs: Vec<usize> = numbers(&case["starts"]).into_iter().map(|start| start as usize).collect();
        assert_eq!(pelt(&values, cost, least), theirs, "case {number}");
    }
}
