//! Why a backfill, or a part of it, cannot go on.

use super::Halt;

/// Why a whole backfill ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// Somebody told it to stop.
    #[error("it was stopped")]
    Stopped,
    /// It cannot go on: what happened, to what, what to do.
    #[error("{0}")]
    Failed(String),
}

/// Why one thing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing else could be read either: the credentials do not work, or nobody answers.
    Everything(PollError),
    /// This cannot be read, other things can.
    This {
        /// HTTP status; none when no whole answer came.
        status: Option<u16>,
        /// What happened, to what, what to do.
        message: String,
    },
}

impl Refusal {
    /// Fails all of it.
    pub(crate) fn everything(message: impl Into<String>) -> Self {
        Refusal::Everything(PollError::Failed(message.into()))
    }

    /// Fails this one thing.
    pub(crate) fn this(status: Option<u16>, message: impl Into<String>) -> Self {
        Refusal::This { status, message: message.into() }
    }
}

impl From<Halt> for Refusal {
    fn from(halt: Halt) -> Self {
        Refusal::Everything(halt.into())
    }
}

impl From<Halt> for PollError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Stopped => PollError::Stopped,
            Halt::Failed(why) => PollError::Failed(why),
        }
    }
}
