//! Backfills of the configured sources: at most one a source, each on a thread of its own.
//!
//! What is to be known of one after a restart stands in the store under [`KEY`]: one that was running goes on.

mod host;
mod job;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Code, Problem, Timestamp};
use store::Store;

pub(crate) use self::job::{Record, Stage};

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
}

impl Backfills {
    pub(crate) fn new(store: Store, configs: &[SourceConfig]) -> Self {
        Backfills { store, configs: configs.to_vec(), jobs: Mutex::default() }
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut here = Here::new(self.store.clone(), config.name.clone(), parser, Arc::clone(&job));
        here.record()?;
        let thread = std::thread::Builder::new().name(format!("backfill-{}", config.name));
        let thread = thread
            .spawn(move || here.work(backfill, &settings))
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
        for job in self.jobs().values() {
            job.halt();
        }
    }

    /// Waits until all have stopped.
    pub(crate) fn join(&self) {
        let jobs: Vec<Arc<Job>> = self.jobs().values().cloned().collect();
        for job in jobs {
            job.join();
        }
    }
}

impl Drop for Backfills {
    fn drop(&mut self) {
        self.halt();
    }
}
