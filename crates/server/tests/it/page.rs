//! The page and its stream, over HTTP.

use std::io::{BufRead as _, BufReader};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{READ, Running, start};

#[test]
fn page_routes_answer_with_the_page_and_missing_files_do_not() {
    let server = start();
    for path in ["/", "/node/product:shop", "/node/component:shop/cart"] {
        let page = server.send("GET", path, &[], b"");
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert!(page.text.starts_with("<!doctype html>"), "{path}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-cache"));
    }
    for path in ["/assets/nothing.js", "/assets/%2e%2e/index.html", "/node", "/nowhere", "/index.html"] {
        let answer = server.send("GET", path, &[], b"");
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")), "{path}");
    }
    let first = server.send("GET", "/", &[], b"");
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(server.send("GET", "/", &[("if-none-match", &tag)], b"").status, 304);
}

fn since(started: domain::Timestamp) -> Duration {
    Duration::from_micros(server::clock::now().since(started).unsigned_abs())
}

fn follow(server: &Running) -> mpsc::Receiver<String> {
    let request = ureq::http::Request::get(server.url("/api/v1/stream"))
        .header("authorization", format!("Bearer {READ}"))
        .body(())
        .expect("a request");
    let answer = crate::support::agent().run(request).expect("a stream");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let Ok(line) = line else { return };
            if told.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

/// The number of the next change told within two seconds.
fn next_change(lines: &mpsc::Receiver<String>) -> u64 {
    let started = server::clock::now();
    loop {
        let line =
            lines.recv_timeout(Duration::from_secs(2).saturating_sub(since(started))).expect("a change within 2 s");
        if let Some(data) = line.strip_prefix("data: ") {
            let data: Value = serde_json::from_str(data).expect("JSON");
            assert!(data["at"].is_string());
            return data["change"].as_u64().expect("a number");
        }
    }
}

#[test]
fn the_stream_tells_of_changes_and_needs_a_token() {
    let server = start();
    assert_eq!(server.send("GET", "/api/v1/stream", &[], b"").status, 401);
    server.get("/api/v1/tree").expect(200);
    let lines = follow(&server);
    let first = next_change(&lines);
    let event = |id: &str| {
        json!({"type": "deployment", "id": id, "component": "c", "environment": "prod", "status": "succeeded",
            "finished_at": "2025-01-01T00:00:00Z"})
    };
    server.post("/api/v1/events", &event("1")).expect(202);
    let second = next_change(&lines);
    assert!(second > first, "{second} after {first}");
    // The same again is no news.
    server.post("/api/v1/events", &event("1")).expect(202);
    std::thread::sleep(Duration::from_millis(600));
    assert!(lines.try_iter().all(|line| !line.starts_with("data: ")));
}

#[test]
fn many_changes_are_told_as_few_and_the_last_is_among_them() {
    let server = start();
    let lines = follow(&server);
    next_change(&lines);
    let started = server::clock::now();
    for id in 0..20 {
        let event = json!({"type": "deployment", "id": id.to_string(), "component": "c", "environment": "prod",
            "status": "succeeded", "finished_at": "2025-01-01T00:00:00Z"});
        server.post("/api/v1/events", &event).expect(202);
    }
    std::thread::sleep(Duration::from_millis(800));
    let told: Vec<u64> = lines
        .try_iter()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok()?["change"].as_u64())
        .collect();
    let most = since(started).as_millis() / 250 + 2;
    assert!(!told.is_empty() && (told.len() as u128) <= most, "{told:?} in {:?}", since(started));
    assert!(told.is_sorted());
}

#[test]
fn a_stream_does_not_keep_the_server_from_stopping() {
    let server = start();
    let lines = follow(&server);
    next_change(&lines);
    let started = server::clock::now();
    drop(server);
    assert!(since(started) < Duration::from_secs(5), "{:?}", since(started));
    assert!(lines.iter().all(|line| !line.starts_with("data: ")));
}
