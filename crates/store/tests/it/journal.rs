//! Nothing is dropped in silence: what is not applied is listed with its reason.

use domain::{Code, Problem};
use serde_json::json;
use store::{Delivery, EntryKind, JournalFilter, State};

use crate::support::{add, deployment, dump, memory, minute, webhook};

fn of(state: State) -> JournalFilter {
    JournalFilter { state: Some(state), preview_bytes: 5, ..JournalFilter::default() }
}

#[test]
fn every_row_tells_what_became_of_it_and_why() {
    let store = memory();
    let good = json!({"type": "incident", "id": "1", "product": "shop", "opened_at": minute(1)});
    let mixed = json!([good, {"type": "deployment"}, "?"]).to_string();
    add(
        &store,
        vec![
            Delivery::Event(deployment(1, "cart", 5, 1)),
            webhook("empty", "[]"),
            webhook("broken", "{"),
            webhook("mixed", &mixed),
            webhook("bad", "[{}]"),
            webhook("panics", "panic"),
            Delivery::Event(deployment(2, "cart", 6, 2)),
            Delivery::Refused("ci".to_owned(), vec![b'x'; 100_000], Problem::new(Code::MalformedJson, "no JSON")),
        ],
    );
    store.settle().unwrap();
    let counts = store.journal_counts().unwrap();
    assert_eq!((counts.applied, counts.ignored, counts.rejected, counts.refused), (3, 1, 3, 1));

    let rejected = store.journal(of(State::Rejected)).unwrap();
    let codes: Vec<&str> = rejected.iter().map(|row| row.reason.as_ref().unwrap().code.as_str()).collect();
    assert_eq!(codes, ["malformed_json", "unknown_type", "internal"]);
    assert_eq!(rejected[0].preview.as_deref(), Some("{"));
    assert_eq!((rejected[0].source.as_str(), rejected[0].kind), ("gitlab", EntryKind::Webhook));
    assert_eq!(rejected[0].id.as_deref(), Some("broken"));

    let applied = store.journal(of(State::Applied)).unwrap();
    let reason = applied.iter().find_map(|row| row.reason.clone()).unwrap();
    assert!(reason.message.starts_with("2 of 3 events could not be used: event 2: "), "{}", reason.message);
    assert_eq!(store.journal(of(State::Ignored)).unwrap()[0].id.as_deref(), Some("empty"));
    let refused = store.journal(of(State::Refused)).unwrap();
    assert_eq!((refused[0].kind, refused[0].preview.as_deref()), (EntryKind::Refused, Some("xxxxx")));
    assert_eq!(store.journal_body(refused[0].seq).unwrap().unwrap().len(), 64 * 1024);
    assert!(dump(&store).0.contains("\"incident\""));
}

#[test]
fn listings_page_by_source_and_both_ways() {
    let store = memory();
    for n in 0..10 {
        add(&store, vec![Delivery::Event(deployment(n, "cart", n, n)), webhook(&n.to_string(), "[]")]);
    }
    store.settle().unwrap();
    let page = |after_seq, newest_first| {
        let source = Some("gitlab".to_owned());
        let filter = JournalFilter { source, after_seq, newest_first, limit: 3, ..JournalFilter::default() };
        store.journal(filter).unwrap().iter().map(|row| row.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(None, false), [2, 4, 6]);
    assert_eq!(page(Some(6), false), [8, 10, 12]);
    assert_eq!(page(None, true), [20, 18, 16]);
    assert_eq!(page(Some(16), true), [14, 12, 10]);
    assert_eq!(store.journal(JournalFilter::default()).unwrap().len(), 20);
}

#[test]
fn a_rejected_row_can_be_replayed() {
    let store = memory();
    let seq = add(&store, vec![webhook("broken", "{")])[0].seq();
    store.settle().unwrap();
    assert!(store.replay(seq).unwrap());
    store.settle().unwrap();
    assert!(!store.replay(seq + 1).unwrap());
    let counts = store.journal_counts().unwrap();
    assert_eq!((counts.rejected, counts.pending), (1, 0));
}

#[test]
fn a_delivery_is_found_whole_by_its_senders_id_its_number_or_as_the_last() {
    let store = memory();
    let incident = json!({"type": "incident", "id": "1", "product": "shop", "opened_at": minute(1)});
    let body = json!([incident]).to_string();
    add(&store, vec![webhook("first", &body), webhook("second", "[]"), Delivery::Event(deployment(1, "cart", 5, 1))]);
    store.settle().unwrap();
    let first = store.delivery("gitlab", Some("first")).unwrap().unwrap();
    assert_eq!((first.id.as_deref(), first.body.as_slice()), (Some("first"), body.as_bytes()));
    assert_eq!((first.state, first.kind), (State::Applied, EntryKind::Webhook));
    assert_eq!(store.delivery("gitlab", Some(&first.seq.to_string())).unwrap(), Some(first.clone()));
    assert_eq!(store.delivery("gitlab", None).unwrap().unwrap().id.as_deref(), Some("second"));
    // Neither another source's nor what is not there.
    assert_eq!(store.delivery("github", Some(&first.seq.to_string())).unwrap(), None);
    assert_eq!(store.delivery("gitlab", Some("third")).unwrap(), None);
    let key = domain::event::entity_key(domain::event::EventKind::Incident, "gitlab", "1");
    let known = store.entity(&key).unwrap();
    assert_eq!(known.and_then(|entity| entity.text("product").map(str::to_owned)).as_deref(), Some("shop"));
}
