//! An event of the API server's audit log, `audit.k8s.io/v1`.

use domain::Problem;
use serde_json::{Map, Value};

use super::change::Change;
use super::context::Context;
use super::short;
use super::summary::Read;
use crate::body::Body;

const WHEN: &str = "it says when the workload was changed.";

pub(super) fn event(fields: Map<String, Value>, context: &Context<'_>) -> Result<Read, Problem> {
    let body = Body::part(context.delivery, fields);
    let verb = body.need("/verb", "it says what was done.")?;
    if let Some(stage) = body.text("/stage").filter(|stage| *stage != "ResponseComplete") {
        return Ok(Read::nothing(format!("the stage `{}`: ResponseComplete tells how it ended", short(stage))));
    }
    // Before v1 there was one time for all stages.
    let at = if body.get("/timestamp").is_some() { "/timestamp" } else { "/stageTimestamp" };
    let code = body.get("/responseStatus/code").and_then(Value::as_u64);
    let dry_run = body.text("/requestURI").is_some_and(|uri| {
        let query = uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
        query.split('&').any(|part| part.split('=').next() == Some("dryRun"))
    });
    Change {
        id: body.need("/auditID", "it tells one request from another."),
        verb,
        // The resource of a request that is about none is its path, and it is no workload.
        group: body.text("/objectRef/apiGroup"),
        resource: body.text("/objectRef/resource").unwrap_or("requests without a resource"),
        subresource: body.text("/objectRef/subresource"),
        namespace: body.text("/objectRef/namespace"),
        name: body.text("/objectRef/name").or_else(|| body.text("/responseObject/metadata/name")),
        user: body.text("/impersonatedUser/username").or_else(|| body.text("/user/username")),
        at: body.need_instant(at, WHEN),
        granted: code.is_some_and(|code| (200..300).contains(&code)),
        dry_run,
        request: body.get("/requestObject"),
        response: body.get("/responseObject"),
        marks: Vec::new(),
    }
    .read(context)
}
