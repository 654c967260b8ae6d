//! Messages of a stream, into the journal.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use store::{Delivery, Store, Webhook};
use stream::{Consumer, Keeper, Received, Refused, Settings, Trouble};
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use super::{FeedStates, keep, told};
use crate::clock;

/// The journal, as a stream sees it.
struct Journal(Store);

impl Journal {
    async fn take(&self, delivery: Delivery) -> Result<(), Trouble> {
        match keep(&self.0, delivery).await {
            Some(kept) => kept.map_err(|error| Trouble(error.to_string())),
            None => Err(Trouble("the server is stopping".to_owned())),
        }
    }
}

#[async_trait]
impl Keeper for Journal {
    async fn keep(&self, received: Received) -> Result<(), Trouble> {
        let webhook = Webhook {
            source: received.source,
            parser: received.parser.to_owned(),
            delivery_id: received.delivery_id,
            event: received.event.to_owned(),
            headers: received.headers,
            body: received.body,
        };
        self.take(Delivery::Webhook(webhook)).await
    }

    async fn refuse(&self, refused: Refused) -> Result<(), Trouble> {
        self.take(Delivery::Refused(refused.source, refused.body, refused.problem)).await
    }
}

pub(super) fn start(
    settings: &Settings,
    store: &Store,
    states: &FeedStates,
    stopping: channel::Receiver<bool>,
) -> Result<JoinHandle<()>, String> {
    let name = settings.stream.clone();
    let consumer =
        Consumer::new(settings.clone(), sources::find).map_err(|error| format!("streams: `{name}`: {error}"))?;
    let mut known = states.streams.lock().unwrap_or_else(PoisonError::into_inner);
    known.push((name.clone(), consumer.counts()));
    let keeper = Arc::new(Journal(store.clone()));
    Ok(tokio::spawn(async move {
        if let Err(error) = consumer.run(&*keeper, clock::now, told(stopping)).await {
            tracing::error!(stream = name, %error, "the stream is not read: mend the configuration and start again");
        }
    }))
}
