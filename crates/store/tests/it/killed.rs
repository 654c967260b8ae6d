//! A process killed at any moment loses nothing it has answered and applies nothing twice.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use store::{Delivery, Location, Store};
use tempfile::TempDir;

use crate::support::{Lists, add, deliveries, deployment, dump, memory, open};

const FOLDER: &str = "STORE_TEST_FOLDER";

/// Not a test of its own: what the other one kills.
#[test]
fn child_that_appends_for_ever() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Store::open(Location::Folder(folder.into()), std::sync::Arc::new(Lists)).unwrap();
    let first = store.journal_counts().unwrap();
    let first = usize::try_from(first.applied + first.pending).unwrap();
    let mut out = std::io::stdout();
    for n in first.. {
        add(&store, vec![Delivery::Event(deployment(n, ["cart", "api"][n % 2], n, n / 3))]);
        writeln!(out, "answered {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_process_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let mut answered = 0;
    for round in 0..4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed::child_that_appends_for_ever", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 15 + round * 7;
        for _ in 0..wanted {
            let line = lines.find(|line| line.as_ref().unwrap().contains("answered ")).unwrap().unwrap();
            answered = line.rsplit(' ').next().unwrap().parse::<usize>().unwrap() + 1;
        }
        std::thread::sleep(Duration::from_millis(3 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok).filter(|line| line.starts_with("answered ")) {
            answered = line["answered ".len()..].parse::<usize>().unwrap_or(answered - 1) + 1;
        }
    }
    let store = open(&folder);
    store.settle().unwrap();
    let counts = store.journal_counts().unwrap();
    let kept = usize::try_from(counts.applied).unwrap();
    // One that was on disk when the process was killed may not have been answered.
    assert!(kept >= answered && kept <= answered + 4, "{kept} kept, {answered} answered");
    let straight = memory();
    add(&straight, deliveries((0..kept).map(|n| deployment(n, ["cart", "api"][n % 2], n, n / 3)).collect()));
    straight.settle().unwrap();
    assert_eq!(dump(&store), dump(&straight));
}
