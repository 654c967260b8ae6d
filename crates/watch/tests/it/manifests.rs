//! The manifests of `deploy/kubernetes`, read as the cluster and the tools would read them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kube::config::Kubeconfig;
use serde::Deserialize;
use serde_json::{Value, json};
use sources::kubernetes::KINDS;
use sources::{Delivery, find};

fn read(name: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kubernetes")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents(text: &str) -> Vec<Value> {
    serde_norway::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

fn document(name: &str) -> Value {
    documents(&read(name)).remove(0)
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_role_may_read_what_is_watched_and_nothing_else() {
    let all = documents(&read("rbac.yaml"));
    let of = |kind: &str| all.iter().find(|document| document["kind"] == kind).unwrap();
    let rules = of("ClusterRole")["rules"].as_array().unwrap();
    let mut allowed = BTreeSet::new();
    for rule in rules {
        assert_eq!(texts(&rule["verbs"]), BTreeSet::from(["get", "list", "watch"]));
        for group in texts(&rule["apiGroups"]) {
            allowed.extend(texts(&rule["resources"]).into_iter().map(|resource| (group, resource)));
        }
    }
    assert_eq!(allowed, KINDS.iter().map(|kind| (kind.group, kind.plural)).collect());
    let (binding, account) = (of("ClusterRoleBinding"), of("ServiceAccount"));
    assert_eq!(binding["roleRef"]["name"], of("ClusterRole")["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["name"], account["metadata"]["name"]);
    assert_eq!(binding["subjects"][0]["namespace"], account["metadata"]["namespace"]);
    let token = document("remote-token.yaml");
    assert_eq!(token["metadata"]["annotations"]["kubernetes.io/service-account.name"], account["metadata"]["name"]);
}

/// The level at which a policy logs a request: that of the first rule that fits.
fn level<'a>(policy: &'a Value, verb: &str, group: &str, resource: &str) -> &'a str {
    let fits = |rule: &&Value| {
        let verbs = rule["verbs"].is_null() || texts(&rule["verbs"]).contains(verb);
        let of = |resources: &Value| resources["group"] == group && texts(&resources["resources"]).contains(resource);
        let resources = rule["resources"].as_array().is_none_or(|all| all.iter().any(of));
        verbs && resources && rule["userGroups"].is_null()
    };
    policy["rules"].as_array().unwrap().iter().find(fits).unwrap()["level"].as_str().unwrap()
}

#[test]
fn the_audit_policy_logs_changes_of_workloads_whole_and_nothing_else() {
    let policy = document("audit-policy.yaml");
    assert_eq!((&policy["kind"], &policy["apiVersion"]), (&json!("Policy"), &json!("audit.k8s.io/v1")));
    for kind in KINDS {
        for verb in ["create", "update", "patch"] {
            assert_eq!(level(&policy, verb, kind.group, kind.plural), "RequestResponse", "{verb} {}", kind.plural);
            for part in ["scale", "status"] {
                let resource = format!("{}/{part}", kind.plural);
                assert_eq!(level(&policy, verb, kind.group, &resource), "None", "{verb} {resource}");
            }
        }
        for verb in ["get", "list", "watch", "delete"] {
            assert_eq!(level(&policy, verb, kind.group, kind.plural), "None", "{verb} {}", kind.plural);
        }
    }
    assert_eq!(level(&policy, "create", "", "secrets"), "None");
    assert!(!texts(&policy["omitStages"]).contains("ResponseComplete"));
}

#[test]
fn the_audit_webhook_is_a_kubeconfig_with_an_address_of_ours() {
    let config = Kubeconfig::from_yaml(&read("audit-webhook.yaml")).unwrap();
    let server = config.clusters[0].cluster.as_ref().unwrap().server.clone().unwrap();
    assert!(server.contains("/webhooks/"), "{server}");
    assert!(config.auth_infos[0].auth_info.as_ref().unwrap().token_file.is_some());
    assert_eq!(config.current_context.as_deref(), Some(&*config.contexts[0].name));
}

#[test]
fn the_filter_of_cloud_logging_lets_every_kind_through() {
    let filter = read("gke-filter.txt");
    for kind in KINDS {
        assert!(filter.contains(kind.plural), "{}", kind.plural);
    }
}

/// Maps are merged, everything else is replaced: what Kustomize makes of a patch without lists.
fn merge(object: &mut Value, patch: &Value) {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(object.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
        (object, patch) => *object = patch.clone(),
    }
}

/// What becomes of a manifest once a cluster has rolled it out.
fn told(mut object: Value) -> Value {
    merge(
        &mut object,
        &json!({"metadata": {"uid": "u-1", "generation": 1, "creationTimestamp": "2025-02-03T09:00:00Z",
                "annotations": {"deployment.kubernetes.io/revision": "1"}},
            "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                    "lastUpdateTime": "2025-02-03T09:01:00Z"}]}}),
    );
    let body = object.to_string();
    let received_at = domain::Timestamp::parse("2025-02-03T12:00:00Z").unwrap();
    let headers = [("leadline-cluster".to_owned(), "eu".to_owned())];
    let delivery =
        Delivery { source: "kubernetes", event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
    let mut parsed = (find("kubernetes").unwrap().parse)(&delivery).unwrap();
    assert_eq!(parsed.ignored, None);
    Value::Object(parsed.events.remove(0).unwrap().fields)
}

/// What every example says of `cart`.
fn is_cart(told: &Value, namespace: &str) {
    let wanted = [
        ("component", "cart"),
        ("environment", "prod"),
        ("product", "shop"),
        ("team", "checkout"),
        ("version", "v2.4.1"),
        ("repo", "acme/cart"),
        ("status", "succeeded"),
        ("instance", &format!("eu/{namespace}")),
    ];
    for (field, value) in wanted {
        assert_eq!(told[field], value, "{field}");
    }
}

#[test]
fn the_patch_of_kustomize_says_what_the_workload_is() {
    let overlay = document("kustomize/kustomization.yaml");
    let mut object = document(&format!("kustomize/{}", overlay["resources"][0].as_str().unwrap()));
    let patch = &overlay["patches"][0];
    assert_eq!(patch["target"]["kind"], object["kind"]);
    let name = object["metadata"]["name"].clone();
    merge(&mut object, &document(&format!("kustomize/{}", patch["path"].as_str().unwrap())));
    object["metadata"]["name"] = name;
    object["metadata"]["namespace"] = overlay["namespace"].clone();
    let image = &mut object["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, overlay["images"][0]["name"]);
    *image = json!(format!("{}:{}", image.as_str().unwrap(), overlay["images"][0]["newTag"].as_str().unwrap()));
    let told = told(object);
    is_cart(&told, "shop");
    assert_eq!(told["images"], json!(["registry.example.com/shop/cart:2.4.1"]));
}

/// Fills in `{{ … }}`: values, the release, and `quote`. Anything else fails.
fn render(template: &str, values: &Value) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (expression, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        let (path, filter) =
            expression.split_once('|').map_or((expression, ""), |(path, filter)| (path, filter.trim()));
        let value = match path.trim() {
            ".Release.Name" => "cart",
            path => {
                let pointer = path.strip_prefix(".Values").expect(path).replace('.', "/");
                values.pointer(&pointer).and_then(Value::as_str).expect(path)
            }
        };
        out.push_str(&if filter == "quote" { format!("{value:?}") } else { value.to_owned() });
        rest = after;
    }
    out + rest
}

#[test]
fn the_chart_of_helm_says_what_the_workload_is() {
    let values = document("helm/values.yaml");
    let named = read("helm/templates/_leadline.tpl");
    let named = named.trim().strip_prefix("{{- define \"leadline.annotations\" -}}").unwrap();
    let named = named.strip_suffix("{{- end }}").unwrap().trim();
    let indented: String = named.lines().map(|line| format!("\n        {line}")).collect();
    let template = read("helm/templates/deployment.yaml");
    let include = "\n        {{- include \"leadline.annotations\" . | nindent 8 }}";
    assert!(template.contains(include));
    let object = documents(&render(&template.replace(include, &indented), &values)).remove(0);
    let told = told(object);
    is_cart(&told, "default");
    assert!(told["marks"].to_string().contains("application:cart"));
}

#[test]
fn clusters_are_read_from_the_configuration() {
    let config: watch::Config = serde_json::from_value(json!({"clusters": [
        {"name": "eu"},
        {"name": "us", "source": "k8s-us", "kubeconfig": "/etc/leadline/us", "context": "us-1", "namespaces": ["shop"],
            "labels": "team=shop", "kinds": ["Deployment", "Rollout"], "names": "environment=acme.io/stage"}]}))
    .unwrap();
    assert_eq!(config.check(), Ok(()));
    assert_eq!((&*config.clusters[0].source, &*config.clusters[1].source), ("kubernetes", "k8s-us"));
    assert!(serde_json::from_value::<watch::Config>(json!({"clusters": [{"name": "eu", "token": "x"}]})).is_err());
}
