//! Where a poll runs in these tests: pages are read at once and merged, and no time passes but what is waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::event::{Entity, Event, Incident};
use domain::{EntityKey, Timestamp};
use sources::poll::{Credentials, Halt, Host, Page, PollError, Progress, Settings};
use sources::{Delivery, find};

pub(crate) type Entities = BTreeMap<EntityKey, Entity>;

pub(crate) const SECRET: &str = "s3cr3t-0123456789";

pub(crate) struct Desk {
    source: &'static str,
    pub(crate) now: Timestamp,
    pub(crate) waited: Duration,
    pub(crate) cursors: BTreeMap<String, String>,
    pub(crate) pages: BTreeMap<String, Page>,
    pub(crate) entities: Entities,
    pub(crate) told: Vec<Progress>,
    /// Operations until it is killed.
    pub(crate) lives: Option<usize>,
}

impl Desk {
    pub(crate) fn new(source: &'static str) -> Self {
        Desk {
            source,
            now: Timestamp::parse("2026-11-01T00:00:00Z").unwrap(),
            waited: Duration::ZERO,
            cursors: BTreeMap::new(),
            pages: BTreeMap::new(),
            entities: BTreeMap::new(),
            told: Vec::new(),
            lives: None,
        }
    }

    pub(crate) fn run(&mut self, settings: &Settings) -> (Progress, Result<(), PollError>) {
        let backfill = find(self.source).unwrap().backfill.unwrap();
        assert_eq!((backfill.check)(settings), Ok(()));
        (backfill.run)(settings, self)
    }

    /// Runs to its end, which has to be good.
    pub(crate) fn read(&mut self, settings: &Settings) -> Progress {
        let (progress, done) = self.run(settings);
        done.unwrap();
        assert_eq!(progress.failures, []);
        progress
    }

    /// A poll as the scheduler runs it: of what changed since the one before began, and a little more.
    pub(crate) fn poll(&mut self, settings: &Settings, minutes: i64) -> Progress {
        let overlap = find(self.source).unwrap().backfill.unwrap().overlap;
        let since = self.now.plus(-i64::try_from(overlap.as_micros()).unwrap());
        self.now = self.now.plus(minutes * domain::time::HOUR / 60);
        let run = format!("{}'", self.now);
        self.read(&Settings { since: Some(since), run, ..settings.clone() })
    }

    fn live(&mut self) -> Result<(), Halt> {
        match &mut self.lives {
            Some(0) => Err(Halt::Stopped),
            Some(lives) => {
                *lives -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

pub(crate) fn merge(entities: &mut Entities, events: impl IntoIterator<Item = Event>) {
    for event in events {
        entities.entry(event.key.clone()).or_default().merge(&event);
    }
}

impl Desk {
    /// What is meant when webhooks told it too: the same whatever came first.
    pub(crate) fn with_webhooks(&self, webhooks: &[Event]) -> BTreeMap<String, Incident> {
        let pages = self.pages.values().flat_map(|page| events_of(self.source, page, self.now));
        let pages: Vec<Event> = pages.collect();
        let (mut one, mut other) = (Entities::new(), Entities::new());
        merge(&mut one, webhooks.iter().chain(&pages).cloned());
        merge(&mut other, pages.iter().chain(webhooks).rev().cloned());
        assert_eq!(one, other);
        incidents(&one)
    }
}

/// What is meant in the end.
pub(crate) fn incidents(entities: &Entities) -> BTreeMap<String, Incident> {
    let read = |(key, entity): (&EntityKey, &Entity)| Some((key.id.to_string(), Incident::read(key, entity)?));
    entities.iter().filter_map(read).collect()
}

/// What a page says.
pub(crate) fn events_of(source: &'static str, page: &Page, received_at: Timestamp) -> Vec<Event> {
    let headers = page.headers();
    let delivery = Delivery { source, event: Page::EVENT, headers: &headers, body: &page.body, received_at };
    let parsed = (find(source).unwrap().parse)(&delivery).unwrap();
    let events = parsed.events.into_iter();
    events.map(|event| event.unwrap_or_else(|problem| panic!("{}: {problem}", page.resource))).collect()
}

pub(crate) fn settings(url: String) -> Settings {
    Settings {
        run: "1".to_owned(),
        api_url: url,
        credentials: Credentials::Token(SECRET.to_owned()),
        repositories: Vec::new(),
        owners: Vec::new(),
        since: None,
        options: BTreeMap::new(),
    }
}

impl Host for Desk {
    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn pause(&mut self, how_long: Duration) -> Result<(), Halt> {
        self.live()?;
        self.waited += how_long;
        self.now = self.now.plus(i64::try_from(how_long.as_micros()).unwrap());
        Ok(())
    }

    fn chance(&mut self) -> f64 {
        0.5
    }

    fn recall(&mut self, key: &str) -> Result<Option<String>, Halt> {
        self.live()?;
        Ok(self.cursors.get(key).cloned())
    }

    fn remember(&mut self, key: &str, value: &str) -> Result<(), Halt> {
        self.live()?;
        assert!(!value.contains(SECRET));
        self.cursors.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn keep(&mut self, page: Page) -> Result<(), Halt> {
        self.live()?;
        if let std::collections::btree_map::Entry::Vacant(place) = self.pages.entry(page.delivery_id()) {
            let events = events_of(self.source, &page, self.now);
            place.insert(page);
            merge(&mut self.entities, events);
        }
        Ok(())
    }

    fn unknown_commits(&mut self, _: &str, _: &[String], _: bool) -> Result<Vec<String>, Halt> {
        Ok(Vec::new())
    }

    fn tell(&mut self, progress: &Progress) {
        self.told.push(progress.clone());
    }
}
