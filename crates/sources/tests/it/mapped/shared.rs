//! Every shared payload of the mapped tools against the meaning its manifest proposes. Where this disagrees, it says why.

use domain::Timestamp;
use domain::event::Event;
use serde_json::Value;
use sources::{Parsed, find, sign, verify};

use super::fixtures::source;
use super::send;
use crate::support::shared;

const TOOLS: &[&str] = &[
    "azuredevops",
    "bitbucket",
    "circleci",
    "datadog",
    "firehydrant",
    "grafana",
    "harness",
    "incidentio",
    "jenkins",
    "octopus",
    "opsgenie",
    "pelorus",
    "rootly",
    "sentry",
    "spinnaker",
    "squadcast",
    "statuspage",
    "tekton",
];

/// A file, its event, and what is proposed for it.
struct Row {
    file: String,
    event: String,
    proposed: Value,
}

fn rows() -> Option<Vec<Row>> {
    let text = std::fs::read_to_string(shared("fixtures/MANIFEST.tsv")?).unwrap();
    let mut table = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows = table
        .records()
        .map(Result::unwrap)
        .filter(|row| TOOLS.iter().any(|tool| row[0].starts_with(&format!("{tool}/"))));
    Some(
        rows.map(|row| Row {
            file: row[0].to_owned(),
            event: row[2].to_owned(),
            proposed: serde_json::from_str(&row[6]).unwrap(),
        })
        .collect(),
    )
}

/// Headers that the files lack and every such delivery has.
fn headers(row: &Row) -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let tool = row.file.split('/').next().unwrap();
    match (tool, row.event.as_str()) {
        ("bitbucket", "pipeline_hook_update") => vec![header("x-event-key", "repo:commit_status_updated")],
        ("bitbucket", "pr_fulfilled") => vec![header("x-event-key", "pullrequest:fulfilled")],
        ("bitbucket", event) if event.starts_with("push") => vec![header("x-event-key", "repo:push")],
        ("sentry", event) => vec![
            header("sentry-hook-resource", event.split('.').next().unwrap()),
            header("sentry-hook-timestamp", "1649096240"),
        ],
        ("tekton", event) => vec![header("ce-type", event)],
        _ => Vec::new(),
    }
}

/// The bodies of a file: itself, or what was sent and answered in a recording.
fn bodies(text: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(text).unwrap();
    let Some(recorded) = body.as_array().filter(|list| list.iter().all(|item| item.get("request").is_some())) else {
        return vec![text.to_owned()];
    };
    let parts = recorded.iter().flat_map(|item| [&item["request"]["body"], &item["response"]["body"]]);
    // A list as it was answered; a thing with what it is.
    let told = |body: &&Value| match &body["data"] {
        Value::Array(_) => true,
        data => data["attributes"]["service"].is_string() || (data["id"].is_string() && data["attributes"].is_object()),
    };
    parts.filter(told).map(Value::to_string).collect()
}

/// `(proposed field, native field)`.
const FIELDS: &[(&str, &str)] = &[
    ("id", "id"),
    ("key", "id"),
    ("failure_id", "id"),
    ("alert", "id"),
    ("issue", "id"),
    ("name", "name"),
    ("service", "component"),
    ("app", "component"),
    ("env", "environment"),
    ("sha", "sha"),
    ("version", "version"),
    ("severity", "severity_original"),
    ("level", "severity_original"),
    ("attempt", "attempt"),
    ("status", "status"),
    ("t_created", "opened_at"),
    ("t_created_ms", "opened_at"),
    ("t_first", "opened_at"),
    ("timestamp", "opened_at"),
    ("t_started", "started_at"),
    ("t_started_ms", "started_at"),
    ("t_finished", "finished_at"),
    ("t_finished_ms", "finished_at"),
    ("t_detected", "detected_at"),
    ("t_resolved", "resolved_at"),
    ("t_updated", "updated_at"),
    ("t", "committed_at"),
];

fn status_of(word: &str) -> &str {
    match word {
        "success" | "COMPLETED" => "succeeded",
        "failure" | "FAILED" => "failed",
        "RUNNING" | "pending" => "in_progress",
        "ABORTED" => "cancelled",
        other => other,
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    let millis = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    match millis {
        Some(seconds) if seconds < 100_000_000_000 => Some(Timestamp::from_micros(seconds * 1_000_000)),
        Some(millis) => Some(Timestamp::from_micros(millis * 1_000)),
        None => Timestamp::parse(value.as_str()?).ok(),
    }
}

/// What a class of the manifest becomes.
fn kinds(class: &str) -> &'static [&'static str] {
    match class.split([' ', '_', '(']).next().unwrap() {
        "incident" => &["incident"],
        // A stage is told as a part of its run.
        "deployment" if class.contains("stage") => &["pipeline_run"],
        "deployment" => &["deployment"],
        "ci" => &["pipeline_run"],
        "change" => &["change", "pull_request"],
        "tag" => &["tag"],
        "generic" => &["deployment", "incident"],
        other => panic!("what is a {other}?"),
    }
}

fn same(event: &Event, native: &str, wanted: &Value) -> bool {
    // A stage has its own beginning, end and outcome; which attempt it is stands behind its id.
    if let Some((name, stage)) = event.fields.iter().find(|(name, _)| name.starts_with("stage.")) {
        match native {
            "attempt" => return name.ends_with(&format!("-{wanted}")),
            "status" => return stage["status"] == status_of(wanted.as_str().unwrap()),
            "started_at" | "finished_at" => return instant(&stage[native]) == instant(wanted),
            _ => {}
        }
    }
    // What is proposed as the creation is an incident's opening and a run's beginning.
    let native = match (native, event.key.kind.text()) {
        ("opened_at", "deployment") if event.fields.contains_key("finished_at") => "finished_at",
        ("opened_at", "deployment" | "pipeline_run") => "started_at",
        ("component", "pipeline_run") => "repo",
        ("committed_at" | "opened_at", "tag") => "tagged_at",
        ("component", "change" | "tag" | "pull_request") => "repo",
        ("version", "tag") => "name",
        ("sha", "pull_request") => "merge_sha",
        ("name", "incident") => "title",
        ("status", "incident") => return true,
        (native, _) => native,
    };
    let found = event.fields.get(native);
    if wanted.is_null() {
        return found.is_none();
    }
    let Some(found) = found else { return false };
    if native.ends_with("_at") {
        return instant(found) == instant(wanted);
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (found, wanted) = (text(found), text(wanted));
    match native {
        "status" => found == status_of(&wanted),
        // Identities say more: which attempt, of what, since when.
        "id" => found.contains(&wanted.replace(" » ", "/").replace(" #", "#")),
        "severity_original" => found.trim_start_matches('P') == wanted.trim_start_matches('P'),
        "sha" => wanted.contains(&found),
        _ => found == wanted,
    }
}

/// Why a proposed field is read otherwise.
fn differs(file: &str, field: &str) -> Option<&'static str> {
    Some(match (file.split('/').next()?, field) {
        ("azuredevops", "service") => "a repository's name is its own only within its project: `project/repository`",
        ("azuredevops", "t") => "a commit has its own time; this is when it was pushed",
        ("azuredevops", "t_created") => "a build that has started began then, not when it was queued",
        ("bitbucket", "version") if file.contains("/rest/") => {
            "the number of a pipeline's run is no version: it is a label"
        }
        ("bitbucket", "id") if file.ends_with("pr_fulfilled.json") => {
            "a pull request is known by repository and number"
        }
        ("bitbucket", "t") if file.ends_with("tag_create.json") => "the tag has no date; this is its commit's",
        ("circleci", "service") => "the repository, without the host before it",
        ("firehydrant", "severity") => "the severity is unset, so the priority counts",
        ("grafana", "name") => "the alert's summary is what it is about; its name is a label",
        ("grafana", "service") => "an incident has a component: without a label for it, the rule's folder",
        ("opsgenie", "t_resolved") if file.ends_with("ocean.a.json") => {
            "its impact has ended, so it is mitigated, but its status says that it is open"
        }
        ("pelorus", "timestamp") if file.ends_with("committime.json") => "it is the time of the deployment's commit",
        ("spinnaker", "service") => "a job of a build server is the name of its runs, not of a component",
        ("tekton", "name") => "a run has the name of its task, so that rules can name it",
        ("tekton", "service") => "the task is the name of its runs, not of a component",
        _ => return None,
    })
}

/// Why a whole file is ignored although the manifest proposes something.
fn ignored(file: &str) -> Option<&'static str> {
    Some(match file {
        "octopus/rest.releases.json" => "a release: it is deployed by deployments of it",
        _ => return None,
    })
}

#[test]
fn every_shared_payload_is_taken_or_ignored_as_proposed() {
    let Some(rows) = rows() else { return };
    assert!(rows.len() >= 45, "{}", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let Some(path) = shared(&format!("fixtures/{}", row.file)) else { continue };
        let text = std::fs::read_to_string(path).unwrap();
        let source = source(row.file.split('/').next().unwrap());
        let mut events = Vec::new();
        for body in bodies(&text) {
            match send(&source, &headers(&row), &body) {
                Ok(Parsed { ignored: Some(why), .. }) => {
                    if ignored(&row.file) != Some(&*why) && !body.contains("\"data\"") {
                        wrong.push(format!("{}: ignored: {why}", row.file));
                    }
                }
                Ok(parsed) => events.extend(parsed.events),
                Err(problem) => wrong.push(format!("{}: {problem}", row.file)),
            }
        }
        let proposed = match &row.proposed {
            Value::Array(list) => list.clone(),
            object if object.get("alerts").is_some() => object["alerts"].as_array().unwrap().clone(),
            object => vec![object.clone()],
        };
        // Recordings are requests, not lists; a tag comes with its commit.
        let counted = !row.file.starts_with("datadog/dora") && !row.file.starts_with("datadog/incidents");
        let more = usize::from(row.file.ends_with("push_tag_create.json"));
        if counted && ignored(&row.file).is_none() && proposed.len() + more != events.len() {
            wrong.push(format!("{}: {} events, {} proposed", row.file, events.len(), proposed.len()));
        }
        for (event, proposed) in events.iter().zip(&proposed) {
            let event = match event {
                Ok(event) => event,
                Err(problem) => {
                    wrong.push(format!("{}: {problem}", row.file));
                    continue;
                }
            };
            if let Some(class) = proposed["cls"].as_str().filter(|class| !kinds(class).contains(&event.key.kind.text()))
            {
                wrong.push(format!("{}: a {} is proposed as {class}", row.file, event.key.kind));
            }
            for (field, native) in FIELDS {
                let Some(wanted) = proposed.get(field) else { continue };
                let (same, reason) = (same(event, native, wanted), differs(&row.file, field));
                if same == reason.is_some() {
                    let found = event.fields.get(*native);
                    wrong.push(format!("{}: {native} is {found:?}, proposed {field} {wanted}: {reason:?}", row.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_published_vectors_fit() {
    let Some(path) = shared("fixtures/signatures.json") else { return };
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let now = Timestamp::parse(super::RECEIVED_AT).unwrap();
    let circleci = find("circleci").unwrap();
    let cells: Vec<&str> = vectors["circleci"]["table"].as_str().unwrap().split('`').collect();
    let cells: Vec<&str> = cells.iter().skip(1).step_by(2).copied().take(9).collect();
    assert_eq!(cells[0], "hello world");
    for row in cells.chunks(3) {
        let [body, secret, signature] = row else { panic!("{row:?}") };
        let with = |version: &str| vec![("circleci-signature".to_owned(), format!("{version}={signature}"))];
        assert_eq!(verify(circleci, &with("v1"), body.as_bytes(), secret.as_bytes(), now), Ok(()));
        verify(circleci, &with("v2"), body.as_bytes(), secret.as_bytes(), now).unwrap_err();
    }
    // Of the others only the form is published.
    for (name, header, like) in [
        ("rootly", "x-rootly-signature", "t="),
        ("sentry", "sentry-hook-signature", ""),
        ("zendesk", "x-zendesk-webhook-signature", ""),
        ("incidentio", "webhook-signature", "v1,"),
    ] {
        let published = vectors[if name == "incidentio" { "incident_io" } else { name }].to_string().to_lowercase();
        assert!(published.contains(header), "{published}");
        let secret = b"whsec_c2VjcmV0";
        let headers = sign(find(name).unwrap(), b"{}", secret, now);
        let (_, value) = headers.iter().find(|(name, _)| name == header).unwrap();
        assert!(value.starts_with(like), "{value}");
        assert_eq!(verify(find(name).unwrap(), &headers, b"{}", secret, now), Ok(()));
    }
}
