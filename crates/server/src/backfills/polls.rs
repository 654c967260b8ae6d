//! Polling: every source that is to be polled is asked when it is due, on a thread of its own, never while its backfill
//! runs. What is known of each stands in the store under [`KEY`] and survives restarts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use store::Store;

use super::Backfills;
use super::host::{Here, chance};
use super::job::{Job, Stage, lock};
use super::poll::PollRecord;
use crate::clock;
use crate::config::{Polling, SourceConfig};

/// Cursor with the record of a source's polls.
const KEY: &str = "poll";
/// Polls at a time: each is a thread, and all write into one journal.
const AT_A_TIME: usize = 8;

/// A polled source.
#[derive(Debug)]
pub(crate) struct Poller {
    config: SourceConfig,
    pub(crate) polling: Polling,
    record: Mutex<PollRecord>,
    job: Mutex<Option<Arc<Job>>>,
}

impl Poller {
    /// How it stands, with how far the poll under way is.
    pub(crate) fn record(&self) -> PollRecord {
        let mut record = lock(&self.record).clone();
        if let Some(job) = self.running() {
            record.attempt = job.record();
        }
        record
    }

    fn running(&self) -> Option<Arc<Job>> {
        lock(&self.job).clone().filter(|job| !job.is_left())
    }

    pub(super) fn job(&self) -> Option<Arc<Job>> {
        lock(&self.job).clone()
    }

    /// Stops a poll that is under way, for now; whether none is then.
    pub(super) fn give_way(&self) -> bool {
        self.running().is_none_or(|job| job.give_way())
    }

    fn change(&self, store: &Store, change: impl FnOnce(&mut PollRecord)) {
        let text = {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut record);
            serde_json::to_string(&*record).unwrap_or_default()
        };
        if let Err(error) = store.put_cursor(&self.config.name, KEY, &text, clock::now()) {
            // The next poll then asks once more for what this one read, which does no harm.
            tracing::error!(source = self.config.name, error = %error, "how a poll stands could not be written");
        }
    }
}

impl Backfills {
    /// Reads how the polled sources stood when the server stopped.
    pub(super) fn pollers(store: &Store, configs: &[SourceConfig]) -> BTreeMap<String, Arc<Poller>> {
        let polled = configs.iter().filter_map(|config| Some((config, config.polling()?)));
        let known = |name: &str| match store.cursor(name, KEY) {
            Ok(text) => text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            Err(error) => {
                tracing::error!(source = name, error = %error, "how its polls stood cannot be read; they begin anew");
                PollRecord::default()
            }
        };
        polled
            .map(|(config, polling)| {
                let record = Mutex::new(known(&config.name));
                let poller = Poller { config: config.clone(), polling, record, job: Mutex::default() };
                (config.name.clone(), Arc::new(poller))
            })
            .collect()
    }

    /// Begins every poll that is due.
    pub(crate) fn poll_due(&self, now: Timestamp) {
        for poller in self.polled().values() {
            let busy = self.polled().values().filter(|poller| poller.running().is_some()).count();
            if self.is_halted() || busy >= AT_A_TIME {
                return;
            }
            if poller.running().is_none() && lock(&poller.record).is_due(now) {
                self.poll(poller, now);
            }
        }
    }

    fn poll(&self, poller: &Arc<Poller>, now: Timestamp) {
        let config = &poller.config;
        // Held until it has begun: a backfill cannot begin meanwhile.
        let jobs = self.jobs();
        if jobs.get(&config.name).is_some_and(|job| job.record().state == Stage::Running) {
            return;
        }
        let backfilled_to = self.recorded(&config.name).ok().flatten().filter(|last| last.state == Stage::Done);
        let backfilled_to = backfilled_to.and_then(|last| Timestamp::parse(&last.run).ok());
        let mut attempt = None;
        poller.change(&self.store, |record| attempt = Some(record.begin(&poller.polling, backfilled_to, now)));
        let begun = attempt.ok_or_else(|| "its record is lost".to_owned()).and_then(|attempt| {
            let (run, since) = (attempt.run.clone(), attempt.since);
            let settings = config.backfill(run, since)?.ok_or("nothing says what to read")?;
            Ok((attempt, settings, config.source()?.name))
        });
        let (attempt, (backfill, settings), parser) = match begun {
            Ok(begun) => begun,
            Err(why) => return self.cannot_begin(poller, why, now),
        };
        let job = Arc::new(Job::new(attempt));
        let here = Here::new(self.store.clone(), config.name.clone(), parser, Arc::clone(&job));
        let (store, ended, own) = (self.store.clone(), Arc::clone(poller), Arc::clone(&job));
        let thread = std::thread::Builder::new().name(format!("poll-{}", config.name));
        let thread = thread.spawn(move || {
            let attempt = here.read(backfill, &settings);
            ended.change(&store, |record| record.end(&ended.polling, attempt, chance(), clock::now()));
            own.leave();
        });
        match thread {
            Ok(thread) => {
                job.is_worked_on_by(thread);
                *lock(&poller.job) = Some(job);
            }
            Err(error) => self.cannot_begin(poller, format!("no thread could be started for it: {error}"), now),
        }
    }

    fn cannot_begin(&self, poller: &Poller, why: String, now: Timestamp) {
        tracing::warn!(source = poller.config.name, why, "a poll cannot begin");
        poller.change(&self.store, |record| record.cannot_begin(&poller.polling, why, chance(), now));
    }
}

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_millis(250);

/// Polls until the task is aborted.
pub(crate) async fn poll(backfills: Arc<Backfills>) {
    if backfills.polled().is_empty() {
        return;
    }
    loop {
        tokio::time::sleep(LOOK).await;
        let due = Arc::clone(&backfills);
        // It asks the store, which blocks.
        if let Err(error) = tokio::task::spawn_blocking(move || due.poll_due(clock::now())).await {
            tracing::error!(error = %error, "polls that were due could not begin");
        }
    }
}
