//! A server killed while it archives old days, and the command that makes everything anew from what it left.

use std::process::Stdio;
use std::time::Duration;

use domain::Timestamp;
use domain::event::{Checks, parse};
use domain::time::DAY;
use serde_json::json;
use store::{Delivery, Location, Store};

use crate::run::{binary, leadline};

/// Days of the journal, each with so many deliveries.
const DAYS: i64 = 40;
const EACH: usize = 50;

#[test]
fn a_rebuild_reads_what_was_archived_also_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let location = Location::Folder(folder.path().to_owned());
        Store::open(location, server::interpreter()).expect("a store")
    };
    let store = open();
    let first = Timestamp::parse("2025-01-01T12:00:00Z").expect("an instant");
    for day in 0..DAYS {
        let received = first.plus(day * DAY);
        let events = (0..EACH).map(|n| {
            let fields = json!({"type": "deployment", "id": format!("d{day}.{n}"), "product": "shop",
                "component": format!("c{}", n % 7), "environment": "production", "status": "succeeded",
                "version": format!("1.{day}.{n}"), "finished_at": received.plus(n as i64 * 1_000_000)});
            Delivery::Event(parse(fields, Checks { default_source: "ci", now: received }).expect("an event"))
        });
        store.append(events.collect(), received).expect("taken");
    }
    store.settle().expect("applied");
    let hash = store.dump(&mut std::io::sink()).expect("a dump");
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    drop(store);

    let mut serve = binary();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).env("LEADLINE_DATA", folder.path());
    // Nobody reads what it says: a full pipe would hold it up.
    serve.stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = serve.env("LEADLINE_WAREHOUSE__TIDY_EVERY_S", "1").spawn().expect("the binary starts");
    // Version 0 makes the table; then a version a day.
    let some = folder.path().join("lake/journal/_delta_log/00000000000000000003.json");
    let archived = (0..1_200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        some.exists()
    });
    server.kill().expect("it runs");
    server.wait().expect("it has ended");
    assert!(archived, "nothing was archived");

    let told = leadline(folder.path(), &["rebuild"]).ok();
    assert!(told.contains(&format!("facts_sha256 {hash}")), "{told} is not {hash}");
    // Without the archive it says what is missing, and changes nothing.
    let (lake, away) = (folder.path().join("lake/journal"), folder.path().join("journal-away"));
    std::fs::rename(&lake, &away).expect("moved away");
    let refused = leadline(folder.path(), &["rebuild"]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.err.contains("is not in the archive"), "{}", refused.err);
    std::fs::rename(&away, &lake).expect("moved back");
    assert!(leadline(folder.path(), &["rebuild"]).ok().contains(&hash));
}
