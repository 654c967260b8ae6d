//! Services that were deployed, and the changes that were.

use serde_json::json;

use super::{event, merged, told};

#[test]
fn a_service_that_was_deployed() {
    insta::assert_snapshot!(told(&event("service.deployed", "cart", 5, json!({"environment": {"id": "production"},
        "artifactId": "pkg:oci/cart@sha256%3A0b31?repository_url=r.example/shop/cart&tag=1.2.3"}))), @r#"
    deployment tekton/service.deployed-cart-5
      artifact: "pkg:oci/cart@sha256%3A0b31?repository_url=r.example/shop/cart&tag=1.2.3"
      component: "cart"
      environment: "production"
      event: "deployed"
      finished_at: "2025-03-01T10:05:00.5Z"
      id: "service.deployed-cart-5"
      images: ["r.example/shop/cart:1.2.3@sha256:0b31"]
      marks: ["label:source=/ci/7","service:cart","image:r.example/shop/cart"]
      status: "succeeded"
      updated_at: "2025-03-01T10:05:00.5Z"
      version: "1.2.3"
    "#);
}

#[test]
fn going_back_is_a_rollback_and_an_upgrade_is_not() {
    let content = json!({"environment": {"id": "production"}, "artifactId": "pkg:oci/cart@sha256%3A0b31"});
    insta::assert_snapshot!(told(&event("service.rolledback", "cart", 6, content.clone())), @r#"
    deployment tekton/service.rolledback-cart-6
      artifact: "pkg:oci/cart@sha256%3A0b31"
      change_kind: "rollback"
      component: "cart"
      environment: "production"
      event: "rolledback"
      finished_at: "2025-03-01T10:06:00.5Z"
      id: "service.rolledback-cart-6"
      images: ["cart@sha256:0b31"]
      marks: ["label:source=/ci/7","service:cart","image:cart"]
      status: "succeeded"
      updated_at: "2025-03-01T10:06:00.5Z"
      version: "sha256:0b31"
    "#);
    let upgraded = told(&event("service.upgraded", "cart", 6, content));
    assert!(upgraded.contains("event: \"upgraded\"") && !upgraded.contains("change_kind"), "{upgraded}");
}

#[test]
fn every_event_is_a_deployment_of_its_own() {
    let at = |minute| told(&event("service.upgraded", "cart", minute, json!({"environment": {"id": "production"}})));
    assert_ne!(at(1).lines().next(), at(2).lines().next());
    assert_eq!(at(1), at(1));
}

#[test]
fn a_sender_says_more_in_leadlines_own_words() {
    let mut body = event("service.deployed", "cart", 5, json!({"environment": {"id": "production"}}));
    body["customData"] = json!({"leadline": {"product": "shop", "instance": "eu", "sha": "1F2E3D4C", "id": "other",
        "change_kind": "hotfix", "unheard": 1}, "more": true});
    let text = told(&body);
    for part in ["product: \"shop\"", "instance: \"eu\"", "sha: \"1f2e3d4c\"", "change_kind: \"hotfix\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("other") && !text.contains("unheard"), "{text}");
    body["customData"]["leadline"]["change_kind"] = json!("big");
    assert_eq!(told(&body), "`change_kind` is `big`; it takes rollback, hotfix, config, code, unknown (unknown_value)");
}

#[test]
fn a_change_is_told_step_by_step() {
    let repository = json!({"repository": {"id": "acme/cart"}, "description": "Take cards"});
    let entity = merged(&[
        event("change.created", "7", 0, repository.clone()),
        event("change.reviewed", "7", 20, repository.clone()),
        event("change.reviewed", "7", 10, repository.clone()),
        event("change.merged", "7", 30, repository.clone()),
    ]);
    let texts = ["title", "opened_at", "first_review_at", "merged_at"].map(|name| entity.text(name).unwrap());
    assert_eq!(texts, ["Take cards", "2025-03-01T10:00:00.5Z", "2025-03-01T10:10:00.5Z", "2025-03-01T10:30:00.5Z"]);
    insta::assert_snapshot!(told(&event("change.abandoned", "8", 30, repository)), @r#"
    pull_request git/acme/cart#8
      closed_at: "2025-03-01T10:30:00.5Z"
      number: "8"
      repo: "acme/cart"
      updated_at: "2025-03-01T10:30:00.5Z"
    "#);
}
