//! One entry of the log: `LogEntry` with an `AuditLog` in it.

use domain::Problem;
use serde_json::{Map, Value};

use crate::Delivery;
use crate::body::Body;
use crate::json::missing;
use crate::kubernetes::change::{Change, Context, Read};

pub(super) fn read(delivery: &Delivery<'_>, fields: Map<String, Value>) -> Result<Read, Problem> {
    let body = Body::part(delivery, fields);
    if body.get("/protoPayload").is_none() {
        if ["/jsonPayload", "/textPayload"].iter().any(|payload| body.get(payload).is_some()) {
            return Ok(Read::nothing("an entry of another log than the audit log"));
        }
        return Err(missing("protoPayload", "it is the audit log's part of an entry."));
    }
    let method = body.need("/protoPayload/methodName", "it says what was done.")?;
    let Some(method) = Method::read(method) else {
        return Ok(Read::nothing("an audit log of Google Cloud, not of a cluster's API"));
    };
    let object = Object::read(body.text("/protoPayload/resourceName").unwrap_or_default());
    let cluster = body.need("/resource/labels/cluster_name", "it names the cluster.");
    let context = Context::of(delivery, cluster.as_ref().copied().unwrap_or_default())?;
    // An entry that was granted says so by code 0, or not at all.
    let code = body.get("/protoPayload/status/code").and_then(Value::as_i64).unwrap_or_default();
    let project = body.text("/resource/labels/project_id");
    let read = Change {
        id: body.need("/insertId", "it tells one entry from another."),
        verb: method.verb,
        group: Some(method.group),
        resource: method.resource,
        subresource: method.subresource.or(object.subresource),
        namespace: object.namespace,
        name: object.name.or_else(|| body.text("/protoPayload/response/metadata/name")),
        user: body.text("/protoPayload/authenticationInfo/principalEmail"),
        at: body.need_instant("/timestamp", "it says when the workload was changed."),
        granted: code == 0,
        dry_run: body.get("/protoPayload/request/dryRun").is_some(),
        request: body.get("/protoPayload/request"),
        // A refusal is answered with a `Status`, which is no object.
        response: body.get("/protoPayload/response"),
        marks: project.into_iter().map(|project| ("project", project)).collect(),
    }
    .read(&context)?;
    // Only what is told of a cluster needs its name.
    if matches!(read, Read::Event(_)) {
        cluster?;
    }
    Ok(read)
}

/// `io.k8s.apps.v1.deployments.patch`, `io.argoproj.v1alpha1.rollouts.status.update`.
struct Method<'a> {
    group: &'static str,
    resource: &'a str,
    subresource: Option<&'a str>,
    verb: &'a str,
}

impl<'a> Method<'a> {
    fn read(method: &'a str) -> Option<Self> {
        let rest = method.strip_prefix("io.")?;
        let mut words = rest.split('.');
        let mut group = Vec::new();
        let version = words.by_ref().find(|word| {
            let version =
                word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
            if !version {
                group.push(*word);
            }
            version
        });
        version?;
        let mut rest: Vec<&str> = words.collect();
        let verb = rest.pop()?;
        let (resource, subresource) = (*rest.first()?, rest.get(1).copied());
        // Groups are written from the right, and those of Kubernetes itself without their domain.
        let group = match group.as_slice() {
            ["k8s", "apps"] => "apps",
            ["k8s", "extensions"] => "extensions",
            ["argoproj"] => "argoproj.io",
            _ => "",
        };
        Some(Method { group, resource, subresource, verb })
    }
}

/// `apps/v1/namespaces/shop/deployments/cart/scale`
struct Object<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    subresource: Option<&'a str>,
}

impl<'a> Object<'a> {
    fn read(path: &'a str) -> Self {
        let words: Vec<&str> = path.split('/').collect();
        let at = words.iter().position(|word| *word == "namespaces").map(|at| at + 1);
        let word = |after: usize| at.and_then(|at| words.get(at + after)).copied().filter(|word| !word.is_empty());
        Object { namespace: word(0), name: word(2), subresource: word(3) }
    }
}
