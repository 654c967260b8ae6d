//! A rebuild of the store: one at a time, gone on with when the server starts, left where it is when it stops.

use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::SECOND;
use domain::{Code, Problem, Timestamp};
use serde_json::{Value, json};
use store::{Phase, Progress, Rebuild, Rebuilt, Store, StoreError};
use tokio::sync::watch;

use crate::clock;
use crate::error::ApiError;

/// How far a rebuild is.
#[derive(Debug, Default)]
pub(crate) struct Rebuilding(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: bool,
    pace: Option<Pace>,
}

/// The phase it is in, and how fast that goes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    now: Progress,
    /// What was done, and when, as this process began with the phase.
    began: (u64, Timestamp),
    at: Timestamp,
}

impl Pace {
    fn of(before: Option<Pace>, now: Progress, at: Timestamp) -> Self {
        let began = before.filter(|before| before.now.phase == now.phase).map(|before| before.began);
        Pace { now, began: began.unwrap_or((now.done, at)), at }
    }

    /// So many a second; none before a second has passed.
    fn rate(&self) -> Option<f64> {
        let (done, began) = self.began;
        let micros = self.at.since(began);
        (micros >= SECOND).then(|| self.now.done.saturating_sub(done) as f64 * SECOND as f64 / micros as f64)
    }

    /// Until this phase ends at that rate.
    fn seconds_left(&self) -> Option<f64> {
        let left = self.now.total.saturating_sub(self.now.done) as f64;
        self.rate().filter(|rate| *rate > 0.0).map(|rate| left / rate)
    }
}

/// Ends with the rebuild, however that ends.
struct Running<'r>(&'r Rebuilding);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running = false;
    }
}

impl Rebuilding {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<Running<'_>, Problem> {
        let mut state = self.state();
        if state.running {
            let message = "a rebuild is under way; GET /api/v1/rebuild tells how far it is";
            return Err(Problem::new(Code::Unavailable, message));
        }
        *state = State { running: true, pace: None };
        Ok(Running(self))
    }

    fn note(&self, now: Progress) {
        let mut state = self.state();
        state.pace = Some(Pace::of(state.pace, now, clock::now()));
    }

    /// Does what is wanted, or without a wish what was begun. None when there is nothing to do.
    pub(crate) fn run(
        &self,
        store: &Store,
        wanted: Option<Rebuild>,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Option<Rebuilt>, ApiError> {
        let _running = self.begin()?;
        let mut broken_off = false;
        let mut step = |now: &Progress| {
            self.note(*now);
            broken_off = *stopping.borrow();
            if broken_off { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let done: Result<_, StoreError> = match wanted {
            Some(wanted) => store.rebuild_stepwise(wanted, &mut step),
            None => store.resume_rebuild(&mut step),
        };
        let done = done?;
        if broken_off && done.is_none() {
            let message = "the server is stopping; the rebuild is gone on with when it starts again";
            return Err(ApiError::new(Code::Unavailable, message));
        }
        Ok(done)
    }

    /// For people who wait.
    pub(crate) fn told(&self) -> Value {
        let state = self.state();
        let now = state.pace.map(|pace| pace.now);
        json!({
            "running": state.running,
            "phase": now.map(|now| now.phase.text()),
            "step": now.and_then(|now| Phase::ALL.iter().position(|phase| *phase == now.phase)).map(|place| place + 1),
            "steps": Phase::ALL.len(),
            "done": now.map_or(0, |now| now.done),
            "total": now.map_or(0, |now| now.total),
            "per_second": state.pace.and_then(|pace| pace.rate()),
            "seconds_left": state.pace.and_then(|pace| pace.seconds_left()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_phase_in_this_process() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * SECOND);
        let linking = |done| Progress { phase: Phase::Linking, done, total: 1_000 };
        let first = Pace::of(None, linking(400), at(10));
        assert_eq!((first.rate(), first.seconds_left()), (None, None));
        let second = Pace::of(Some(first), linking(600), at(14));
        assert_eq!((second.rate(), second.seconds_left()), (Some(50.0), Some(8.0)));
        let next = Pace::of(Some(second), Progress { phase: Phase::CatchingUp, done: 0, total: 5 }, at(20));
        assert_eq!(next.rate(), None);
        assert_eq!(Pace::of(Some(next), next.now, at(30)).seconds_left(), None, "nothing moves");
    }
}
