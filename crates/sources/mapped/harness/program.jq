# A notification rule's webhook tells of pipelines, times in seconds; the first generation's API lists executions, in milliseconds.
def pipeline:
  .eventData as $data | pick($data.eventType, .eventType) as $event
  | need($event; "eventData.eventType"; "it names the event.")
  | if startswith("Pipeline") | not then says_nothing else
    ($event | of({PipelineStart: "in_progress", PipelineSuccess: "succeeded", PipelineFailed: "failed", PipelineEnd: "over", PipelinePaused: "in_progress"}; "eventData.eventType")) as $kind
    | (if $kind == "over" then $data.nodeStatus | of({completed: "succeeded", success: "succeeded", succeeded: "succeeded", failed: "failed",
         aborted: "cancelled", expired: "failed"}; "eventData.nodeStatus") else $kind end) as $status
    | ($data.startTs | moment) as $start | ($data.endTs | moment) as $end
    | {type: "pipeline_run", id: need($data.planExecutionId; "eventData.planExecutionId"; "it is the run."),
       name: pick($data.pipelineName, $data.pipelineIdentifier), status: $status,
       started_at: need($start; "eventData.startTs"; "it says when the run began."),
       finished_at: (if $status == "in_progress" then null else $end end), updated_at: ($end // $start),
       actor: pick($data.triggeredBy.name), url: pick($data.executionUrl),
       trigger: (if $data.triggeredBy.triggerType == "MANUAL" then "manual" elif $data.triggeredBy.triggerType then "automated" else null end),
       marks: marks(($data.projectIdentifier | mark("project")), (pick($data.pipelineIdentifier, $data.pipelineName) | mark("pipeline")))} end;

def execution:
  .outcomes.nodes as $nodes
  | (.status | of({SUCCESS: "succeeded", FAILED: "failed", ERROR: "failed", EXPIRED: "failed", REJECTED: "cancelled", ABORTED: "cancelled",
      RUNNING: "in_progress", QUEUED: "in_progress", PAUSED: "in_progress", WAITING: "in_progress", STARTING: "in_progress",
      RESUMED: "in_progress", DISCONTINUING: "in_progress", PAUSING: "in_progress", NEW: "in_progress"}; "status")) as $status
  | pick($nodes[]?.environment.name?) as $environment | (.startedAt | moment) as $start | (.endedAt | moment) as $end
  | pick($nodes[]?.service.name?, .application.name) as $component
  | {type: "deployment", id: need(.id; "id"; "it is the execution."), component: need($component; "application.name"; "it is what is deployed."),
     environment: ($environment // "production"), environment_assumed: (if $environment then null else true end), status: $status,
     started_at: $start, finished_at: $end, updated_at: ($end // $start), version: pick(.artifacts[]?.buildNo),
     marks: marks((.application.name | mark("application")), ($nodes[]?.service.name? | mark("service")))};

if isarray then each(execution)
elif .eventData then pipeline
elif (.data.executions.nodes? | isarray) then .data.executions.nodes | each(execution)
else fail("missing_field"; "`eventData` is missing: it is what a notification tells.") end
