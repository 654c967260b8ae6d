//! What is known of a polled source: how far it has been read, and when it is asked next. Pure but for what it is told.
//!
//! A poll is a backfill of what changed since the poll before began, and of a little more: [`Polling::overlap`]. What it
//! could not read it owes: when that can be read again, one poll goes back to where it could not be read first.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sources::poll::Progress;

use super::job::{Record, Stage};
use super::rhythm::{Circuit, after_failure, circuit, earlier, interval, later};
use crate::config::Polling;

/// What stands in the store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PollRecord {
    /// Since when it is polled.
    pub(crate) begun_at: Option<Timestamp>,
    /// The last poll, also when it has not ended.
    pub(crate) attempt: Record,
    /// What changed before this has been read: when the last poll that came to its end began.
    pub(crate) read_to: Option<Timestamp>,
    /// When that one ended.
    pub(crate) last_success_at: Option<Timestamp>,
    /// Polls in a row that came to nothing.
    pub(crate) failures: u32,
    /// Why the last of them did.
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<Timestamp>,
    pub(crate) next_at: Option<Timestamp>,
    /// What could not be read though the rest was, each with the `since` of the first poll that could not.
    owed: BTreeMap<String, Timestamp>,
    /// The next poll asks from here.
    catch_up: Option<Timestamp>,
}

impl PollRecord {
    /// Whether it is to be asked now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_at.is_none_or(|at| at <= now)
    }

    /// Older than promised.
    pub(crate) fn is_late(&self, every: Duration, now: Timestamp) -> bool {
        self.read_to.or(self.begun_at).is_some_and(|at| later(at, every) < now)
    }

    pub(crate) fn circuit(&self) -> Circuit {
        circuit(self.failures, self.attempt.state == Stage::Running)
    }

    /// The poll that begins now. One that was cut off or failed goes on: what it has finished it does not read again.
    pub(super) fn begin(&mut self, polling: &Polling, backfilled_to: Option<Timestamp>, now: Timestamp) -> Record {
        self.begun_at = self.begun_at.or(Some(now));
        let last = &self.attempt;
        let goes_on = matches!(last.state, Stage::Running | Stage::Failed | Stage::Stopped) && !last.run.is_empty();
        let (run, since) = if goes_on {
            (last.run.clone(), last.since)
        } else {
            let read_to = self.read_to.or(backfilled_to);
            let since = read_to.map_or_else(|| earlier(now, polling.first), |to| earlier(to, polling.overlap));
            (now.to_string(), Some(self.catch_up.map_or(since, |from| from.min(since))))
        };
        self.attempt = Record { run, state: Stage::Running, since, started_at: Some(now), ..Record::default() };
        self.attempt.clone()
    }

    /// A poll that could not even begin.
    pub(super) fn cannot_begin(&mut self, polling: &Polling, why: String, chance: f64, now: Timestamp) {
        self.attempt.state = Stage::Failed;
        self.failed(polling, why, chance, now);
    }

    /// Notes how a poll ended.
    pub(super) fn end(&mut self, polling: &Polling, record: Record, chance: f64, now: Timestamp) {
        let began = Timestamp::parse(&record.run).ok().or(record.started_at).unwrap_or(now);
        self.attempt = record;
        match self.attempt.state {
            // The server stops, or a backfill comes before it: it goes on as soon as it may.
            Stage::Running | Stage::Stopped | Stage::Never => self.next_at = Some(now),
            Stage::Failed => {
                let why = self.attempt.message.clone().unwrap_or_else(|| "it could not go on".to_owned());
                self.failed(polling, why, chance, now);
            }
            Stage::Done if nothing_was_read(&self.attempt.progress) => {
                let why = self.attempt.progress.failures.first().map(|failure| failure.message.clone());
                self.failed(polling, why.unwrap_or_default(), chance, now);
            }
            Stage::Done => self.succeeded(polling, began, chance, now),
        }
    }

    fn failed(&mut self, polling: &Polling, why: String, chance: f64, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        (self.last_error, self.last_error_at) = (Some(why), Some(now));
        self.next_at = Some(later(now, after_failure(self.failures, polling.every, chance)));
    }

    fn succeeded(&mut self, polling: &Polling, began: Timestamp, chance: f64, now: Timestamp) {
        self.failures = 0;
        let since = self.attempt.since.unwrap_or(Timestamp::MIN);
        let failures = &self.attempt.progress.failures;
        let failing: BTreeMap<String, Timestamp> =
            failures.iter().map(|failure| (format!("{} of {}", failure.resource, failure.repository), since)).collect();
        if let Some(failure) = failures.first() {
            let what = format!("{} of {}: {}", failure.resource, failure.repository, failure.message);
            (self.last_error, self.last_error_at) = (Some(what), Some(now));
        }
        // What this poll could read from where it was owed is owed no more.
        self.owed.retain(|what, from| failing.contains_key(what) || *from < since);
        let recovered = self.owed.iter().filter(|(what, _)| !failing.contains_key(*what)).map(|(_, from)| *from).min();
        for (what, since) in failing {
            let owed = self.owed.entry(what).or_insert(since);
            *owed = since.min(*owed);
        }
        self.catch_up = recovered;
        self.read_to = Some(self.read_to.map_or(began, |known| known.max(began)));
        self.last_success_at = Some(now);
        let soon = later(now, polling.every / 20);
        let next = later(began, interval(polling.every, chance)).max(soon);
        self.next_at = Some(if recovered.is_some() { soon } else { next });
    }
}

/// Everything that was asked for failed: such a poll has shown nothing.
fn nothing_was_read(progress: &Progress) -> bool {
    !progress.failures.is_empty() && progress.pages == 0 && progress.unchanged_pages == 0
}

#[cfg(test)]
mod tests {
    use sources::poll::Failure;

    use super::*;

    const POLLING: Polling = Polling {
        every: Duration::from_secs(3_600),
        overlap: Duration::from_secs(600),
        first: Duration::from_secs(86_400),
    };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros((1_000_000 + minutes) * 60_000_000)
    }

    /// Polls at an instant, for a minute; how far back it asked, in minutes.
    fn poll(record: &mut PollRecord, begin: i64, how: impl FnOnce(&mut Record)) -> i64 {
        let mut attempt = record.begin(&POLLING, None, at(begin));
        let since = attempt.since.unwrap_or(Timestamp::MIN);
        attempt.state = Stage::Done;
        attempt.progress.pages = 1;
        how(&mut attempt);
        record.end(&POLLING, attempt, 0.0, at(begin + 1));
        at(0).since(since) / 60_000_000
    }

    fn fails(what: &str) -> impl FnOnce(&mut Record) {
        let failure = Failure { repository: "a/b".into(), resource: what.into(), message: "no".into() };
        move |record| record.progress.failures.push(failure)
    }

    #[test]
    fn each_poll_asks_from_the_begin_of_the_one_before_and_a_little_more() {
        let mut record = PollRecord::default();
        assert!(record.is_due(at(0)));
        assert_eq!(poll(&mut record, 0, |_| ()), 24 * 60);
        assert_eq!((record.read_to, record.last_success_at), (Some(at(0)), Some(at(1))));
        assert!(!record.is_due(at(44)) && record.is_due(at(45)));
        assert!(!record.is_late(POLLING.every, at(60)) && record.is_late(POLLING.every, at(61)));
        assert_eq!(poll(&mut record, 45, |_| ()), 10);
        assert_eq!(poll(&mut record, 90, |_| ()), 10 - 45);
    }

    #[test]
    fn the_first_poll_begins_where_a_backfill_began() {
        let mut record = PollRecord::default();
        let attempt = record.begin(&POLLING, Some(at(-100)), at(0));
        assert_eq!(attempt.since, Some(at(-110)));
    }

    #[test]
    fn one_that_fails_goes_on_and_counts_from_where_it_began() {
        let mut record = PollRecord::default();
        poll(&mut record, 0, |_| ());
        poll(&mut record, 60, |record| record.state = Stage::Failed);
        assert_eq!((record.failures, record.circuit()), (1, Circuit::Closed));
        assert!(record.is_late(POLLING.every, at(62)), "a failure reads nothing");
        for failures in 2..=5 {
            let since = poll(&mut record, 60 + failures, |record| record.state = Stage::Failed);
            assert_eq!((since, record.failures), (10, u32::try_from(failures).unwrap()));
        }
        assert_eq!(record.circuit(), Circuit::Open);
        let trying = record.begin(&POLLING, None, at(200));
        assert_eq!((record.circuit(), trying.run), (Circuit::HalfOpen, at(60).to_string()));
        assert_eq!(poll(&mut record, 200, |_| ()), 10);
        // It has read what changed before its begin, not before its end: the next one comes soon.
        assert_eq!((record.circuit(), record.failures, record.read_to), (Circuit::Closed, 0, Some(at(60))));
        assert!(record.is_due(at(205)));
        assert_eq!(poll(&mut record, 205, |_| ()), 10 - 60);
    }

    #[test]
    fn one_that_was_cut_off_goes_on_as_the_same() {
        let mut record = PollRecord::default();
        let cut = record.begin(&POLLING, None, at(0));
        let text = serde_json::to_string(&record).unwrap();
        let mut record: PollRecord = serde_json::from_str(&text).unwrap();
        assert!(record.is_due(at(1)));
        let again = record.begin(&POLLING, None, at(1));
        assert_eq!((again.run, again.since), (cut.run, cut.since));
    }

    #[test]
    fn what_could_not_be_read_is_read_from_there_when_it_can_be() {
        let mut record = PollRecord::default();
        poll(&mut record, 0, |_| ());
        poll(&mut record, 60, fails("issues"));
        assert_eq!((record.read_to, record.failures), (Some(at(60)), 0));
        assert_eq!(record.last_error.as_deref(), Some("issues of a/b: no"));
        assert_eq!(poll(&mut record, 120, fails("issues")), 10 - 60);
        // It can be read again, from the last poll on; what it owes is read right after.
        assert_eq!(poll(&mut record, 180, |_| ()), 10 - 120);
        assert!(record.is_due(at(184)));
        assert_eq!(poll(&mut record, 184, |_| ()), 10);
        assert_eq!(poll(&mut record, 240, |_| ()), 10 - 184);
        assert!(record.owed.is_empty());
    }

    #[test]
    fn a_poll_in_which_everything_fails_is_a_failure() {
        let mut record = PollRecord::default();
        poll(&mut record, 0, |record| {
            fails("issues")(record);
            record.progress.pages = 0;
        });
        assert_eq!((record.failures, record.read_to), (1, None));
    }
}
