//! A journal that cannot, a stream that is not there yet.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use stream::Settings;

use crate::journal::Journal;
use crate::nats::{Nats, STREAM, left, make, publish};
use crate::{Running, eventually};

fn event() -> String {
    json!({"type": "deployment", "id": 1, "component": "cart", "environment": "production", "status": "succeeded",
        "finished_at": "2025-01-01T10:00:00Z"})
    .to_string()
}

#[tokio::test]
async fn what_cannot_be_kept_comes_again_until_it_is() {
    let nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    publish(&context, "leadline.events", &[], &event()).await;
    publish(&context, "leadline.events", &[], "poison").await;
    let journal = Arc::new(Journal::failing(7));
    let running = Running::start(nats.settings(), &journal);
    eventually("both are answered for", async || left(&context).await == Some((0, 0))).await;
    assert_eq!((journal.rows().len(), journal.refused().len()), (1, 1));
    assert_eq!(
        journal.asked.load(Ordering::SeqCst),
        9,
        "each time it could not it was asked again, and not after that"
    );
    assert_eq!((running.counts.kept(), running.counts.refused(), running.counts.retried()), (1, 1, 7));
    running.stop().await;
}

#[tokio::test]
async fn a_slow_journal_is_not_asked_twice() {
    let nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    publish(&context, "leadline.events", &[], &event()).await;
    // Three times as long as NATS waits without a sign of progress.
    let journal = Arc::new(Journal::slow(Duration::from_secs(3)));
    let running = Running::start(Settings { ack_wait_s: 1, ..nats.settings() }, &journal);
    eventually("it is answered for", async || left(&context).await == Some((0, 0))).await;
    assert_eq!(journal.asked.load(Ordering::SeqCst), 1);
    running.stop().await;
}

#[tokio::test]
async fn the_stream_may_come_later_and_go() {
    let nats = Nats::start();
    let context = nats.context().await;
    let journal = Arc::new(Journal::default());
    let running = Running::start(nats.settings(), &journal);
    assert!(!running.counts.attached());
    make(&context).await;
    publish(&context, "leadline.events", &[], &event()).await;
    eventually("it is kept", async || running.counts.kept() == 1).await;
    assert!(running.counts.attached());
    context.delete_stream(STREAM).await.unwrap();
    eventually("it is noticed", async || !running.counts.attached()).await;
    make(&context).await;
    publish(&context, "leadline.events", &[], &event()).await;
    eventually("it is kept", async || running.counts.kept() == 2).await;
    assert_eq!(journal.rows().len(), 1, "the same content is the same delivery");
    running.stop().await;
}

#[tokio::test]
async fn it_stops_also_where_there_is_nothing_to_connect_to() {
    let mut nats = Nats::start();
    nats.kill();
    let running = Running::start(nats.settings(), &Arc::new(Journal::default()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await;
}
