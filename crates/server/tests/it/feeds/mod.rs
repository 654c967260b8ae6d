//! What is read for as long as the server runs: a stream of a real NATS, a cluster that this test plays.

mod cluster;
mod nats;

use serde_json::{Value, json};
use server::Config;

use self::cluster::Cluster;
use self::nats::Nats;
use crate::samples::sample;
use crate::support::{Running, start_with};

/// Asks until it is as wanted.
fn until(server: &Running, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3_000 {
        let state = server.get(path).expect(200);
        if wanted(&state) {
            return state;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it never was as wanted: {}", server.get(path).text)
}

fn count(state: &Value, list: &str) -> usize {
    state[list].as_array().map_or(0, Vec::len)
}

#[test]
fn messages_of_a_stream_are_deliveries() {
    let nats = Nats::start();
    let settings = stream::Settings {
        servers: vec![nats.address()],
        stream: nats::STREAM.to_owned(),
        ..stream::Settings::default()
    };
    let deployment = json!({"type": "deployment", "id": "7", "component": "cart", "environment": "production",
        "status": "succeeded", "finished_at": "2025-01-01T10:00:00Z"});
    nats.publish("leadline.events.ci", &deployment.to_string());
    nats.publish("leadline.events.ci", "{");
    let server = start_with(Config { streams: vec![settings], ..Config::default() });
    nats.publish("leadline.webhooks.articles", "{}");
    until(&server, "/api/v1/deployments", |state| count(state, "deployments") == 1);
    let told = until(&server, "/api/v1/sources", |state| state["streams"][0]["refused"] == 2);
    assert_eq!((&told["streams"][0]["kept"], &told["streams"][0]["attached"]), (&json!(1), &json!(true)), "{told}");
    // What cannot be read is listed with its reason.
    let rows = server.get("/api/v1/journal?state=refused").expect(200);
    assert_eq!(count(&rows, "rows"), 2, "{rows}");
}

#[test]
fn workloads_of_a_cluster_are_deliveries() {
    let cluster = Cluster::start(&sample("/webhooks/kubernetes"));
    let watched = watch::Cluster {
        name: "eu".to_owned(),
        source: "kubernetes".to_owned(),
        kubeconfig: Some(cluster.kubeconfig()),
        kinds: vec!["Deployment".to_owned()],
        ..watch::Cluster::default()
    };
    let server = start_with(Config { clusters: vec![watched], ..Config::default() });
    let found = until(&server, "/api/v1/deployments", |state| count(state, "deployments") == 1);
    assert_eq!(found["deployments"][0]["source"], "kubernetes", "{found}");
    let told = until(&server, "/api/v1/sources", |state| state["clusters"][0]["state"] == "fresh");
    assert_eq!(told["clusters"][0]["cluster"], "eu", "{told}");
    // It stops although the watch stays open.
    drop(server);
}
