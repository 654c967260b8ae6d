//! The requests the articles print, with the shell's and the CI's variables filled in as they would be.

use std::path::Path;

use domain::{Code, Problem, Timestamp};
use serde_json::{Value, json};
use sources::{Delivery, Parsed, find};

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";
const BEFORE: &str = "0f2e3d4c5b6a79880123456789abcdef01234567";

fn send(event: &str, headers: &[(&str, &str)], body: &str) -> Result<Parsed, Problem> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let received_at = Timestamp::parse("2025-06-01T00:00:00Z").unwrap();
    let delivery = Delivery { source: "ci-token", event, headers: &headers, body: body.as_bytes(), received_at };
    (find("articles").unwrap().parse)(&delivery)
}

/// All events, `kind source/id fields` a line, fields in alphabetical order.
fn told(parsed: Result<Parsed, Problem>) -> String {
    let tell = |event: Result<domain::event::Event, Problem>| match event {
        Ok(event) => {
            let mut fields: Vec<_> = event.fields.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
            fields.sort();
            format!("{}\n{}", event.key, fields.join("\n"))
        }
        Err(problem) => problem.to_string(),
    };
    match parsed {
        Ok(Parsed { ignored: Some(why), .. }) => format!("ignored: {why}"),
        Ok(parsed) => parsed.events.into_iter().map(tell).collect::<Vec<_>>().join("\n"),
        Err(problem) => problem.to_string(),
    }
}

fn code(event: &str, body: &Value) -> Code {
    send(event, &[], &body.to_string()).unwrap_err().code
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

#[test]
fn the_github_actions_step() {
    let body = format!(
        r#"{{
              "service": "acme/cart",
              "environment": "production",
              "commit_sha": "{SHA}",
              "deployed_at": "2025-01-03T14:00:00+02:00",
              "status": "success"
            }}"#
    );
    insta::assert_snapshot!(told(send("deployments", &[("content-type", "application/json")], &body)), @r#"
    deployment articles/810e57fe86180b4166292cf8a4270b9b
      component: "acme/cart"
      environment: "production"
      finished_at: "2025-01-03T12:00:00Z"
      id: "810e57fe86180b4166292cf8a4270b9b"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
    "#);
}

#[test]
fn the_gitlab_job() {
    let body = format!(
        "{{
          \"service\": \"cart\",
          \"environment\": \"production\",
          \"commit_sha\": \"{SHA}\",
          \"deployed_at\": \"2025-01-03T12:00:00+00:00\",
          \"pipeline_id\": \"4711\"
        }}"
    );
    insta::assert_snapshot!(told(send("deployments", &[], &body)), @r#"
    deployment articles/cart@production:4711
      component: "cart"
      environment: "production"
      finished_at: "2025-01-03T12:00:00Z"
      id: "cart@production:4711"
      pipeline_id: "4711"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
      status_assumed: true
    "#);
}

/// `DeploymentEvent` of the FastAPI service.
fn deployment() -> Value {
    json!({"service": "cart", "environment": "production", "commit_sha": SHA,
        "commit_timestamp": "2025-01-03T10:00:00", "deployed_at": "2025-01-03T12:00:00Z"})
}

#[test]
fn the_services_deployment() {
    insta::assert_snapshot!(told(send("deployment", &[], &deployment().to_string())), @r#"
    deployment articles/c6e782b9a979aca14f84dae1913116e1
      commit_at: "2025-01-03T10:00:00Z"
      component: "cart"
      environment: "production"
      finished_at: "2025-01-03T12:00:00Z"
      id: "c6e782b9a979aca14f84dae1913116e1"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
      status_assumed: true
      time_assumed: true
    "#);
    let kind = |rollback: Value, hotfix: Value| {
        let body = with(with(deployment(), "is_rollback", rollback), "is_hotfix", hotfix);
        let mut events = send("deployment", &[], &body.to_string()).unwrap().events;
        events.remove(0).unwrap().fields.get("change_kind").cloned()
    };
    assert_eq!(kind(json!(false), json!(false)), None);
    assert_eq!(kind(json!(true), json!(true)), Some(json!("rollback")));
    assert_eq!(kind(json!("false"), json!("True")), Some(json!("hotfix")));
}

#[test]
fn deployments_that_cannot_be_taken() {
    for name in ["service", "environment", "commit_sha", "commit_timestamp", "deployed_at"] {
        assert_eq!(code("deployment", &without(deployment(), name)), Code::MissingField, "{name}");
        assert_eq!(code("deployment", &with(deployment(), name, json!(""))), Code::MissingField, "{name}");
        assert_eq!(code("deployment", &with(deployment(), name, json!({}))), Code::WrongType, "{name}");
    }
    assert!(send("deployments", &[], &without(deployment(), "commit_timestamp").to_string()).is_ok());
    let bad =
        |name: &str, value: Value| send("deployment", &[], &with(deployment(), name, value).to_string()).unwrap_err();
    assert_eq!(bad("status", json!("unheard")).code, Code::UnknownValue);
    assert_eq!(bad("is_rollback", json!("maybe")).code, Code::WrongType);
    assert_eq!(bad("labels", json!("x")).code, Code::WrongType);
    assert_eq!(bad("commit_timestamp", json!("yesterday")).code, Code::TimestampInvalid);
    let future = bad("deployed_at", json!("2099-01-01T00:00:00Z"));
    assert_eq!(future.code, Code::TimestampInFuture);
    assert!(future.message.contains("`deployed_at`"), "{future}");
    assert_eq!(bad("service", json!("x".repeat(600))).code, Code::FieldTooLong);
}

#[test]
fn what_else_is_said_of_a_deployment_is_kept() {
    let more = json!({"team": "checkout", "version": "v1.2.0", "started_at": "2025-01-03T11:50:00", "mine": [1],
        "type": "incident", "source": "other", "status": "canceled"});
    let mut body = deployment();
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let event = send("deployment", &[], &body.to_string()).unwrap().events.remove(0).unwrap();
    assert_eq!((event.key.kind.text(), &*event.key.source), ("deployment", "articles"));
    for (name, value) in [
        ("team", json!("checkout")),
        ("version", json!("v1.2.0")),
        ("started_at", json!("2025-01-03T11:50:00Z")),
        ("mine", json!([1])),
        ("status", json!("cancelled")),
    ] {
        assert_eq!(event.fields[name], value, "{name}");
    }
}

#[test]
fn the_content_or_the_pipeline_is_the_identity() {
    let id = |body: &Value| send("deployments", &[], &body.to_string()).unwrap().events.remove(0).unwrap().key.id;
    let one = deployment();
    assert_eq!(id(&one), id(&with(one.clone(), "is_hotfix", Value::Null)), "null says nothing");
    assert_ne!(id(&one), id(&with(one.clone(), "environment", json!("staging"))));
    assert_ne!(id(&one), id(&with(one.clone(), "deployed_at", json!("2025-01-03T12:00:01Z"))));
    let job = with(one.clone(), "pipeline_id", json!(4711));
    assert_eq!(&*id(&job), "cart@production:4711");
    assert_eq!(id(&job), id(&with(job.clone(), "status", json!("failed"))), "a pipeline run again is an update");
    assert_ne!(id(&job), id(&with(job.clone(), "environment", json!("staging"))), "one pipeline, two environments");
    assert_eq!(&*id(&with(job, "id", json!("deploy-9"))), "deploy-9");
    let long = with(with(one, "service", json!("s".repeat(500))), "pipeline_id", json!("p".repeat(100)));
    assert_eq!(id(&long).len(), 64);
}

/// `IncidentEvent` of the FastAPI service.
fn incident() -> Value {
    json!({"incident_id": "INC-7", "service": "cart", "severity": "SEV2", "detected_at": "2025-01-03T13:00:00Z"})
}

#[test]
fn the_services_incident() {
    let resolved = with(incident(), "resolved_at", json!("2025-01-03T15:00:00"));
    insta::assert_snapshot!(told(send("incident", &[], &resolved.to_string())), @r#"
    incident articles/INC-7
      component: "cart"
      detected_at: "2025-01-03T13:00:00Z"
      id: "INC-7"
      opened_at: "2025-01-03T13:00:00Z"
      resolved_at: "2025-01-03T15:00:00Z"
      severity: "high"
      severity_original: "SEV2"
      time_assumed: true
    "#);
    let open =
        send("incident", &[], &with(incident(), "resolved_at", Value::Null).to_string()).unwrap().events.remove(0);
    assert_eq!(&*open.unwrap().key.id, "INC-7");
    for name in ["incident_id", "service", "severity", "detected_at"] {
        assert_eq!(code("incident", &without(incident(), name)), Code::MissingField, "{name}");
    }
    let backwards = with(incident(), "resolved_at", json!("2025-01-03T12:00:00Z"));
    assert_eq!(code("incident", &backwards), Code::FinishedBeforeStarted);
}

/// What GitHub's hook sends for a push of two commits.
fn push() -> Value {
    let commit = |id: &str, timestamp: &str| {
        json!({"id": id, "tree_id": "x", "distinct": true, "message": "Add a cart\n\nAnd a till", "timestamp": timestamp,
            "author": {"name": "Ann", "email": "ann@example.com", "username": "ann"},
            "added": ["cart/new.rs"], "removed": [], "modified": ["cart/lib.rs"]})
    };
    let first = "2f2e3d4c5b6a79880123456789abcdef01234567";
    json!({"ref": "refs/heads/main", "before": BEFORE, "after": SHA, "created": false, "deleted": false, "forced": false,
        "repository": {"id": 1, "name": "cart", "full_name": "acme/cart"}, "pusher": {"name": "ann"},
        "commits": [commit(first, "2025-01-03T11:00:00+01:00"), commit(SHA, "2025-01-03T12:00:00+01:00")],
        "head_commit": commit(SHA, "2025-01-03T12:00:00+01:00")})
}

#[test]
fn the_github_hook() {
    let headers = [("X-GitHub-Event", "push"), ("Content-Type", "application/json")];
    insta::assert_snapshot!(told(send("commit", &headers, &push().to_string())), @r#"
    change git/acme/cart@2f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ann"
      committed_at: "2025-01-03T10:00:00Z"
      message: "Add a cart\n\nAnd a till"
      parents_assumed: ["0f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["cart/new.rs","cart/lib.rs"]
      repo: "acme/cart"
      sha: "2f2e3d4c5b6a79880123456789abcdef01234567"
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ann"
      committed_at: "2025-01-03T11:00:00Z"
      message: "Add a cart\n\nAnd a till"
      parents_assumed: ["2f2e3d4c5b6a79880123456789abcdef01234567"]
      paths: ["cart/new.rs","cart/lib.rs"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    "#);
}

#[test]
fn the_little_of_a_push_the_flask_collector_reads() {
    let body = json!({"after": SHA, "head_commit": {"timestamp": "2025-10-10T14:00:00"}});
    // The future of this test is the past of the article.
    let body = body.to_string().replace("2025-10", "2024-10");
    insta::assert_snapshot!(told(send("commit", &[], &body)), @r#"
    change git/unknown@1f2e3d4c5b6a79880123456789abcdef01234567
      committed_at: "2024-10-10T14:00:00Z"
      repo: "unknown"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      time_assumed: true
    "#);
}

#[test]
fn pushes_of_other_kinds() {
    let told_of = |body: Value| told(send("commit", &[], &body.to_string()));
    let deletion = with(push(), "after", json!("0".repeat(40)));
    insta::assert_snapshot!(told_of(deletion), @"ignored: a branch or tag was deleted");
    insta::assert_snapshot!(told_of(json!({"zen": "Design for failure.", "hook_id": 1, "hook": {}})), @"ignored: a ping");
    let star = send("commit", &[("x-github-event", "star")], "{\"action\":\"created\"}");
    insta::assert_snapshot!(told(star), @"ignored: the event is `star`, not `push`");
    insta::assert_snapshot!(told(send("commit", &[("content-type", "application/x-www-form-urlencoded")], "payload=%7B%7D")), @"the hook sends a form; set its content type to application/json (unsupported_media_type)");
    // A tag: the commits are known, `after` is the tag object.
    let tag = with(with(push(), "ref", json!("refs/tags/v1.2.0")), "commits", json!([]));
    let tag = with(with(tag, "after", json!("3".repeat(40))), "before", json!("0".repeat(40)));
    insta::assert_snapshot!(told_of(tag), @r#"
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      author: "Ann"
      committed_at: "2025-01-03T11:00:00Z"
      message: "Add a cart\n\nAnd a till"
      paths: ["cart/new.rs","cart/lib.rs"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    tag git/acme/cart:v1.2.0
      name: "v1.2.0"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    "#);
    // Another commit's mistake concerns only itself, and breaks the chain.
    let mut odd = push();
    odd["commits"][0]["id"] = json!(7);
    odd["commits"][1]["author"] = json!("ann");
    insta::assert_snapshot!(told_of(odd), @r#"
    `commits.id` is missing or empty: it is the hash of a commit. (missing_field)
    change git/acme/cart@1f2e3d4c5b6a79880123456789abcdef01234567
      committed_at: "2025-01-03T11:00:00Z"
      message: "Add a cart\n\nAnd a till"
      paths: ["cart/new.rs","cart/lib.rs"]
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
    "#);
    let forced = with(push(), "forced", json!(true));
    let first = send("commit", &[], &forced.to_string()).unwrap().events.remove(0).unwrap();
    assert!(!first.fields.contains_key("parents_assumed"), "a forced push does not follow what was there");
    assert_eq!(code("commit", &json!({"after": SHA})), Code::MissingField);
    assert_eq!(code("commit", &json!({"after": SHA, "head_commit": "x"})), Code::WrongType);
    assert_eq!(code("commit", &json!({"after": 7})), Code::WrongType);
}

fn argo(status: &str) -> String {
    format!(
        r#"          {{
            "event": "deployment",
            "status": "{status}",
            "app": "cart",
            "revision": "{SHA}",
            "timestamp": "2025-01-03T12:00:00Z"
          }}"#
    )
}

#[test]
fn the_argo_cd_notification() {
    insta::assert_snapshot!(told(send("deploy", &[], &argo("success"))), @r#"
    deployment articles/336bee5d3cf79240d72d3f3deb7ecd3b
      component: "cart"
      environment: "production"
      environment_assumed: true
      finished_at: "2025-01-03T12:00:00Z"
      id: "336bee5d3cf79240d72d3f3deb7ecd3b"
      revision: "1f2e3d4c5b6a79880123456789abcdef01234567"
      status: "succeeded"
    "#);
    let failed = send("deploy", &[], &argo("failed")).unwrap().events.remove(0).unwrap();
    assert_eq!(failed.fields["status"], "failed");
}

#[test]
fn notifications_with_less_or_more() {
    for missing in ["", "<no value>"] {
        let body = argo("success").replace("2025-01-03T12:00:00Z", missing);
        let event = send("deploy", &[], &body).unwrap().events.remove(0).unwrap();
        assert_eq!(event.fields["finished_at"], "2025-06-01T00:00:00Z");
        assert_eq!(event.fields["time_assumed"], true);
        let body = argo("success").replace("\"cart\"", &json!(missing).to_string());
        assert_eq!(send("deploy", &[], &body).unwrap_err().code, Code::MissingField);
    }
    let named = argo("success").replace("\"event\"", "\"environment\": \"staging\", \"event\"");
    let event = send("deploy", &[], &named).unwrap().events.remove(0).unwrap();
    assert_eq!(event.fields["environment"], "staging");
    assert!(!event.fields.contains_key("environment_assumed"));
    insta::assert_snapshot!(told(send("deploy", &[], &argo("x").replace("\"deployment\"", "\"sync\""))), @"ignored: the event is `sync`, not `deployment`");
    assert_eq!(code("deploy", &json!({"app": "cart"})), Code::MissingField);
    assert_eq!(code("deploy", &json!({"revision": SHA})), Code::MissingField);
}

#[test]
fn the_articles_still_print_these_fields() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/seeds");
    for (file, words) in [
        (
            "dora-metrics-examples.md",
            &[
                "/deployments\"",
                "\"service\": \"${{ github.repository }}\"",
                "\\\"pipeline_id\\\"",
                "deployed_at",
                "@app.post(\"/events/deployment\")",
                "@app.post(\"/events/incident\")",
                "commit_timestamp: datetime",
                "is_rollback: bool = False",
                "is_hotfix: bool = False",
                "incident_id: str",
                "severity: str",
                "resolved_at: Optional[datetime] = None",
                "{\"status\": \"recorded\"}",
            ][..],
        ),
        (
            "fawkes-dojo-module-14.md",
            &[
                "/webhook/commit",
                "request.json['after']",
                "request.json['head_commit']['timestamp']",
                "/webhook/deploy",
                "request.json['revision']",
                "\"event\": \"deployment\"",
                "\"status\": \"failed\"",
                "\"app\": \"{{.app.metadata.name}}\"",
                "\"revision\": \"{{.app.status.sync.revision}}\"",
                "\"timestamp\": \"{{.app.status.operationState.finishedAt}}\"",
                "return '', 200",
            ][..],
        ),
    ] {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
            println!("skipped: {file} is not at {}", folder.display());
            continue;
        };
        for word in words {
            assert!(text.contains(word), "{file} no longer prints {word}");
        }
    }
}
