//! What only one who watches knows: which images ran before, since when, and that a revision has come again.

use serde_json::json;
use sources::kubernetes::{standing, stripped};

use super::{UID, deployment, only, send, template, watched, with};

#[test]
fn the_same_images_in_another_revision_are_a_change_of_configuration() {
    let before = |images: &str| {
        let event = only(watched(&[("leadline-images-before", images)], &deployment()));
        event.fields.get("change_kind").cloned()
    };
    assert_eq!(before(r#"["r.example:5000/shop/cart:2.4.1"]"#), Some(json!("config")));
    assert_eq!(before(r#"["r.example:5000/shop/cart:2.4.0"]"#), None);
    assert_eq!(before("[]"), None);
    // Behind a tag that moves there may be other code.
    let moving = with(deployment(), &[("/spec/template", template("r.example/cart:latest", "info"))]);
    let event = only(watched(&[("leadline-images-before", r#"["r.example/cart:latest"]"#)], &moving));
    assert_eq!(event.fields.get("change_kind"), None);
    assert!(watched(&[("leadline-images-before", "cart")], &deployment()).is_err());
}

#[test]
fn the_hash_of_the_configuration_changes_with_it_and_not_with_the_image() {
    let hash = |image: &str, level: &str| {
        let object = with(deployment(), &[("/spec/template", template(image, level))]);
        only(watched(&[], &object)).fields["config_hash"].clone()
    };
    assert_eq!(hash("a:1", "info"), hash("a:2", "info"));
    assert_ne!(hash("a:1", "info"), hash("a:1", "debug"));
}

#[test]
fn when_it_began_is_when_its_revision_was_first_seen() {
    let since = |at: &str| only(watched(&[("leadline-since", at)], &deployment())).fields.get("started_at").cloned();
    assert_eq!(since("2025-02-03T10:00:00.5Z"), Some(json!("2025-02-03T10:00:00.5Z")));
    // Clocks differ, and the cluster's counts whole seconds: nothing ends before it begins.
    assert_eq!(since("2025-02-03T10:02:00.5Z"), None);
}

#[test]
fn a_revision_that_comes_again_is_another_deployment() {
    let id = |turn: &str| only(watched(&[("leadline-turn", turn)], &deployment())).key.id.to_string();
    assert_eq!((id("1"), id("2")), (format!("{UID}:3"), format!("{UID}:3~2")));
    assert!(watched(&[("leadline-turn", "twice")], &deployment()).is_err());
}

#[test]
fn an_end_that_nobody_saw_and_nobody_tells_is_not_made_up() {
    let silent = with(deployment(), &[("/status/conditions", json!([]))]);
    let parsed = watched(&[("leadline-found", "1")], &silent).unwrap();
    assert_eq!(
        parsed.ignored.as_deref(),
        Some("Deployment shop/cart: its rollout had ended before anybody looked, and a Deployment does not tell when")
    );
    // One that tells is believed.
    assert_eq!(only(watched(&[("leadline-found", "1")], &deployment())).fields["finished_at"], "2025-02-03T10:02:00Z");
}

#[test]
fn a_sender_does_not_say_what_only_a_watcher_knows() {
    let headers = [("leadline-images-before", r#"["r.example:5000/shop/cart:2.4.1"]"#), ("leadline-turn", "2")];
    let event = only(send("kubernetes", &headers, &deployment().to_string()));
    assert_eq!(event.fields.get("change_kind"), None);
    assert_eq!(*event.key.id, format!("{UID}:3"));
}

#[test]
fn what_is_kept_of_an_object_holds_no_values_of_variables() {
    let object = with(
        deployment(),
        &[
            ("/metadata/managedFields", json!([{"manager": "argocd"}])),
            (
                "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
                json!("{\"LOG_LEVEL\":\"info\"}"),
            ),
            ("/spec/template/spec/containers/0/env/0/value", json!("hunter2")),
        ],
    );
    let kept = |object: &serde_json::Value| serde_json::Value::Object(stripped(object.as_object().unwrap().clone()));
    let text = kept(&object).to_string();
    for gone in ["managedFields", "last-applied", "hunter2"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    // A change of a value is seen, and everything else told is the same.
    let other = with(object.clone(), &[("/spec/template/spec/containers/0/env/0/value", json!("hunter3"))]);
    assert_ne!(kept(&object), kept(&other));
    let mut events = [only(watched(&[], &object)), only(watched(&[], &kept(&object)))];
    for event in &mut events {
        event.fields.remove("config_hash");
    }
    assert_eq!(events[0], events[1]);
}

#[test]
fn two_objects_of_equal_standing_tell_the_same() {
    let of = |object: serde_json::Value| standing(object.as_object().unwrap());
    let standing = of(deployment()).unwrap();
    assert_eq!((&*standing.uid, &*standing.revision, standing.ended), (UID, "3", true));
    assert_eq!(standing.images, ["r.example:5000/shop/cart:2.4.1"]);
    // Pods come and go, versions of the resource count on.
    let same =
        with(deployment(), &[("/metadata/resourceVersion", json!("9002")), ("/status/availableReplicas", json!(2))]);
    assert_eq!(of(same), Some(standing.clone()));
    for (pointer, value) in [
        ("/metadata/annotations/info~1environment", json!("staging")),
        ("/metadata/annotations/deployment.kubernetes.io~1revision", json!("4")),
        ("/spec/template", template("r.example/cart:3", "info")),
        ("/status/updatedReplicas", json!(1)),
    ] {
        assert_ne!(of(with(deployment(), &[(pointer, value)])), Some(standing.clone()), "{pointer}");
    }
    assert_eq!(of(with(deployment(), &[("/metadata/generation", json!(8))])), None);
    assert_eq!(of(with(deployment(), &[("/kind", json!("Pod"))])), None);
}
