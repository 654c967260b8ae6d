use std::collections::BTreeSet;
use std::path::Path;

use domain::event::{Checks, parse};
use domain::{Code, Problem};
use serde_json::{Value, json};
use store::{Delivery, Location, Receipt, Webhook};
use tokio::runtime::Runtime;

use super::*;
use crate::sync::lake_of;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

struct Opened {
    store: Store,
    archive: Arc<JournalArchive>,
}

fn open(folder: &Path, runtime: &Runtime) -> Opened {
    let store = Store::open(Location::Folder(folder.to_owned()), crate::interpreter()).unwrap();
    let archive = runtime.block_on(open_archive(&store, &lake_of(folder))).unwrap();
    Opened { store, archive }
}

impl Opened {
    /// As on the 10th at noon: days up to the 6th have been over for three days.
    fn run(&self, step: &mut Step<'_>) -> Result<Moved, ArchiveError> {
        move_days(&self.store, &self.archive, 3, at("2025-05-10T12:00:00Z"), step)
    }

    fn dump(&self) -> [u8; 32] {
        self.store.dump(&mut std::io::sink()).unwrap()
    }

    fn bodies(&self) -> Vec<Vec<u8>> {
        (1..=40).map(|seq| self.store.journal_body(seq).unwrap().unwrap()).collect()
    }

    /// What the archive has, in numbers of rows; each once.
    fn archived(&self, runtime: &Runtime) -> BTreeSet<i64> {
        let mut seqs = BTreeSet::new();
        for day in ["2025-05-04", "2025-05-05", "2025-05-06", "2025-05-07", "2025-05-08"] {
            for (seq, _) in runtime.block_on(self.archive.names(Day::parse(day).unwrap())).unwrap() {
                assert!(seqs.insert(seq), "row {seq} is in the archive twice");
            }
        }
        seqs
    }

    /// The first day that has not moved.
    fn first_left(&self) -> Option<Day> {
        let (from, before) = (at("2025-05-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
        self.store.first_day_with_bodies(Day::of(from), Day::of(before)).unwrap()
    }
}

fn deployment(n: usize) -> Delivery {
    let fields = json!({"type": "deployment", "id": format!("d{n}"), "product": "shop", "component": "cart",
        "environment": "production", "status": "succeeded", "version": format!("1.0.{n}"),
        "finished_at": format!("2025-04-01T00:{n:02}:00Z")});
    Delivery::Event(parse(fields, Checks { default_source: "ci", now: at("2025-05-01T00:00:00Z") }).unwrap())
}

fn delivery(n: usize) -> Delivery {
    let webhook = |body: String| {
        Delivery::Webhook(Webhook {
            source: "github".to_owned(),
            parser: "github".to_owned(),
            delivery_id: format!("hook-{n}"),
            event: "push".to_owned(),
            headers: vec![("x-github-event".to_owned(), "push".to_owned())],
            body: body.into_bytes(),
        })
    };
    match n % 4 {
        0 => webhook(json!({"nothing": "to see", "padding": "dull ".repeat(300 + n)}).to_string()),
        1 => webhook("{".to_owned()),
        2 => Delivery::Refused("ci".to_owned(), vec![0xff, 0x00, b'!'], Problem::new(Code::MalformedJson, "no JSON")),
        _ => deployment(n),
    }
}

/// Ten rows on each of the days from the 4th to the 7th.
fn fill(store: &Store) -> Vec<Delivery> {
    let deliveries: Vec<Delivery> = (0..40).map(delivery).collect();
    for (n, delivery) in deliveries.iter().enumerate() {
        let received = at("2025-05-04T23:59:59.5Z").plus(i64::try_from(n / 10).unwrap() * DAY);
        store.append(vec![delivery.clone()], received).unwrap();
    }
    store.settle().unwrap();
    deliveries
}

#[test]
fn a_process_that_ends_at_any_step_loses_nothing_and_writes_nothing_twice() {
    let runtime = runtime();
    let _within = runtime.enter();
    let mut names = Vec::new();
    for end in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(folder.path(), &runtime);
        let deliveries = fill(&opened.store);
        let (dump, bodies) = (opened.dump(), opened.bodies());
        let mut left = end;
        let stopped = opened.run(&mut |name| {
            if left == 0 {
                names.push(name.to_owned());
                return Err(ArchiveError::Stopped(name.to_owned()));
            }
            left -= 1;
            Ok(())
        });
        assert_eq!(opened.bodies(), bodies, "at once");
        drop(opened);
        let opened = open(folder.path(), &runtime);
        assert_eq!(opened.bodies(), bodies, "after a start");
        opened.store.rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(opened.dump(), dump);
        let again = opened.run(&mut |_| Ok(())).unwrap();
        assert_eq!(opened.archived(&runtime), (1..=30).collect(), "the 4th to the 6th and nothing else");
        assert_eq!(opened.bodies(), bodies);
        opened.store.rebuild(&mut |_, _| {}).unwrap();
        assert_eq!(opened.dump(), dump);
        assert_eq!(opened.run(&mut |_| Ok(())).unwrap(), Moved::default());
        for delivery in deliveries.into_iter().filter(|delivery| !matches!(delivery, Delivery::Refused(..))) {
            let receipt = opened.store.append(vec![delivery], at("2025-05-10T00:00:00Z")).unwrap()[0];
            assert!(matches!(receipt, Receipt::Duplicate(_)));
        }
        if stopped.is_ok() {
            assert_eq!(again, Moved::default());
            break;
        }
    }
    let seen: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert!(seen.len() >= 7 && names.len() >= 14, "{names:?}");
}

#[test]
fn what_comes_to_a_closed_day_or_is_pending_there_waits_for_its_turn() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let _within = runtime.enter();
    let opened = open(folder.path(), &runtime);
    fill(&opened.store);
    assert_eq!(opened.run(&mut |_| Ok(())).unwrap(), Moved { days: 3, bodies: 30 });
    assert_eq!(opened.first_left(), Day::parse("2025-05-07"));
    drop(opened);
    // A clock that was wrong, and a row that is not applied.
    let held = Store::open_held(Location::Folder(folder.path().to_owned()), crate::interpreter(), true).unwrap();
    held.append(vec![deployment(50)], at("2025-05-04T12:00:00Z")).unwrap();
    let archive = runtime.block_on(open_archive(&held, &lake_of(folder.path()))).unwrap();
    let held = Opened { store: held, archive };
    assert_eq!(held.run(&mut |_| Ok(())).unwrap(), Moved::default(), "it is pending");
    drop(held);
    let opened = open(folder.path(), &runtime);
    opened.store.settle().unwrap();
    let body = opened.store.journal_body(41).unwrap();
    assert_eq!(opened.run(&mut |_| Ok(())).unwrap(), Moved { days: 1, bodies: 1 });
    assert_eq!(opened.archived(&runtime), (1..=30).chain([41]).collect());
    assert_eq!(opened.store.journal_body(41).unwrap(), body);
    // A rejected row of the archive is applied again, and its day has nothing to move for that.
    assert!(opened.store.replay(2).unwrap());
    opened.store.settle().unwrap();
    assert_eq!(opened.run(&mut |_| Ok(())).unwrap(), Moved::default());
}

#[test]
fn never_is_never() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let _within = runtime.enter();
    let opened = open(folder.path(), &runtime);
    fill(&opened.store);
    let late = at("2035-01-01T00:00:00Z");
    assert_eq!(move_days(&opened.store, &opened.archive, 0, late, &mut |_| Ok(())).unwrap(), Moved::default());
    assert!(!lake_of(folder.path()).join("journal").exists());
}

#[test]
fn a_damaged_archive_is_told_and_changes_nothing() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let _within = runtime.enter();
    let opened = open(folder.path(), &runtime);
    fill(&opened.store);
    let dump = opened.dump();
    opened.run(&mut |_| Ok(())).unwrap();
    let day = lake_of(folder.path()).join("journal/day=2025-05-04");
    let file = std::fs::read_dir(&day).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let told = opened.store.rebuild(&mut |_, _| {}).unwrap_err().to_string();
    assert!(told.contains("archived bodies") && told.contains("2025-05-04"), "{told}");
    assert_eq!(opened.dump(), dump);
    std::fs::write(&file, whole).unwrap();
    opened.store.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(opened.dump(), dump);
}

#[test]
fn the_table_says_what_came() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let _within = runtime.enter();
    let opened = open(folder.path(), &runtime);
    fill(&opened.store);
    let day = Day::parse("2025-05-04").unwrap();
    let rows = opened.store.journal_rows(day, 0, 100).unwrap();
    let told: Vec<Value> = rows
        .into_iter()
        .map(archived)
        .map(|row| json!([row.seq, row.kind, row.source, row.id, row.event, row.state, row.code, row.body.len()]))
        .collect();
    assert_eq!(told[1], json!([2, "webhook", "github", "hook-1", "push", "rejected", "malformed_json", 1]));
    assert_eq!(told[2], json!([3, "refused", "ci", null, null, "refused", "malformed_json", 3]));
    assert_eq!(
        told[3].as_array().unwrap()[..6],
        json!([4, "event", "ci", "d3", null, "applied"]).as_array().unwrap()[..]
    );
}
