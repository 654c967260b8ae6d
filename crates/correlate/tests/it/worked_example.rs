//! METRICS.md section 8: the causes it prints, whatever the order of arrival.

use serde_json::{Value, json};

use crate::support::{World, deployment, with};

fn events() -> Vec<Value> {
    let deploy = |id: &str, component: &str, version: &str, finished: &str, commit_at: &str| {
        deployment(
            id,
            finished,
            json!({"component": component, "version": version, "commit_at": format!("2025-01-{commit_at}:00:00Z")}),
        )
    };
    let incident = |id: &str, opened: &str, resolved: Option<&str>| {
        let base = json!({"type": "incident", "id": id, "product": "shop", "opened_at": opened});
        resolved.map_or(base.clone(), |resolved| with(base, json!({"resolved_at": resolved})))
    };
    let mut config = deploy("K1'", "catalogue", "2.0.0", "03T00", "02T10");
    config["change_kind"] = json!("config");
    vec![
        deploy("C1", "cart", "1.0.0", "01T12", "01T08"),
        deploy("C2", "cart", "1.1.0", "03T12", "03T06"),
        deploy("C3", "cart", "1.2.0", "04T12", "03T12"),
        deploy("K1", "catalogue", "2.0.0", "02T12", "02T10"),
        config,
        deploy("K2", "catalogue", "2.1.0", "06T12", "06T08"),
        deploy("P1", "pay", "3.0.0", "08T12", "08T06"),
        incident("I1", "2025-01-02T13:00:00Z", Some("2025-01-02T15:00:00Z")),
        incident("I2", "2025-01-04T00:00:00Z", Some("2025-01-04T01:00:00Z")),
        incident("I3", "2025-01-04T13:00:00Z", None),
        incident("I4", "2025-01-02T12:00:00Z", Some("2025-01-02T12:30:00Z")),
    ]
}

#[test]
fn causes_are_as_printed() {
    let events = events();
    let mut reversed = World::of(&[]);
    for event in events.iter().rev().chain(&events) {
        reversed.tell(std::slice::from_ref(event));
    }
    for world in [World::of(&events), reversed] {
        for rule in 0..4 {
            let causes = ["I1", "I2", "I3", "I4"].map(|id| world.cause(id, rule));
            assert_eq!(causes, ["K1", "C2", "C3", "C1"].map(|id| Some(id.to_owned())));
        }
        assert_eq!(world.fact("C3").incidents[0].open, 1);
        assert!(world.fact("C1").counted && !world.fact("K1'").counted);
        assert_eq!(world.fact("K2").commits, 1);
        assert!(world.fact("K2").brings_new_commit);
    }
}
