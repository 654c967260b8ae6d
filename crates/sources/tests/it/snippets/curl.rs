//! `deploy/curl/leadline.sh`

use super::{Said, Server, path, run};

fn tell(environment: &[(&str, &str)], words: &[&str]) -> Said {
    let script = path("curl/leadline.sh");
    let words: Vec<&str> = std::iter::once(script.to_str().unwrap()).chain(words.iter().copied()).collect();
    run(&path("."), &words, environment)
}

const WORDS: &[&str] = &["deployment", "id=42", "component=cart", "environment=production", "status=succeeded"];

#[test]
fn a_deployment_arrives_whatever_is_in_it() {
    let server = Server::start(&[202]);
    let words = [
        WORDS,
        &[
            "version=old",
            "version=1.2.3",
            "sha=",
            "status_reason=\"é\" \\ 'a' $HOME\n\tand {more}\u{7}=",
            "labels.team=check\"out",
            "labels.tier=1",
        ],
    ]
    .concat();
    let said = tell(&[("LEADLINE_URL", &format!("{}/", server.address)), ("LEADLINE_TOKEN", "s3cret")], &words);
    assert!(said.ok, "{}", said.errors);
    let event = server.only();
    let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    // It ended when it was told of.
    fields.retain(|field| !field.starts_with("finished_at"));
    fields.sort();
    assert!(event.fields.contains_key("finished_at"));
    insta::assert_snapshot!(fields.join("\n"), @r#"
    component: "cart"
    environment: "production"
    id: "42"
    labels: {"team":"check\"out","tier":"1"}
    status: "succeeded"
    status_reason: "\"é\" \\ 'a' $HOME\n\tand {more}="
    version: "1.2.3"
    "#);
}

#[test]
fn an_incident_is_told_with_the_token_of_a_file() {
    let server = Server::start(&[202]);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let environment = [("LEADLINE_URL", server.address.as_str()), ("LEADLINE_TOKEN_FILE", token.to_str().unwrap())];
    let words = ["incident", "id=INC-7", "component=cart", "opened_at=2025-03-01T10:00:00Z", "severity=high"];
    let said = tell(&environment, &words);
    assert!(said.ok, "{}", said.errors);
    let event = server.only();
    assert_eq!(event.key.to_string(), "incident ci/INC-7");
    assert!(!event.fields.contains_key("finished_at"));
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let server = Server::start(&[503, 202]);
    let said = tell(&[("LEADLINE_URL", &server.address), ("LEADLINE_TOKEN", "s3cret")], WORDS);
    assert!(said.ok, "{}", said.errors);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].event(), requests[1].event(), "the same event: one deployment");
}

#[test]
fn what_is_not_taken_is_said_and_fails_unless_it_may_not() {
    for (soft, ok) in [("", false), ("1", true)] {
        let server = Server::start(&[422]);
        let environment =
            [("LEADLINE_URL", server.address.as_str()), ("LEADLINE_TOKEN", "s3cret"), ("LEADLINE_SOFT", soft)];
        let said = tell(&environment, WORDS);
        assert_eq!(said.ok, ok);
        assert!(said.errors.contains("not taken: {\"code\":\"unknown_value\"}"), "{}", said.errors);
        assert!(!said.errors.contains("s3cret"), "{}", said.errors);
    }
}

#[test]
fn what_is_missing_is_named() {
    let (url, token) = (("LEADLINE_URL", "http://127.0.0.1:9"), ("LEADLINE_TOKEN", "s3cret"));
    for (environment, words, why) in [
        (&[url, token][..], &[][..], "usage: "),
        (&[token], WORDS, "LEADLINE_URL is not set"),
        (&[url], WORDS, "LEADLINE_TOKEN is not set"),
        (&[url, token], &["deployment", "id"], "'id' is not name=value"),
    ] {
        let said = tell(environment, words);
        assert!(!said.ok && said.errors.contains(why), "{}", said.errors);
    }
}
