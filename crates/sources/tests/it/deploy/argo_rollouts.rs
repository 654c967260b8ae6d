//! The notifications of Argo Rollouts.

use serde_json::json;

use super::template::render;
use super::{block, file};
use crate::argo_rollouts::{analysis, read, rollout};
use crate::told::events;

#[test]
fn each_notification_is_read() {
    let file = file("argo-rollouts/notifications.yaml");
    for (template, told) in [
        ("leadline-completed", ["deployment succeeded", "canary_analysis"]),
        ("leadline-aborted", ["deployment failed", "canary_analysis"]),
        ("leadline-analysis", ["canary_analysis", ""]),
    ] {
        let template = block(&block(&file, &format!("template.{template}: |")), "body: |");
        // Before what is told, as Argo Rollouts has it.
        let before = rollout(json!({"/status/stableRS": "7d84d44bb8"}));
        let values = json!({"rollout": before, "analysisRuns": [analysis("Failed", json!({}))]});
        let all = events([read(&render(&template, &values))]);
        let kinds: Vec<String> = all
            .iter()
            .map(|event| {
                format!(
                    "{} {}",
                    event.key.kind,
                    event.fields.get("status").map_or("", |status| status.as_str().unwrap())
                )
            })
            .collect();
        let told: Vec<&str> = told.into_iter().filter(|told| !told.is_empty()).collect();
        assert_eq!(kinds.iter().map(|kind| kind.trim()).collect::<Vec<_>>(), told);
        // Without analyses there is no such value.
        let none = render(&template, &json!({"rollout": rollout(json!({}))}));
        assert!(read(&none).is_ok(), "{none}");
    }
}

#[test]
fn every_trigger_sends_a_template_that_is_there_and_all_are_subscribed_to() {
    let file = file("argo-rollouts/notifications.yaml");
    let subscriptions = block(&file, "subscriptions: |");
    for line in file.lines().filter_map(|line| line.trim().strip_prefix("trigger.")) {
        let trigger = line.trim_end_matches(": |");
        let sent = block(&file, &format!("trigger.{line}"));
        let name = sent.trim().trim_start_matches("- send: [").trim_end_matches(']').to_owned();
        assert!(file.contains(&format!("template.{name}: |")), "{name}");
        assert!(subscriptions.contains(trigger), "{trigger}");
    }
}
