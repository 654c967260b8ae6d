# CloudEvents in binary mode: the type is a header, never in the body.
def condition: [.status.conditions[]? | select(.type == "Succeeded")] | first // {};
def outcome: condition | if .status == "True" then "succeeded"
  elif .status == "False" then (if .reason | strings | contains("Cancel") then "cancelled" else "failed" end)
  else "in_progress" end;

def repo: .metadata.labels as $labels
  | if $labels["pipelinesascode.tekton.dev/url-org"] and $labels["pipelinesascode.tekton.dev/url-repository"]
    then $labels["pipelinesascode.tekton.dev/url-org"] + "/" + $labels["pipelinesascode.tekton.dev/url-repository"] else null end;

def run:
  need(.metadata | objects; "metadata"; "it is what the run is.") as $meta | ($meta.labels // {}) as $labels | outcome as $status
  | (.status.startTime // $meta.creationTimestamp | instant) as $start | (.status.completionTime | instant) as $end
  | pick($labels["tekton.dev/pipeline"], .spec.pipelineRef.name, $labels["tekton.dev/task"], .spec.taskRef.name, $meta.name) as $name
  | ($headers["ce-time"] | instant) as $sent | repo as $repo
  | {type: "pipeline_run", id: need($meta.uid; "metadata.uid"; "it is the run."), name: $name, status: $status,
     started_at: need($start; "status.startTime"; "it says when the run began."),
     finished_at: (if $status == "in_progress" then null else $end end),
     updated_at: ($end // (condition.lastTransitionTime | instant) // $sent // $start), repo: $repo,
     sha: pick($labels["pipelinesascode.tekton.dev/sha"]), branch: pick($labels["pipelinesascode.tekton.dev/branch"]),
     component: pick($labels["app.kubernetes.io/name"]),
     marks: marks(($meta.namespace | mark("namespace")), ($name | mark("pipeline")), ($repo | mark("repository")),
       ($labels["app.kubernetes.io/name"] | mark("application")))};

# A task of a pipeline run is a stage of it.
def task:
  .metadata.uid as $uid | .metadata.labels as $labels | ([.metadata.ownerReferences[]? | select(.kind == "PipelineRun")] | first) as $owner
  | (.spec.taskRef.name // .metadata.name) as $task
  | run
  | if $owner then
      .id = $owner.uid
      | .["stage.\($uid)"] = {name: pick($labels["tekton.dev/pipelineTask"], $task), status: .status, started_at: .started_at, finished_at: .finished_at}
      | .status = "in_progress" | .finished_at = null | .forget = ["status", "started_at"]
    else . end;

need($headers["ce-type"]; "ce-type"; "the header names the event.") as $event
| if $event | startswith("dev.tekton.event.pipelinerun.") then need(.pipelineRun | objects; "pipelineRun"; "it is the run.") | run
  elif $event | startswith("dev.tekton.event.taskrun.") then need(.taskRun | objects; "taskRun"; "it is the run.") | task
  else $event | says_nothing end
