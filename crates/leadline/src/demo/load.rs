//! Sends the history through the routes it belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::events::{EVENTS, Item};
use crate::client::{Client, ClientError, Content};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::random::hash;
use crate::send::{Sender, Taken};

/// Senders of single requests; each sends its share in the order of time.
const SENDERS: usize = 12;

/// What was sent.
pub(super) struct Loaded {
    /// Native events.
    pub(super) events: Taken,
    /// Requests to the articles' routes.
    pub(super) requests: u64,
    /// Webhooks of GitHub's.
    pub(super) webhooks: u64,
}

/// Sends single requests: as they are, or signed as GitHub does.
#[derive(Clone)]
pub(super) struct Post {
    client: Client,
    secret: Arc<str>,
}

impl Post {
    /// The secret is the one the server knows.
    pub(super) fn new(client: Client, secret: &str) -> Self {
        Post { client, secret: secret.into() }
    }

    /// Sends one.
    pub(super) fn send(&self, item: &Item) -> Result<(), ClientError> {
        let content = Content { body: item.body.as_bytes(), kind: "application/json" };
        let Some(event) = item.hook else {
            return self.client.post(item.route, &content).map(|_| ());
        };
        let mut headers = vec![("x-github-event", event.to_owned()), ("x-github-delivery", delivery(item, event))];
        let source = sources::find("github");
        let signed =
            source.map(|source| sources::sign(source, content.body, self.secret.as_bytes(), crate::clock::now()));
        let signed = signed.unwrap_or_default();
        headers.extend(signed.iter().map(|(name, value)| (name.as_str(), value.clone())));
        self.client.post_with(item.route, &content, &headers).map(|_| ())
    }
}

/// An id of its own for each delivery, made of what is delivered.
fn delivery(item: &Item, event: &str) -> String {
    let half = |seed| hash(seed, event.bytes().chain(item.body.bytes()));
    format!("{:016x}{:016x}", half(0), half(1))
}

/// Sends everything; what is wrong on purpose is refused, anything else may not be.
pub(super) fn load(client: &Client, post: &Post, items: &[Item]) -> Result<Loaded, Failure> {
    let bar = Arc::new(Progress::new("Sending a year of history", items.len() as u64));
    let (requests, webhooks) = (AtomicU64::new(0), AtomicU64::new(0));
    let (native, others): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| item.route == EVENTS);
    let events = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|share| {
                let (others, requests, webhooks, bar) = (&others, &requests, &webhooks, &bar);
                scope.spawn(move || -> Result<(), ClientError> {
                    // By what it is about, so that one component's requests keep their order.
                    for item in others.iter().filter(|item| share_of(item) == share) {
                        post.send(item)?;
                        let counted = if item.hook.is_some() { webhooks } else { requests };
                        counted.fetch_add(1, Ordering::Relaxed);
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
    Ok(Loaded { events: events?, requests: requests.into_inner(), webhooks: webhooks.into_inner() })
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
