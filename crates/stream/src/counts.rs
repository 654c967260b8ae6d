//! How it goes, for who watches.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counts {
    kept: AtomicU64,
    refused: AtomicU64,
    retried: AtomicU64,
    attached: AtomicBool,
}

impl Counts {
    /// Messages made durable and acknowledged.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// Messages that can never be read, kept with the reason.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Messages that could not be made durable when they came, and were asked for again.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// Whether messages are being waited for: connected, and the stream and the consumer are there.
    #[must_use]
    pub fn attached(&self) -> bool {
        self.attached.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Kept => &self.kept,
            Outcome::Refused => &self.refused,
            Outcome::Retried => &self.retried,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_attached(&self, attached: bool) {
        self.attached.store(attached, Ordering::Relaxed);
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    Refused,
    Retried,
}
