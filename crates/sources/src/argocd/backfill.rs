//! Argo CD's applications through its API. It lists them all at once; each that has changed is a page of its own, so that
//! one sync among a thousand applications is not a thousand applications in the journal.

use std::time::Duration;

use domain::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::json::{clip, text};
use crate::poll::{
    Ask, Backfill, Client, Credentials, Failure, Host, Outcome, Page, Progress, Refusal, Settings, check_address,
};
use crate::table::hex;

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "",
    permissions: "the token of an account or project role that may `get` applications",
    options: &[("selector", "Labels of the applications to read, such as `team=shop`; all of them when left out.")],
    every: Duration::from_secs(3_600),
    overlap: Duration::from_secs(600),
    check,
    run,
};

/// What is asked of an application: parameters of charts may hold secrets, and resources are many.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels",
    "spec.project",
    "spec.destination",
    "spec.source.repoURL",
    "spec.sources",
    "status.history",
    "status.health",
    "status.sync.status",
    "status.sync.revision",
    "status.summary.images",
    "status.operationState.phase",
    "status.operationState.message",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "status.operationState.syncResult.revision",
    "status.operationState.syncResult.revisions",
    "status.operationState.operation.initiatedBy",
    "status.operationState.operation.sync.revision",
];

fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://argocd.example")?;
    match &settings.credentials {
        Credentials::Token(token) if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("the token is empty or holds white space".to_owned())
        }
        Credentials::Token(_) => Ok(()),
        _ => Err("Argo CD is asked with a token".to_owned()),
    }
}

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    let mut client = Client::new("Argo CD", "www-authenticate");
    let done = match everything(settings, host, &mut client) {
        Ok(()) => Ok(()),
        Err(Refusal::Everything(error)) => Err(error),
        Err(Refusal::This { message, .. }) => {
            let (repository, resource) = (String::new(), "applications".to_owned());
            client.progress.failures.push(Failure { repository, resource, message });
            Ok(())
        }
    };
    let progress = Progress { repository: None, resource: None, waiting: None, ..client.progress };
    (progress, done)
}

fn everything(settings: &Settings, host: &mut dyn Host, client: &mut Client) -> Result<(), Refusal> {
    client.progress.resource = Some("applications".to_owned());
    host.tell(&client.progress);
    let Credentials::Token(token) = &settings.credentials else {
        return Err(Refusal::everything("Argo CD is asked with a token"));
    };
    let url = address(settings).ok_or_else(|| Refusal::everything("api_url is not an address"))?;
    let headers = vec![("authorization", format!("Bearer {token}")), ("accept", "application/json".to_owned())];
    let ask = Ask { url: &url, what: "the applications", headers, etag: None, post: None };
    let answer = match client.ask(host, &ask, &|status, body, _| refusal(status, body)) {
        Err(Refusal::This { status: Some(401), message }) => return Err(Refusal::everything(message)),
        answer => answer?,
    };
    let none = || Refusal::this(None, "what is told of the applications is no list; is `api_url` right?");
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| none())?;
    let items = match body.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(Value::Null) => &[],
        _ => return Err(none()),
    };
    client.progress.pages += 1;
    client.progress.repositories_total = items.len() as u64;
    for item in items {
        keep(settings, host, client, item)?;
        client.progress.repositories_done += 1;
        host.tell(&client.progress);
    }
    Ok(())
}

fn address(settings: &Settings) -> Option<String> {
    let mut url = url::Url::parse(&format!("{}/api/v1/applications", settings.api_url)).ok()?;
    {
        let mut query = url.query_pairs_mut();
        for project in &settings.repositories {
            query.append_pair("projects", project);
        }
        if let Some(selector) = settings.options.get("selector") {
            query.append_pair("selector", selector);
        }
        let fields: Vec<String> = FIELDS.iter().map(|field| format!("items.{field}")).collect();
        query.append_pair("fields", &fields.join(","));
    }
    Some(url.into())
}

/// Keeps an application unless it is as it was, or has not changed for long enough.
fn keep(settings: &Settings, host: &mut dyn Host, client: &mut Client, item: &Value) -> Result<(), Refusal> {
    let of = |pointer: &str| text(item.pointer(pointer)).unwrap_or_default();
    let name = format!("{}/{}", of("/metadata/namespace"), of("/metadata/name"));
    let old = settings.since.is_some_and(|since| newest(item).is_some_and(|newest| newest < since));
    let body = bare(item).to_string().into_bytes();
    let hash = hex(&Sha256::digest(&body));
    let key = format!("application {name}");
    if old || host.recall(&key)?.as_deref() == Some(&hash) {
        client.progress.unchanged_pages += 1;
        return Ok(());
    }
    host.keep(Page { resource: "application", repository: name, context: Vec::new(), body })?;
    client.progress.items += 1;
    Ok(host.remember(&key, &hash)?)
}

/// An application whose sources say no more than where they are: a server that knows no `fields` sends all of them.
fn bare(value: &Value) -> Value {
    const KEPT: &[&str] = &["repoURL", "path", "chart", "targetRevision"];
    match value {
        Value::Object(fields) => {
            let source = fields.contains_key("repoURL");
            let kept = fields.iter().filter(|(name, _)| !source || KEPT.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), bare(value))).collect())
        }
        Value::Array(items) => items.iter().map(bare).collect(),
        other => other.clone(),
    }
}

/// When an application changed last; none where it does not say.
fn newest(item: &Value) -> Option<Timestamp> {
    let history = item.pointer("/status/history").and_then(Value::as_array).into_iter().flatten();
    let synced = history.map(|entry| entry.get("deployedAt"));
    let ended = item.pointer("/status/operationState/finishedAt");
    let health = item.pointer("/status/health/lastTransitionTime");
    let times = synced.chain([ended, health]).filter_map(|at| Timestamp::parse(text(at)?).ok());
    // Without the time of its health it may have changed just now.
    health.and_then(|_| times.max())
}

fn refusal(status: u16, body: &str) -> Refusal {
    let said = serde_json::from_str::<Value>(body).ok();
    let said = said.as_ref().and_then(|body| text(body.get("message").or_else(|| body.get("error"))));
    let said = said.map(|said| format!(", \"{}\"", clip(said, 300).escape_debug())).unwrap_or_default();
    let message = match status {
        300..=399 => "Argo CD moved to another server, which is not asked; is `api_url` right?".to_owned(),
        401 => format!(
            "Argo CD does not accept the token (401{said}): it is wrong, was revoked or has expired; make a new one with \
             `argocd account generate-token` and set it as `token`, `token_file` or `token_env` of the source"
        ),
        403 => format!("Argo CD refuses the applications (403{said}); allow the token's account to `get` applications"),
        404 => "there is no API of Argo CD (404); is `api_url` right?".to_owned(),
        _ => format!("Argo CD refuses the applications ({status}{said}); try again later"),
    };
    Refusal::this(Some(status), message)
}
