//! A cluster: a log of everything that happened to its objects, numbered as resource versions are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One thing that happened.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) plural: &'static str,
    /// ADDED, MODIFIED, DELETED, BOOKMARK.
    pub(crate) kind: &'static str,
    pub(crate) object: Value,
}

#[derive(Default)]
pub(crate) struct World {
    pub(crate) log: Vec<Event>,
    /// Watches from before this are answered 410.
    pub(crate) oldest: u64,
}

impl World {
    pub(crate) fn version(&self) -> u64 {
        100 + self.log.len() as u64
    }

    /// All objects of a kind as they were at a version.
    pub(crate) fn at(&self, plural: &str, version: u64) -> Vec<Value> {
        let mut objects = BTreeMap::new();
        for event in self.log.iter().filter(|event| event.plural == plural && event.version <= version) {
            let name = event.object["metadata"]["name"].to_string();
            match event.kind {
                "DELETED" => drop(objects.remove(&name)),
                "BOOKMARK" => {}
                _ => drop(objects.insert(name, event.object.clone())),
            }
        }
        objects.into_values().collect()
    }

    pub(crate) fn now(&self, plural: &str, name: &str) -> Option<Value> {
        self.at(plural, u64::MAX).into_iter().find(|object| object["metadata"]["name"] == name)
    }

    pub(crate) fn put(&mut self, plural: &'static str, mut object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let kind = if self.now(plural, &name).is_some() { "MODIFIED" } else { "ADDED" };
        let version = self.version() + 1;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        self.log.push(Event { version, plural, kind, object });
    }

    pub(crate) fn change(&mut self, plural: &'static str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.now(plural, name).unwrap();
        change(&mut object);
        self.put(plural, object);
    }

    pub(crate) fn delete(&mut self, plural: &'static str, name: &str) {
        let (mut object, version) = (self.now(plural, name).unwrap(), self.version() + 1);
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        self.log.push(Event { version, plural, kind: "DELETED", object });
    }

    pub(crate) fn bookmark(&mut self, plural: &'static str) {
        let version = self.version() + 1;
        let object = json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"resourceVersion": version.to_string()}});
        self.log.push(Event { version, plural, kind: "BOOKMARK", object });
    }

    /// Someone sets another image or another level of logging; the controller has seen neither.
    pub(crate) fn apply(&mut self, name: &str, image: &str, level: &str) {
        self.change("deployments", name, |object| {
            object["metadata"]["generation"] = json!(object["metadata"]["generation"].as_u64().unwrap() + 1);
            object["spec"]["template"] = template(image, level);
        });
    }

    /// The controller takes it up: another revision, no new pod is there yet.
    pub(crate) fn begin(&mut self, name: &str, at: &str) {
        self.change("deployments", name, |object| {
            let revision = &mut object["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            *revision = json!((revision.as_str().unwrap().parse::<u64>().unwrap() + 1).to_string());
            object["status"] = status(&object["metadata"]["generation"], 2, 0, "NewReplicaSetCreated", at);
        });
    }

    /// One pod after the other is replaced.
    pub(crate) fn step(&mut self, name: &str, at: &str) {
        self.change("deployments", name, |object| {
            object["status"] = status(&object["metadata"]["generation"], 3, 1, "ReplicaSetUpdated", at);
        });
    }

    pub(crate) fn complete(&mut self, name: &str, at: &str) {
        self.change("deployments", name, |object| {
            object["status"] = status(&object["metadata"]["generation"], 2, 2, "NewReplicaSetAvailable", at);
        });
    }

    /// A whole rollout of another image.
    pub(crate) fn roll(&mut self, name: &str, image: &str, minute: u32) {
        self.apply(name, image, "info");
        self.begin(name, &at(minute, 0));
        self.step(name, &at(minute, 10));
        self.complete(name, &at(minute, 20));
    }
}

/// An instant of one morning.
pub(crate) fn at(minute: u32, second: u32) -> String {
    format!("2025-02-03T10:{minute:02}:{second:02}Z")
}

fn template(image: &str, level: &str) -> Value {
    json!({"spec": {"containers": [{"name": "app", "image": image, "env": [{"name": "LEVEL", "value": level}]}]}})
}

fn status(generation: &Value, replicas: u64, updated: u64, reason: &str, at: &str) -> Value {
    json!({"observedGeneration": generation, "replicas": replicas, "updatedReplicas": updated,
        "availableReplicas": updated, "conditions": [{"type": "Progressing", "status": "True", "reason": reason,
            "lastUpdateTime": at, "lastTransitionTime": "2025-02-03T09:00:00Z"}]})
}

/// A Deployment in its first revision, rolled out.
pub(crate) fn deployment(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 1,
            "creationTimestamp": "2025-02-03T09:00:00Z", "managedFields": [{"manager": "kubectl"}],
            "annotations": {"deployment.kubernetes.io/revision": "1", "info/environment": "prod"}},
        "spec": {"replicas": 2, "template": template("r.example/app:1.0", "info")},
        "status": status(&json!(1), 2, 2, "NewReplicaSetAvailable", "2025-02-03T09:01:00Z")})
}

/// A StatefulSet in a revision, rolled out or not.
pub(crate) fn stateful_set(name: &str, revision: &str, done: bool) -> Value {
    let current = if done { revision } else { "before" };
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "generation": 4,
            "creationTimestamp": "2025-02-03T09:00:00Z"},
        "spec": {"replicas": 2, "template": template(&format!("r.example/{name}:{revision}"), "info")},
        "status": {"observedGeneration": 4, "replicas": 2, "readyReplicas": 2, "updatedReplicas": u64::from(done) * 2,
            "currentRevision": current, "updateRevision": revision}})
}
