//! Kubernetes: workloads as the cluster shows them, and audit logs of who changed them.
//!
//! A workload (Deployment, StatefulSet, DaemonSet, Argo Rollout) tells of one deployment at a time: that of its present
//! revision, which is done when the rollout is complete. Workloads come from the crate `watch` as pages, or are pushed.
//! An audit log tells that somebody changed a pod template, and nothing of how the rollout went.

pub(crate) mod change;

mod audit;
mod conditions;
mod context;
mod names;
mod rollout;
mod standing;
mod summary;
mod template;
mod workload;

use domain::{Code, Problem};
use serde_json::{Map, Value};

use crate::json::{self, kind_of, text};
use crate::native::{lines, looks_like_lines};
use crate::poll::Page;
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};
use context::Context;
use summary::{Read, Summary};

pub use context::{CLUSTER, FOUND, IMAGES_BEFORE, NAMES, SEEN_AT, SINCE, TURN};
pub use names::check as check_names;
pub use standing::{Standing, standing, stripped};

/// How old what is known of a cluster may get: five minutes.
pub const FRESH_WITHIN: std::time::Duration = std::time::Duration::from_secs(300);

/// The workloads that are rolled out.
pub const KINDS: &[Kind] = &[
    Kind { name: "Deployment", group: "apps", version: "v1", plural: "deployments" },
    Kind { name: "StatefulSet", group: "apps", version: "v1", plural: "statefulsets" },
    Kind { name: "DaemonSet", group: "apps", version: "v1", plural: "daemonsets" },
    Kind { name: "Rollout", group: "argoproj.io", version: "v1alpha1", plural: "rollouts" },
];

/// A kind of workload, and where the API has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// As `kind` of the object says it.
    pub name: &'static str,
    /// Group of the API.
    pub group: &'static str,
    /// Version of the group.
    pub version: &'static str,
    /// Its name in addresses, and the resource of its pages.
    pub plural: &'static str,
}

pub(crate) const SOURCE: Source = Source {
    name: "kubernetes",
    title: "Kubernetes",
    doc: "Deployments, StatefulSets, DaemonSets and Argo Rollouts as the cluster shows them, and its audit logs.",
    routes: &[Route {
        path: "/webhooks/kubernetes",
        event: "webhook",
        doc: "An audit webhook's list, audit events one a line, a workload or a list of them.",
        headers: &["content-type", CLUSTER, NAMES],
        id_header: None,
        answer: Answer::Recorded,
    }],
    // The API server signs nothing; its webhook configuration can hold a token.
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let mut summary = Summary::default();
    let pushed = delivery.event != Page::EVENT;
    let context = if pushed { Context::pushed(delivery)? } else { Context::page(delivery)? };
    match json::value(delivery.body) {
        Ok(value) => document(value, &context, &mut summary),
        // Audit logs are written one event a line.
        Err(_) if pushed && looks_like_lines(delivery.body) => {
            for (line, text) in lines(delivery.body) {
                match json::part(text, json::Origin { line, column: 0 }) {
                    Ok(value) => document(value, &context, &mut summary),
                    Err(problem) => summary.add(Err(problem)),
                }
            }
        }
        Err(problem) => return Err(problem),
    }
    summary.parsed()
}

/// An object, a list of objects, a watch's event, an audit event or a list of them.
fn document(value: Value, context: &Context<'_>, summary: &mut Summary) {
    let Value::Object(mut fields) = value else {
        let found = kind_of(&value);
        return summary.add(Err(Problem::new(Code::NotAnObject, format!("expected an object, found {found}"))));
    };
    // A watch wraps each object: `{"type": "MODIFIED", "object": {…}}`.
    if let Some(change) = text(fields.get("type")).map(str::to_owned)
        && fields.get("object").is_some_and(Value::is_object)
    {
        return match (change.as_str(), fields.remove("object")) {
            ("ADDED" | "MODIFIED", Some(Value::Object(object))) => summary.add(one(object, context)),
            ("DELETED", _) => summary.add(Ok(Read::nothing("it was deleted: what it was deployed as stays"))),
            (other, _) => summary.add(Ok(Read::nothing(format!("`{}` says nothing of a workload", short(other))))),
        };
    }
    // `EventList`, `List`, `DeploymentList`.
    if let (Some(kind), Some(Value::Array(_))) = (text(fields.get("kind")), fields.get("items"))
        && kind.ends_with("List")
    {
        let items = fields.remove("items");
        let items: Vec<Value> = if let Some(Value::Array(items)) = items { items } else { Vec::new() };
        if items.is_empty() {
            summary.add(Ok(Read::nothing("an empty list")));
        }
        // Items of a typed list do not repeat their kind.
        let kind = text(fields.get("kind")).and_then(|kind| kind.strip_suffix("List")).unwrap_or_default();
        for item in items {
            match item {
                Value::Object(mut item) => {
                    if !kind.is_empty() {
                        item.entry("kind").or_insert_with(|| Value::from(kind));
                    }
                    summary.add(one(item, context));
                }
                other => summary.add(Err(json::wrong("items", "a list of objects", &other))),
            }
        }
        return;
    }
    summary.add(one(fields, context));
}

/// An audit event or a workload.
fn one(fields: Map<String, Value>, context: &Context<'_>) -> Result<Read, Problem> {
    let Some(kind) = text(fields.get("kind")).map(str::to_owned) else {
        return Err(json::missing("kind", "it says what the object is: an audit `Event`, a Deployment, …"));
    };
    let audited = text(fields.get("apiVersion")).is_some_and(|version| version.starts_with("audit.k8s.io/"));
    match KINDS.iter().find(|known| known.name == kind) {
        _ if kind == "Event" && (audited || fields.contains_key("auditID")) => audit::event(fields, context),
        Some(kind) => workload::read(kind, fields, context),
        None if matches!(kind.as_str(), "ReplicaSet" | "ControllerRevision" | "Pod") => {
            Ok(Read::nothing(format!("a {kind} belongs to a workload, which tells of its rollout")))
        }
        None => Ok(Read::nothing(format!("a {} is no workload that is rolled out", short(&kind)))),
    }
}

/// A name fit for a message.
pub(crate) fn short(name: &str) -> String {
    json::clip(name, 64).escape_debug().to_string()
}
