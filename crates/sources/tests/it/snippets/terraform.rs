//! What the examples for Terraform would set up, read from their text.

use std::collections::BTreeSet;

use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};
use sources::{Delivery, Parsed, find};

use super::text;

/// `name = value` of a block that begins with a line, braces and all that is deeper included.
fn block<'a>(file: &'a str, line: &str) -> Vec<(&'a str, &'a str)> {
    let lines = file.lines().skip_while(|found| *found != line);
    let lines = lines.skip(1).take_while(|line| *line != "}");
    let pairs: Vec<_> = lines.filter_map(|line| line.trim().split_once('=')).collect();
    assert!(!pairs.is_empty(), "no block `{line}`");
    pairs.into_iter().map(|(name, value)| (name.trim().trim_matches('"'), value.trim().trim_matches('"'))).collect()
}

fn value<'a>(block: &[(&'a str, &'a str)], name: &str) -> &'a str {
    block.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn read(source: &str, headers: &[(&str, &str)], body: &str) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let delivery = Delivery { source, event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
    (find(source).unwrap().parse)(&delivery)
}

#[test]
fn github_sends_what_is_read_to_where_it_is_read() {
    let file = text("terraform/webhooks/main.tf");
    let source = find("github").unwrap();
    for resource in [
        "resource \"github_organization_webhook\" \"leadline\" {",
        "resource \"github_repository_webhook\" \"leadline\" {",
    ] {
        let block = block(&file, resource);
        let path = value(&block, "url").strip_prefix("${var.leadline_url}").unwrap();
        assert!(source.routes.iter().any(|route| route.path == path), "{path}");
        assert_eq!(value(&block, "content_type"), "json");
        assert_eq!((value(&block, "secret"), value(&block, "insecure_ssl")), ("var.github_secret", "false"));
        assert_eq!(value(&block, "events"), "local.github_events");
    }
    let events = file.split("github_events = [").nth(1).unwrap().split(']').next().unwrap();
    let events: BTreeSet<&str> = events.split([',', '\n']).map(|event| event.trim().trim_matches('"')).collect();
    let events: Vec<&str> = events.into_iter().filter(|event| !event.is_empty()).collect();
    assert_eq!(events.len(), 9);
    for event in events {
        // It is read: what is missing is its body, which nobody misses of an event that is ignored.
        assert!(read("github", &[("x-github-event", event)], "{}").is_err(), "{event}");
    }
}

#[test]
fn gitlab_sends_what_is_read_to_where_it_is_read() {
    let file = text("terraform/webhooks/main.tf");
    let block = block(&file, "resource \"gitlab_project_hook\" \"leadline\" {");
    assert_eq!(value(&block, "url"), "${var.leadline_url}/webhooks/gitlab");
    assert_eq!((value(&block, "token"), value(&block, "enable_ssl_verification")), ("var.gitlab_token", "true"));
    assert!(find("gitlab").unwrap().routes.iter().any(|route| route.path == "/webhooks/gitlab"));
    let events = block.iter().filter(|(name, value)| name.ends_with("_events") && *value == "true");
    let events: BTreeSet<&str> = events.map(|(name, _)| name.trim_end_matches("_events")).collect();
    // What GitLab calls the bodies of each.
    let kinds = [
        ("push", "push"),
        ("tag_push", "tag_push"),
        ("note", "note"),
        ("merge_requests", "merge_request"),
        ("issues", "issue"),
        ("confidential_issues", "issue"),
        ("job", "build"),
        ("pipeline", "pipeline"),
        ("deployment", "deployment"),
        ("releases", "release"),
    ];
    assert_eq!(events, kinds.iter().map(|(event, _)| *event).collect());
    for (_, kind) in kinds {
        let body = json!({"object_kind": kind}).to_string();
        // It is read: what is missing is the rest of its body.
        assert!(read("gitlab", &[], &body).is_err(), "{kind}");
    }
}

#[test]
fn a_workload_says_of_itself_what_is_looked_for() {
    let file = text("terraform/kubernetes/main.tf");
    let block = block(&file, "resource \"kubernetes_annotations\" \"leadline\" {");
    // In the pod template: there they are rolled out with the code they tell of.
    assert_eq!(value(&block, "template_annotations"), "{");
    let annotations = [
        ("info/environment", "production"),
        ("info/product", "shop"),
        ("info/team", "checkout"),
        ("version", "v2.4.1"),
        ("repo", "https://git.example.com/acme/cart"),
    ];
    let given = |name: &str| value(&block, name).starts_with("var.");
    assert!(annotations.iter().all(|(name, _)| given(name)));
    let annotations: Map<String, Value> =
        annotations.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let mut workload = crate::samples::sample("/webhooks/kubernetes");
    workload["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "3"});
    workload["spec"]["template"]["metadata"] = json!({"annotations": annotations});
    let event = read("kubernetes", &[], &workload.to_string()).unwrap().events.remove(0).unwrap();
    for (name, value) in [
        ("environment", "production"),
        ("product", "shop"),
        ("team", "checkout"),
        ("version", "v2.4.1"),
        ("repo", "acme/cart"),
    ] {
        assert_eq!(event.fields[name], value, "{name}");
    }
}
