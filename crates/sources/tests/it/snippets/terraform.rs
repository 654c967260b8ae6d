//! What the examples for Terraform would set up, read from their text.

use std::collections::BTreeSet;

use domain::Timestamp;
use sources::{Delivery, find};

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
        let headers = vec![("x-github-event".to_owned(), event.to_owned())];
        let received_at = Timestamp::from_micros(0);
        let delivery = Delivery { source: "github", event: "webhook", headers: &headers, body: b"{}", received_at };
        // It is read: what is missing is its body, which nobody misses of an event that is ignored.
        assert!((source.parse)(&delivery).is_err(), "{event}");
    }
}

#[test]
fn gitlab_sends_what_is_read_to_where_it_is_read() {
    let file = text("terraform/webhooks/main.tf");
    let block = block(&file, "resource \"gitlab_project_hook\" \"leadline\" {");
    assert_eq!(value(&block, "url"), "${var.leadline_url}/webhooks/gitlab");
    assert_eq!((value(&block, "token"), value(&block, "enable_ssl_verification")), ("var.gitlab_token", "true"));
    let events = block.iter().filter(|(name, value)| name.ends_with("_events") && *value == "true");
    let events: BTreeSet<&str> = events.map(|(name, _)| name.trim_end_matches("_events")).collect();
    let wanted = [
        "push",
        "tag_push",
        "note",
        "merge_requests",
        "issues",
        "confidential_issues",
        "job",
        "pipeline",
        "deployment",
        "releases",
    ];
    assert_eq!(events, BTreeSet::from(wanted));
}

#[test]
fn a_workload_says_of_itself_what_is_looked_for() {
    let file = text("terraform/kubernetes/main.tf");
    let block = block(&file, "resource \"kubernetes_annotations\" \"leadline\" {");
    let annotations = ["info/environment", "info/product", "info/team", "version", "repo"];
    for name in annotations {
        assert!(value(&block, name).starts_with("var."), "{name}");
    }
    // In the pod template: there they are rolled out with the code they tell of.
    assert_eq!(value(&block, "template_annotations"), "{");
}
