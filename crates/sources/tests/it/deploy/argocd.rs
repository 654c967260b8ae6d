//! Argo CD's notifications.

use serde_json::json;

use super::template::render;
use super::{block, file};
use crate::argocd::{application, read};
use crate::told::events;

#[test]
fn the_notification_tells_what_the_api_tells() {
    let template = block(&block(&file("argocd/notifications.yaml"), "template.leadline: |"), "body: |");
    for application in [
        application(json!({})),
        application(
            json!({"/status/operationState/phase": "Failed", "/status/operationState/message": "one \"or\" more\nfailed"}),
        ),
        application(json!({"/status/health": {"status": "Degraded", "lastTransitionTime": "2025-01-03T12:20:00Z"}})),
        application(
            json!({"/status/history": null, "/status/operationState/phase": "Error", "/status/operationState/syncResult": null}),
        ),
        application(json!({"/status/operationState": null, "/spec/source": null, "/metadata/labels": null,
            "/spec/sources": [{"repoURL": "https://git.example/acme/one"}, {"repoURL": "https://git.example/acme/two"}]})),
    ] {
        let values = json!({"app": application, "context": {"argocdUrl": "https://argocd.example"}});
        let body = render(&template, &values);
        let mut sent = events([read(&body)]);
        assert!(!sent.is_empty());
        // Only the notification knows where Argo CD is.
        for event in &mut sent {
            assert_eq!(event.fields.remove("url").unwrap(), "https://argocd.example/applications/cart");
        }
        assert_eq!(sent, events([read(&application.to_string())]));
    }
}

#[test]
fn it_goes_to_the_route_and_carries_a_token_of_a_secret() {
    let service = block(&file("argocd/notifications.yaml"), "service.webhook.leadline: |");
    assert!(service.contains("/webhooks/argocd\n") && service.contains("value: Bearer $leadline-token"), "{service}");
}
