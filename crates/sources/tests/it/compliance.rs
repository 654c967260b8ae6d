//! What every source does, whatever it reads.

use domain::event::Checks;
use domain::{Code, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use sources::{
    Answer, Delivery, Parsed, Route, SOURCES, Scheme, Source, Verification, delivery_id, find, native, sign, verify,
};

use crate::samples::{headers, sample};

const NOW: &str = "2025-06-01T00:00:00Z";

fn deliver(source: &Source, route: &Route, body: &[u8]) -> Result<Parsed, domain::Problem> {
    let received_at = Timestamp::parse(NOW).unwrap();
    let headers = headers(route.path);
    (source.parse)(&Delivery { source: "ours", event: route.event, headers: &headers, body, received_at })
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
    for source in SOURCES {
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

#[test]
fn a_delivery_again_is_the_same_delivery() {
    for (source, route) in routes() {
        let body = sample(route.path).to_string();
        let first = deliver(source, route, body.as_bytes()).unwrap();
        assert!(!first.events.is_empty() && first.events.iter().all(Result::is_ok), "{}: {first:?}", route.path);
        assert_eq!(first, deliver(source, route, body.as_bytes()).unwrap(), "{}", route.path);
        // Later, by another name, with other spacing: still the same events.
        let mut headers = headers(route.path);
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
        for (of, other) in routes().filter(|(_, other)| other.path != route.path) {
            assert_ne!(id(&body), delivery_id(of, other.event, &[], body.as_bytes()));
        }
    }
}

#[test]
fn a_body_cut_short_is_a_problem() {
    for (source, route) in routes() {
        let body = sample(route.path).to_string();
        for end in 0..body.len() {
            let result = deliver(source, route, &body.as_bytes()[..end]);
            assert!(refused(&result), "{} cut at {end}: {result:?}", route.path);
        }
    }
}

#[test]
fn what_is_no_event_is_a_problem() {
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
    for (source, route) in routes() {
        for body in bodies {
            let result = deliver(source, route, body);
            assert!(
                refused(&result),
                "{}: {} {result:?}",
                route.path,
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
        }
        // An array of no events is what a forwarder with nothing to say sends; one request of one event it is not.
        let none = deliver(source, route, b"[]");
        assert!(refused(&none) || (source.name == "native" && none == Ok(Parsed::default())), "{}", route.path);
    }
}

#[test]
fn the_senders_id_tells_redeliveries() {
    for (source, route) in routes() {
        let Some(header) = route.id_header else { continue };
        let id = |value: &str, body: &str| {
            delivery_id(source, route.event, &[(header.to_ascii_uppercase(), value.to_owned())], body.as_bytes())
        };
        assert_eq!(id("7f0c", "{}"), id("7f0c", "{ }"));
        assert_ne!(id("7f0c", "{}"), id("7f0d", "{}"));
    }
}

#[test]
fn only_a_delivery_signed_with_the_secret_is_let_in() {
    // In the form of the Standard Webhooks; all others take any text.
    let (ours, another) = (b"whsec_c2VjcmV0LW9mLWJvdGg=", b"whsec_c2VjcmV0LW9mLWFub3RoZXI=");
    let now = Timestamp::parse(NOW).unwrap();
    for (source, route) in routes() {
        let body = sample(route.path).to_string();
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

#[test]
fn an_oversized_body_is_read_or_refused() {
    // The server refuses bodies over its limit; parsers see what is under it.
    let long = "x".repeat(4 << 20);
    for (source, route) in routes() {
        let mut body = sample(route.path);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("padding".to_owned(), json!(long));
            fields.insert("more".to_owned(), json!(vec![0; 1 << 20]));
        }
        assert!(deliver(source, route, body.to_string().as_bytes()).is_ok(), "{}", route.path);
        let result = deliver(source, route, long.as_bytes());
        assert!(refused(&result) && result.is_err_and(|problem| problem.message.len() < 1_000), "{}", route.path);
    }
}

#[test]
fn an_unknown_event_is_ignored_with_the_reason() {
    // Of those that name their event in a header; others name it in the body.
    for (source, route) in routes().filter(|(_, route)| !headers(route.path).is_empty()) {
        let received_at = Timestamp::parse(NOW).unwrap();
        let headers: Vec<_> =
            headers(route.path).into_iter().map(|(name, _)| (name, "\u{1b}[31munheard".to_owned())).collect();
        let delivery = Delivery { source: "ours", event: route.event, headers: &headers, body: b"{}", received_at };
        let why = (source.parse)(&delivery).unwrap().ignored.unwrap();
        assert!(why.contains("unheard") && !why.contains('\u{1b}'), "{why}");
        let none = Delivery { headers: &[], ..delivery };
        assert!(refused(&(source.parse)(&none)), "{}", route.path);
    }
}

#[test]
fn an_unknown_route_is_a_problem() {
    let source = find("articles").unwrap();
    let route = Route { event: "unheard", ..source.routes[0] };
    assert!(refused(&deliver(source, &route, b"{}")));
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
fn bent(path: &'static str) -> impl Strategy<Value = Value> {
    prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..3).prop_map(move |changes| {
        let mut body = sample(path);
        if let Value::Object(fields) = &mut body {
            for (index, value) in changes {
                let at = index.index(fields.len());
                if let Some(field) = fields.values_mut().nth(at) {
                    *field = value;
                }
            }
        }
        body
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in any_json()) {
        for (source, route) in routes() {
            let body = value.to_string();
            let result = deliver(source, route, body.as_bytes());
            prop_assert_eq!(&result, &deliver(source, route, body.as_bytes()));
            if let Ok(parsed) = result {
                let empty = value == json!([]);
                prop_assert!(empty || !parsed.events.is_empty() || parsed.ignored.is_some(), "nothing is dropped");
            }
        }
    }

    #[test]
    fn bent_bodies_are_read_or_refused(
        (route, body) in prop::sample::select(routes().map(|(_, route)| route.path).collect::<Vec<_>>())
            .prop_flat_map(|path| (Just(path), bent(path)))
    ) {
        let (source, route) = routes().find(|(_, known)| known.path == route).unwrap();
        if let Ok(parsed) = deliver(source, route, body.to_string().as_bytes()) {
            prop_assert!(!parsed.events.is_empty() || parsed.ignored.is_some());
            for event in parsed.events.into_iter().flatten().filter(|_| source.name == "articles") {
                prop_assert!(matches!(&*event.key.source, "articles" | "git"));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for (source, route) in routes() {
            let _ = deliver(source, route, &body);
        }
    }

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
