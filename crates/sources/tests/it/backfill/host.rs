//! Where a backfill runs in these tests: pages are read at once and merged, and no time passes but what is waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::event::{Entity, Event};
use domain::{EntityKey, Timestamp};
use sources::poll::{Credentials, Halt, Host, Page, PollError, Progress, Settings};
use sources::{Delivery, find};

use super::hub::{Hub, TOKEN};

pub(crate) type Entities = BTreeMap<EntityKey, Entity>;

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
    pub(crate) fn new() -> Self {
        Desk::of("github")
    }

    pub(crate) fn of(source: &'static str) -> Self {
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
        (backfill.check)(settings).unwrap();
        (backfill.run)(settings, self)
    }

    /// Runs to its end, which has to be good.
    pub(crate) fn read(&mut self, settings: &Settings) -> Progress {
        let (progress, done) = self.run(settings);
        done.unwrap();
        assert_eq!(progress.failures, []);
        progress
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

/// What a page of GitHub says.
pub(crate) fn events(page: &Page, received_at: Timestamp) -> Vec<Event> {
    events_of("github", page, received_at)
}

/// What a page says.
pub(crate) fn events_of(source: &str, page: &Page, received_at: Timestamp) -> Vec<Event> {
    let headers = page.headers();
    let delivery = Delivery { source, event: Page::EVENT, headers: &headers, body: &page.body, received_at };
    let parsed = (find(source).unwrap().parse)(&delivery).unwrap();
    let read =
        |event: Result<Event, domain::Problem>| event.unwrap_or_else(|problem| panic!("{}: {problem}", page.resource));
    parsed.events.into_iter().map(read).collect()
}

pub(crate) fn settings(hub: &Hub) -> Settings {
    Settings {
        run: "1".to_owned(),
        api_url: hub.url(),
        credentials: Credentials::Token(TOKEN.to_owned()),
        repositories: vec!["acme/cart".to_owned()],
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
        assert!(!value.contains(TOKEN));
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

    fn unknown_commits(&mut self, repository: &str, heads: &[String], ancestors: bool) -> Result<Vec<String>, Halt> {
        self.live()?;
        let change = |sha: &str| {
            domain::event::entity_key(domain::event::EventKind::Change, "git", &format!("{repository}@{sha}"))
        };
        let mut wanted: BTreeSet<String> = heads.iter().cloned().collect();
        if ancestors {
            for (key, entity) in &self.entities {
                if key.kind == domain::event::EventKind::Change && entity.text("repo") == Some(repository) {
                    wanted.extend(entity.names("parents"));
                }
            }
        }
        wanted.retain(|sha| !self.entities.contains_key(&change(sha)));
        Ok(wanted.into_iter().collect())
    }

    fn tell(&mut self, progress: &Progress) {
        self.told.push(progress.clone());
    }
}
