//! Bodies that moved to an archive: whoever reads one does not see where it was, and repeats are still known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::time::{DAY, Day};
use domain::{Code, Problem, Timestamp};
use serde_json::json;
use store::{Archive, Archived, Delivery, JournalFilter, Receipt, State, Store, StoreError};
use tempfile::TempDir;

use crate::support::{deployment, dump, event, minute, now, open, webhook};

/// An archive in memory.
#[derive(Default)]
struct Shelf(Mutex<HashMap<(Day, Archived), Vec<u8>>>);

impl Archive for Shelf {
    fn bodies(&self, day: Day, wanted: &[Archived]) -> Result<Vec<Vec<u8>>, Problem> {
        let shelf = self.0.lock().unwrap();
        let one = |name: &Archived| shelf.get(&(day, *name)).cloned();
        let found: Option<Vec<_>> = wanted.iter().map(one).collect();
        found.ok_or_else(|| Problem::new(Code::Unavailable, "the shelf is broken"))
    }
}

fn day(n: i64) -> Timestamp {
    now().plus(n * DAY)
}

/// Moves all of a day, a few rows at a time.
fn shelve(store: &Store, shelf: &Shelf, day: Day, at_once: usize) -> usize {
    let (mut after, mut moved) = (0, 0);
    loop {
        let rows = store.journal_rows(day, after, at_once).unwrap();
        let Some(last) = rows.last() else { return moved };
        after = last.seq;
        let names: Vec<Archived> = rows.iter().map(|row| Archived::of(row.seq, &row.body)).collect();
        let bodies = rows.into_iter().map(|row| row.body);
        shelf.0.lock().unwrap().extend(names.iter().map(|name| (day, *name)).zip(bodies));
        moved += store.release_bodies(names).unwrap();
    }
}

fn fill(store: &Store) -> Vec<(Timestamp, Delivery)> {
    let incident = |n: usize| event(json!({"type": "incident", "id": n, "product": "shop", "opened_at": minute(n)}));
    let deliveries: Vec<_> = (0..40)
        .map(|n| {
            let delivery = match n % 5 {
                0 => webhook(&format!("broken {n}"), "{"),
                1 => webhook(&format!("long {n}"), &format!("[{}\"?\"]", "\"?\",".repeat(400))),
                2 => Delivery::Event(incident(n)),
                3 => Delivery::Refused("ci".to_owned(), b"refused".to_vec(), Problem::new(Code::MalformedJson, "no")),
                _ => Delivery::Event(deployment(n, "cart", n, n)),
            };
            (day(i64::try_from(n / 10).unwrap()), delivery)
        })
        .collect();
    for (at, delivery) in &deliveries {
        store.append(vec![delivery.clone()], *at).unwrap();
    }
    store.settle().unwrap();
    deliveries
}

#[test]
fn what_is_rebuilt_read_shown_or_sent_again_is_as_before() {
    let (folder, shelf) = (TempDir::new().unwrap(), Arc::new(Shelf::default()));
    let store = open(&folder);
    let deliveries = fill(&store);
    let before = dump(&store);
    let every = JournalFilter { preview_bytes: 9, ..JournalFilter::default() };
    let listed = store.journal(every.clone()).unwrap();
    let bodies = |store: &Store| (1..=40).map(|seq| store.journal_body(seq).unwrap().unwrap()).collect::<Vec<_>>();
    let whole = bodies(&store);

    store.keep_archive(shelf.clone());
    let first = Day::of(day(0));
    assert_eq!(store.first_day_with_bodies(first, first).unwrap(), None);
    assert_eq!(store.first_day_with_bodies(first, first.next()).unwrap(), Some(first));
    assert_eq!(shelve(&store, &shelf, first, 3), 10);
    assert_eq!(shelve(&store, &shelf, first.next().next(), 100), 10);
    assert_eq!(shelve(&store, &shelf, first, 3), 0, "a second time there is nothing");
    assert_eq!(store.first_day_with_bodies(first, Day::of(day(9))).unwrap(), Some(first.next()));

    assert_eq!(store.journal(every).unwrap(), listed);
    assert_eq!(bodies(&store), whole);
    store.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(dump(&store), before);
    for (at, delivery) in deliveries.into_iter().filter(|(_, delivery)| !matches!(delivery, Delivery::Refused(..))) {
        assert!(matches!(store.append(vec![delivery], at.plus(DAY)).unwrap()[0], Receipt::Duplicate(_)));
    }
    // Of the replayed rows one is archived and one is not.
    for seq in [1, 11] {
        assert!(store.replay(seq).unwrap());
    }
    store.settle().unwrap();
    let rejected = JournalFilter { state: Some(State::Rejected), ..JournalFilter::default() };
    let rejected = store.journal(rejected).unwrap();
    assert!(rejected.iter().any(|row| row.seq == 1) && rejected.iter().any(|row| row.seq == 11));
}

#[test]
fn a_body_that_is_not_the_one_archived_stays() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    fill(&store);
    let rows = store.journal_rows(Day::of(day(0)), 0, 2).unwrap();
    let names = vec![Archived::of(rows[0].seq, b"another"), Archived::of(rows[1].seq, &rows[1].body)];
    assert_eq!(store.release_bodies(names.clone()).unwrap(), 1);
    assert_eq!(store.release_bodies(names).unwrap(), 0);
    assert_eq!(store.journal_body(rows[0].seq).unwrap(), Some(rows[0].body.clone()));
}

#[test]
fn without_its_archive_nothing_is_applied_wrongly() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    fill(&store);
    let before = dump(&store);
    let shelf = Arc::new(Shelf::default());
    assert!(shelve(&store, &shelf, Day::of(day(0)), 100) > 0);
    let refused = store.rebuild(&mut |_, _| {}).unwrap_err();
    assert!(matches!(refused, StoreError::NoArchive(_)), "{refused}");
    // One that has lost something.
    store.keep_archive(Arc::new(Shelf::default()));
    assert!(matches!(store.rebuild(&mut |_, _| {}), Err(StoreError::Archive(_))));
    assert_eq!(dump(&store), before);
    // A replay waits for it, and is not rejected for its sake.
    assert!(store.replay(1).unwrap());
    assert!(matches!(store.settle(), Err(StoreError::Archive(_))));
    store.keep_archive(shelf);
    store.settle().unwrap();
    store.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(dump(&store), before);
}

#[test]
fn what_is_pending_stays_and_its_day_says_so() {
    let folder = TempDir::new().unwrap();
    let store = crate::support::open_held(&folder);
    store.append(vec![webhook("1", "[]")], day(0)).unwrap();
    let first = Day::of(day(0));
    assert!(store.pending_on(first).unwrap() && !store.pending_on(first.next()).unwrap());
    assert_eq!(store.journal_rows(first, 0, 10).unwrap(), vec![]);
    drop(store);
    let store = open(&folder);
    store.settle().unwrap();
    assert!(!store.pending_on(first).unwrap());
    assert_eq!(store.journal_rows(first, 0, 10).unwrap().len(), 1);
}

#[test]
fn space_is_given_back() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    // Bodies that do not compress.
    let noise = |n: u64| {
        let mut state = n + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
        };
        (0..20_000).map(|_| next()).collect::<String>()
    };
    let many = (0..200).map(|n| webhook(&n.to_string(), &noise(n))).collect();
    store.append(many, day(0)).unwrap();
    store.settle().unwrap();
    let size = || std::fs::metadata(folder.path().join("leadline.db")).unwrap().len();
    let shelf = Shelf::default();
    assert_eq!(shelve(&store, &shelf, Day::of(day(0)), 100), 200);
    let mut left = u64::MAX;
    while left > 0 {
        let now = store.give_back_space(100).unwrap();
        assert!(now < left, "{now} of {left} pages are left");
        left = now;
    }
    // The last connection copies the log into the database.
    drop(store);
    assert!(size() < 1 << 20, "{} bytes", size());
}
