//! That somebody changed a workload, as an audit log tells it: a deployment that was asked for. How it went is not told,
//! so that it succeeded is assumed.

use domain::event::Event;
use domain::{Problem, Timestamp};
use serde_json::{Map, Value, json};

pub(crate) use super::context::Context;
pub(crate) use super::summary::{Read, Summary};
use super::workload::{Place, describe};
use super::{KINDS, Kind, short};
use crate::body::Body;
use crate::json::text;

/// A request to the API that was answered.
pub(crate) struct Change<'a> {
    /// The log's own id of it, or that there is none.
    pub(crate) id: Result<&'a str, Problem>,
    pub(crate) verb: &'a str,
    /// Group of the resource; none where the log does not say.
    pub(crate) group: Option<&'a str>,
    /// Plural, such as `deployments`.
    pub(crate) resource: &'a str,
    pub(crate) subresource: Option<&'a str>,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    /// When it was answered, or that nobody says when.
    pub(crate) at: Result<Timestamp, Problem>,
    /// Whether it was granted.
    pub(crate) granted: bool,
    pub(crate) dry_run: bool,
    /// What was asked: a whole object, a part of one, or a JSON patch.
    pub(crate) request: Option<&'a Value>,
    /// The object as it is after.
    pub(crate) response: Option<&'a Value>,
    /// What the deployment is marked with beside what the object says.
    pub(crate) marks: Vec<(&'static str, &'a str)>,
}

const SPEC: &str = "/spec/template";

impl Change<'_> {
    /// The deployment it is, or why it is none.
    pub(crate) fn read(&self, context: &Context<'_>) -> Result<Read, Problem> {
        let kind = match self.kind() {
            Ok(kind) => kind,
            Err(why) => return Ok(Read::nothing(why)),
        };
        if let Some(why) = self.no_deployment() {
            return Ok(Read::nothing(format!("{}: {why}", self.what(kind))));
        }
        self.event(kind, context).map(|event| Read::Event(Box::new(event)))
    }

    fn what(&self, kind: &Kind) -> String {
        let namespace = self.namespace.unwrap_or_default();
        format!("{} of {} {}/{}", self.verb, kind.name, short(namespace), short(self.name.unwrap_or("?")))
    }

    /// What is changed, when it is a workload.
    fn kind(&self) -> Result<&'static Kind, String> {
        match self.verb {
            "create" | "update" | "patch" => {}
            "delete" | "deletecollection" => {
                return Err("something was deleted: what it was deployed as stays".to_owned());
            }
            "get" | "list" | "watch" => return Err(format!("`{}` only reads", self.verb)),
            other => return Err(format!("`{}` changes no workload", short(other))),
        }
        // Deployments and DaemonSets were in `extensions` before they were in `apps`.
        let group = |kind: &Kind| match self.group {
            Some(group) => group == kind.group || (group == "extensions" && kind.group == "apps"),
            None => true,
        };
        let kind = KINDS.iter().find(|kind| kind.plural == self.resource && group(kind));
        kind.ok_or_else(|| format!("{} are no workloads that are rolled out", short(self.resource)))
    }

    fn no_deployment(&self) -> Option<String> {
        if let Some(part) = self.subresource.filter(|part| !part.is_empty()) {
            return Some(format!("its part `{}` is no pod template", short(part)));
        }
        if !self.granted {
            return Some("it was refused".to_owned());
        }
        if self.dry_run {
            return Some("it was a dry run".to_owned());
        }
        if let Some(user) = self.user.filter(|user| is_controller(user)) {
            return Some(format!("`{}` is a part of the cluster, which writes what follows from changes", short(user)));
        }
        if self.verb == "create" {
            return None;
        }
        // The object says which of its generations its controller has seen: no more than that is no change of the spec.
        if let Some(response) = self.response
            && let Some(generation) = response.pointer("/metadata/generation").and_then(Value::as_u64)
            && let Some(seen) = response.pointer("/status/observedGeneration").map(number)
            && seen >= Some(generation)
        {
            return Some("its spec did not change".to_owned());
        }
        match (self.request, self.response) {
            (Some(request), _) if self.touches_template(request) => None,
            (Some(_), _) => Some("its pod template was not touched, as when it is scaled".to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some(
                "the log leaves the object out, so nobody can tell whether its pod template changed; log it at the \
                 level Request or RequestResponse"
                    .to_owned(),
            ),
        }
    }

    fn touches_template(&self, request: &Value) -> bool {
        match request {
            Value::Array(steps) => steps
                .iter()
                .filter_map(|step| text(step.get("path")))
                .any(|path| path.starts_with(SPEC) || matches!(path, "/spec" | "")),
            other => other.pointer(SPEC).is_some_and(|template| !template.is_null()),
        }
    }

    /// A patch that names no image leaves the code as it is.
    fn config_only(&self) -> bool {
        self.verb == "patch"
            && self.request.is_some_and(|request| match request {
                Value::Array(steps) => steps.iter().all(|step| {
                    let path = text(step.get("path")).unwrap_or_default();
                    !path.ends_with("/image") && !step.get("value").is_some_and(names_image)
                }),
                other => !names_image(other),
            })
    }

    /// The object after the change, as far as it is told.
    fn object(&self) -> Map<String, Value> {
        let whole = |value: &&Value| value.pointer(SPEC).is_some();
        let told = self.response.filter(whole).or(self.request.filter(|request| request.is_object()));
        let mut object = told.and_then(Value::as_object).cloned().unwrap_or_default();
        let metadata = object.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            for (field, value) in [("namespace", self.namespace), ("name", self.name)] {
                if let Some(value) = value {
                    metadata.insert(field.to_owned(), Value::from(value));
                }
            }
        }
        object
    }

    fn event(&self, kind: &'static Kind, context: &Context<'_>) -> Result<Event, Problem> {
        let id = self.id.clone()?;
        let at = self.at.clone()?;
        let body = Body::part(context.delivery, self.object());
        let place = Place::of(&body, kind, context.cluster)?;
        let mut draft = describe(&body, context, &place)
            .set("id", id)
            .set("status", "succeeded")
            .set("status_assumed", true)
            .at("finished_at", at)
            .at("updated_at", at)
            .maybe("change_kind", self.config_only().then_some("config"))
            .maybe("actor", self.user)
            .maybe("trigger", self.user.and_then(trigger));
        for (kind, name) in &self.marks {
            draft = draft.mark(kind, Some(name));
        }
        draft.event()
    }
}

/// Whether a value names an image anywhere.
fn names_image(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| name == "image" || names_image(value)),
        Value::Array(items) => items.iter().any(names_image),
        _ => false,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Parts of the cluster: the control plane, nodes, and the controllers that keep workloads as they are to be.
fn is_controller(user: &str) -> bool {
    if let Some(account) = user.strip_prefix("system:serviceaccount:kube-system:") {
        return account.ends_with("-controller") || account.ends_with("-autoscaler") || account.ends_with("-manager");
    }
    ["system:node:", "system:kube-", "system:apiserver", "system:vpa-"].iter().any(|part| user.starts_with(part))
}

/// An account of a service is a machine, an address of mail is a person; of other names nothing is known.
fn trigger(user: &str) -> Option<&'static str> {
    if user.starts_with("system:serviceaccount:") || user.ends_with(".gserviceaccount.com") {
        return Some("automated");
    }
    user.contains('@').then_some("manual")
}
