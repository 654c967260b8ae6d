//! The pod template: what is rolled out.

use domain::event::image_name;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::names::annotation;
use crate::body::Body;
use crate::json::text;
use crate::table::hex;

/// Tags that are put on another image every now and then: they name no version, and the same tag may be other code.
const MOVING: &[&str] = &["latest", "stable", "main", "master", "edge", "dev", "develop", "nightly", "prod", "staging"];
/// Where the containers of a template are.
const CONTAINERS: &[&str] = &["containers", "initContainers"];
/// Annotation with the container that matters.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// All images, those of init containers last, each once.
pub(super) fn images(template: Option<&Value>) -> Vec<String> {
    let mut images: Vec<String> = Vec::new();
    for image in containers(template).filter_map(|container| text(container.get("image"))) {
        if images.iter().all(|known| known != image) {
            images.push(image.to_owned());
        }
    }
    images
}

fn containers(template: Option<&Value>) -> impl Iterator<Item = &Value> {
    let spec = template.and_then(|template| template.get("spec"));
    CONTAINERS.iter().filter_map(move |list| spec?.get(list)?.as_array()).flatten()
}

/// Whether the code is surely the same: the same images, by names that do not move.
pub(super) fn same_images(now: &[String], before: &[String]) -> bool {
    let sorted = |images: &[String]| {
        let mut images = images.to_vec();
        images.sort_unstable();
        images
    };
    !now.is_empty() && sorted(now) == sorted(before) && now.iter().all(|image| is_fixed(image))
}

/// The tag of the image that matters: of the container named as the default one, or as the workload, or the first.
pub(super) fn version<'b>(body: &'b Body<'_>, workload: &str) -> Option<&'b str> {
    let template = body.get("/spec/template");
    let list = template?.pointer("/spec/containers")?.as_array()?;
    let named = |name: &str| list.iter().find(|container| text(container.get("name")) == Some(name));
    let container = annotation(body, DEFAULT_CONTAINER).and_then(named).or_else(|| named(workload)).or(list.first())?;
    tag(text(container.get("image"))?).filter(|tag| !moves(tag))
}

fn tag(image: &str) -> Option<&str> {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    named.get(image_name(image).len()..)?.strip_prefix(':').filter(|tag| !tag.is_empty())
}

fn moves(tag: &str) -> bool {
    MOVING.contains(&tag)
}

fn is_fixed(image: &str) -> bool {
    image.contains('@') || tag(image).is_some_and(|tag| !moves(tag))
}

/// A hash of everything in the template but its images: of the configuration. Two that are equal differ in images only.
pub(super) fn config_hash(template: Option<&Value>) -> Option<String> {
    let mut template = template?.clone();
    for list in CONTAINERS {
        let list = template.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.remove("image");
        }
    }
    Some(digest(&template))
}

/// A hash of a value, whatever the order of its keys; what is null or empty is as if it were not there.
pub(super) fn digest(value: &Value) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, value);
    hex(&hash.finalize()[..16])
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !is_nothing(value)).collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            hash.update(b"{");
            for (name, value) in fields {
                feed(hash, &Value::from(name.as_str()));
                feed(hash, value);
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(hash, item);
            }
            hash.update(b"]");
        }
        // Texts with their length, so that no two values are written alike.
        Value::String(text) => {
            hash.update(b"\"");
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        other => hash.update(other.to_string().as_bytes()),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_and_what_is_empty_do_not_count() {
        let hash = |value: Value| digest(&value);
        assert_eq!(hash(json!({"a": 1, "b": "x"})), hash(json!({"b": "x", "c": {}, "a": 1, "d": null})));
        for other in [json!({"a": 1, "b": "y"}), json!({"a": "1", "b": "x"}), json!({"ab": "x"}), json!(["x"])] {
            assert_ne!(hash(json!({"a": 1, "b": "x"})), hash(other));
        }
    }

    #[test]
    fn images_are_no_configuration() {
        let of = |image: &str, value: &str| {
            let container = json!({"name": "a", "image": image, "env": [{"name": "A", "value": value}]});
            config_hash(Some(&json!({"spec": {"containers": [container]}})))
        };
        assert_eq!(of("a:1", "x"), of("a:2", "x"));
        assert_ne!(of("a:1", "x"), of("a:1", "y"));
        assert_eq!(config_hash(None), None);
    }

    #[test]
    fn a_tag_that_moves_is_no_version() {
        assert_eq!(tag("r.example:5000/shop/cart:1.2@sha256:0a"), Some("1.2"));
        assert_eq!(tag("r.example:5000/shop/cart"), None);
        let list = |images: &[&str]| images.iter().map(|image| (*image).to_owned()).collect::<Vec<_>>();
        assert!(same_images(&list(&["a:1", "b@sha256:0a"]), &list(&["b@sha256:0a", "a:1"])));
        for (now, before) in [("a:2", "a:1"), ("a:latest", "a:latest"), ("a", "a")] {
            assert!(!same_images(&list(&[now]), &list(&[before])), "{now}");
        }
        assert!(!same_images(&[], &[]));
    }
}
