//! A CDEvent: its context, its subject, and what is common to all of them.

use std::ops::Deref;

use domain::event::{Event, EventKind, schema};
use domain::{Code, Problem, Timestamp};
use serde_json::{Map, Value};

use super::envelope::PREFIX;
use crate::Delivery;
use crate::body::{Body, Draft};
use crate::json::clip;

/// Where a subject's id stands.
pub(super) const ID: &str = "/subject/id";
/// 2000-01-01: before any CDEvent.
const MIRROR: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// One event. Its fields are those of all versions: 0.3 says `context.version`, `subject.type` and `url` where later
/// ones say `specversion`, nothing and `uri`; none of these is needed to read it.
pub(super) struct CdEvent<'a> {
    body: Body<'a>,
    subject: String,
    predicate: String,
    at: Timestamp,
}

impl<'a> CdEvent<'a> {
    pub(super) fn read(delivery: &'a Delivery<'a>, fields: Map<String, Value>) -> Result<Self, Problem> {
        let body = Body::part(delivery, fields);
        let kind = body.need("/context/type", "it says what happened.")?;
        // `service.deployed.0.2.0`
        let mut words = kind.strip_prefix(PREFIX).unwrap_or(kind).splitn(3, '.').map(str::to_owned);
        let (Some(subject), Some(predicate)) = (words.next(), words.next()) else {
            return Err(Problem::new(
                Code::UnknownValue,
                format!("`context.type` is `{}`; a CDEvent's is `{PREFIX}SUBJECT.PREDICATE.VERSION`", clip(kind, 64)),
            ));
        };
        let at = body.need_instant("/context/timestamp", "it says when it happened.")?;
        body.need("/context/id", "it names the event.")?;
        body.need(ID, "it names what the event is about.")?;
        Ok(CdEvent { body, subject, predicate, at })
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn predicate(&self) -> &str {
        &self.predicate
    }

    /// When it happened.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }

    /// The subject's id.
    pub(super) fn id(&self) -> &str {
        self.text(ID).unwrap_or_default()
    }

    /// A native event that is as new as this one. What the sender says in Leadline's own words is added at the end, by
    /// [`CdEvent::finish`].
    pub(super) fn started(&self, kind: EventKind) -> Draft<'_> {
        let source = self.text("/context/source");
        self.body
            .draft(kind)
            .at("updated_at", self.at)
            .mark("label", source.map(|source| format!("source={source}")).as_deref())
    }

    /// Of several contents the first counts: times are mirrored, so that the earlier one is the newer content, and each
    /// is older than any that is not mirrored.
    pub(super) fn first_counts(&self) -> Timestamp {
        MIRROR.plus(-self.at.since(MIRROR).max(0))
    }

    /// Takes over native fields from `customData.leadline`, then checks the event. Fields named in `unknown` had to be
    /// there for the check and are for another event to tell.
    pub(super) fn finish(&self, mut draft: Draft<'_>, kind: EventKind, unknown: &[&str]) -> Result<Event, Problem> {
        let ours = self.get("/customData/leadline").and_then(Value::as_object);
        for (name, value) in ours.into_iter().flatten() {
            let known = schema(kind).field(name).is_some();
            if known && !matches!(name.as_str(), "id" | "type" | "source" | "marks" | "updated_at") {
                draft = draft.set(name, value.clone());
            }
        }
        let mut event = draft.event()?;
        event.fields.retain(|name, _| !unknown.contains(&name.as_str()));
        Ok(event)
    }
}

impl<'a> Deref for CdEvent<'a> {
    type Target = Body<'a>;

    fn deref(&self) -> &Body<'a> {
        &self.body
    }
}
