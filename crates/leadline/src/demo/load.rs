//! Sends the history through the routes it belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::events::{EVENTS, Item};
use crate::client::{Client, ClientError, Content};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::send::{Sender, Taken};

/// Senders of single requests; each sends its share in the order of time.
const SENDERS: usize = 6;

/// What was sent.
pub(super) struct Loaded {
    /// Native events.
    pub(super) events: Taken,
    /// Requests to the articles' routes.
    pub(super) requests: u64,
}

/// Sends everything; what is wrong on purpose is refused, anything else may not be.
pub(super) fn load(client: &Client, items: &[Item]) -> Result<Loaded, Failure> {
    let bar = Arc::new(Progress::new("Sending a year of history", items.len() as u64));
    let requests = AtomicU64::new(0);
    let (native, others): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| item.route == EVENTS);
    let events = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|share| {
                let (others, requests, bar) = (&others, &requests, &bar);
                scope.spawn(move || -> Result<(), ClientError> {
                    // By what it is about, so that one component's requests keep their order.
                    for item in others.iter().filter(|item| share_of(item) == share) {
                        client.post(item.route, &Content { body: item.body.as_bytes(), kind: "application/json" })?;
                        requests.fetch_add(1, Ordering::Relaxed);
                        bar.add(1);
                    }
                    Ok(())
                })
            })
            .collect();
        let sent = send(client, &native, &bar);
        for sender in senders {
            match sender.join() {
                Ok(done) => done?,
                Err(_) => return Err(Failure::could_not("a sender of the demo stopped before its end")),
            }
        }
        sent
    });
    bar.clear();
    Ok(Loaded { events: events?, requests: requests.into_inner() })
}

fn send(client: &Client, items: &[&Item], bar: &Arc<Progress>) -> Result<Taken, Failure> {
    let bar = bar.clone();
    let mut sender = Sender::new(client.clone(), move |taken| bar.add(taken));
    for item in items {
        sender.text(&item.body, "an event of the demo")?;
    }
    sender.finish()
}

/// A number made of what a request is about.
fn share_of(item: &Item) -> usize {
    item.lane.bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % SENDERS)
}
