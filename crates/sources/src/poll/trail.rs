//! Pages of one list, one after another.

use std::collections::BTreeSet;

use domain::Timestamp;

use super::Refusal;

/// Whether a part could be read; of a `Err` the whole backfill ends.
pub(crate) type Part<T> = Result<T, Refusal>;

/// Pages of one list: a page that names one before as the next would be read for ever.
#[derive(Debug, Default)]
pub(crate) struct Trail(BTreeSet<String>);

impl Trail {
    /// Goes to the page at an address; a problem when it was there before.
    pub(crate) fn go(&mut self, url: &str, what: &str) -> Part<()> {
        if self.0.insert(url.to_owned()) {
            return Ok(());
        }
        Err(Refusal::this(None, format!("the pages of {what} go round in a circle; is `api_url` right?")))
    }
}

/// As addresses write an instant, in whole seconds.
pub(crate) fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((whole, _)) => format!("{}Z", whole.trim_end_matches('Z')),
        None => text,
    }
}
