//! What spans come to: results, names, environments.

use serde_json::{Value, json};

use super::{only, request, span, told};

const ID: &str = "eee19b7ec3c1b174";

fn run(more: &Value) -> Value {
    let mut of = json!({"cicd.pipeline.run.id": "7", "cicd.pipeline.name": "Deploy"});
    of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    span(ID, 2, &of)
}

fn task(more: &Value) -> Value {
    let mut of = json!({"cicd.pipeline.run.id": "7", "cicd.pipeline.task.name": "deploy",
        "cicd.pipeline.task.run.id": "3", "cicd.pipeline.task.type": "deploy"});
    of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    span(ID, 1, &of)
}

fn alone(span: Value) -> Value {
    request(&json!({"service.name": "cart"}), vec![span])
}

#[test]
fn every_result_has_its_status() {
    for (result, status) in [
        ("success", "succeeded"),
        ("failure", "failed"),
        ("error", "failed"),
        ("timeout", "failed"),
        ("cancellation", "cancelled"),
        ("skip", "skipped"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(only("pipeline_run", &alone(run(&json!({"cicd.pipeline.result": result}))))["status"], status);
    }
    assert_eq!(
        told(&alone(run(&json!({"cicd.pipeline.result": "fine"})))),
        "`cicd.pipeline.result` is `fine`; it takes success, failure, error, timeout, cancellation, skip (unknown_value)"
    );
    // Without a result the status of the span counts where it was set.
    for (code, status) in [(1, Some("succeeded")), (2, Some("failed")), (0, None)] {
        let mut span = run(&json!({}));
        span["status"] = json!({"code": code});
        match status {
            Some(status) => assert_eq!(only("pipeline_run", &alone(span))["status"], status),
            None => assert_eq!(
                told(&alone(span)),
                "`cicd.pipeline.result` is missing or empty: it says how the run went. (missing_field)"
            ),
        }
    }
}

#[test]
fn a_run_without_an_id_is_its_trace() {
    let run = only("pipeline_run", &alone(span(ID, 2, &json!({"cicd.pipeline.result": "success"}))));
    assert_eq!((&run["id"], &run["name"]), (&json!("5b8efff798038103d269b633813fc60c"), &json!("RUN Deploy")));
    let task = only("pipeline_run", &alone(span(ID, 1, &json!({"cicd.pipeline.task.name": "build"}))));
    assert_eq!(task["id"], run["id"]);
    // A task without an id is its span.
    assert_eq!(task["stage.eee19b7ec3c1b174"]["name"], "build");
}

#[test]
fn a_task_that_deploys_is_a_deployment_where_it_says_where() {
    let told_of = |more: Value| only("deployment", &alone(task(&more)));
    let deployment = told_of(json!({"deployment.environment.name": "production"}));
    assert_eq!((&deployment["id"], &deployment["component"]), (&json!("7/3"), &json!("cart")));
    // Nobody said how it went.
    assert_eq!((&deployment["status"], &deployment["status_assumed"]), (&json!("succeeded"), &json!(true)));
    let failed = told_of(json!({"deployment.environment": "production", "cicd.pipeline.task.run.result": "timeout",
        "error.type": "timeout"}));
    assert_eq!((&failed["status"], &failed["status_reason"]), (&json!("failed"), &json!("timeout")));
    assert!(!failed.contains_key("status_assumed"));
    for more in [json!({}), json!({"deployment.environment.name": "eu", "cicd.pipeline.task.run.result": "skip"})] {
        let text = told(&alone(task(&more)));
        assert!(text.contains("stage.3") && !text.contains("deployment ci/"), "{text}");
    }
    let builds = told(&alone(task(&json!({"cicd.pipeline.task.type": "build", "deployment.environment.name": "eu"}))));
    assert!(!builds.contains("deployment ci/"), "{builds}");
}

#[test]
fn a_span_by_itself_may_be_a_deployment() {
    let of = json!({"deployment.id": 1208, "deployment.name": "deploy cart", "deployment.status": "failed",
        "deployment.environment.name": "production", "service.version": "1.2.3"});
    insta::assert_snapshot!(told(&alone(span(ID, 1, &of))), @r#"
    deployment ci/1208
      component: "cart"
      environment: "production"
      finished_at: "2025-01-01T10:05:00.5Z"
      id: "1208"
      marks: ["service:cart"]
      name: "deploy cart"
      started_at: "2025-01-01T10:00:00Z"
      status: "failed"
      updated_at: "2025-01-01T10:05:00.5Z"
      version: "1.2.3"
    "#);
    let nowhere = span(ID, 1, &json!({"deployment.status": "failed"}));
    assert_eq!(told(&alone(nowhere)), "ignored: of 1 spans 1 would deploy, but were skipped or say no environment");
}

#[test]
fn the_repository_goes_before_the_service_that_sends() {
    let component = |resource: Value, own: Value| {
        let mut of = json!({"cicd.pipeline.result": "success", "cicd.pipeline.run.id": "7"});
        of.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let run = only("pipeline_run", &request(&resource, vec![span(ID, 2, &of)]));
        run.get("component").cloned().unwrap_or_default()
    };
    let owned = json!({"service.name": "jenkins", "vcs.owner.name": "acme", "vcs.repository.name": "cart"});
    assert_eq!(component(owned.clone(), json!({})), "acme/cart");
    assert_eq!(component(owned, json!({"service.name": "cart-api"})), "cart-api");
    let url = |url: &str| component(json!({"vcs.repository.url.full": url}), json!({}));
    assert_eq!(url("https://git.example/acme/cart"), "acme/cart");
    assert_eq!(url("https://git.example:8443/group/sub/cart.git?x=1"), "group/sub/cart");
    assert_eq!((url("https://git.example"), url("cart")), (Value::Null, Value::Null));
    assert_eq!(component(json!({"service.name": "unknown_service:otel-cli"}), json!({})), Value::Null);
}

#[test]
fn the_version_of_the_service_that_sends_is_that_of_what_it_deploys_only_where_they_are_one() {
    let version = |resource: Value| {
        let of = json!({"cicd.pipeline.task.type": "deploy", "deployment.environment.name": "eu"});
        only("deployment", &request(&resource, vec![span(ID, 1, &of)])).get("version").cloned()
    };
    let ci = json!({"service.name": "jenkins", "service.version": "2.516", "vcs.repository.name": "acme/cart"});
    assert_eq!(version(ci), None);
    assert_eq!(version(json!({"service.name": "cart", "service.version": "1.2.3"})), Some(json!("1.2.3")));
}

#[test]
fn a_tag_is_a_version_and_a_branch_is_not() {
    let deployment = |name: &str, kind: &str| {
        only(
            "deployment",
            &alone(task(&json!({"deployment.environment.name": "eu", "vcs.ref.head.name": name,
            "vcs.ref.head.type": kind, "cicd.pipeline.task.run.result": "success"}))),
        )
    };
    let (tag, branch) = (deployment("v1.2.3", "tag"), deployment("refs/heads/main", "branch"));
    assert_eq!((tag.get("version"), tag.get("branch")), (Some(&json!("v1.2.3")), None));
    assert_eq!((branch.get("version"), branch.get("branch")), (None, Some(&json!("main"))));
}

#[test]
fn a_span_without_times_is_a_problem() {
    let mut span = run(&json!({"cicd.pipeline.result": "success"}));
    span["endTimeUnixNano"] = json!("0");
    assert_eq!(
        told(&alone(span)),
        "`endTimeUnixNano` is missing or empty: a span that was exported has begun and ended. (missing_field)"
    );
}
