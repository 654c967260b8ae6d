//! A notification as the dojo article prints its template: the application, the revision, how it went and when.

use domain::event::EventKind;
use domain::{Code, Problem};

use crate::Parsed;
use crate::body::Body;
use crate::json::clip;

/// What Go's templates print for a value that is not there.
const NO_VALUE: &str = "<no value>";

pub(super) fn read(body: &Body<'_>) -> Result<Parsed, Problem> {
    if let Some(event) = body.text("/event").filter(|event| *event != "deployment") {
        return Ok(Parsed::ignored(format!("the event is `{}`, not `deployment`", clip(event, 64).escape_debug())));
    }
    let name = body.need("/app", "it names the application.")?;
    let told = |pointer: &str| body.text(pointer).filter(|value| *value != NO_VALUE);
    let status = match told("/status").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("success" | "succeeded") => Some("succeeded"),
        Some("failed" | "failure" | "error") => Some("failed"),
        Some(other) => {
            return Err(Problem::new(
                Code::UnknownValue,
                format!("`status` is `{}`; it takes success, failed", clip(other, 64).escape_debug()),
            ));
        }
    };
    let ended = match told("/timestamp") {
        Some(_) => body.instant("/timestamp")?,
        None => None,
    };
    let at = ended.unwrap_or_else(|| body.received_at());
    let environment = told("/environment");
    body.draft(EventKind::Deployment)
        // It has no id of its own: one application ends one sync at a time.
        .set("id", format!("{name}@{at}"))
        .set("component", name)
        .set("environment", environment.unwrap_or("production"))
        .maybe("environment_assumed", environment.is_none().then_some(true))
        .set("status", status.unwrap_or("succeeded"))
        .maybe("status_assumed", status.is_none().then_some(true))
        .maybe("revision", told("/revision"))
        .at("finished_at", at)
        .maybe("time_assumed", ended.is_none().then_some(true))
        .mark("application", Some(name))
        .mark("project", told("/project"))
        .mark("namespace", told("/namespace"))
        .alone()
}
