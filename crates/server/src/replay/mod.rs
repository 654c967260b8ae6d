//! What becomes of a delivery, step by step and in words: read again as it came, placed by the catalogue as it is.

mod links;
mod place;

use domain::catalogue::{Named, Placer};
use domain::event::{Entity, Event, EventKind, entity_key};
use domain::{Code, Problem};
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, Verification};
use store::{EntryKind, JournalRow, Store};

use crate::error::ApiError;
use crate::senders::Senders;

/// Events of one delivery told one by one; a page of an API holds up to a hundred.
const TOLD: usize = 50;

/// Tells of the last delivery of a source, or of the one with this id. It blocks.
pub(crate) fn tell(store: &Store, senders: &Senders, source: &str, id: Option<&str>) -> Result<Value, ApiError> {
    store.settle()?;
    let Some(row) = store.delivery(source, id)? else {
        return Err(ApiError::new(Code::NotFound, nothing_there(senders, source, id)));
    };
    let placer = store.placer()?;
    let (parser, read) = read(&row);
    let (events, ignored, problem) = match read {
        Ok(parsed) => (parsed.events, parsed.ignored, None),
        Err(problem) => (Vec::new(), None, Some(problem)),
    };
    let more = events.len().saturating_sub(TOLD);
    let told: Result<Vec<Value>, ApiError> =
        events.into_iter().take(TOLD).map(|event| told(store, &placer, event)).collect();
    Ok(json!({
        "source": source,
        "delivery": {
            "seq": row.seq,
            "id": row.id,
            "what": row.event.as_deref().or(row.type_.as_deref()),
            "received_at": row.received_at,
            "state": row.state.text(),
            "reason": row.reason.as_ref().map(|reason| json!({"code": reason.code, "message": reason.message})),
            "bytes": row.body.len(),
        },
        "verified": verified(senders, &row),
        "parser": parser,
        "problem": problem.as_ref().map(said),
        "ignored": ignored,
        "events": told?,
        "more_events": more,
    }))
}

fn nothing_there(senders: &Senders, source: &str, id: Option<&str>) -> String {
    let source: String = source.chars().take(64).collect();
    if let Some(id) = id {
        let id: String = id.chars().take(200).collect();
        return format!("`{source}` has no delivery `{id}`; /api/v1/journal?source={source} lists what it has sent");
    }
    let known: Vec<&str> = senders.iter().map(|(name, _)| name).collect();
    match (senders.get(&source).is_some(), known.is_empty()) {
        (true, _) => format!("`{source}` has sent nothing yet; let the tool send a test, or read its past"),
        (false, true) => format!("nothing has come from `{source}`, and no source is configured"),
        (false, false) => format!("nothing has come from `{source}`; configured are {}", known.join(", ")),
    }
}

fn said(problem: &Problem) -> Value {
    json!({"code": problem.code.text(), "message": problem.message})
}

/// How it was let in. Signatures are not kept: what is in the journal was verified before it came there.
fn verified(senders: &Senders, row: &JournalRow) -> String {
    let page = row.event.as_deref() == Some(Page::EVENT);
    let parser = row.type_.as_deref().and_then(sources::find);
    match row.kind {
        EntryKind::Refused => "it was refused at the door and is kept to be looked at".to_owned(),
        EntryKind::Catalogue => "a catalogue".to_owned(),
        EntryKind::Event => "a token of the scope `ingest` let it in".to_owned(),
        EntryKind::Webhook if page => "Leadline asked for it through the API of the source".to_owned(),
        EntryKind::Webhook => match senders.get(&row.source) {
            Some(sender) if sender.signs() => {
                "its signature fitted a secret of this source when it came; what does not fit is not kept".to_owned()
            }
            Some(_) => "a token of the scope `ingest` let it in: this source has no secret".to_owned(),
            None if parser.is_some_and(|parser| parser.verification == Verification::Token) => {
                "a token of the scope `ingest` let it in".to_owned()
            }
            None => "it was verified when it came, by its signature or by a token".to_owned(),
        },
    }
}

/// Reads it again, with the parser of today.
fn read(row: &JournalRow) -> (Option<&str>, Result<Parsed, Problem>) {
    let internal = |what: &str| Problem::new(Code::Internal, format!("the stored {what} cannot be read"));
    match row.kind {
        EntryKind::Event => {
            let kind = row.type_.as_deref().and_then(|kind| kind.parse::<EventKind>().ok());
            let fields = serde_json::from_slice(&row.body).ok();
            let event = kind.zip(fields).map(|(kind, fields)| {
                let key = entity_key(kind, &row.source, row.id.as_deref().unwrap_or_default());
                Parsed { events: vec![Ok(Event { key, fields })], ignored: None }
            });
            (Some("native"), event.ok_or_else(|| internal("event")))
        }
        EntryKind::Webhook => {
            let name = row.type_.as_deref().unwrap_or_default();
            let headers = serde_json::from_str::<Vec<(String, String)>>(row.headers.as_deref().unwrap_or("[]"));
            let read = match (sources::find(name), headers) {
                (None, _) => Err(Problem::new(Code::NotFound, format!("there is no source `{name}` any more"))),
                (_, Err(_)) => Err(internal("headers")),
                (Some(source), Ok(headers)) => (source.parse)(&Delivery {
                    source: &row.source,
                    event: row.event.as_deref().unwrap_or_default(),
                    headers: &headers,
                    body: &row.body,
                    received_at: row.received_at,
                }),
            };
            (row.type_.as_deref(), read)
        }
        EntryKind::Catalogue | EntryKind::Refused => (None, Ok(Parsed::default())),
    }
}

fn told(store: &Store, placer: &Placer, event: Result<Event, Problem>) -> Result<Value, ApiError> {
    let event = match event {
        Ok(event) => event,
        Err(problem) => return Ok(json!({"problem": said(&problem)})),
    };
    // What other deliveries told of the same thing counts too.
    let entity = store.entity(&event.key)?.unwrap_or_else(|| {
        let mut alone = Entity::default();
        alone.merge(&event);
        alone
    });
    let named = Named::read(&event.key, &entity);
    Ok(json!({
        "type": event.key.kind.text(),
        "source": &*event.key.source,
        "id": &*event.key.id,
        "fields": event.fields,
        "problem": null,
        "marks": named.marks,
        "place": place::place(placer, &named, &entity),
        "links": links::links(store, placer, &event.key, &entity)?,
    }))
}
