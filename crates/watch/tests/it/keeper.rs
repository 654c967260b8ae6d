//! A keeper in memory: what is kept outlives the one who watches, time passes as fast as it can, and it can fail at any
//! step.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::Timestamp;
use domain::event::{Entity, Event};
use sources::poll::{Halt, Page};
use sources::{Delivery, find};
use tokio::task::JoinHandle;
use watch::{Cluster, Config, Keeper, State, Stop, run};

/// What is on disk.
#[derive(Default)]
pub(crate) struct Disk {
    /// Deliveries by their ids, in the order of arrival, with when they came.
    pub(crate) journal: Mutex<Vec<(String, Page, Timestamp)>>,
    pub(crate) keys: Mutex<BTreeMap<String, String>>,
    pub(crate) states: Mutex<Vec<(String, &'static str, State)>>,
    micros: AtomicI64,
}

impl Disk {
    pub(crate) fn new() -> Arc<Disk> {
        let start = Timestamp::parse("2025-02-03T12:00:00Z").unwrap();
        Arc::new(Disk { micros: AtomicI64::new(start.micros()), ..Disk::default() })
    }

    /// All events, in order.
    pub(crate) fn events(&self) -> Vec<Event> {
        let read = |(_, page, received_at): &(String, Page, Timestamp)| {
            let headers = page.headers();
            let delivery = Delivery {
                source: "kubernetes",
                event: Page::EVENT,
                headers: &headers,
                body: &page.body,
                received_at: *received_at,
            };
            (find("kubernetes").unwrap().parse)(&delivery).unwrap().events
        };
        self.journal.lock().unwrap().iter().flat_map(read).map(Result::unwrap).collect()
    }

    /// What is known, by id.
    pub(crate) fn entities(&self) -> BTreeMap<String, Entity> {
        let mut entities: BTreeMap<String, Entity> = BTreeMap::new();
        for event in self.events() {
            entities.entry(event.key.id.to_string()).or_default().merge(&event);
        }
        entities
    }

    /// `ID STATUS` of what is known, without what the names have in common.
    pub(crate) fn known(&self) -> Vec<String> {
        let known = self.entities().into_iter();
        known.map(|(id, entity)| format!("{} {}", id.replace("uid-", ""), entity.text("status").unwrap())).collect()
    }

    pub(crate) fn cursors(&self) -> Vec<String> {
        let keys = self.keys.lock().unwrap();
        keys.iter().filter(|(key, _)| key.contains("/cursor/")).map(|(_, value)| value.clone()).collect()
    }

    /// Why it waited.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let states = self.states.lock().unwrap();
        let why = states.iter().filter_map(|(_, kind, state)| match state {
            State::Fresh => None,
            State::Waiting { why, .. } | State::Ended { why } => Some(format!("{kind}: {why}")),
        });
        why.collect()
    }

    /// Waits until something is so; says what is there when it never is.
    pub(crate) async fn until(&self, so: impl Fn(&Disk) -> bool) {
        for _ in 0..10_000 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("it never came: {:?}, {:?}, {:?}", self.known(), self.cursors(), self.reasons());
    }

    pub(crate) async fn until_known(&self, wanted: &[&str]) {
        self.until(|disk| disk.known() == wanted).await;
    }
}

/// One who watches with that disk.
pub(crate) struct InMemory {
    disk: Arc<Disk>,
    /// Steps until it fails, counted down.
    left: AtomicUsize,
}

impl InMemory {
    /// A step that a crash may come before, or after.
    fn step(&self) -> Result<(), Halt> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| Halt::Failed("the disk is full".to_owned()))
    }
}

impl Keeper for InMemory {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.disk.micros.fetch_add(1_000_000, Ordering::SeqCst))
    }

    async fn pause(&self, how_long: Duration) {
        self.disk.micros.fetch_add(i64::try_from(how_long.as_micros()).unwrap(), Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    fn chance(&self) -> f64 {
        0.5
    }

    async fn recall(&self, cluster: &Cluster, key: &str) -> Result<Option<String>, Halt> {
        Ok(self.disk.keys.lock().unwrap().get(&format!("{}/{key}", cluster.name)).cloned())
    }

    async fn remember(&self, cluster: &Cluster, key: &str, value: Option<&str>) -> Result<(), Halt> {
        self.step()?;
        let mut keys = self.disk.keys.lock().unwrap();
        let key = format!("{}/{key}", cluster.name);
        match value {
            Some(value) => keys.insert(key, value.to_owned()),
            None => keys.remove(&key),
        };
        Ok(())
    }

    async fn keep(&self, cluster: &Cluster, page: Page) -> Result<(), Halt> {
        assert_eq!((&*cluster.source, &page.repository), ("kubernetes", &cluster.name));
        self.step()?;
        let (id, now) = (page.delivery_id(), self.now());
        let mut journal = self.disk.journal.lock().unwrap();
        if journal.iter().all(|(known, ..)| *known != id) {
            journal.push((id, page, now));
        }
        Ok(())
    }

    fn tell(&self, cluster: &Cluster, kind: &'static str, state: State) {
        self.disk.states.lock().unwrap().push((cluster.name.clone(), kind, state));
    }
}

/// One who watches, until it is dropped or stopped.
pub(crate) struct Watching {
    stop: tokio::sync::watch::Sender<bool>,
    task: JoinHandle<Result<(), String>>,
}

impl Watching {
    pub(crate) fn start(disk: &Arc<Disk>, clusters: &[Cluster]) -> Watching {
        Self::start_for(disk, clusters, usize::MAX)
    }

    /// One that fails after so many steps.
    pub(crate) fn start_for(disk: &Arc<Disk>, clusters: &[Cluster], steps: usize) -> Watching {
        let keeper = Arc::new(InMemory { disk: disk.clone(), left: AtomicUsize::new(steps) });
        let (config, (stop, told)) = (Config { clusters: clusters.to_vec() }, Stop::new());
        Watching { stop, task: tokio::spawn(async move { run(&config, keeper, told).await }) }
    }

    /// Says stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.ended().await;
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.task).await;
        ended.expect("it ends").unwrap().unwrap();
    }
}
