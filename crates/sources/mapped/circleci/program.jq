# Webhooks tell of a workflow, or of a job of it, when it is over; the API lists workflows.
def status($field): of({success: "succeeded", failed: "failed", error: "failed", unauthorized: "failed", canceled: "cancelled",
  not_run: "skipped", running: "in_progress", failing: "in_progress", on_hold: "in_progress"}; $field);

def over: . != "in_progress";

# `gh/acme/cart` names a repository; `circleci/ORGANISATION/PROJECT` are ids.
def repo($slug): [.pipeline.vcs | objects | .origin_repository_url, .target_repository_url | repository]
  + [$slug | word | select(startswith("circleci/") | not) | repository] | first;

def run($slug):
  need(.id; "workflow.id"; "it is the run.") as $id
  | {type: "pipeline_run", id: $id, name: pick(.name), url: pick(.url),
     started_at: (need(.created_at; "workflow.created_at"; "it says when the run began.") | instant),
     marks: marks(($slug | mark("project")), (.name | mark("pipeline")))};

def code: .pipeline.vcs as $vcs | {sha: pick($vcs.revision), branch: pick($vcs.branch, $vcs.tag)};

def hook($slug):
  . as $hook | repo($slug) as $repo
  | (.workflow | run($slug)) + code + {repo: $repo}
  | .marks = ((.marks // []) + [$repo | mark("repository")]);

def workflow:
  .project.slug as $slug | (.workflow.status | status("workflow.status")) as $status
  | (.workflow.stopped_at | instant) as $end
  | hook($slug) + {status: $status, finished_at: (if $status | over then $end else null end), updated_at: $end};

def job:
  .project.slug as $slug | .job as $job
  | need($job.id; "job.id"; "it tells jobs of one workflow apart.") as $id
  | hook($slug)
  + {("stage." + $id): {name: need($job.name; "job.name"; "it is the stage."), started_at: ($job.started_at | instant),
       finished_at: ($job.stopped_at | instant), status: ($job.status | status("job.status"))},
     # How the workflow goes is its own to tell.
     status: "in_progress", forget: ["status"], updated_at: ($job.stopped_at // $job.started_at | instant)};

def listed:
  .project_slug as $slug | repo($slug) as $repo | (.status | status("status")) as $status
  | (.stopped_at | instant) as $end
  | run($slug) + {repo: $repo, status: $status, finished_at: (if $status | over then $end else null end),
      updated_at: ($end // (.created_at | instant))}
  | .marks = ((.marks // []) + [$repo | mark("repository")]);

if isarray then each(listed)
elif (.items | isarray) then .items | each(listed)
elif .type == "workflow-completed" then workflow
elif .type == "job-completed" then job
elif .type == "ping" then ignore("a ping")
else need(.type; "type"; "it names the event.") | says_nothing end
