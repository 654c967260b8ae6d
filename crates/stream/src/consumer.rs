//! The loop: attach to the durable consumer, take messages, keep them, answer for them; attach again when that ends.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Config, MessagesErrorKind, Stream};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer};
use async_nats::jetstream::{AckKind, Context, Message};
use async_nats::{Client, jetstream};
use domain::Timestamp;
use futures_util::future::{FutureExt, Shared};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::connect::connect;
use crate::counts::{Counts, Outcome};
use crate::keeper::{Keeper, Trouble};
use crate::read::{Find, Raw, Reading, read};
use crate::settings::{Error, Settings};

/// The longest wait before a message is sent again.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// How long to wait before attaching again, at first and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long the last answers may take when it stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Takes messages of one stream until it is told to stop.
pub struct Consumer {
    settings: Settings,
    find: Find,
    counts: Arc<Counts>,
}

impl Consumer {
    /// A consumer by these settings; `find` says which source a name in a subject stands for, usually
    /// [`sources::find`].
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn new(settings: Settings, find: fn(&str) -> Option<&'static sources::Source>) -> Result<Self, Error> {
        settings.check()?;
        if let Some(rule) = settings.subjects.iter().find(|rule| find(&rule.kind).is_none()) {
            let why = format!("is `{}`, and no source has this name", rule.kind);
            return Err(Error::Setting { key: "subjects.kind", why });
        }
        Ok(Consumer { settings, find, counts: Arc::default() })
    }

    /// How it goes; they stay readable while it runs.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Takes messages until `stopped` is done. What is being kept then is kept and answered for; what was not begun is
    /// sent again by NATS. Trouble with NATS is logged and waited for, whatever it is.
    ///
    /// # Errors
    /// A file of the settings that cannot be read; nothing was connected then.
    pub async fn run(
        &self,
        keeper: &dyn Keeper,
        now: fn() -> Timestamp,
        stopped: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let mut stopped = pin!(stopped.shared());
        let client = connect(&self.settings).await?;
        let context = jetstream::new(client.clone());
        let mut pause = PAUSE;
        loop {
            let attached = tokio::select! {
                () = stopped.as_mut() => break,
                attached = self.attach(&context) => attached,
            };
            match attached {
                Ok(messages) => {
                    tracing::info!(
                        stream = self.settings.stream,
                        consumer = self.settings.consumer,
                        "waiting for messages"
                    );
                    self.counts.set_attached(true);
                    let ended = self.take(messages, keeper, now, (*stopped).clone()).await;
                    self.counts.set_attached(false);
                    if ended == Ended::Stopped {
                        break;
                    }
                    pause = PAUSE;
                }
                Err(why) => {
                    let servers = self.settings.shown_servers();
                    tracing::warn!(?servers, stream = self.settings.stream, why, "cannot take messages from NATS yet");
                }
            }
            tokio::select! {
                () = stopped.as_mut() => break,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
        leave(&client).await;
        Ok(())
    }

    /// The stream of messages of the durable consumer, which is made where it is missing and otherwise left as it is.
    async fn attach(&self, context: &Context) -> Result<Stream, String> {
        let settings = &self.settings;
        let stream = context.get_stream(&settings.stream).await.map_err(|error| error.to_string())?;
        let wanted = Config {
            durable_name: Some(settings.consumer.clone()),
            description: Some("Leadline: acknowledged when it is in the journal".to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(settings.ack_wait_s),
            // For ever: what cannot be read is ended here, with its reason kept.
            max_deliver: -1,
            filter_subject: settings.filter.clone().unwrap_or_default(),
            ..Config::default()
        };
        let consumer: PullConsumer =
            stream.get_or_create_consumer(&settings.consumer, wanted).await.map_err(|error| error.to_string())?;
        let messages = consumer
            .stream()
            // No more than can be kept within the time NATS waits for an answer.
            .max_messages_per_batch(settings.at_once)
            .expires(Duration::from_secs(30))
            .heartbeat(Duration::from_secs(5));
        messages.messages().await.map_err(|error| error.to_string())
    }

    async fn take(
        &self,
        messages: Stream,
        keeper: &dyn Keeper,
        now: fn() -> Timestamp,
        mut stopped: Shared<impl Future<Output = ()> + Send>,
    ) -> Ended {
        let mut messages = messages;
        let mut working = FuturesUnordered::new();
        let ended = loop {
            tokio::select! {
                biased;
                () = &mut stopped => break Ended::Stopped,
                Some(()) = working.next() => {}
                next = messages.next(), if working.len() < self.settings.at_once => match next {
                    Some(Ok(message)) => working.push(self.handle(message, keeper, now)),
                    // The server is silent: the stream asks anew by itself once it is there.
                    Some(Err(error)) if error.kind() == MessagesErrorKind::MissingHeartbeat => {
                        tracing::warn!("NATS has not been heard of for ten seconds");
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, "the messages ended");
                        break Ended::Broken;
                    }
                    None => break Ended::Broken,
                },
            }
        };
        // What has been begun is finished.
        while working.next().await.is_some() {}
        ended
    }

    async fn handle(&self, message: Message, keeper: &dyn Keeper, now: fn() -> Timestamp) {
        let raw = Raw {
            subject: &message.subject,
            headers: message.headers.as_ref(),
            body: &message.payload,
            received_at: now(),
        };
        let reading = read(&self.settings, self.find, &raw);
        let (kept, outcome) = match reading {
            Reading::Received(received) => (self.patiently(&message, keeper.keep(received)).await, Outcome::Kept),
            Reading::Refused(refused) => {
                tracing::warn!(subject = refused.subject, problem = refused.problem.message, "a message was refused");
                (self.patiently(&message, keeper.refuse(refused)).await, Outcome::Refused)
            }
        };
        let (answer, outcome) = match (kept, outcome) {
            (Ok(()), Outcome::Refused) => (AckKind::Term, Outcome::Refused),
            (Ok(()), outcome) => (AckKind::Ack, outcome),
            (Err(Trouble(why)), _) => {
                let delay = self.delay(&message);
                tracing::warn!(why, delay_ms = delay.as_millis(), "a message could not be kept; it is asked for again");
                (AckKind::Nak(Some(delay)), Outcome::Retried)
            }
        };
        self.counts.note(&outcome);
        if let Err(error) = message.ack_with(answer).await {
            // It comes again, and is known then.
            tracing::warn!(%error, "a message could not be answered for");
        }
    }

    /// Tells NATS while it takes long that it is being worked on.
    async fn patiently(
        &self,
        message: &Message,
        keeping: impl Future<Output = Result<(), Trouble>>,
    ) -> Result<(), Trouble> {
        let mut keeping = pin!(keeping);
        let pause = Duration::from_secs(self.settings.ack_wait_s) / 3;
        loop {
            tokio::select! {
                done = keeping.as_mut() => return done,
                () = tokio::time::sleep(pause) => {
                    if let Err(error) = message.ack_with(AckKind::Progress).await {
                        tracing::debug!(%error, "no sign of progress could be given");
                    }
                }
            }
        }
    }

    /// How long until a message is sent again: twice as long each time.
    fn delay(&self, message: &Message) -> Duration {
        let delivered = message.info().map_or(1, |info| info.delivered.max(1));
        let doubled = u32::try_from(delivered - 1).unwrap_or(u32::MAX).min(20);
        Duration::from_millis(self.settings.retry_ms).saturating_mul(1 << doubled).min(LONGEST_RETRY)
    }
}

/// Why no more messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Stopped,
    Broken,
}

/// Sends what is still to be said.
async fn leave(client: &Client) {
    if tokio::time::timeout(LAST_WORDS, client.flush()).await.is_err() {
        tracing::warn!("NATS did not hear the last answers: what they were for comes again, and is known then");
    }
    if let Err(error) = client.drain().await {
        tracing::debug!(%error, "the connection was closed already");
    }
}
