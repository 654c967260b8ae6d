//! What a test of a source tells: how a delivery was let in, read, placed and linked.

use serde_json::{Value, json};

use crate::github::{deliver, deployment, push, send, sha, sign, signed};
use crate::support::{INGEST, READ, Running};

fn test(server: &Running, source: &str, query: &str) -> Value {
    server.get(&format!("/api/v1/sources/{source}/test{query}")).expect(200)
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// What it was linked to, by the word of the link.
fn link(event: &Value, wanted: &str) -> String {
    let links = event["links"].as_array().expect("links");
    let found = links.iter().find(|link| link["link"] == wanted);
    found.and_then(|link| link["text"].as_str()).unwrap_or_else(|| panic!("no {wanted}: {event}")).to_owned()
}

const CATALOGUE: &str = r#"
    [[platforms]]
    name = "p"
    [[platforms.domains]]
    name = "d"
    [[platforms.domains.products]]
    name = "shop"
    [[platforms.domains.products.components]]
    name = "cart"
"#;

fn catalogue(server: &Running, more: &str) {
    let text = format!("{CATALOGUE}{more}");
    server.admin("PUT", "/api/v1/catalogue", "application/toml", &text).expect(200);
}

#[test]
fn a_delivery_is_followed_from_its_signature_to_its_links() {
    let server = signed();
    catalogue(&server, "");
    send(&server, "push", "p1", push('0', 'a', "2025-01-02T09:00:00Z"));
    let mut told = deployment(7, 'a', "2025-01-02T10:00:00Z");
    told["payload"] = json!({});
    let status =
        json!({"id": 70, "state": "success", "created_at": "2025-01-02T10:05:00Z", "environment": "production"});
    send(&server, "deployment_status", "s1", json!({"deployment_status": status, "deployment": told}));

    let answer = test(&server, "acme", "");
    let delivery = &answer["delivery"];
    assert_eq!(
        (&delivery["id"], &delivery["state"], &answer["parser"]),
        (&json!("s1"), &json!("applied"), &json!("github"))
    );
    assert!(answer["verified"].as_str().is_some_and(|how| how.contains("signature")), "{answer}");
    let event = &answer["events"][0];
    assert_eq!((&event["type"], &event["fields"]["status"]), (&json!("deployment"), &json!("succeeded")));
    assert_eq!(texts(&event["marks"]), ["repository:acme/cart"]);
    assert_eq!(
        (&event["place"]["component"], &event["place"]["by"]),
        (&json!("unassigned/acme/cart"), &json!("unassigned"))
    );
    assert_eq!(
        texts(&event["place"]["would_place"]),
        [
            "a rule of `rules.places` with `mark = \"repository:acme/cart\"`",
            "one component with the name \"acme/cart\", or with \"acme/cart\" in its `aliases`",
            "one component with `repo = \"acme/cart\"`",
        ]
    );
    assert!(link(event, "commit").starts_with(&sha('a')), "{event}");
    assert!(link(event, "lane").ends_with("in production (production)"), "{event}");

    // What nearly fits is told, and what fits places it.
    let rule = "[[rules.places]]\nmarks = [\"repository:acme/*\", \"namespace:shop\"]\ncomponent = \"shop/cart\"\n\
                [[rules.places]]\nmark = \"repository:acme/*\"\nsource = \"other\"\ncomponent = \"shop/cart\"\n";
    catalogue(&server, rule);
    let near = texts(&test(&server, "acme", "")["events"][0]["place"]["would_place"]);
    assert_eq!(near[0], "rule 1 of `rules.places`, if it had a mark `namespace:shop`");
    assert_eq!(near[1], "rule 2 of `rules.places`, if it were not only for the source `other`");
    catalogue(&server, &rule.replace("source = \"other\"\n", ""));
    let event = test(&server, "acme", "")["events"][0].clone();
    let place = &event["place"];
    assert_eq!(
        (&place["component"], &place["by"], &place["would_place"]),
        (&json!("shop/cart"), &json!("rule"), &json!([]))
    );
    assert_eq!(place["why"], "rule 2 of `rules.places`: `repository:acme/*`");
    assert!(link(&event, "lane").starts_with("shop/cart on default"), "{event}");
    let rows = server.get("/api/v1/deployments").expect(200)["deployments"].clone();
    assert_eq!(rows[0]["component"], "shop/cart");
}

#[test]
fn one_that_is_ignored_or_wrong_says_why_and_nothing_is_changed() {
    let server = signed();
    let ping = b"{\"zen\": \"Keep it logically awesome.\"}";
    deliver(&server, "ping", "g1", ping, &sign(ping, "the new secret")).expect(200);
    let answer = test(&server, "acme", "");
    assert_eq!((&answer["ignored"], &answer["events"]), (&json!("a ping"), &json!([])));
    // A later delivery does not hide an earlier one.
    send(&server, "push", "p1", push('0', 'a', "2025-01-02T09:00:00Z"));
    assert_eq!(test(&server, "acme", "?delivery=g1")["ignored"], "a ping");
    let before = server.get("/api/v1/journal").expect(200)["counts"].clone();
    let answer = test(&server, "acme", "?delivery=p1");
    assert_eq!((&answer["events"][0]["type"], &answer["events"][0]["place"]), (&json!("change"), &Value::Null));
    assert_eq!(server.get("/api/v1/journal").expect(200)["counts"], before);
    // By its number in the journal, in the body of a POST.
    let seq = answer["delivery"]["seq"].to_string();
    let bearer = format!("Bearer {READ}");
    let body = json!({"delivery": seq}).to_string();
    let path = "/api/v1/sources/acme/test";
    let posted = server.send("POST", path, &[("authorization", &bearer)], body.as_bytes()).expect(200);
    assert_eq!(posted, answer);
    assert_eq!(
        server.send("POST", path, &[("authorization", &bearer)], b"{\"id\": 1}").expect(400)["code"],
        "malformed_json"
    );
    for (path, said) in [
        ("/api/v1/sources/acme/test?delivery=x", "`acme` has no delivery `x`"),
        ("/api/v1/sources/unsigned/test", "`unsigned` has sent nothing yet"),
        ("/api/v1/sources/nobody/test", "configured are acme, unsigned"),
    ] {
        let message = server.get(path).expect(404)["message"].clone();
        assert!(message.as_str().is_some_and(|message| message.contains(said)), "{message}");
    }
    let ingest = format!("Bearer {INGEST}");
    assert_eq!(server.send("GET", path, &[("authorization", &ingest)], b"").status, 403);
}

#[test]
fn native_events_are_told_with_what_others_told_of_the_same_thing() {
    let server = signed();
    catalogue(
        &server,
        "[[rules.places]]\nmark = \"pagerduty_service:Check*\"\nproduct = \"shop\"\ninstance = \"eu\"\n",
    );
    let first = json!({"type": "incident", "id": "7", "component": "Checkout", "opened_at": "2025-01-02T09:00:00Z",
        "marks": ["pagerduty_service:Checkout"]});
    server.post("/api/v1/events", &first).expect(202);
    let news = json!({"type": "incident", "id": "7", "component": "Checkout", "opened_at": "2025-01-02T09:00:00Z",
        "resolved_at": "2025-01-02T10:00:00Z"});
    server.post("/api/v1/events", &news).expect(202);
    let answer = test(&server, "sender", "");
    let event = &answer["events"][0];
    assert_eq!(
        (&event["fields"]["resolved_at"], event["fields"]["marks"].is_null()),
        (&json!("2025-01-02T10:00:00Z"), true)
    );
    assert_eq!(texts(&event["marks"]), ["pagerduty_service:Checkout"]);
    let place = &event["place"];
    assert_eq!(
        (&place["product"], &place["component"], &place["instance"], &place["by"]),
        (&json!("shop"), &Value::Null, &json!("eu"), &json!("rule"))
    );
    assert_eq!(link(event, "cause"), "started_narrowest: no deployment");
}
