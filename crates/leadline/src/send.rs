//! Events on their way to a server: gathered into batches, sent while the next ones are read.

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use domain::event::Event;
use serde_json::Value;

use crate::client::{Client, ClientError, Content};
use crate::failure::Failure;

/// Events in one request, at most.
const BATCH: usize = 2_000;
/// Bytes in one request, at which it is full.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Different complaints that are kept word by word.
const COMPLAINTS: usize = 20;

/// What became of the events sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// New ones.
    pub(crate) accepted: u64,
    /// Known already.
    pub(crate) duplicates: u64,
    /// Refused ones.
    pub(crate) rejected: u64,
    /// How many were refused, by code.
    pub(crate) by_code: BTreeMap<String, u64>,
    /// The first complaints, with what they are about.
    pub(crate) complaints: Vec<String>,
}

impl Taken {
    /// Notes one event that was refused.
    pub(crate) fn refuse(&mut self, code: &str, what: &str, message: &str) {
        self.rejected += 1;
        *self.by_code.entry(code.to_owned()).or_default() += 1;
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(format!("{what}: {message}"));
        }
    }

    fn add(&mut self, labels: &[String], answer: &Value) {
        let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        self.accepted += number("accepted");
        self.duplicates += number("duplicates");
        self.refuse_all(labels, answer.get("rejected"));
    }

    fn refuse_all(&mut self, labels: &[String], rejected: Option<&Value>) {
        for one in rejected.and_then(Value::as_array).into_iter().flatten() {
            let word = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
            let index = one.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let label = index.and_then(|index| labels.get(index)).map_or("an event", String::as_str);
            self.refuse(word("code"), label, word("message"));
        }
    }
}

#[derive(Default)]
struct Batch {
    body: Vec<u8>,
    labels: Vec<String>,
}

/// Sends events in the order in which they are given.
pub(crate) struct Sender {
    batch: Batch,
    batches: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<Result<Taken, ClientError>>>,
}

impl Sender {
    /// To the server of a client; `progress` is told of each batch that was taken.
    pub(crate) fn new(client: Client, progress: impl Fn(u64) + Send + 'static) -> Self {
        let (batches, received) = sync_channel::<Batch>(2);
        let thread = thread::spawn(move || {
            let mut taken = Taken::default();
            for batch in received {
                post(&client, &batch, &mut taken)?;
                progress(batch.labels.len() as u64);
            }
            Ok(taken)
        });
        Sender { batch: Batch::default(), batches: Some(batches), thread: Some(thread) }
    }

    /// Sends an event that was checked.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), Failure> {
        let label = format!("{} {}", event.key.kind, event.key.id);
        self.text(&written(event).to_string(), &label)
    }

    /// Sends an event as it is: JSON without line breaks.
    pub(crate) fn text(&mut self, event: &str, label: &str) -> Result<(), Failure> {
        self.batch.body.extend_from_slice(event.as_bytes());
        self.batch.body.push(b'\n');
        self.batch.labels.push(label.to_owned());
        if self.batch.labels.len() >= BATCH || self.batch.body.len() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        let gone = match &self.batches {
            Some(batches) if !batch.labels.is_empty() => batches.send(batch).is_err(),
            _ => false,
        };
        // It hangs up only when a request failed, and then says why.
        if gone { self.join().map(|_| ()) } else { Ok(()) }
    }

    /// Sends what is left and tells what became of everything.
    pub(crate) fn finish(mut self) -> Result<Taken, Failure> {
        self.flush()?;
        self.join()
    }

    fn join(&mut self) -> Result<Taken, Failure> {
        self.batches = None;
        let stopped = || {
            Failure::could_not("the sending stopped before its end; import again, what is known already does no harm")
        };
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(taken)) => Ok(taken?),
            _ => Err(stopped()),
        }
    }
}

fn post(client: &Client, batch: &Batch, taken: &mut Taken) -> Result<(), ClientError> {
    let content = Content { body: &batch.body, kind: "application/x-ndjson" };
    match client.post("/api/v1/events", &content) {
        Ok(answer) => taken.add(&batch.labels, &answer),
        // None could be taken; each has its own complaint.
        Err(ClientError::Refused(refusal)) if refusal.rejected.is_some() => {
            taken.refuse_all(&batch.labels, refusal.rejected.as_ref());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// An event as it is sent, its identity among its fields.
fn written(event: &Event) -> Value {
    let mut fields = event.fields.clone();
    fields.insert("type".to_owned(), Value::from(event.key.kind.text()));
    fields.insert("source".to_owned(), Value::from(&*event.key.source));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use domain::event::{Checks, parse};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_again_as_it_was() {
        let now = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
        let checks = Checks { default_source: "x", now };
        let told = json!({"type": "incident", "source": "tickets", "id": 7, "opened_at": "2025-01-01T00:00:00Z", "product": "shop"});
        let event = parse(told, checks).unwrap();
        assert_eq!(parse(written(&event), Checks { default_source: "another", now }).unwrap(), event);
    }

    #[test]
    fn refusals_are_told_with_what_they_are_about() {
        let mut taken = Taken::default();
        let answer = json!({"accepted": 1, "duplicates": 0, "rejected": [{"index": 1, "code": "missing_field", "message": "no id"}]});
        taken.add(&["a".to_owned(), "line 2".to_owned()], &answer);
        assert_eq!(
            (taken.accepted, taken.rejected, taken.complaints.as_slice()),
            (1, 1, &["line 2: no id".to_owned()][..])
        );
        assert_eq!(taken.by_code["missing_field"], 1);
    }
}
