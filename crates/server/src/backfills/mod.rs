//! Backfills of the configured sources, and their polls: at most one a source, each on a thread of its own.
//!
//! What is to be known of one after a restart stands in the store under [`KEY`]: one that was running goes on.

mod host;
mod job;
mod poll;
mod polls;
mod rhythm;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use domain::{Code, Problem, Timestamp};
use store::{Store, StoreError};

pub(crate) use self::host::chance;
pub(crate) use self::job::{Record, Stage};
pub(crate) use self::polls::{Poller, poll};

use self::host::Here;
use self::job::Job;
use crate::clock;
use crate::config::SourceConfig;
use crate::error::ApiError;

/// Cursor with the record of a source's last backfill.
const KEY: &str = "backfill";

/// All of them.
#[derive(Debug)]
pub(crate) struct Backfills {
    store: Store,
    configs: Vec<SourceConfig>,
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Read from the store when the server starts.
    pollers: OnceLock<BTreeMap<String, Arc<Poller>>>,
    halted: AtomicBool,
}

impl Backfills {
    pub(crate) fn new(store: Store, configs: &[SourceConfig]) -> Self {
        Backfills {
            store,
            configs: configs.to_vec(),
            jobs: Mutex::default(),
            pollers: OnceLock::new(),
            halted: AtomicBool::new(false),
        }
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The polled sources by name.
    pub(crate) fn polled(&self) -> &BTreeMap<String, Arc<Poller>> {
        self.pollers.get_or_init(|| Self::pollers(&self.store, &self.configs))
    }

    fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    fn config(&self, name: &str) -> Result<&SourceConfig, Problem> {
        self.configs.iter().find(|config| config.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.configs.iter().map(|config| config.name.as_str()).collect();
            let name: String = name.chars().take(64).collect();
            let there =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            Problem::new(Code::NotFound, format!("no source of the configuration is named `{name}`; {there}"))
        })
    }

    /// The state of a source's last backfill.
    pub(crate) fn state(&self, name: &str) -> Result<Record, ApiError> {
        self.config(name)?;
        if let Some(job) = self.jobs().get(name) {
            return Ok(job.record());
        }
        Ok(self.recorded(name)?.unwrap_or_default())
    }

    fn recorded(&self, name: &str) -> Result<Option<Record>, ApiError> {
        let text = self.store.cursor(name, KEY)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Starts one, or goes on with the last when that asked for the same and did not come to its end. One that runs is
    /// left to run when it asks for the same.
    pub(crate) fn start(&self, name: &str, since: Option<Timestamp>) -> Result<Record, ApiError> {
        let config = self.config(name)?;
        let mut jobs = self.jobs();
        let running = jobs.get(name).map(|job| job.record()).filter(|record| record.state == Stage::Running);
        if let Some(record) = running {
            if record.since == since {
                return Ok(record);
            }
            let told = record.since.map_or_else(|| "all of it".to_owned(), |since| format!("what is since {since}"));
            let message = format!("a backfill of `{name}` is reading {told}; stop it first, or wait for its end");
            return Err(ApiError::new(Code::InvalidParameter, message));
        }
        if self.polled().get(name).is_some_and(|poller| !poller.give_way()) {
            let message = format!("a poll of `{name}` is waiting for an answer; try again in a moment");
            return Err(ApiError::new(Code::InvalidParameter, message));
        }
        let now = clock::now();
        let last = self.recorded(name)?.filter(|last| last.state != Stage::Done && last.since == since);
        let run = last.map_or_else(|| now.to_string(), |last| last.run);
        let record = Record { run, state: Stage::Running, since, started_at: Some(now), ..Record::default() };
        let job = self.spawn(config, record.clone())?;
        jobs.insert(name.to_owned(), job);
        Ok(record)
    }

    fn spawn(&self, config: &SourceConfig, record: Record) -> Result<Arc<Job>, ApiError> {
        let invalid = |why: String| ApiError::new(Code::InvalidParameter, why);
        let settings = config.backfill(record.run.clone(), record.since).map_err(invalid)?;
        let (backfill, settings) = settings.ok_or_else(|| {
            invalid(format!(
                "the source `{}` has no token for its API; set `token_file` and `repositories` or `owners` in the \
                 configuration",
                config.name
            ))
        })?;
        let parser = config.source().map_err(invalid)?.name;
        let job = Arc::new(Job::new(record));
        let here = Here::new(self.store.clone(), config.name.clone(), parser, Arc::clone(&job));
        write(&self.store, &config.name, &job.record())?;
        let (store, name, own) = (self.store.clone(), config.name.clone(), Arc::clone(&job));
        let thread = std::thread::Builder::new().name(format!("backfill-{}", config.name));
        let thread = thread
            .spawn(move || {
                let record = here.read(backfill, &settings);
                if let Err(error) = write(&store, &name, &record) {
                    tracing::error!(source = name, error = %error, "how a backfill ended could not be written");
                }
                own.leave();
            })
            .map_err(|error| ApiError::internal("a backfill could not be started", &error))?;
        job.is_worked_on_by(thread);
        Ok(job)
    }

    /// Stops a source's backfill; it does not go on by itself.
    pub(crate) fn stop(&self, name: &str) -> Result<Record, ApiError> {
        self.config(name)?;
        let job = self.jobs().get(name).cloned();
        match job {
            Some(job) => Ok(job.stop()),
            None => self.state(name),
        }
    }

    /// Goes on with what was running when the server stopped or was killed.
    pub(crate) fn resume(&self) {
        // From here on it is known who is polled: asking the store blocks.
        self.polled();
        for config in &self.configs {
            let resumed = self.recorded(&config.name).and_then(|record| {
                let Some(record) = record.filter(|record| record.state == Stage::Running) else { return Ok(()) };
                let record = Record { message: None, finished_at: None, ..record };
                let job = self.spawn(config, record)?;
                self.jobs().insert(config.name.clone(), job);
                Ok(())
            });
            if let Err(error) = resumed {
                tracing::error!(source = config.name, error = ?error, "an unfinished backfill cannot go on");
            }
        }
    }

    /// Tells all to stop for now: they go on with the next start.
    pub(crate) fn halt(&self) {
        self.halted.store(true, Ordering::Release);
        for job in self.every_job() {
            job.halt();
        }
    }

    fn every_job(&self) -> Vec<Arc<Job>> {
        let polls = self.pollers.get().into_iter().flat_map(BTreeMap::values).filter_map(|poller| poller.job());
        self.jobs().values().cloned().chain(polls).collect()
    }

    /// Waits until all have stopped.
    pub(crate) fn join(&self) {
        for job in self.every_job() {
            job.join();
        }
    }
}

/// Makes durable how a backfill stands.
fn write(store: &Store, name: &str, record: &Record) -> Result<(), StoreError> {
    store.put_cursor(name, KEY, &serde_json::to_string(record).unwrap_or_default(), clock::now())
}

impl Drop for Backfills {
    fn drop(&mut self) {
        self.halt();
    }
}
