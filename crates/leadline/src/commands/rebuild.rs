//! `leadline rebuild`: all facts anew from the journal.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

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
    let (rows, hash) = match &args.target.url {
        Some(url) => there(url, args.target.token.clone())?,
        None => here(args)?,
    };
    out::note(&format!("{} rows of the journal applied anew in {}", format::count(rows), seconds_since(started)));
    out::line(&format!("facts_sha256 {hash}"))?;
    Ok(ExitCode::SUCCESS)
}

fn here(args: &RebuildArgs) -> Result<(u64, String), Failure> {
    let store = open_store(&args.target.data)?;
    open_archive(&store)?;
    let bar = Progress::new("Rebuilding", 0);
    let mut rows = 0;
    let rebuilt = store.rebuild(&mut |done, all| {
        rows = done;
        bar.set(done, all);
    });
    bar.clear();
    rebuilt?;
    let hash = store.dump(&mut std::io::sink())?;
    Ok((rows, hash.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Asks how far it is until it has ended. What cannot be asked is not shown: the answer to the rebuild tells.
fn watch(server: &Client, bar: &Progress, ended: &AtomicBool) {
    while !ended.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(300));
        let Ok(told) = server.get("/api/v1/rebuild", &[]) else { continue };
        let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
        if number("total") > 0 {
            bar.set(number("done"), number("total"));
        }
    }
}

fn there(url: &str, token: Option<String>) -> Result<(u64, String), Failure> {
    let bar = Progress::new("Rebuilding", 0);
    let server = remote(url, token)?;
    let ended = AtomicBool::new(false);
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| watch(&server, &bar, &ended));
        let answer = server.post("/api/v1/rebuild", &Content { body: b"", kind: "application/json" });
        ended.store(true, Ordering::Release);
        answer
    });
    bar.clear();
    let answer = answer?;
    let rows = answer.get("rows").and_then(Value::as_u64).unwrap_or_default();
    Ok((rows, answer.get("facts_sha256").and_then(Value::as_str).unwrap_or_default().to_owned()))
}
