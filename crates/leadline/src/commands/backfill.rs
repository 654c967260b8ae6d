//! `leadline backfill`: a source's past, read by the server through the source's API.

use std::process::ExitCode;
use std::time::Duration;

use domain::Timestamp;
use domain::time::DAY;
use serde_json::{Value, json};
use server::Config;

use super::seconds_since;
use crate::cli::BackfillArgs;
use crate::client::{Client, Content, encoded};
use crate::dates;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::session::{Session, open_store, remote};
use crate::{clock, format, out};

/// How often the server is asked how far it is.
const ASKED: Duration = Duration::from_millis(500);

/// Runs the command.
pub(crate) fn run(args: &BackfillArgs) -> Result<ExitCode, Failure> {
    let started = clock::now();
    let since = args.since.as_deref().map(|since| beginning(since, started)).transpose();
    let since = since.map_err(|why| Failure::Use(format!("--since: {why}")))?;
    let session = open(args)?;
    let path = format!("/api/v1/sources/{}/backfill", encoded(&args.source).replace('/', "%2F"));
    let state = begin(session.client(), &path, since, started)?;
    let ended = watch(session.client(), &path, state, &args.source);
    let closed = session.close();
    let ended = ended?;
    closed?;
    told(&args.source, &ended, &seconds_since(started))
}

/// A time ago begins with its day: the same command run again the same day asks for the same, and goes on.
fn beginning(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let at = dates::instant(text, now)?;
    let day = Timestamp::from_micros(at.micros().div_euclid(DAY) * DAY);
    Ok(if dates::is_relative(text) { day } else { at })
}

/// Starts one, unless the server has just gone on with the same one that was interrupted.
fn begin(client: &Client, path: &str, since: Option<Timestamp>, started: Timestamp) -> Result<Value, Failure> {
    let instant = |state: &Value, name: &str| Timestamp::parse(word(state, name)).ok();
    let state = client.get(path, &[])?;
    let goes_on = match word(&state, "state") {
        "running" => true,
        "done" => instant(&state, "finished_at").is_some_and(|at| at >= started),
        _ => false,
    };
    if goes_on && instant(&state, "since") == since {
        return Ok(state);
    }
    let body = json!({"since": since.map(|since| since.to_string())}).to_string();
    Ok(client.post(path, &Content { body: body.as_bytes(), kind: "application/json" })?)
}

fn open(args: &BackfillArgs) -> Result<Session, Failure> {
    if let Some(url) = &args.url {
        return Ok(Session::at(remote(url, args.token.clone())?));
    }
    let mut config = Config::load(args.config.as_deref()).map_err(|error| Failure::Use(error.to_string()))?;
    if let Some(folder) = &args.data {
        config.data.dir.clone_from(folder);
    }
    config.server.listen = "127.0.0.1:0".to_owned();
    let store = open_store(&config.data.dir)?;
    Session::here(config, store)
}

/// Shows how far it is until it ends.
fn watch(client: &Client, path: &str, mut state: Value, source: &str) -> Result<Value, Failure> {
    let bar = Progress::watching(&format!("Reading {source}"));
    while word(&state, "state") == "running" {
        bar.reached(number(&state, "repositories_done"), number(&state, "repositories_total").max(1));
        bar.say(&says(&state));
        std::thread::sleep(ASKED);
        state = client.get(path, &[])?;
    }
    bar.clear();
    Ok(state)
}

/// What it waits for or reads, and what is left of the rate limit.
fn says(state: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(waiting) = state.get("waiting").filter(|waiting| waiting.is_object()) {
        let until = Timestamp::parse(word(waiting, "until")).map(format::moment).unwrap_or_default();
        parts.push(format!("waits until {until} UTC: {}", word(waiting, "why")));
    }
    let place = format!("{} {}", word(state, "repository"), word(state, "resource").replace('_', " "));
    parts.extend(Some(place.trim().to_owned()).filter(|place| !place.is_empty()));
    if let Some(limit) = state.get("rate_limit").filter(|limit| limit.is_object()) {
        let (remaining, limit) = (number(limit, "remaining"), number(limit, "limit"));
        parts.push(format!("{}/{} requests left", format::count(remaining), format::count(limit)));
    }
    if let Some(left) = state.get("remaining_s").and_then(Value::as_u64) {
        parts.push(format!("about {} left", span(left)));
    }
    parts.push(format!("{} things", format::count(number(state, "items"))));
    parts.join(", ")
}

/// A length of time to two digits or so: an estimate is no more exact.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// A sentence of what was read, and what could not be.
fn told(source: &str, state: &Value, took: &str) -> Result<ExitCode, Failure> {
    let (done, total) = (number(state, "repositories_done"), number(state, "repositories_total"));
    let read = format!(
        "{} of {} repositories: {} new pages with {} things, {} pages unchanged, in {took}",
        format::count(done),
        format::count(total),
        format::count(number(state, "pages")),
        format::count(number(state, "items")),
        format::count(number(state, "unchanged_pages"))
    );
    let failures = state.get("failures").and_then(Value::as_array).cloned().unwrap_or_default();
    for failure in &failures {
        out::note(&format!(
            "  {} {}: {}",
            word(failure, "repository"),
            word(failure, "resource"),
            word(failure, "message")
        ));
    }
    match word(state, "state") {
        "done" => {
            out::line(&format!("{source}: {read}"))?;
            Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        "stopped" => Err(Failure::could_not(format!(
            "the backfill of {source} was stopped after {read}; run the command again to go on"
        ))),
        _ => Err(Failure::could_not(format!("{} ({read})", word(state, "message")))),
    }
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ago_is_the_same_all_day() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        for now in ["2025-02-10T00:00:00Z", "2025-02-10T12:34:56.789Z"] {
            assert_eq!(beginning("30d", at(now)), Ok(at("2025-01-11T00:00:00Z")));
            assert_eq!(beginning("2025-01-31T12:00:01Z", at(now)), Ok(at("2025-01-31T12:00:01Z")));
        }
    }

    #[test]
    fn what_is_read_and_what_is_left_is_said() {
        let state = json!({"repository": "acme/cart", "resource": "pull_requests", "items": 1_234,
            "rate_limit": {"remaining": 17, "limit": 5_000},
            "waiting": {"until": "2025-01-01T10:05:00Z", "why": "rate limit"}});
        assert_eq!(
            says(&state),
            format!(
                "waits until {} UTC: rate limit, acme/cart pull requests, 17/{} requests left, {} things",
                format::moment(Timestamp::parse("2025-01-01T10:05:00Z").unwrap()),
                format::count(5_000),
                format::count(1_234),
            )
        );
        let left = [59, 600, 10_000].map(|left| says(&json!({"items": 1, "remaining_s": left})));
        assert_eq!(left, ["about 59 s left, 1 things", "about 10 min left, 1 things", "about 2 h left, 1 things"]);
        assert_eq!(says(&json!({"repository": null, "resource": null, "items": 0})), "0 things");
    }
}
