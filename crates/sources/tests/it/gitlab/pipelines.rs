//! Pipelines and their jobs.

use serde_json::{Value, json};

use super::{SHA, body, send, told};
use crate::told::{events, merged, tell, values};

fn build(id: u64, status: &str, times: [Option<&str>; 3]) -> Value {
    json!({"id": id, "stage": "deploy", "name": format!("job {id}"), "status": status, "created_at": times[0],
        "started_at": times[1], "finished_at": times[2], "manual": false, "when": "on_success"})
}

fn pipeline(status: &str, finished_at: Option<&str>, builds: Vec<Value>) -> Value {
    json!({"object_attributes": {"id": 31, "iid": 3, "name": "Deploy", "ref": "main", "tag": false, "sha": SHA, "source": "push",
        "status": status, "created_at": "2025-01-03 12:00:00 UTC", "finished_at": finished_at, "duration": 63,
        "url": "https://gitlab.example/acme/shop/cart/-/pipelines/31"}, "builds": builds})
}

fn job(status: &str, more: Value) -> Value {
    let mut job = json!({"build_id": 380, "build_name": "job 380", "build_status": status, "pipeline_id": 31, "ref": "main",
        "sha": SHA, "build_created_at": "2025-01-03 12:00:00 UTC"});
    for (name, value) in more.as_object().unwrap() {
        job[name] = value.clone();
    }
    job
}

const QUEUED: Option<&str> = Some("2025-01-03 12:00:00 UTC");
const BEGAN: Option<&str> = Some("2025-01-03 12:01:00 UTC");
const ENDED: Option<&str> = Some("2025-01-03 13:03:00 +0100");

#[test]
fn a_pipeline_and_each_of_its_jobs() {
    let builds = vec![build(380, "success", [QUEUED, BEGAN, ENDED]), build(381, "manual", [QUEUED, None, None])];
    insta::assert_snapshot!(told("pipeline", pipeline("success", Some("2025-01-03 12:03:00 UTC"), builds)), @r#"
    pipeline_run gitlab/31
      actor: "ada"
      branch: "main"
      component: "acme/shop/cart"
      event: "push"
      finished_at: "2025-01-03T12:03:00Z"
      id: "31"
      marks: ["repository:acme/shop/cart","project:acme/shop/cart","pipeline:Deploy"]
      name: "Deploy"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-03T12:00:00Z"
      status: "succeeded"
      trigger: "automated"
      updated_at: "2025-01-03T12:03:00Z"
      url: "https://gitlab.example/acme/shop/cart/-/pipelines/31"
    pipeline_run gitlab/31
      branch: "main"
      component: "acme/shop/cart"
      id: "31"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.380: {"name":"job 380","status":"succeeded","queued_at":"2025-01-03T12:00:00Z","started_at":"2025-01-03T12:01:00Z","finished_at":"2025-01-03T12:03:00Z"}
      updated_at: "2025-01-03T12:03:00.000002Z"
    pipeline_run gitlab/31
      branch: "main"
      component: "acme/shop/cart"
      id: "31"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.381: {"name":"job 381","status":"skipped","queued_at":"2025-01-03T12:00:00Z"}
      updated_at: "2025-01-03T12:00:00.000002Z"
    "#);
}

#[test]
fn a_job_by_itself_tells_its_stage_alone() {
    let ended = json!({"build_started_at": BEGAN, "build_finished_at": ENDED});
    insta::assert_snapshot!(told("build", job("failed", ended)), @r#"
    pipeline_run gitlab/31
      branch: "main"
      component: "acme/shop/cart"
      id: "31"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.380: {"name":"job 380","status":"failed","queued_at":"2025-01-03T12:00:00Z","started_at":"2025-01-03T12:01:00Z","finished_at":"2025-01-03T12:03:00Z"}
      updated_at: "2025-01-03T12:03:00.000002Z"
    "#);
}

#[test]
fn jobs_and_pipelines_in_any_order_are_one_run() {
    let deliveries = [
        body("pipeline", pipeline("running", None, vec![build(380, "pending", [QUEUED, None, None])])),
        body("build", job("running", json!({"build_started_at": BEGAN}))),
        body("build", job("success", json!({"build_started_at": BEGAN, "build_finished_at": ENDED}))),
        body("pipeline", pipeline("success", ENDED, vec![build(380, "success", [QUEUED, BEGAN, ENDED])])),
        body("build", job("pending", json!({}))),
    ];
    let all = events(deliveries.iter().map(|body| send(&body.to_string())));
    let run = merged(&all);
    assert_eq!(
        values(&run, &["status", "started_at", "finished_at"]),
        r#"status="succeeded" started_at="2025-01-03T12:00:00Z" finished_at="2025-01-03T12:03:00Z""#
    );
    assert_eq!(run.get("stage.380").unwrap()["status"], "succeeded");
}

#[test]
fn a_job_tried_again_is_another_job_and_its_pipeline_goes_on() {
    let again = Some("2025-01-03 14:00:00 UTC");
    let failed = build(380, "failed", [QUEUED, BEGAN, ENDED]);
    let deliveries = [
        pipeline("failed", ENDED, vec![failed.clone()]),
        pipeline("running", None, vec![failed, build(390, "pending", [again, None, None])]),
    ];
    let all = events(deliveries.map(|fields| send(&body("pipeline", fields).to_string())));
    let run = merged(&all);
    assert_eq!(run.text("status"), Some("in_progress"));
    assert!(run.get("stage.380").is_some() && run.get("stage.390").is_some());
}

#[test]
fn a_job_of_an_older_gitlab_names_its_project_by_its_repository() {
    let mut older = body("build", job("created", json!({"build_created_at": null})));
    older.as_object_mut().unwrap().remove("project");
    older["project_name"] = json!("Acme / Shop / Cart");
    older["repository"] = json!({"git_ssh_url": "git@gitlab.example:acme/shop/cart.git"});
    insta::assert_snapshot!(tell(send(&older.to_string())), @r#"
    pipeline_run gitlab/31
      branch: "main"
      component: "acme/shop/cart"
      id: "31"
      repo: "acme/shop/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.380: {"name":"job 380","status":"in_progress"}
      updated_at: "2026-11-01T00:00:00Z"
    "#);
}

#[test]
fn who_or_what_started_it() {
    for (source, trigger) in [("web", "manual"), ("push", "automated"), ("schedule", "automated")] {
        let mut fields = pipeline("running", None, Vec::new());
        fields["object_attributes"]["source"] = json!(source);
        let all = events([send(&body("pipeline", fields).to_string())]);
        assert_eq!(all[0].fields["trigger"], trigger);
    }
}

#[test]
fn one_job_that_cannot_be_read_spoils_no_other() {
    let parsed = send(
        &body(
            "pipeline",
            pipeline(
                "running",
                None,
                vec![json!(7), build(1, "odd", [QUEUED, None, None]), build(2, "created", [QUEUED, None, None])],
            ),
        )
        .to_string(),
    )
    .unwrap();
    let problems: Vec<String> =
        parsed.events.iter().filter_map(|event| Some(event.as_ref().err()?.message.clone())).collect();
    assert_eq!(parsed.events.len(), 4);
    assert_eq!(problems.len(), 2);
    assert_eq!(problems[0], "`builds` takes objects, not a number");
    assert!(problems[1].starts_with("`the status of a job` is `odd`; it takes created, "), "{}", problems[1]);
}
