//! Who makes messages durable: the journal, seen from here.

use async_trait::async_trait;
use domain::{Problem, Timestamp};

/// A message that can be read, as the delivery it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The source by its configured name.
    pub source: String,
    /// The name of the source's kind, whose parser reads it.
    pub parser: &'static str,
    /// What the parser calls it.
    pub event: &'static str,
    /// The identity by which a repeat is known: the sender's own id of it, else a hash of what it says.
    pub delivery_id: String,
    /// Headers the parser reads.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Timestamp,
}

/// A message that can never be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The source by its configured name, else the stream's.
    pub source: String,
    /// The subject it came by.
    pub subject: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// What is wrong with it.
    pub problem: Problem,
    /// When it came.
    pub received_at: Timestamp,
}

/// Why a message could not be made durable now; it is sent again. For people, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// Makes messages durable. It may be asked for several at once, and for the same one again.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// Returns when the delivery is on disk, also when it was there before. The message is acknowledged then.
    ///
    /// # Errors
    /// Why it is not; the message is sent again later.
    async fn keep(&self, received: Received) -> Result<(), Trouble>;

    /// Returns when the message is on disk with its reason. It is not sent again then.
    ///
    /// # Errors
    /// Why it is not; the message is sent again later.
    async fn refuse(&self, refused: Refused) -> Result<(), Trouble>;
}
