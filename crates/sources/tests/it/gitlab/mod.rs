//! GitLab's webhooks.

mod any;
mod backfill;
mod code;
mod deployments;
mod issues;
mod merge_requests;
mod pipelines;
pub(crate) mod shared;

use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Parsed, Verification, delivery_id, find, sign, verify};

pub(crate) const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";
pub(crate) const BEFORE: &str = "0f2e3d4c5b6a79880123456789abcdef01234567";

pub(crate) fn send(body: &str) -> Result<Parsed, Problem> {
    crate::told::send("gitlab", "webhook", &[], body)
}

/// A body with the project in it, and whoever did it.
pub(crate) fn body(kind: &str, mut fields: Value) -> Value {
    fields["object_kind"] = json!(kind);
    fields["project"] = json!({"id": 7, "path_with_namespace": "acme/shop/cart", "default_branch": "main",
        "web_url": "https://gitlab.example/acme/shop/cart"});
    if fields.get("user").is_none() {
        fields["user"] = json!({"id": 51, "username": "ada", "name": "Ada"});
    }
    fields
}

pub(crate) fn told(kind: &str, fields: Value) -> String {
    crate::told::tell(send(&body(kind, fields).to_string()))
}

#[test]
fn what_says_nothing_about_delivery_is_ignored() {
    for (kind, why) in [
        ("wiki_page", "the event `wiki_page` says nothing about delivery"),
        ("emoji", "the event `emoji` says nothing about delivery"),
        ("\u{1b}[31m", "the event `\\u{1b}[31m` says nothing about delivery"),
        ("feature_flag", "GitLab does not say when the feature flag was changed"),
        ("repository_update", "the repository was updated: the push of it tells its commits"),
    ] {
        assert_eq!(told(kind, json!({})), format!("ignored: {why}"));
    }
}

#[test]
fn a_body_that_names_no_event_or_no_project_is_a_problem() {
    assert_eq!(
        send("{}").unwrap_err().to_string(),
        "`object_kind` is missing or empty: it names the event. (missing_field)"
    );
    assert_eq!(
        send(r#"{"object_kind": "push"}"#).unwrap_err().to_string(),
        "`project.path_with_namespace` is missing or empty: it names the project. (missing_field)"
    );
}

#[test]
fn a_system_hook_names_its_event_in_another_place() {
    let mut push = body("push", code::push(json!({})));
    push["event_name"] = push["object_kind"].take();
    assert_eq!(send(&push.to_string()).unwrap(), send(&body("push", code::push(json!({}))).to_string()).unwrap());
}

#[test]
fn the_old_token_and_the_new_signature_let_in() {
    let gitlab = find("gitlab").unwrap();
    assert!(matches!(gitlab.verification, Verification::Secret(_)));
    let (now, body) = (Timestamp::from_micros(1_700_000_000_000_000), br#"{"object_kind":"push"}"#);
    let old = |value: &str| [("X-Gitlab-Token".to_owned(), value.to_owned())];
    assert_eq!(verify(gitlab, &old("s3cret"), body, b"s3cret", now), Ok(()));
    assert_eq!(
        verify(gitlab, &old("s3cre"), body, b"s3cret", now).unwrap_err().message,
        "`x-gitlab-token` is not the secret of this source"
    );
    let secret = b"whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=";
    let signed = sign(gitlab, body, secret, now);
    assert_eq!(verify(gitlab, &signed, body, secret, now), Ok(()));
    // Whoever sends a signature is held to it, also beside the right token.
    let both: Vec<_> = old("whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=").into_iter().chain(signed).collect();
    assert_eq!(verify(gitlab, &both, body, secret, now), Ok(()));
    assert!(verify(gitlab, &both, b"{}", secret, now).is_err());
}

#[test]
fn a_delivery_tried_again_is_known_by_its_key() {
    let gitlab = find("gitlab").unwrap();
    let id = |headers: &[(&str, &str)], body: &[u8]| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        delivery_id(gitlab, "webhook", &headers, body)
    };
    let key = [("Idempotency-Key", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"), ("X-Gitlab-Event-UUID", "1")];
    assert_eq!(id(&key, b"{}"), "f5e5f430-f57b-4e6e-9fac-d9128cd7232f");
    // What one event sets off has the same UUID, and is another delivery.
    let older = [("X-Gitlab-Event-UUID", "13792a34-cac6-4fda-95a8-c58e00a3954e")];
    assert_ne!(id(&older, b"{}"), id(&older, b"{ }"));
}
