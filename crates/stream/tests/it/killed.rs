//! Whoever is killed, at whatever moment: no message is lost, and none is there twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::Context;
use serde_json::{Value, json};

use crate::journal::Journal;
use crate::nats::{Nats, left, make, publish};
use crate::{Running, eventually};

const EVENTS: usize = 400;

async fn send(context: &Context, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let event = json!({"type": "deployment", "id": number, "component": "cart", "environment": "production",
            "status": "succeeded", "finished_at": "2025-01-01T10:00:00Z"});
        publish(context, "leadline.events", &[], &event.to_string()).await;
    }
}

/// Every event once.
fn check(journal: &Journal) {
    let id = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["id"].as_u64().unwrap();
    let rows = journal.rows();
    let ids: BTreeSet<u64> = rows.iter().map(|row| id(&row.body)).collect();
    assert_eq!((rows.len(), ids.len()), (EVENTS, EVENTS), "each is there, and once");
    assert!(journal.refused().is_empty());
}

#[tokio::test]
async fn the_server_is_killed_and_comes_back() {
    let mut nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    send(&context, 0..EVENTS / 2).await;
    let journal = Arc::new(Journal::slow(Duration::from_millis(5)));
    // Few at once, so that it is in the middle when the server goes.
    let running = Running::start(stream::Settings { at_once: 4, ..nats.settings() }, &journal);
    eventually("some are kept", async || journal.rows().len() >= 40).await;
    nats.kill();
    let kept = journal.rows().len();
    assert!(kept < EVENTS / 2, "it was killed in the middle: {kept}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    nats.again();
    send(&context, EVENTS / 2..EVENTS).await;
    eventually("all are answered for", async || journal.rows().len() == EVENTS && left(&context).await == Some((0, 0)))
        .await;
    check(&journal);
    running.stop().await;
}

#[tokio::test]
async fn the_consumer_is_cut_off_again_and_again() {
    let nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    send(&context, 0..EVENTS).await;
    let journal = Arc::new(Journal::slow(Duration::from_millis(5)));
    for part in 1..=3 {
        let running = Running::start(stream::Settings { at_once: 4, ..nats.settings() }, &journal);
        eventually("some more are kept", async || journal.rows().len() >= part * EVENTS / 5).await;
        running.cut().await;
    }
    let kept = journal.rows().len();
    assert!(kept < EVENTS, "it was cut off in the middle: {kept}");
    let running = Running::start(nats.settings(), &journal);
    eventually("all are answered for", async || left(&context).await == Some((0, 0))).await;
    check(&journal);
    running.stop().await;
}

#[tokio::test]
async fn one_that_stops_leaves_nothing_half_done() {
    let nats = Nats::start();
    let context = nats.context().await;
    make(&context).await;
    send(&context, 0..EVENTS).await;
    let journal = Arc::new(Journal::slow(Duration::from_millis(20)));
    let running = Running::start(stream::Settings { at_once: 4, ..nats.settings() }, &journal);
    eventually("some are kept", async || journal.rows().len() >= 20).await;
    let counts = Arc::clone(&running.counts);
    running.stop().await;
    let asked = journal.asked.load(Ordering::SeqCst);
    assert_eq!((journal.rows().len(), counts.kept()), (asked, asked as u64), "what was begun is finished");
    assert!(asked < EVENTS && !counts.attached());
    let running = Running::start(nats.settings(), &journal);
    eventually("all are answered for", async || left(&context).await == Some((0, 0))).await;
    check(&journal);
    running.stop().await;
}
