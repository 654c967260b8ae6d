//! The catalogue in three formats, and every node of the tree.

use serde_json::{Value, json};

use crate::support::{Running, start};

fn deployment(id: &str, component: &str, day: u8) -> Value {
    json!({"type": "deployment", "id": id, "component": component, "environment": "prod", "status": "succeeded",
        "version": format!("1.0.{day}"), "finished_at": format!("2025-01-0{day}T00:00:00Z")})
}

fn nodes(server: &Running) -> Vec<String> {
    let tree = server.get("/api/v1/tree?from=2025-01-01&to=2025-01-11").expect(200);
    tree["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| node["node"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn what_waits_under_unassigned_is_placed_when_the_catalogue_knows_it() {
    let server = start();
    server.post("/api/v1/events", &json!([deployment("1", "cart", 1), deployment("2", "cart", 2)])).expect(202);
    assert!(nodes(&server).contains(&"component:unassigned/cart".to_owned()));
    let toml = "[[platforms]]\nname = \"commerce\"\n[[platforms.domains]]\nname = \"web\"\n[[platforms.domains.products]]\nname = \"shop\"\nteam = \"checkout\"\n[[platforms.domains.products.components]]\nname = \"cart\"\n";
    server.admin("PUT", "/api/v1/catalogue", "application/toml", toml).expect(200);
    let found = nodes(&server);
    for node in [
        "group",
        "platform:commerce",
        "domain:web",
        "product:shop",
        "component:shop/cart",
        "instance:shop/cart@default",
        "team:checkout",
    ] {
        assert!(found.contains(&node.to_owned()), "{node} in {found:?}");
        let answer = server
            .get(&format!("/api/v1/metrics?node={node}&metric=deployment_frequency&from=2025-01-01&to=2025-01-11"))
            .expect(200);
        assert_eq!(answer["metrics"]["deployment_frequency"]["value"], 0.2, "{node}");
    }
    assert!(!found.iter().any(|node| node.contains("unassigned")), "{found:?}");
    let yaml = "platforms:\n  - name: retail\n    domains:\n      - name: web\n        products:\n          - name: till\n            components:\n              - name: cart\n";
    server.admin("PUT", "/api/v1/catalogue", "application/yaml", yaml).expect(200);
    let found = nodes(&server);
    assert!(
        found.contains(&"component:till/cart".to_owned()) && !found.contains(&"product:shop".to_owned()),
        "{found:?}"
    );
    let catalogue = server.get("/api/v1/catalogue").expect(200);
    assert_eq!(catalogue["platforms"][0]["name"], "retail");
    assert_eq!(server.admin("PUT", "/api/v1/catalogue", "application/json", &catalogue.to_string()).status, 200);
}

#[test]
fn a_catalogue_that_cannot_be_used_says_where() {
    let server = start();
    for (content_type, text, expected) in [
        ("application/json", r#"{"platforms": [{"name": "a"}, {"name": "a"}]}"#, "the platform name `a` is used twice"),
        ("application/json", r#"{"platform": []}"#, "unknown field `platform`"),
        ("application/toml", "[[platforms]]\nnam = 1\n", "nam"),
        ("application/yaml", "platforms: {", "line"),
    ] {
        let answer = server.admin("PUT", "/api/v1/catalogue", content_type, text);
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (422, Some("catalogue_invalid")),
            "{}",
            answer.text
        );
        assert!(answer.json()["message"].as_str().is_some_and(|message| message.contains(expected)), "{}", answer.text);
    }
}

#[test]
fn a_short_name_that_fits_two_components_is_ambiguous() {
    let server = start();
    let mut events = vec![deployment("1", "api", 1), deployment("2", "api", 2)];
    events[0]["product"] = json!("shop");
    events[1]["product"] = json!("till");
    server.post("/api/v1/events", &json!(events)).expect(202);
    let answer = server.get("/api/v1/metrics?node=component:api");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (409, Some("ambiguous")));
    assert!(answer.text.contains("shop/api") && answer.text.contains("till/api"));
    server.get("/api/v1/metrics?node=component:till/api").expect(200);
}

#[test]
fn events_may_tell_where_their_product_belongs() {
    let server = start();
    let mut event = deployment("1", "cart", 1);
    for (key, value) in [("product", "shop"), ("domain", "web"), ("platform", "commerce"), ("team", "checkout")] {
        event[key] = json!(value);
    }
    server.post("/api/v1/events", &event).expect(202);
    let found = nodes(&server);
    assert!(
        ["platform:commerce", "domain:web", "team:checkout"].iter().all(|node| found.contains(&(*node).to_owned())),
        "{found:?}"
    );
}

#[test]
fn labels_filter_down_to_the_instance() {
    let server = start();
    let toml = "[[platforms]]\nname = \"p\"\n[[platforms.domains]]\nname = \"d\"\n[[platforms.domains.products]]\nname = \"shop\"\nlabels = { tier = \"1\" }\n[[platforms.domains.products.components]]\nname = \"cart\"\n[[platforms.domains.products.components.instances]]\nname = \"eu\"\nlabels = { business_unit = \"retail\" }\n[[platforms.domains.products.components.instances]]\nname = \"us\"\nlabels = { business_unit = \"outlet\" }\n";
    server.admin("PUT", "/api/v1/catalogue", "application/toml", toml).expect(200);
    let mut events: Vec<Value> = (1..=4).map(|day| deployment(&day.to_string(), "cart", day)).collect();
    for (event, instance) in events.iter_mut().zip(["eu", "eu", "us", "eu"]) {
        event["instance"] = json!(instance);
    }
    server.post("/api/v1/events", &json!(events)).expect(202);
    let count = |filter: &str| {
        let path = format!("/api/v1/metrics?metric=deployment_frequency&from=2025-01-01&to=2025-01-11&{filter}");
        server.get(&path).expect(200)["metrics"]["deployment_frequency"]["n"].as_u64()
    };
    assert_eq!(count("label.business_unit=retail"), Some(3));
    assert_eq!(count("label.business_unit=outlet"), Some(1));
    assert_eq!(count("label.tier=1"), Some(4));
    assert_eq!(count("label.tier=1&label.business_unit=none"), Some(0));
}

/// One question about what is below a node gives what a question a node gives.
#[test]
fn children_answer_at_once_what_each_answers_alone() {
    let server = start();
    let toml = "[[platforms]]\nname = \"commerce\"\n[[platforms.domains]]\nname = \"web\"\n[[platforms.domains.products]]\nname = \"shop\"\nteam = \"checkout\"\n[[platforms]]\nname = \"idle\"\n[[platforms.domains]]\nname = \"attic\"\n[[platforms.domains.products]]\nname = \"empty\"\nteam = \"checkout\"\n";
    server.admin("PUT", "/api/v1/catalogue", "application/toml", toml).expect(200);
    server.post("/api/v1/events", &Value::Array(crate::worked_example::events())).expect(202);
    let question = "from=2025-01-01&to=2025-01-11&bucket=day&zone=Europe/Paris&compare=previous&distribution=true&metric=deployment_frequency,lead_time,change_failure_rate,time_to_restore,rework_rate,burn_rate";
    let mut asked = 0;
    for definition in ["dora", "rex", "fawkes", "examples"] {
        for node in ["group", "platform:commerce", "domain:web", "team:checkout", "product:shop", "component:cart"] {
            let path = format!("/api/v1/children?node={node}&definition={definition}&{question}");
            let below = server.get(&path).expect(200);
            let below = below["children"].as_array().expect("answers");
            assert!(!below.is_empty(), "{node}");
            for answer in below {
                let name = answer["node"].as_str().expect("a name");
                let path = format!("/api/v1/metrics?node={name}&definition={definition}&{question}");
                let mut alone = server.get(&path).expect(200);
                alone["as_of"] = answer["as_of"].clone();
                assert_eq!(answer, &alone, "{name} under {definition}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 40);
    let nothing = server.get("/api/v1/children?node=instance:cart@default").expect(200);
    assert_eq!(nothing["children"], json!([]));
}
