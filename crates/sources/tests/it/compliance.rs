//! What every source does, whatever it reads.

use domain::event::Checks;
use domain::{Code, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use sources::{
    Answer, Delivery, Parsed, Route, SOURCES, Scheme, Source, Verification, delivery_id, find, native, sign, verify,
};

use crate::mapped::own;
use crate::samples::{headers, sample};

const NOW: &str = "2025-06-01T00:00:00Z";

/// A route of a source, with a good delivery to it.
pub(crate) struct Sender {
    pub(crate) source: &'static Source,
    pub(crate) route: &'static Route,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Sender {
    fn deliver(&self, body: &[u8]) -> Result<Parsed, domain::Problem> {
        self.deliver_with(&self.headers, body)
    }

    fn deliver_with(&self, headers: &[(String, String)], body: &[u8]) -> Result<Parsed, domain::Problem> {
        let received_at = Timestamp::parse(NOW).unwrap();
        (self.source.parse)(&Delivery { source: "ours", event: self.route.event, headers, body, received_at })
    }
}

/// Every route of every source that comes with Leadline.
fn shipped() -> Vec<Sender> {
    let sender = |(source, route): (&'static Source, &'static Route)| Sender {
        source,
        route,
        headers: headers(route.path),
        body: sample(route.path),
    };
    routes().map(sender).collect()
}

/// The same for those that come with Leadline and for the tools of somebody's configuration.
macro_rules! for_all {
    ($($check:ident)*) => {
        mod shipped_sources {
            $(#[test] fn $check() { super::$check(&super::shipped()); })*
        }
        mod own_tools {
            $(#[test] fn $check() { super::$check(&super::own::senders()); })*
        }
    };
}

for_all! {
    a_delivery_again_is_the_same_delivery
    a_body_cut_short_is_a_problem
    what_is_no_event_is_a_problem
    the_senders_id_tells_redeliveries
    only_a_delivery_signed_with_the_secret_is_let_in
    an_oversized_body_is_read_or_refused
    an_unknown_event_is_ignored_with_the_reason
    any_json_is_read_or_refused
    bent_bodies_are_read_or_refused
    any_bytes_are_read_or_refused
}

fn routes() -> impl Iterator<Item = (&'static Source, &'static Route)> {
    SOURCES.iter().flat_map(|source| source.routes.iter().map(move |route| (source, route)))
}

/// No event, and a reason why.
fn refused(result: &Result<Parsed, domain::Problem>) -> bool {
    match result {
        Ok(parsed) => !parsed.events.is_empty() && parsed.events.iter().all(Result::is_err),
        Err(problem) => !problem.message.is_empty() && problem.code.status() < 500,
    }
}

#[test]
fn the_table_is_in_order() {
    let mut paths: Vec<_> = routes().map(|(_, route)| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), routes().count(), "every path once");
    for source in SOURCES.iter() {
        assert_eq!(find(source.name).unwrap().title, source.title);
        assert!(source.doc.ends_with('.') && !source.routes.is_empty(), "{}", source.name);
        let mut events: Vec<_> = source.routes.iter().map(|route| route.event).collect();
        events.sort_unstable();
        events.dedup();
        assert_eq!(events.len(), source.routes.len(), "{}: every event once", source.name);
    }
    for (_, route) in routes() {
        assert!(route.path.starts_with('/') && route.doc.ends_with('.'), "{}", route.path);
        let plain = |name: &&str| *name == name.to_ascii_lowercase() && *name != "authorization";
        assert!(route.headers.iter().chain(&route.id_header).all(plain), "{}", route.path);
    }
    assert!(find("unheard").is_none());
    let recorded = "{\"status\":\"recorded\"}";
    assert_eq!((Answer::Recorded.status(), Answer::Recorded.body()), (200, Some(recorded)));
    assert_eq!((Answer::Empty.status(), Answer::Empty.body()), (200, Some("")));
    assert_eq!((Answer::Receipt.status(), Answer::Receipt.body()), (202, None));
}

fn a_delivery_again_is_the_same_delivery(senders: &[Sender]) {
    for sender in senders {
        let (source, route) = (sender.source, sender.route);
        let body = sender.body.to_string();
        let first = sender.deliver(body.as_bytes()).unwrap();
        assert!(!first.events.is_empty() && first.events.iter().all(Result::is_ok), "{}: {first:?}", route.path);
        assert_eq!(first, sender.deliver(body.as_bytes()).unwrap(), "{}", route.path);
        // Later, by another name, with other spacing: still the same events.
        let mut headers = sender.headers.clone();
        headers.push(("X-Other".to_owned(), "1".to_owned()));
        let again = (source.parse)(&Delivery {
            source: "ours",
            event: route.event,
            headers: &headers,
            body: format!(" {body}\r\n").as_bytes(),
            received_at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        });
        assert_eq!(first, again.unwrap(), "{}", route.path);

        let id = |body: &str| delivery_id(source, route.event, &headers, body.as_bytes());
        assert_eq!(id(&body), id(&body));
        assert_ne!(id(&body), id(&format!("{body} ")), "the bytes are the delivery, the content is the event");
        for other in senders.iter().filter(|other| other.route.path != route.path) {
            assert_ne!(id(&body), delivery_id(other.source, other.route.event, &[], body.as_bytes()));
        }
    }
}

fn a_body_cut_short_is_a_problem(senders: &[Sender]) {
    for sender in senders {
        let route = sender.route;
        let body = sender.body.to_string();
        for end in 0..body.len() {
            let result = sender.deliver(&body.as_bytes()[..end]);
            assert!(refused(&result), "{} cut at {end}: {result:?}", route.path);
        }
    }
}

fn what_is_no_event_is_a_problem(senders: &[Sender]) {
    let deep_list = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_object = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let bodies: &[&[u8]] = &[
        b"",
        b" \n",
        b"{}",
        b"null",
        b"\"x\"",
        b"1e999",
        b"[[]]",
        b"[null]",
        b"\x00\xff\xfe\x01",
        b"\xef\xbb\xbf",
        b"{\"a\":\"\\ud800\"}",
        b"a=b&c=d",
        deep_list.as_bytes(),
        deep_object.as_bytes(),
    ];
    for sender in senders {
        let (source, route) = (sender.source, sender.route);
        for body in bodies {
            let result = sender.deliver(body);
            assert!(
                refused(&result),
                "{}: {} {result:?}",
                route.path,
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
        }
        // An array of no events is what a forwarder with nothing to say sends; one request of one event it is not.
        let none = sender.deliver(b"[]");
        assert!(refused(&none) || (source.name == "native" && none == Ok(Parsed::default())), "{}", route.path);
    }
}

fn the_senders_id_tells_redeliveries(senders: &[Sender]) {
    for sender in senders {
        let (source, route) = (sender.source, sender.route);
        let Some(header) = route.id_header else { continue };
        let id = |value: &str, body: &str| {
            delivery_id(source, route.event, &[(header.to_ascii_uppercase(), value.to_owned())], body.as_bytes())
        };
        assert_eq!(id("7f0c", "{}"), id("7f0c", "{ }"));
        assert_ne!(id("7f0c", "{}"), id("7f0d", "{}"));
    }
}

fn only_a_delivery_signed_with_the_secret_is_let_in(senders: &[Sender]) {
    // In the form of the Standard Webhooks; all others take any text.
    let (ours, another) = (b"whsec_c2VjcmV0LW9mLWJvdGg=", b"whsec_c2VjcmV0LW9mLWFub3RoZXI=");
    let now = Timestamp::parse(NOW).unwrap();
    for sender in senders {
        let (source, route) = (sender.source, sender.route);
        let body = sender.body.to_string();
        let body = body.as_bytes();
        let refused = |headers: &[(String, String)], body: &[u8], secret: &[u8]| {
            let problem = verify(source, headers, body, secret, now).unwrap_err();
            assert_eq!(problem.code, Code::SignatureInvalid, "{}", route.path);
            assert!(
                !problem.message.contains("secret-of") && !problem.message.contains("c2Vjcm"),
                "{}",
                problem.message
            );
            problem.message
        };
        refused(&[], body, ours);
        let Verification::Secret(schemes) = source.verification else { continue };
        let good: Vec<_> = sign(source, body, ours, now);
        let good: Vec<_> = good.into_iter().map(|(name, value)| (name.to_ascii_uppercase(), value)).collect();
        assert_eq!(verify(source, &good, body, ours, now), Ok(()), "{}", route.path);
        refused(&good, body, another);
        refused(&good, body, b"");
        refused(&good, body, b" ");
        // Who sends the secret itself vouches for no body.
        if !matches!(schemes[0], Scheme::Plain { .. }) {
            refused(&good, &body[1..], ours);
            refused(&good, &[body, b" "].concat(), ours);
        }
        // Every header counts, and every character of it.
        for changed in 0..good.len() {
            let with = |value: String| {
                let mut headers = good.clone();
                headers[changed].1 = value;
                headers
            };
            let value = &good[changed].1;
            for odd in ["", "=", "x", "sha1=00", ",", "v1,", "v1=", "t=1,v1=00", &value[..value.len() - 1]] {
                refused(&with(odd.to_owned()), body, ours);
            }
            refused(&with("é".repeat(32)), body, ours);
            for (at, old) in value.char_indices() {
                // Base64 and hexadecimal are read in one case or either, spaces and padding in one place only.
                let new = if old == '0' { '1' } else { '0' };
                let mut value = value.clone();
                value.replace_range(at..=at, &new.to_string());
                let _ = verify(source, &with(value.clone()), body, ours, now).map(|()| panic!("{value} of {good:?}"));
            }
            let mut without = good.clone();
            without.remove(changed);
            refused(&without, body, ours);
            // Whatever a stranger adds after it, the first header counts.
            let mut two = vec![(good[changed].0.clone(), "x".to_owned())];
            two.extend(good.clone());
            refused(&two, body, ours);
        }
    }
}

fn an_oversized_body_is_read_or_refused(senders: &[Sender]) {
    // The server refuses bodies over its limit; parsers see what is under it.
    let long = "x".repeat(4 << 20);
    for sender in senders {
        let route = sender.route;
        let mut body = sender.body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("padding".to_owned(), json!(long));
            fields.insert("more".to_owned(), json!(vec![0; 1 << 20]));
        }
        assert!(sender.deliver(body.to_string().as_bytes()).is_ok(), "{}", route.path);
        let result = sender.deliver(long.as_bytes());
        assert!(refused(&result) && result.is_err_and(|problem| problem.message.len() < 1_000), "{}", route.path);
    }
}

fn an_unknown_event_is_ignored_with_the_reason(senders: &[Sender]) {
    // Of those that name their event in a header; others name it in the body.
    for sender in senders.iter().filter(|sender| !sender.headers.is_empty()) {
        let route = sender.route;
        let unheard = |(name, _): &(String, String)| (name.clone(), "\u{1b}[31munheard".to_owned());
        let headers: Vec<_> = sender.headers.iter().map(unheard).collect();
        let why = sender.deliver_with(&headers, b"{}").unwrap().ignored.unwrap();
        assert!(why.contains("unheard") && !why.contains('\u{1b}'), "{why}");
        assert!(refused(&sender.deliver_with(&[], b"{}")), "{}", route.path);
    }
}

#[test]
fn an_unknown_route_is_a_problem() {
    let source = find("articles").unwrap();
    let received_at = Timestamp::parse(NOW).unwrap();
    let delivery = Delivery { source: "ours", event: "unheard", headers: &[], body: b"{}", received_at };
    assert!(refused(&(source.parse)(&delivery)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let texts = prop::sample::select(vec![
        "",
        "success",
        "failed",
        "deployment",
        "incident",
        "change",
        "2025-01-01T10:00:00Z",
        "2025-01-01T10:00:00",
        "9999-12-31T23:59:59Z",
        "0000-00-00T00:00:00Z",
        "acme/cart",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "0000000000000000000000000000000000000000",
        "P1",
        "<no value>",
        "refs/tags/v1",
        "\u{0}",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        texts.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "type",
        "id",
        "service",
        "environment",
        "commit_sha",
        "commit_timestamp",
        "deployed_at",
        "status",
        "is_rollback",
        "is_hotfix",
        "pipeline_id",
        "incident_id",
        "severity",
        "detected_at",
        "resolved_at",
        "after",
        "before",
        "commits",
        "head_commit",
        "timestamp",
        "repository",
        "full_name",
        "ref",
        "forced",
        "author",
        "name",
        "added",
        "removed",
        "modified",
        "app",
        "revision",
        "event",
        "component",
        "finished_at",
        "opened_at",
        "labels",
        "repo",
        "sha",
        "committed_at",
        "source",
        "zen",
        "message",
        "started_at",
        "updated_at",
    ]);
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..12)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

/// A good body with some of its fields replaced.
fn bent(mut body: Value, changes: &[(prop::sample::Index, Value)]) -> Value {
    if let Value::Object(fields) = &mut body {
        for (index, value) in changes {
            let at = index.index(fields.len());
            if let Some(field) = fields.values_mut().nth(at) {
                *field = value.clone();
            }
        }
    }
    body
}

fn any_json_is_read_or_refused(senders: &[Sender]) {
    proptest!(|(value in any_json())| {
        for sender in senders {
            let body = value.to_string();
            let result = sender.deliver(body.as_bytes());
            prop_assert_eq!(&result, &sender.deliver(body.as_bytes()));
            if let Ok(parsed) = result {
                let empty = value == json!([]);
                prop_assert!(empty || !parsed.events.is_empty() || parsed.ignored.is_some(), "nothing is dropped");
            }
        }
    });
}

fn bent_bodies_are_read_or_refused(senders: &[Sender]) {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..3);
    proptest!(|(sender in any::<prop::sample::Index>(), changes in changes)| {
        let sender = sender.get(senders);
        let body = bent(sender.body.clone(), &changes);
        if let Ok(parsed) = sender.deliver(body.to_string().as_bytes()) {
            prop_assert!(!parsed.events.is_empty() || parsed.ignored.is_some());
            for event in parsed.events.into_iter().flatten().filter(|_| sender.source.name == "articles") {
                prop_assert!(matches!(&*event.key.source, "articles" | "git"));
            }
        }
    });
}

fn any_bytes_are_read_or_refused(senders: &[Sender]) {
    proptest!(|(body in prop::collection::vec(any::<u8>(), 0..200))| {
        for sender in senders {
            let _ = sender.deliver(&body);
        }
    });
}

proptest! {
    #[test]
    fn every_item_has_an_answer(items in prop::collection::vec(any_json(), 0..12), ndjson in any::<bool>()) {
        let checks = Checks { default_source: "ours", now: Timestamp::parse(NOW).unwrap() };
        let (body, kind) = if ndjson {
            let lines: Vec<_> = items.iter().map(Value::to_string).collect();
            (lines.join("\n"), "application/x-ndjson")
        } else {
            (Value::from(items.clone()).to_string(), "application/json")
        };
        match native::read(body.as_bytes(), Some(kind), checks, native::Limits::default()) {
            Ok(events) => prop_assert_eq!(events.len(), items.len()),
            Err(problem) => prop_assert!(ndjson && items.is_empty(), "{}", problem),
        }
    }
}
