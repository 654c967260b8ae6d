//! What comes by the stream is what would have come by HTTP.

use std::sync::Arc;

use serde_json::json;
use sources::{Delivery, find};

use crate::journal::Journal;
use crate::nats::{Nats, left, make, publish};
use crate::{Running, eventually, now};

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

#[tokio::test]
async fn events_webhooks_and_poison() {
    let nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    let native = json!({"type": "deployment", "id": "1", "component": "cart", "environment": "production",
        "status": "succeeded", "finished_at": "2025-01-01T10:00:00Z"});
    publish(&context, "leadline.events", &[], &native.to_string()).await;
    let cdevent = json!({"context": {"id": "7", "source": "/ci", "type": "dev.cdevents.service.deployed.0.2.0",
        "timestamp": "2025-01-01T10:00:00Z"}, "subject": {"id": "cart", "content": {"environment": {"id": "eu"}}}});
    let binary = [("ce-specversion", "1.0"), ("ce-type", "dev.cdevents.service.deployed.0.2.0")];
    publish(&context, "leadline.events.tekton", &binary, &cdevent.to_string()).await;
    let push = json!({"ref": "refs/heads/main", "before": "0".repeat(40), "after": SHA,
        "repository": {"full_name": "acme/cart"},
        "commits": [{"id": SHA, "timestamp": "2025-01-01T10:00:00Z", "message": "One"}]});
    let headers = [("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "7f0c"), ("Authorization", "secret")];
    publish(&context, "leadline.webhooks.github", &headers, &push.to_string()).await;
    // The same again, as a bridge that tries twice sends it.
    publish(&context, "leadline.webhooks.github", &headers, &push.to_string()).await;
    for (subject, body) in [
        ("leadline.events", "{\"type\": "),
        ("leadline.events", "{\"type\": \"deployment\"}"),
        ("leadline.webhooks.unheard", "{}"),
        ("ci.other", "{}"),
    ] {
        publish(&context, subject, &[], body).await;
    }
    let journal = Arc::new(Journal::default());
    let running = Running::start(nats.settings(), &journal);
    eventually("all are answered for", async || left(&context).await == Some((0, 0))).await;
    assert_eq!((running.counts.kept(), running.counts.refused(), running.counts.retried()), (4, 4, 0));
    running.stop().await;

    let mut told: Vec<String> = Vec::new();
    for row in journal.rows() {
        let source = find(row.parser).unwrap();
        let delivery = Delivery {
            source: &row.source,
            event: row.event,
            headers: &row.headers,
            body: &row.body,
            received_at: row.received_at,
        };
        let events = (source.parse)(&delivery).unwrap().events;
        told.extend(events.into_iter().map(|event| event.unwrap().key.to_string()));
        assert!(!format!("{:?}", row.headers).contains("secret"));
        assert_eq!(row.received_at, now());
    }
    told.sort();
    let change = format!("change git/acme/cart@{SHA}");
    assert_eq!(told, [change.as_str(), "deployment nats/1", "deployment nats/7"]);

    let refused = journal.refused();
    let mut codes: Vec<_> = refused.iter().map(|one| (one.subject.as_str(), one.problem.code.text())).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("ci.other", "not_found"),
            ("leadline.events", "malformed_json"),
            ("leadline.events", "missing_field"),
            ("leadline.webhooks.unheard", "not_found"),
        ]
    );
    assert!(refused.iter().any(|one| one.body == b"{\"type\": "), "as it came");
}
