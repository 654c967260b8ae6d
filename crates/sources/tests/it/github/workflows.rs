//! Workflow runs and jobs.

use domain::event::{EventKind, PipelineRun, entity_key};
use serde_json::{Value, json};

use super::{SHA, merged, told};

fn run(status: &str, conclusion: Option<&str>, at: &str) -> (&'static str, Value) {
    (
        "workflow_run",
        json!({"action": "completed", "workflow": {"id": 2, "name": "Deploy"}, "workflow_run": {"id": 289, "run_attempt": 2,
        "name": "Deploy", "head_branch": "main", "head_sha": SHA, "event": "push", "status": status, "conclusion": conclusion,
        "created_at": "2025-01-03T11:00:00Z", "run_started_at": "2025-01-03T12:00:00Z", "updated_at": at,
        "html_url": "https://github.com/acme/cart/actions/runs/289", "actor": {"login": "ada"}, "triggering_actor": {"login": "bob"}}}),
    )
}

fn job(id: u64, status: &str, started: &str, completed: Option<&str>) -> (&'static str, Value) {
    let conclusion = completed.map(|_| "success");
    (
        "workflow_job",
        json!({"action": status, "workflow_job": {"id": id, "run_id": 289, "run_attempt": 2, "name": format!("job {id}"),
        "workflow_name": "Deploy", "head_branch": "main", "head_sha": SHA, "status": status, "conclusion": conclusion,
        "created_at": "2025-01-03T12:00:05Z", "started_at": started, "completed_at": completed, "steps": [], "labels": []}}),
    )
}

#[test]
fn a_run_and_its_attempt_are_a_pipeline_run() {
    insta::assert_snapshot!(told("workflow_run", run("completed", Some("success"), "2025-01-03T12:10:00Z").1), @r#"
    pipeline_run github/289-2
      actor: "bob"
      attempt: 2
      branch: "main"
      component: "acme/cart"
      event: "push"
      finished_at: "2025-01-03T12:10:00Z"
      id: "289-2"
      name: "Deploy"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      started_at: "2025-01-03T12:00:00Z"
      status: "succeeded"
      trigger: "automated"
      updated_at: "2025-01-03T12:10:00Z"
      url: "https://github.com/acme/cart/actions/runs/289"
    "#);
}

#[test]
fn a_job_is_a_field_of_its_run() {
    let job = job(31, "completed", "2025-01-03T12:01:00Z", Some("2025-01-03T12:04:00Z"));
    insta::assert_snapshot!(told("workflow_job", job.1), @r#"
    pipeline_run github/289-2
      attempt: 2
      branch: "main"
      component: "acme/cart"
      id: "289-2"
      name: "Deploy"
      repo: "acme/cart"
      sha: "1f2e3d4c5b6a79880123456789abcdef01234567"
      stage.31: {"name":"job 31","status":"succeeded","queued_at":"2025-01-03T12:00:05Z","started_at":"2025-01-03T12:01:00Z","finished_at":"2025-01-03T12:04:00Z"}
      updated_at: "2025-01-03T12:04:00.000002Z"
    "#);
}

#[test]
fn every_job_is_a_stage_in_whatever_order_they_come() {
    let entity = merged(&[
        run("queued", None, "2025-01-03T12:00:00Z"),
        job(31, "queued", "2025-01-03T12:00:05Z", None),
        job(31, "in_progress", "2025-01-03T12:00:05Z", None),
        job(31, "completed", "2025-01-03T12:00:05Z", Some("2025-01-03T12:00:05Z")),
        job(32, "in_progress", "2025-01-03T12:05:00Z", None),
        job(33, "waiting", "2025-01-03T12:00:05Z", None),
        run("completed", Some("failure"), "2025-01-03T12:04:00Z"),
    ]);
    let read = PipelineRun::read(&entity_key(EventKind::PipelineRun, "github", "289-2"), &entity).unwrap();
    assert_eq!((read.status.text(), entity.text("started_at")), ("failed", Some("2025-01-03T12:00:00Z")));
    let stages: Vec<_> = read
        .stages
        .iter()
        .map(|stage| {
            format!("{} {} {}", stage.name, stage.status.as_deref().unwrap_or("-"), stage.started_at.is_some())
        })
        .collect();
    assert_eq!(stages, ["job 31 succeeded true", "job 32 in_progress true", "job 33 in_progress false"]);
}

#[test]
fn conclusions_are_native_statuses() {
    for (conclusion, native) in [
        ("success", "succeeded"),
        ("neutral", "succeeded"),
        ("failure", "failed"),
        ("timed_out", "failed"),
        ("startup_failure", "failed"),
        ("cancelled", "cancelled"),
        ("stale", "cancelled"),
        ("skipped", "skipped"),
        ("action_required", "in_progress"),
    ] {
        let entity = merged(&[run("completed", Some(conclusion), "2025-01-03T12:10:00Z")]);
        assert_eq!(entity.text("status"), Some(native), "{conclusion}");
    }
    let odd = told("workflow_run", run("completed", Some("odd"), "2025-01-03T12:10:00Z").1);
    assert!(odd.starts_with("`workflow_run.conclusion` is `odd`; it takes "), "{odd}");
}
