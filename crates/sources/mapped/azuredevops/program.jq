# Service hooks name their event in the body; the API lists builds. A build's id is its run's.
def result($field): of({succeeded: "succeeded", partiallySucceeded: "failed", failed: "failed", stopped: "cancelled",
  canceled: "cancelled", cancelled: "cancelled", skipped: "skipped"}; $field);
def state($result; $field):
  of({inProgress: "in_progress", notStarted: "in_progress", canceling: "in_progress", cancelling: "in_progress",
      postponed: "in_progress", running: "in_progress", waiting: "in_progress", pending: "in_progress", completed: "completed"};
     "\($field).state")
  | if . == "completed" then $result | result("\($field).result") else . end;

# `https://dev.azure.com/acme/shop/_git/cart` is `shop/cart`.
def repo_of: word | split("/") | . as $parts | ([range(length)] | map(select($parts[.] == "_git")) | first) as $at
  | if $at == null or $at < 1 then join("/") | repository else $parts[$at - 1] + "/" + $parts[$at + 1] end;
def named: objects | select(.name and .project.name) | "\(.project.name)/\(.name)";

def sha: word | select(is_sha);
def finished($status; $at): if $status == "in_progress" then null else $at end;

def build:
  need(.id; "id"; "it is the build.") as $id
  # Old definitions say the result as the status.
  | (if .result or .status == "completed" then .result | result("result")
     elif (["succeeded", "partiallySucceeded", "failed", "stopped"] as $old | .status as $status | $old | any(. == $status)) then .status | result("status")
     else .status | state(null; "build") end) as $status
  | (.finishTime | instant) as $end | (.startTime | instant) as $start
  | (pick(.sourceVersion, (.sourceGetVersion | strings | split(":") | last)) | first(sha) // null) as $sha
  | pick(.sourceBranch, (.sourceGetVersion | strings | split(":") | .[-2])) as $ref
  | pick((.repository | objects | select(.type == "GitHub") | .id), (.project.name as $project | .repository | objects | select(.name) | "\($project)/\(.name)")) as $repo
  | pick(.definition.name) as $name
  | {type: "pipeline_run", id: $id, name: $name, status: $status,
     started_at: need($start, (.queueTime | instant); "startTime"; "it says when the build began."),
     finished_at: finished($status; $end), updated_at: ($end // $start // (.queueTime | instant)),
     sha: $sha, branch: pick($ref | strings | branch), repo: $repo, url: pick(._links.web.href),
     trigger: (if .reason == "manual" then "manual" elif .reason then "automated" else null end),
     marks: marks(($name | mark("pipeline")), (.project.name | mark("project")), ($repo | mark("repository")))};

def run_of($run; $pipeline):
  pick(.repositories[0]?.url | repo_of) as $repo
  | {type: "pipeline_run", id: need($run.id; "run.id"; "it is the run."), name: pick($pipeline.name),
     started_at: (need($run.createdDate; "run.createdDate"; "it says when the run began.") | instant), repo: $repo,
     sha: ($run.resources.repositories.self?.version | first(sha) // null), branch: pick($run.resources.repositories.self?.refName | strings | branch),
     url: pick($run._links.web.href),
     marks: marks(($pipeline.name | mark("pipeline")), ($repo | mark("repository")))};

def run_changed:
  .run as $run | ($run.state | state($run.result; "run")) as $status | ($run.finishedDate | instant) as $end
  | run_of($run; .pipeline // $run.pipeline)
  | . + {status: $status, finished_at: finished($status; $end), updated_at: (finished($status; $end) // .started_at)};

def stage_changed($stage; $kind):
  ($stage.state | state($stage.result; $kind)) as $status | ($stage.finishTime | instant) as $end
  | need($stage.id; "\($kind).id"; "it tells stages of one run apart.") as $id
  | run_of(.run; .pipeline // .run.pipeline)
  | . + {("stage.\($id)-\($stage.attempt // 1)"): {name: pick($stage.displayName, $stage.name), status: $status,
           started_at: ($stage.startTime | instant), finished_at: finished($status; $end)},
         # How the run goes is its own to tell.
         status: "in_progress", forget: ["status", "started_at"],
         updated_at: ($end // ($stage.startTime | instant) // .started_at)};

def pushed:
  need(.repository | named; "resource.repository"; "commits belong to one.") as $repo
  | [.refUpdates[]? | select(.name | strings | startswith("refs/heads/"))] as $branches
  | [.commits[]?] as $commits
  | if ($commits | length) == 0 then ignore("a push without commits: a branch or tag was made or deleted") else
      $commits | to_entries[] | .key as $at | .value
      | {type: "change", repo: $repo, sha: need(.commitId; "commitId"; "it is the commit."),
         committed_at: (need(.committer.date, .author.date; "committer.date"; "it says when it was committed.") | instant),
         authored_at: (.author.date | instant), author: pick(.author.name), message: .comment,
         # The newest stands first, and each is taken to follow the one behind it.
         parents_assumed: (if ($branches | length) == 1 then [pick($commits[$at + 1].commitId, ($branches[0].oldObjectId | strings | select(startswith("0000000") | not)))] | map(values) | select(length > 0) // null else null end)}
    end;

def pull_request:
  need(.repository | named; "resource.repository"; "the pull request belongs to one.") as $repo
  | (.closedDate | instant) as $closed
  | {type: "pull_request", repo: $repo, number: need(.pullRequestId; "pullRequestId"; "it is the pull request."),
     opened_at: (need(.creationDate; "creationDate"; "it says when it was opened.") | instant),
     title: pick(.title), author: pick(.createdBy.displayName), branch: pick(.sourceRefName | strings | branch),
     target: pick(.targetRefName | strings | branch), head_sha: pick(.lastMergeSourceCommit.commitId),
     closed_at: (if .status == "active" then null else $closed end)}
  + (if .status == "completed" then {merged_at: $closed, merge_sha: pick(.lastMergeCommit.commitId)} else {} end);

if isarray then each(build)
elif (.value | isarray) then .value | each(build)
elif .eventType == null and .definition then build
else
  need(.eventType; "eventType"; "it names the event.") as $event | (.createdDate | instant) as $sent
  | if ["build.complete", "git.push", "git.pullrequest.created", "git.pullrequest.updated", "git.pullrequest.merged",
        "ms.vss-pipelines.run-state-changed-event", "ms.vss-pipelines.stage-state-changed-event",
        "ms.vss-pipelines.job-state-changed-event"] | contains([$event]) | not then $event | says_nothing
    else
      need(.resource | objects; "resource"; "it is what the event is about.")
      | if $event == "build.complete" then build
        elif $event == "git.push" then pushed
        elif $event | startswith("git.pullrequest.") then pull_request + {updated_at: $sent}
        elif $event | endswith("run-state-changed-event") then run_changed
        elif $event | endswith("stage-state-changed-event") then stage_changed(.stage; "stage")
        else stage_changed(.job; "job") end
    end
end
