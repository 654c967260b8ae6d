//! Raw webhooks to events, by the table of sources, when the journal applies them.

use std::sync::Arc;

use domain::event::Event;
use domain::{Code, Problem, Timestamp};
use store::{Interpreter, Webhook};

struct Sources;

impl Interpreter for Sources {
    fn interpret(&self, row: &Webhook, received_at: Timestamp) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let source = sources::find(&row.parser)
            .ok_or_else(|| Problem::new(Code::NotFound, format!("there is no source `{}` any more", row.parser)))?;
        let delivery = sources::Delivery {
            source: &row.source,
            event: &row.event,
            headers: &row.headers,
            body: &row.body,
            received_at,
        };
        (source.parse)(&delivery).map(|parsed| parsed.events)
    }
}

/// The table of sources as the store wants it.
#[must_use]
pub fn interpreter() -> Arc<dyn Interpreter> {
    Arc::new(Sources)
}
