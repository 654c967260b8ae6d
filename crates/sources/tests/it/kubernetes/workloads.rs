//! What a workload says of itself, and in which documents it comes.

use serde_json::json;

use super::{deployment, only, send, tell, told, watched, with};

#[test]
fn a_deployment_that_is_rolled_out() {
    insta::assert_snapshot!(told(&deployment()), @r#"
    deployment kubernetes/7f9c24e8-3b12-4fef-91d8-5e2a1a7d0c11:3
      component: "cart"
      config_hash: "3e97d3c72249fd3e8dcfbc49b862b5b1"
      environment: "prod"
      finished_at: "2025-02-03T10:02:00Z"
      id: "7f9c24e8-3b12-4fef-91d8-5e2a1a7d0c11:3"
      images: ["r.example:5000/shop/cart:2.4.1"]
      instance: "kubernetes/shop"
      labels: {"cluster":"kubernetes","namespace":"shop","kind":"Deployment"}
      marks: ["cluster:kubernetes","namespace:shop","workload:cart","repository:acme/cart","image:r.example:5000/shop/cart","application:shop-eu","label:app.kubernetes.io/name=cart","label:app.kubernetes.io/part-of=shop","label:app.kubernetes.io/instance=shop-eu"]
      product: "shop"
      repo: "acme/cart"
      status: "succeeded"
      updated_at: "2025-02-03T10:02:00Z"
      version: "v2.4.1"
    "#);
}

#[test]
fn the_cluster_is_the_source_unless_it_is_named() {
    let body = deployment().to_string();
    assert_eq!(only(send("kubernetes", &[], &body)).fields["instance"], "kubernetes/shop");
    assert_eq!(only(send("kubernetes", &[("leadline-cluster", "us")], &body)).fields["instance"], "us/shop");
    assert_eq!(only(watched(&[], &deployment())).fields["instance"], "eu/shop");
}

#[test]
fn what_is_not_said_is_taken_from_what_is() {
    let bare = with(
        deployment(),
        &[
            ("/metadata/annotations", json!({"deployment.kubernetes.io/revision": "3"})),
            ("/metadata/labels", json!({})),
            ("/spec/template/metadata/labels", json!({"version": "v1"})),
        ],
    );
    let event = only(watched(&[], &bare));
    let field = |name: &str| event.fields.get(name).and_then(|value| value.as_str());
    // The tag of the image, not the label a mesh routes by; the namespace is where it runs.
    assert_eq!((field("version"), field("environment")), (Some("2.4.1"), Some("shop")));
    assert_eq!((field("component"), field("repo"), field("product")), (Some("cart"), None, None));
    assert!(!event.fields.contains_key("environment_assumed"));
}

#[test]
fn a_tag_that_moves_is_no_version() {
    for image in ["r.example/cart:latest", "r.example/cart", "r.example:5000/cart@sha256:0a0a"] {
        let bare = with(
            deployment(),
            &[
                ("/metadata/annotations/version", json!(null)),
                ("/metadata/labels", json!({})),
                ("/spec/template/spec/containers/0/image", json!(image)),
            ],
        );
        assert_eq!(only(watched(&[], &bare)).fields.get("version"), None, "{image}");
    }
}

#[test]
fn the_container_that_matters_tells_the_version() {
    let pods = json!([{"name": "proxy", "image": "r.example/proxy:9"}, {"name": "cart", "image": "r.example/cart:3"},
        {"name": "other", "image": "r.example/other:5"}]);
    let base = with(
        deployment(),
        &[
            ("/metadata/annotations/version", json!(null)),
            ("/metadata/labels", json!({})),
            ("/spec/template/spec/containers", pods),
        ],
    );
    let version = |object: &serde_json::Value| only(watched(&[], object)).fields["version"].clone();
    assert_eq!(version(&base), "3");
    let chosen = json!({"kubectl.kubernetes.io/default-container": "other"});
    assert_eq!(version(&with(base.clone(), &[("/spec/template/metadata/annotations", chosen)])), "5");
    assert_eq!(version(&with(base, &[("/metadata/name", json!("basket"))])), "9");
}

#[test]
fn names_of_annotations_can_be_ones_own() {
    let object = with(
        deployment(),
        &[("/metadata/annotations/acme.io~1stage", json!("live")), ("/metadata/labels/release", json!("2025.3"))],
    );
    let names = [("leadline-names", "environment=acme.io/stage, version=release,component=absent")];
    let event = only(watched(&names, &object));
    assert_eq!((&event.fields["environment"], &event.fields["version"]), (&json!("live"), &json!("2025.3")));
    assert_eq!(event.fields["component"], "cart");
    let wrong = [("leadline-names", "enviroment=x")];
    insta::assert_snapshot!(tell(watched(&wrong, &object)), @"`enviroment=x` is no name of an annotation; write `FIELD=NAME`, FIELD one of environment, component, product, domain, platform, team, instance, version, sha, repo, branch (unknown_value)");
    assert!(sources::kubernetes::check_names("team=owner").is_ok());
    assert!(sources::kubernetes::check_names("team=").is_err());
}

#[test]
fn what_the_tools_call_the_application_is_marked() {
    let object = with(
        deployment(),
        &[
            ("/metadata/labels/app.kubernetes.io~1instance", json!("shop-eu")),
            ("/metadata/annotations/argocd.argoproj.io~1tracking-id", json!("shop:apps/Deployment:shop/cart")),
            ("/metadata/annotations/meta.helm.sh~1release-name", json!("cart-release")),
        ],
    );
    let marks = only(watched(&[], &object)).fields["marks"].to_string();
    for name in ["shop", "shop-eu", "cart-release"] {
        assert!(marks.contains(&format!("\"application:{name}\"")), "{marks}");
    }
}

#[test]
fn lists_and_events_of_a_watch_are_unwrapped() {
    let other = with(deployment(), &[("/metadata/uid", json!("other")), ("/kind", json!(null))]);
    let list =
        json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {}, "items": [other, deployment()]});
    assert_eq!(send("kubernetes", &[], &list.to_string()).unwrap().events.len(), 2);
    let added = json!({"type": "ADDED", "object": deployment()});
    assert_eq!(tell(send("kubernetes", &[], &added.to_string())), told(&deployment()));
    for (kind, why) in [
        ("DELETED", "it was deleted: what it was deployed as stays"),
        ("BOOKMARK", "`BOOKMARK` says nothing of a workload"),
    ] {
        assert_eq!(told(&json!({"type": kind, "object": deployment()})), format!("ignored: {why}"));
    }
}

#[test]
fn what_is_no_workload_is_ignored() {
    let of = |kind: &str| told(&with(deployment(), &[("/kind", json!(kind))]));
    assert_eq!(of("ReplicaSet"), "ignored: a ReplicaSet belongs to a workload, which tells of its rollout");
    assert_eq!(of("CronJob"), "ignored: a CronJob is no workload that is rolled out");
    assert_eq!(of("\u{1b}[31m"), "ignored: a \\u{1b}[31m is no workload that is rolled out");
    let empty = json!({"kind": "List", "apiVersion": "v1", "items": []});
    assert_eq!(told(&empty), "ignored: an empty list");
    let manifest = with(deployment(), &[("/metadata/uid", json!(null))]);
    assert_eq!(
        told(&manifest),
        "ignored: Deployment shop/cart has no uid: it is a manifest, not what runs in a cluster"
    );
}
