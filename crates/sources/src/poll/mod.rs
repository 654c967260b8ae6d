//! A tool's past, asked for page by page: what every vendor's backfill shares.
//!
//! [`Client`] asks patiently: it waits for rate limits, tries again what broke off, and asks for a page it has seen only
//! when it changed. What comes is handed to a [`Host`], which makes it durable; the host is also the clock, the sleep and
//! the chance, so that tests take no time. It is one request after another on a thread of its own: vendors ask for that,
//! and their limits, not ours, decide how long it takes.

mod address;
mod client;
mod error;
mod history;
mod host;
mod http;
mod limits;
mod link;
mod page;
mod progress;
mod reader;
mod settings;
mod trail;

pub use error::PollError;
pub use host::{Halt, Host};
pub use page::Page;
pub use progress::{Failure, Progress, RateLimit, Waiting};
pub use settings::{Backfill, Credentials, Outcome, Settings};

pub(crate) use address::check_address;
pub(crate) use client::{Ask, Client, Fetched};
pub(crate) use error::Refusal;
pub(crate) use history::History;
pub(crate) use link::same_server;
pub(crate) use reader::{Reader, Vendor, authorization};
pub(crate) use trail::{Part, Trail, seconds};
