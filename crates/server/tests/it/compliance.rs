//! What every route of every source does over HTTP: a stranger, a redelivery, a body cut short, one too long, an event
//! nobody knows. A source that signs is tried with a secret, the others with a token.

use serde_json::Value;
use server::{Config, OneOrMore, Secret, SourceConfig};
use sources::{Route, SOURCES, Source, Verification};

use crate::samples;
use crate::support::{Answer, INGEST, Running, start_with};

/// In the form of the Standard Webhooks; all others take any text.
const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiBib3Ro";
const MOST_BYTES: usize = 4_096;

fn routes() -> impl Iterator<Item = (&'static Source, &'static Route)> {
    SOURCES.iter().flat_map(|source| source.routes.iter().map(move |route| (source, route)))
}

fn signs(source: &Source) -> bool {
    source.verification != Verification::Token
}

/// One server for every source, those that sign with a secret.
fn start() -> Running {
    let signing = SOURCES.iter().filter(|source| signs(source));
    let sources = signing.map(|source| SourceConfig {
        name: source.name.into(),
        kind: source.name.into(),
        secret: OneOrMore::One(Secret::new(SECRET)),
        ..SourceConfig::default()
    });
    let mut config = Config { sources: sources.collect(), ..Config::default() };
    config.ingest.max_body_bytes = MOST_BYTES;
    start_with(config)
}

/// The headers of the sample, an id, and what shows whom it comes from.
fn headers(source: &Source, route: &Route, id: &str, body: &[u8], secret: &str) -> Vec<(String, String)> {
    let mut headers = samples::headers(route.path);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let signed = sources::sign(source, body, secret.as_bytes(), server::clock::now());
    // Where the id is signed too it is the signer's.
    let named = route.id_header.filter(|name| signed.iter().all(|(known, _)| known != name));
    headers.extend(named.map(|name| (name.to_owned(), id.to_owned())));
    headers.extend(signed);
    if !signs(source) {
        let token = if secret == SECRET { INGEST } else { "somebody-elses-token" };
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    headers
}

fn send(server: &Running, route: &Route, headers: &[(String, String)], body: &[u8]) -> Answer {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    server.send("POST", route.path, &headers, body)
}

fn journal(server: &Running) -> Vec<Value> {
    server.get("/api/v1/journal?limit=1000").expect(200)["rows"].as_array().cloned().expect("rows")
}

#[test]
fn every_route_takes_its_deliveries_once_and_nothing_from_strangers() {
    let server = start();
    for (source, route) in routes() {
        let body = samples::sample(route.path).to_string();
        let body = body.as_bytes();
        let kept = journal(&server).len();

        let stranger = send(&server, route, &headers(source, route, "1", body, "another secret"), body);
        let code = if signs(source) { "signature_invalid" } else { "unauthenticated" };
        assert_eq!((stranger.status, stranger.json()["code"].as_str()), (401, Some(code)), "{}", route.path);
        let nameless = send(&server, route, &samples::headers(route.path), body);
        assert_eq!((nameless.status, nameless.json()["code"].as_str()), (401, Some(code)), "{}", route.path);
        assert_eq!(journal(&server).len(), kept, "{}: a stranger's delivery is not kept", route.path);

        let good = headers(source, route, "1", body, SECRET);
        let first = send(&server, route, &good, body);
        assert_eq!(first.status, route.answer.status(), "{}: {}", route.path, first.text);
        let rows = journal(&server);
        assert_eq!(rows.len(), kept + 1, "{}", route.path);
        let again = send(&server, route, &good, body);
        assert_eq!(again.status, first.status, "{}: a redelivery is answered like the first", route.path);
        assert_eq!(journal(&server).len(), rows.len(), "{}: a redelivery is no news", route.path);
    }
}

#[test]
fn every_route_refuses_what_is_cut_short_or_too_long_and_says_why() {
    let server = start();
    for (source, route) in routes() {
        let whole = samples::sample(route.path).to_string();
        let half = &whole.as_bytes()[..whole.len() / 2];
        let kept = journal(&server).len();
        // Cut by the sender, before it was signed.
        let cut = send(&server, route, &headers(source, route, "cut", half, SECRET), half);
        assert_eq!((cut.status, cut.json()["code"].as_str()), (400, Some("malformed_json")), "{}", route.path);
        let rows = journal(&server);
        assert_eq!(rows.len(), kept + 1, "{}: what cannot be read is kept with its reason", route.path);
        assert!(rows.iter().any(|row| row["reason"]["code"] == "malformed_json"), "{}: {rows:?}", route.path);
        if signs(source) {
            // Cut on the way.
            let cut = send(&server, route, &headers(source, route, "way", whole.as_bytes(), SECRET), half);
            assert_eq!((cut.status, cut.json()["code"].as_str()), (401, Some("signature_invalid")), "{}", route.path);
        }
        let long = format!("{whole}{}", " ".repeat(MOST_BYTES));
        let long = send(&server, route, &headers(source, route, "long", long.as_bytes(), SECRET), long.as_bytes());
        assert_eq!((long.status, long.json()["code"].as_str()), (413, Some("body_too_large")), "{}", route.path);
        assert_eq!(journal(&server).len(), rows.len(), "{}", route.path);
    }
}

#[test]
fn every_source_that_names_its_events_ignores_an_unknown_one_with_the_reason() {
    let server = start();
    // Others name it in the body.
    for (source, route) in routes().filter(|(_, route)| !samples::headers(route.path).is_empty()) {
        let mut headers = headers(source, route, "unheard", b"{}", SECRET);
        let named = samples::headers(route.path);
        for (name, value) in &mut headers {
            if named.iter().any(|(known, _)| known == name) {
                *value = "unheard".to_owned();
            }
        }
        let answer = send(&server, route, &headers, b"{}").expect(200);
        assert!(answer["ignored"].as_str().is_some_and(|why| why.contains("unheard")), "{}: {answer}", route.path);
        let rows = journal(&server);
        assert!(rows.iter().any(|row| row["state"] == "ignored"), "{}: {rows:?}", route.path);
    }
}
