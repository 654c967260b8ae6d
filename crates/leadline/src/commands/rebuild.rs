//! `leadline rebuild`: facts anew from the journal, or from the entities.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Timestamp;
use domain::time::SECOND;
use serde_json::Value;
use store::{Phase, Rebuild, Rebuilt};

use super::seconds_since;
use crate::cli::RebuildArgs;
use crate::client::{Client, Content};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::session::{open_archive, open_store, remote};
use crate::{clock, format, out};

/// Runs the command.
pub(crate) fn run(args: &RebuildArgs) -> Result<ExitCode, Failure> {
    let started = clock::now();
    let (done, hash) = match &args.target.url {
        Some(url) => there(url, args)?,
        None => here(args)?,
    };
    let count = |number: u64| format::count(number);
    let meanwhile = match done.caught_up {
        0 => String::new(),
        some => format!("; {} came in meanwhile and are in them", count(some)),
    };
    out::note(&format!(
        "{} rows of the journal were read again, {} facts made from {} entities in {}{meanwhile}",
        count(done.rows),
        count(done.facts),
        count(done.entities),
        seconds_since(started),
    ));
    out::line(&format!("facts_sha256 {hash}"))?;
    Ok(ExitCode::SUCCESS)
}

/// The phase under way, told when it ends: how much, and how fast.
struct Told {
    phase: Option<Phase>,
    began: (u64, Timestamp),
    done: u64,
}

impl Told {
    fn new() -> Self {
        Told { phase: None, began: (0, clock::now()), done: 0 }
    }

    fn note(&mut self, bar: &Progress, phase: Phase, done: u64, total: u64) {
        if self.phase != Some(phase) {
            bar.phase(doing(phase), &self.line());
            *self = Told { phase: Some(phase), began: (done, clock::now()), done };
        }
        self.done = done;
        bar.set(done, total);
    }

    /// What was done in this phase; nothing of one that was over at once.
    fn line(&self) -> String {
        let (before, began) = self.began;
        let (Some(phase), micros, done) = (self.phase, clock::now().since(began), self.done.saturating_sub(before))
        else {
            return String::new();
        };
        if done == 0 {
            return String::new();
        }
        let rate = done as f64 * SECOND as f64 / micros.max(1) as f64;
        format!("  {}: {}, {rate:.0} a second", doing(phase), format::count(done))
    }
}

const fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Copying => "Copying entities",
        Phase::Reading => "Reading deliveries",
        Phase::Linking => "Linking entities",
        Phase::CatchingUp => "Catching up",
        Phase::Clearing => "Clearing",
    }
}

fn wanted(args: &RebuildArgs) -> Rebuild {
    match (args.rules_change, args.from) {
        (true, _) => Rebuild::Facts,
        (false, Some(from)) => Rebuild::Since(from),
        (false, None) => Rebuild::Everything,
    }
}

fn here(args: &RebuildArgs) -> Result<(Rebuilt, String), Failure> {
    let store = open_store(&args.target.data)?;
    open_archive(&store)?;
    if store.unfinished_rebuild()? == Some(wanted(args)) {
        out::note("A rebuild was cut off; going on with it");
    }
    let bar = Progress::new("Rebuilding", 0);
    let mut told = Told::new();
    let rebuilt = store.rebuild_stepwise(wanted(args), &mut |now| {
        told.note(&bar, now.phase, now.done, now.total);
        ControlFlow::Continue(())
    });
    bar.clear();
    let done = rebuilt?.unwrap_or_default();
    let hash = store.dump(&mut std::io::sink())?;
    Ok((done, hash.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Asks how far it is until it has ended. What cannot be asked is not shown: the answer to the rebuild tells.
fn watch(server: &Client, bar: &Progress, ended: &AtomicBool) {
    let mut last = Told::new();
    while !ended.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(300));
        let Ok(told) = server.get("/api/v1/rebuild", &[]) else { continue };
        let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
        let phase = told.get("phase").and_then(Value::as_str);
        if let Some(phase) = Phase::ALL.iter().find(|known| Some(known.text()) == phase) {
            last.note(bar, *phase, number("done"), number("total"));
        }
    }
}

fn there(url: &str, args: &RebuildArgs) -> Result<(Rebuilt, String), Failure> {
    let bar = Progress::new("Rebuilding", 0);
    let server = remote(url, args.target.token.clone())?;
    let ended = AtomicBool::new(false);
    let path = match wanted(args) {
        Rebuild::Everything => "/api/v1/rebuild".to_owned(),
        Rebuild::Facts => "/api/v1/rebuild?rules_change=true".to_owned(),
        Rebuild::Since(from) => format!("/api/v1/rebuild?from={from}"),
    };
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| watch(&server, &bar, &ended));
        let answer = server.post(&path, &Content { body: b"", kind: "application/json" });
        ended.store(true, Ordering::Release);
        answer
    });
    bar.clear();
    let answer = answer?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (rows, entities) = (number("rows"), number("entities"));
    let done = Rebuilt { rows, entities, facts: number("facts"), caught_up: number("caught_up") };
    Ok((done, answer.get("facts_sha256").and_then(Value::as_str).unwrap_or_default().to_owned()))
}
