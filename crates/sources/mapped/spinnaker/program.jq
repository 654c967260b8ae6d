# Echo sends what Orca and Igor tell it; times are milliseconds, some as text.
def status($field): of({SUCCEEDED: "succeeded", TERMINAL: "failed", FAILED_CONTINUE: "failed", CANCELED: "cancelled", STOPPED: "cancelled",
  SKIPPED: "skipped", REDIRECT: "skipped", RUNNING: "in_progress", NOT_STARTED: "in_progress", PAUSED: "in_progress", SUSPENDED: "in_progress",
  BUFFERED: "in_progress"}; $field);
def over($status; $at): if $status == "in_progress" then null else $at end;

def deploys: ["deploy", "deployManifest", "createServerGroup", "cloneServerGroup", "deployCloudFormation", "deployService"] as $kinds | .type as $type | $kinds | any(. == $type);

def deployment($run; $application):
  (.status | status("stage.status")) as $status | (.endTime | moment) as $end
  | pick(.context.account, .context["deploy.account.name"], .context.credentials, .context.clusters[0].account?) as $account
  | {type: "deployment", id: need(.id; "stage.id"; "it is the deployment."), component: $application, status: $status,
     environment: ($account // "production"), environment_assumed: (if $account then null else true end),
     started_at: (.startTime | moment), finished_at: over($status; $end), updated_at: ($end // (.startTime | moment)),
     actor: pick($run.authentication.user, $run.trigger.user),
     trigger: (if $run.trigger.type == "manual" then "manual" elif $run.trigger.type then "automated" else null end),
     marks: marks(($application | mark("application")), ($account | mark("cluster")), (.context.namespace | mark("namespace")))};

def pipeline:
  need(.content.execution | objects; "content.execution"; "it is the run.") as $run
  | need($run.application, .details.application; "details.application"; "it is what the pipeline is for.") as $application
  | ($run.status | status("content.execution.status")) as $status
  | ($run.startTime | moment) as $start | ($run.endTime | moment) as $end
  | {type: "pipeline_run", id: need($run.id; "content.execution.id"; "it is the run."), name: pick($run.name), component: $application, status: $status,
     started_at: need($start, ($run.buildTime | moment); "content.execution.startTime"; "it says when the run began."),
     finished_at: over($status; $end), updated_at: ($end // $start // ($run.buildTime | moment)), actor: pick($run.authentication.user, $run.trigger.user),
     stages: ([$run.stages[]? | select(.startTime) | (.status | status("stage.status")) as $status
       | {name: need(.name, .type; "stage.name"; "it is the stage."), status: $status, started_at: (.startTime | moment), finished_at: over($status; .endTime | moment)}]
       | select(length > 0) // null),
     marks: marks(($application | mark("application")), ($run.name | mark("pipeline")))},
    ($run.stages[]? | select(deploys and .startTime and .status != "SKIPPED") | deployment($run; $application));

def igor:
  need(.content.project.name; "content.project.name"; "it is the job.") as $job
  | need(.content.project.lastBuild | objects; "content.project.lastBuild"; "it is the build.")
  | need(.number; "lastBuild.number"; "it tells builds of one job apart.") as $number | .duration as $duration
  | (if .building then "in_progress" else .result | of({SUCCESS: "succeeded", FAILURE: "failed", UNSTABLE: "failed", ABORTED: "cancelled", NOT_BUILT: "skipped", BUILDING: "in_progress"}; "lastBuild.result") end) as $status
  | need(.timestamp | if isstring then tonumber else . end | moment; "lastBuild.timestamp"; "it says when the build began.") as $start
  | over($status; $start | later($duration)) as $end
  | {type: "pipeline_run", id: "\($job)#\($number)", name: $job, status: $status, started_at: $start, finished_at: $end, updated_at: ($end // $start),
     url: pick(.url), marks: marks($job | mark("pipeline"))};

def event:
  if .payload.details then .payload else . end
  | need(.details.type; "details.type"; "it names the event.") as $event
  | if $event | startswith("orca:pipeline:") then pipeline
    elif $event == "build" then igor
    else $event | says_nothing end;

if isarray then each(event) else event end
