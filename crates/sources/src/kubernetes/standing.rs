//! What matters of a workload to whoever watches it: whether there is anything new to tell, and what to leave out.

use serde_json::{Map, Value, json};

use super::rollout::{State, rollout};
use super::template::{digest, images};
use crate::body::Body;
use crate::table::Delivery;

/// How a workload stands. Two objects of equal standing tell the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Uid of the object.
    pub uid: String,
    /// Present revision.
    pub revision: String,
    /// Images of its pod template.
    pub images: Vec<String>,
    /// Whether its rollout has ended, well or not.
    pub ended: bool,
    /// A hash of all that is told of it.
    pub digest: String,
}

/// How a workload stands; none while nothing can be told of it, or when it is no workload.
#[must_use]
pub fn standing(object: &Map<String, Value>) -> Option<Standing> {
    let kind = object.get("kind")?.as_str()?;
    let kind = super::KINDS.iter().find(|known| known.name == kind)?;
    let delivery = Delivery { source: "", event: "", headers: &[], body: b"", received_at: domain::Timestamp::MAX };
    let body = Body::part(&delivery, object.clone());
    let rollout = rollout(kind.name, &body).ok()?.ok()?;
    let state = match &rollout.state {
        State::InProgress => json!("in progress"),
        State::Succeeded(at) => json!(["succeeded", at]),
        State::Failed(at, why) => json!(["failed", at, why]),
    };
    let own = |name: &str| body.get(&format!("/metadata/{name}")).cloned();
    let template = body.get("/spec/template");
    // When it began is told once, by the first state of a revision.
    let told = json!([rollout.revision, state, template, own("annotations"), own("labels")]);
    Some(Standing {
        uid: body.text("/metadata/uid")?.to_owned(),
        images: images(template),
        ended: rollout.state != State::InProgress,
        digest: digest(&told),
        revision: rollout.revision,
    })
}

/// A workload without what tells nothing and what nobody should keep: who manages which field, the copy that
/// `kubectl apply` leaves, and the values of environment variables, of which only a hash stays so that a change of them
/// is seen.
#[must_use]
pub fn stripped(mut object: Map<String, Value>) -> Map<String, Value> {
    let uid = object.get("metadata").and_then(|metadata| metadata.get("uid")).cloned().unwrap_or_default();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    let pods =
        object.get_mut("spec").and_then(|spec| spec.pointer_mut("/template/spec")).and_then(Value::as_object_mut);
    for container in pods.into_iter().flat_map(|pods| pods.iter_mut()).filter(|(list, _)| list.ends_with("ontainers")) {
        for container in container.1.as_array_mut().into_iter().flatten() {
            let variables = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in variables.into_iter().flatten().filter_map(Value::as_object_mut) {
                let Some(value) = variable.get_mut("value") else { continue };
                *value = Value::from(format!("hash:{}", digest(&json!([uid, value]))));
            }
        }
    }
    object
}
