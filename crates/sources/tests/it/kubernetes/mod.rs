//! Kubernetes: workloads as they are pushed and watched, and audit logs.

mod any;
mod audit;
mod rollouts;
mod shared;
mod watched;
mod workloads;

use domain::event::{Entity, Event};
use domain::{Problem, Timestamp};
use serde_json::{Value, json};
use sources::poll::Page;
use sources::{Delivery, Parsed, find};

pub(crate) const UID: &str = "7f9c24e8-3b12-4fef-91d8-5e2a1a7d0c11";

/// A push to `/webhooks/NAME`.
pub(crate) fn send(source: &str, headers: &[(&str, &str)], body: &str) -> Result<Parsed, Problem> {
    deliver(source, "webhook", headers, body)
}

pub(crate) fn deliver(source: &str, event: &str, headers: &[(&str, &str)], body: &str) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    (find(source).unwrap().parse)(&Delivery { source, event, headers: &headers, body: body.as_bytes(), received_at })
}

/// An object as it is watched, of the cluster `eu`.
pub(crate) fn watched(headers: &[(&str, &str)], object: &Value) -> Result<Parsed, Problem> {
    let mut all = vec![(Page::REPOSITORY, "eu"), (Page::RESOURCE, "deployments")];
    all.extend(headers);
    deliver("kubernetes", Page::EVENT, &all, &object.to_string())
}

/// Everything that is told, fields in alphabetical order.
pub(crate) fn tell(parsed: Result<Parsed, Problem>) -> String {
    let tell = |event: Result<Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match parsed {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

pub(crate) fn told(object: &Value) -> String {
    tell(send("kubernetes", &[], &object.to_string()))
}

/// The one event of a delivery.
pub(crate) fn only(parsed: Result<Parsed, Problem>) -> Event {
    let mut events = parsed.unwrap().events;
    assert_eq!(events.len(), 1);
    events.remove(0).unwrap()
}

/// The one entity that several contents tell of, the same in whatever order they come.
pub(crate) fn merged(events: &[Event]) -> Entity {
    let mut entity = Entity::default();
    for event in events {
        assert_eq!(event.key, events[0].key);
        entity.merge(event);
    }
    let mut reversed = Entity::default();
    events.iter().rev().for_each(|event| {
        reversed.merge(event);
    });
    assert_eq!(entity, reversed);
    entity
}

/// A Deployment in its third revision, rolled out.
pub(crate) fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cart", "namespace": "shop", "uid": UID, "generation": 7, "resourceVersion": "9001",
            "creationTimestamp": "2025-01-05T08:00:00Z",
            "labels": {"app.kubernetes.io/name": "cart", "app.kubernetes.io/part-of": "shop",
                "app.kubernetes.io/instance": "shop-eu", "app.kubernetes.io/version": "2.4.0"},
            "annotations": {"deployment.kubernetes.io/revision": "3", "info/environment": "prod",
                "version": "v2.4.1", "repo": "https://github.com/acme/cart.git"}},
        "spec": {"replicas": 3, "template": template("r.example:5000/shop/cart:2.4.1", "info")},
        "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                    "lastUpdateTime": "2025-01-05T08:01:00Z", "lastTransitionTime": "2025-01-05T08:01:00Z"},
                progress("True", "NewReplicaSetAvailable", "2025-02-03T10:02:00Z")]}})
}

pub(crate) fn template(image: &str, level: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "cart", "image": image, "env": [{"name": "LOG_LEVEL", "value": level}]}]}})
}

pub(crate) fn progress(status: &str, reason: &str, at: &str) -> Value {
    json!({"type": "Progressing", "status": status, "reason": reason, "message": format!("ReplicaSet cart: {reason}."),
        "lastUpdateTime": at, "lastTransitionTime": "2025-01-05T08:00:00Z"})
}

/// With some values replaced, by JSON pointers; null takes a value away.
pub(crate) fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let name = name.replace("~1", "/");
        let parent = object.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent if value.is_null() => {
                parent.as_object_mut().unwrap().remove(&name);
            }
            parent => parent[&name] = value.clone(),
        }
    }
    object
}
