//! Deployments.

use serde_json::{Value, json};

use super::{SHA, body, send, told};
use crate::told::{events, merged, values};

fn deployment(status: &str, at: &str) -> Value {
    json!({"status": status, "status_changed_at": at, "deployment_id": 15, "deployable_id": 796,
        "deployable_url": "https://gitlab.example/acme/shop/cart/-/jobs/796", "environment": "eu/production",
        "environment_tier": "production", "environment_slug": "eu-production-x1", "short_sha": &SHA[..8], "ref": "main",
        "commit_url": format!("https://gitlab.example/acme/shop/cart/-/commit/{SHA}"), "commit_title": "Make it so"})
}

#[test]
fn a_deployment_that_went_well() {
    insta::assert_snapshot!(told("deployment", deployment("success", "2025-01-03 13:05:00 +0100")), @r#"
    deployment gitlab/15
      actor: "ada"
      branch: "main"
      component: "acme/shop/cart"
      environment: "eu/production"
      finished_at: "2025-01-03T12:05:00Z"
      id: "15"
      labels: {"tier":"production"}
      marks: ["repository:acme/shop/cart","project:acme/shop/cart"]
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
      updated_at: "2025-01-03T12:05:00Z"
      url: "https://gitlab.example/acme/shop/cart/-/jobs/796"
    "#);
}

#[test]
fn one_deployment_from_its_beginning_to_its_end() {
    let told = [
        deployment("created", "2025-01-03 11:00:00 UTC"),
        deployment("running", "2025-01-03 13:00:00 +0100"),
        deployment("failed", "2025-01-03T12:05:00Z"),
    ];
    let all = events(told.iter().map(|fields| send(&body("deployment", fields.clone()).to_string())));
    assert_eq!(
        values(&merged(&all), &["status", "started_at", "finished_at"]),
        r#"status="failed" started_at="2025-01-03T12:00:00Z" finished_at="2025-01-03T12:05:00Z""#
    );
}

#[test]
fn every_status_has_a_meaning_and_a_new_one_is_refused() {
    let status = |word: &str| {
        let all = events([send(&body("deployment", deployment(word, "2025-01-03 12:00:00 UTC")).to_string())]);
        all[0].fields["status"].as_str().unwrap().to_owned()
    };
    for (word, native) in [
        ("created", "in_progress"),
        ("running", "in_progress"),
        ("blocked", "in_progress"),
        ("success", "succeeded"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
        ("skipped", "cancelled"),
    ] {
        assert_eq!(status(word), native, "{word}");
    }
    assert_eq!(
        told("deployment", deployment("odd", "2025-01-03 12:00:00 UTC")),
        "`status` is `odd`; it takes created, pending, running, blocked, success, failed, canceled, skipped (unknown_value)"
    );
    for word in ["approved", "rejected"] {
        assert_eq!(
            told("deployment", deployment(word, "2025-01-03 12:00:00 UTC")),
            "ignored: somebody approved or rejected a deployment: its own events tell how it goes"
        );
    }
}

#[test]
fn a_tag_deployed_is_a_version_and_a_hash_cut_short_is_taken_as_it_is() {
    let mut tagged = deployment("success", "2025-01-03 12:00:00 UTC");
    tagged["ref"] = json!("v1.2.0");
    tagged["commit_url"] = json!("https://gitlab.example/acme/shop/cart");
    let told = told("deployment", tagged);
    assert!(told.contains("version: \"v1.2.0\"") && !told.contains("branch"), "{told}");
    assert!(told.contains(&format!("sha: \"{}\"", &SHA[..8])), "{told}");
}

#[test]
fn a_time_that_does_not_say_where_is_refused() {
    assert_eq!(
        told("deployment", deployment("success", "2025-01-03 12:00:00")),
        "`status_changed_at` is `2025-01-03 12:00:00`; it takes 2025-01-31T12:00:00Z, 2025-01-31 12:00:00 UTC or \
         2025-01-31 13:00:00 +0100 (timestamp_without_offset)"
    );
}
