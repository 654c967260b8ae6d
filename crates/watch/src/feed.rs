//! One kind of workload in one cluster, followed for as long as nobody says stop.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use domain::Timestamp;
use futures_util::StreamExt;
use kube::Client;
use kube::api::WatchEvent;
use serde_json::{Map, Value};
use sources::poll::Halt;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connect::client;
use crate::delivery::Deliveries;
use crate::list::{Requests, SILENCE};
use crate::trouble::Trouble;
use crate::{Cluster, Config, Keeper, State, Stop};

/// A watch that ends sooner than this, with nothing said, was cut off.
const AT_ONCE: i64 = 5 * domain::time::SECOND;

/// Watches all clusters until it is told to stop, or the keeper fails everywhere. Each kind in each cluster goes its own
/// way: what is in the way of one holds up no other. What is being delivered when it is told to stop is delivered.
///
/// # Errors
/// The configuration is wrong.
pub async fn run<K: Keeper>(config: &Config, keeper: Arc<K>, stop: Stop) -> Result<(), String> {
    config.check()?;
    let mut feeds = JoinSet::new();
    for cluster in &config.clusters {
        let cluster = Arc::new(cluster.clone());
        for kind in cluster.kinds()? {
            for namespace in cluster.scopes() {
                let namespace = namespace.map(str::to_owned);
                let requests = Requests { kind, namespace, labels: cluster.labels.clone() };
                let feed = Feed { keeper: keeper.clone(), cluster: cluster.clone(), requests, stop: stop.clone() };
                feeds.spawn(feed.follow());
            }
        }
    }
    while let Some(ended) = feeds.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a watch broke");
        }
    }
    Ok(())
}

struct Feed<K> {
    keeper: Arc<K>,
    cluster: Arc<Cluster>,
    requests: Requests,
    stop: Stop,
}

/// How far a feed is.
#[derive(Default)]
struct Progress {
    client: Option<Client>,
    /// Where to watch from; none to list first.
    version: Option<String>,
    /// What of it is remembered.
    remembered: Option<String>,
    /// Whether this cluster was never listed to its end.
    first: bool,
    /// How often in a row nothing came of it.
    attempts: u32,
}

impl<K: Keeper> Feed<K> {
    async fn follow(self) {
        let why = match self.go_on().await {
            Halt::Stopped => return,
            Halt::Failed(why) => why,
        };
        tracing::error!(cluster = self.cluster.name, kind = self.requests.kind.name, why, "watched no further");
        self.tell(State::Ended { why });
    }

    async fn go_on(&self) -> Halt {
        let mut progress = match self.keeper.recall(&self.cluster, &self.requests.cursor()).await {
            Ok(version) => {
                Progress { first: version.is_none(), remembered: version.clone(), version, ..Progress::default() }
            }
            Err(halt) => return halt,
        };
        loop {
            let Err(trouble) = self.round(&mut progress).await else { continue };
            let (attempts, chance) = (progress.attempts, self.keeper.chance());
            let why = match &trouble {
                Trouble::Halted(halt) => return halt.clone(),
                Trouble::Gone => {
                    progress.version = None;
                    "the API server has forgotten where the watch was (410): it lists again".to_owned()
                }
                Trouble::Passing(why) => why.clone(),
                Trouble::Refused(why) => {
                    // Whoever mends it may have changed the kubeconfig.
                    progress.client = None;
                    why.clone()
                }
            };
            progress.attempts += 1;
            // To list again needs no wait the first time.
            if matches!(trouble, Trouble::Gone) && attempts == 0 {
                continue;
            }
            let pause = trouble.pause(attempts, chance);
            tracing::warn!(cluster = self.cluster.name, kind = self.requests.kind.name, why, ?pause, "watch waits");
            self.tell(State::Waiting { why, pause });
            if let Err(halt) = self.or_stop(self.keeper.pause(pause)).await {
                return halt;
            }
        }
    }

    /// A list if there is nowhere to watch from, then a watch to its end.
    async fn round(&self, progress: &mut Progress) -> Result<(), Trouble> {
        let client = match &progress.client {
            Some(client) => client.clone(),
            None => {
                let made = self.or_stop(client(&self.cluster)).await?.map_err(Trouble::Refused)?;
                progress.client.insert(made).clone()
            }
        };
        if progress.version.is_none() {
            self.list(&client, progress).await?;
        }
        let version = progress.version.clone().unwrap_or_default();
        let began = self.keeper.now();
        let events = self.or_stop(self.requests.watch(&client, &version)).await??;
        let mut events = pin!(events);
        loop {
            let next = self.or_stop(timeout(SILENCE, events.next())).await?;
            let next = next.map_err(|_| Trouble::Passing("the watch is silent: the connection is lost".to_owned()))?;
            match next {
                Some(Ok(event)) => self.event(event, progress).await?,
                Some(Err(error)) => return Err(self.requests.trouble(&error)),
                None => break,
            }
        }
        self.remember(progress).await?;
        self.ended(began, progress.version.as_deref() != Some(&*version))
    }

    /// The API server ends every watch after some minutes.
    fn ended(&self, began: Timestamp, said: bool) -> Result<(), Trouble> {
        if !said && self.keeper.now().since(began) < AT_ONCE {
            return Err(Trouble::Passing("the watch was cut off".to_owned()));
        }
        self.tell(State::Fresh);
        Ok(())
    }

    async fn list(&self, client: &Client, progress: &mut Progress) -> Result<(), Trouble> {
        let mut page = None;
        let version = loop {
            let listed = self.or_stop(self.requests.list(client, page.as_deref())).await??;
            for object in listed.items {
                self.deliveries().saw(object, progress.first).await?;
                self.go_on_unless_stopped().await?;
            }
            page = listed.next;
            if page.is_none() {
                break listed.version;
            }
        };
        progress.version = Some(version);
        self.remember(progress).await?;
        progress.first = false;
        self.tell(State::Fresh);
        Ok(())
    }

    async fn event(&self, event: WatchEvent<Value>, progress: &mut Progress) -> Result<(), Trouble> {
        let (version, durable) = match event {
            WatchEvent::Added(Value::Object(object)) | WatchEvent::Modified(Value::Object(object)) => {
                let version = version(&object);
                (version, self.deliveries().saw(object, false).await?)
            }
            WatchEvent::Deleted(Value::Object(object)) => {
                self.deliveries().deleted(&object).await?;
                (version(&object), true)
            }
            WatchEvent::Bookmark(bookmark) => (Some(bookmark.metadata.resource_version), true),
            WatchEvent::Error(status) => {
                return Err(Trouble::status(status.code, &status.reason, &status.message, self.requests.kind));
            }
            WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_) => (None, false),
        };
        progress.attempts = 0;
        if version.is_some() {
            progress.version = version;
        }
        // What was not delivered can be seen again: the next bookmark moves the cursor.
        if durable {
            self.remember(progress).await?;
        }
        self.tell(State::Fresh);
        Ok(())
    }

    /// Moves the cursor: everything up to it is durable.
    async fn remember(&self, progress: &mut Progress) -> Result<(), Halt> {
        if progress.remembered == progress.version {
            return Ok(());
        }
        self.keeper.remember(&self.cluster, &self.requests.cursor(), progress.version.as_deref()).await?;
        progress.remembered.clone_from(&progress.version);
        Ok(())
    }

    fn deliveries(&self) -> Deliveries<'_, K> {
        Deliveries { keeper: &*self.keeper, cluster: &self.cluster, kind: self.requests.kind }
    }

    fn tell(&self, state: State) {
        self.keeper.tell(&self.cluster, self.requests.kind.name, state);
    }

    async fn go_on_unless_stopped(&self) -> Result<(), Halt> {
        self.or_stop(std::future::ready(())).await
    }

    /// What is waited for, unless somebody says stop meanwhile.
    async fn or_stop<T>(&self, waited: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = self.stop.told() => Err(Halt::Stopped),
            result = waited => Ok(result),
        }
    }
}

fn version(object: &Map<String, Value>) -> Option<String> {
    object.get("metadata")?.get("resourceVersion")?.as_str().map(str::to_owned)
}
