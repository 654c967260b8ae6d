# The header names the event; the API lists deployments.
def repo: need(.repository.full_name; "repository.full_name"; "it is the repository.");

def commit($repo):
  {type: "change", repo: $repo, sha: need(.hash; "hash"; "it is the commit."),
   committed_at: (need(.date; "date"; "it says when it was committed.") | instant), author: pick(.author.raw),
   message: .message, parents: (.parents | if isarray then map(.hash) else null end)};

def pushed:
  repo as $repo
  | [.push.changes | arrays | .[] | select(.new)] as $changes
  | if ($changes | length) == 0 then ignore("a branch or tag was deleted: what it was deployed as stays") else
      $changes[]
      | (if .new.type == "tag" then
           {type: "tag", repo: $repo, name: need(.new.name; "new.name"; "it is the tag."),
            sha: need(.new.target.hash; "new.target.hash"; "it is what the tag names."), tagged_at: (.new.date | instant)}
         else empty end),
        # The list is cut short; the newest is told anyway.
        (([.commits[]?] + [.new.target | select(.date)]) | unique_by(.hash)[] | commit($repo))
    end;

def build:
  repo as $repo | .commit_status
  | need(.commit.hash; "commit_status.commit.hash"; "it is what was built.") as $sha
  | need(.key; "commit_status.key"; "it tells builds of one commit apart.") as $key
  | (.state | of({INPROGRESS: "in_progress", SUCCESSFUL: "succeeded", FAILED: "failed", STOPPED: "cancelled"}; "commit_status.state")) as $status
  | (.updated_on | instant) as $at
  | {type: "pipeline_run", id: "\($repo)@\($sha[:12])/\($key)", name: pick(.name, .key), repo: $repo, sha: $sha,
     branch: pick(.refname), status: $status,
     started_at: (need(.created_on; "commit_status.created_on"; "it says when the build began.") | instant),
     finished_at: (if $status == "in_progress" then null else $at end), updated_at: $at, url: pick(.url),
     marks: marks($repo | mark("repository"))};

def pull_request($event):
  repo as $repo | .approval as $approval | .comment as $comment | .pullrequest
  | (.updated_on | instant) as $at | pick(.author.nickname, .author.username, .author.display_name) as $author
  | def who: pick(.nickname, .username, .display_name);
    {type: "pull_request", repo: $repo, number: need(.id; "pullrequest.id"; "it is the pull request."),
     opened_at: (need(.created_on; "pullrequest.created_on"; "it says when it was opened.") | instant), updated_at: $at,
     title: pick(.title), author: $author, branch: pick(.source.branch.name), head_sha: pick(.source.commit.hash),
     target: pick(.destination.branch.name), url: pick(.links.html.href),
     merged_at: (if $event == "pullrequest:fulfilled" then $at else null end),
     merge_sha: (if .state == "MERGED" then pick(.merge_commit.hash) else null end),
     closed_at: (if $event == "pullrequest:fulfilled" or $event == "pullrequest:rejected" then $at else null end),
     approved_at: ($approval.date | instant),
     first_review_at: (if $approval then $approval.date
       elif $comment and ($comment.user | who) != $author then $comment.created_on else null end | instant)};

def deployment:
  (.state.url | if isstring then split("/") | "\(.[3])/\(.[4])" else null end) as $repo
  | need(.repository.full_name, $repo; "repository"; "it is what is deployed.") as $repo
  | .state.status.name as $result
  | (.state.name | of({UNDEPLOYED: "waiting", IN_PROGRESS: "in_progress", COMPLETED: "completed"}; "state.name")) as $state
  | if $state == "waiting" then ignore("a deployment that has not begun") else
    {type: "deployment", id: need(.uuid; "uuid"; "it is the deployment."), component: $repo, repo: $repo,
     environment: need(.environment.name; "environment.name"; "it says where to."),
     sha: need(.release.commit.hash; "release.commit.hash"; "it is what is deployed."),
     status: (if $state == "in_progress" then $state elif $result == null then "succeeded"
       else $result | of({SUCCESSFUL: "succeeded", FAILED: "failed", STOPPED: "cancelled"}; "state.status.name") end),
     status_assumed: (if $state == "completed" and $result == null then true else null end),
     started_at: (.state.started_on | instant), finished_at: (.state.completed_on | instant),
     updated_at: (.last_update_time | instant), url: pick(.state.url, .release.url),
     labels: {release: pick(.release.name)}, marks: marks($repo | mark("repository"))} end;

if isarray then each(deployment)
elif (.values | isarray) then .values | each(deployment)
else
  need($headers["x-event-key"]; "x-event-key"; "the header names the event.") as $event
  | if $event == "repo:push" then pushed
    elif $event | startswith("repo:commit_status_") then build
    elif ["created", "updated", "approved", "fulfilled", "rejected", "comment_created"] | any("pullrequest:\(.)" == $event) then pull_request($event)
    else $event | says_nothing end
end
