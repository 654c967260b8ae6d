//! Pipeline runs with their task runs.

use domain::event::PipelineRun;
use domain::{EntityKey, Timestamp};
use serde_json::{Value, json};

use super::{event, merged, send, told};

fn task(predicate: &str, minute: u8, more: Value) -> Value {
    let mut content = json!({"taskName": "unit tests", "pipelineRun": {"id": "run/1"}});
    content.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event(&format!("taskrun.{predicate}"), "ns/task-1", minute, content)
}

fn whole() -> [Value; 4] {
    let content = json!({"pipelineName": "Deploy", "uri": "https://ci.example.com/1"});
    let finished = json!({"pipelineName": "Deploy", "outcome": "success", "errors": ""});
    [
        event("pipelinerun.started", "run/1", 0, content),
        task("started", 1, json!({})),
        task("finished", 3, json!({"outcome": "failure"})),
        event("pipelinerun.finished", "run/1", 5, finished),
    ]
}

#[test]
fn each_event_tells_what_it_knows() {
    let [started, task, _, finished] = whole();
    insta::assert_snapshot!(told(&started), @r#"
    pipeline_run tekton/run/1
      id: "run/1"
      marks: ["label:source=/ci/7","pipeline:Deploy"]
      name: "Deploy"
      started_at: "2025-03-01T10:00:00.5Z"
      status: "in_progress"
      updated_at: "2025-03-01T10:00:00.5Z"
      url: "https://ci.example.com/1"
    "#);
    insta::assert_snapshot!(told(&task), @r#"
    pipeline_run tekton/run/1
      id: "run/1"
      stage.ns/task-1: {"name":"unit tests","status":"in_progress","started_at":"2025-03-01T10:01:00.5Z"}
      updated_at: "2025-03-01T10:01:00.5Z"
    "#);
    insta::assert_snapshot!(told(&finished), @r#"
    pipeline_run tekton/run/1
      finished_at: "2025-03-01T10:05:00.5Z"
      id: "run/1"
      marks: ["label:source=/ci/7","pipeline:Deploy"]
      name: "Deploy"
      status: "succeeded"
      updated_at: "2025-03-01T10:05:00.5Z"
    "#);
}

#[test]
fn events_of_one_run_are_one_run() {
    let entity = merged(&whole());
    let event = send(&whole()[0]).unwrap().events.remove(0).unwrap();
    let key: &EntityKey = &event.key;
    let run = PipelineRun::read(key, &entity).unwrap();
    let at = |text: &str| Timestamp::parse(text).unwrap();
    assert_eq!((run.started_at, run.finished_at), (at("2025-03-01T10:00:00.5Z"), Some(at("2025-03-01T10:05:00.5Z"))));
    let stage = &run.stages[0];
    assert_eq!((run.stages.len(), &*stage.name, stage.status.as_deref()), (1, "unit tests", Some("failed")));
    assert_eq!(
        (stage.started_at, stage.finished_at),
        (Some(at("2025-03-01T10:01:00.5Z")), Some(at("2025-03-01T10:03:00.5Z")))
    );
}

#[test]
fn every_outcome_has_its_status() {
    for (outcome, status) in
        [("success", "succeeded"), ("failure", "failed"), ("error", "failed"), ("cancel", "cancelled")]
    {
        let text = told(&event("pipelinerun.finished", "1", 0, json!({"outcome": outcome})));
        assert!(text.contains(&format!("status: \"{status}\"")), "{text}");
    }
    assert_eq!(
        told(&event("pipelinerun.finished", "1", 0, json!({"outcome": "fine"}))),
        "`subject.content.outcome` is `fine`; it takes success, failure, cancel, error (unknown_value)"
    );
    assert_eq!(
        told(&event("taskrun.finished", "1", 0, json!({"pipelineRun": {"id": "1"}}))),
        "`subject.content.outcome` is missing or empty: it says how the run went. (missing_field)"
    );
}

#[test]
fn the_fields_of_the_oldest_version_are_read() {
    let body = json!({
        "context": {"version": "0.3.0", "id": "1", "source": "/ci", "type": "dev.cdevents.pipelinerun.started.0.1.1",
            "timestamp": "2025-03-01T11:00:00+01:00"},
        "subject": {"id": "run/1", "source": "/ci", "type": "pipelineRun",
            "content": {"pipelineName": "Deploy", "url": "https://ci.example.com/1"}},
    });
    let text = told(&body);
    assert!(text.contains("url: \"https://ci.example.com/1\"") && text.contains("2025-03-01T10:00:00Z"), "{text}");
}
