# The Notification plugin sends a build in its phases; the API lists builds. Times and durations are milliseconds.
def status: of({SUCCESS: "succeeded", FAILURE: "failed", UNSTABLE: "failed", ABORTED: "cancelled", NOT_BUILT: "skipped"}; "status");

def run($job; $number): {type: "pipeline_run", id: "\($job)#\($number)", name: $job};

def branch_of: word | ltrimstr("refs/remotes/") | ltrimstr("origin/") | ltrimstr("refs/heads/");

def code($url; $branch; $sha):
  {repo: pick($url | repository), branch: pick($branch | branch_of), sha: pick($sha | word),
   marks: marks($url | repository | mark("repository"))};

def phase:
  need(.name; "name"; "it is the job.") as $name
  | need(.build; "build"; "it is the build that goes on.")
  | need(.number; "build.number"; "it tells builds of one job apart.") as $number
  # Jobs in folders are `job/a/job/b/7/`.
  | pick((.url | word | split("/job/") | map(ltrimstr("job/")) | join("/") | rtrimstr("/") | rtrimstr("/\($number)")), $name) as $job
  | (.phase | shown) as $phase
  | if .phase == "QUEUED" then ignore("a build waits: it has not begun")
    elif .phase == "FINALIZED" then ignore("a build is put away: that it is completed was told before")
    else
      need(.timestamp | milliseconds; "build.timestamp"; "it says when the build began or ended.") as $at
      | (.duration // 0) as $duration
      | run($job; $number)
      + (if .phase == "STARTED" then {status: "in_progress", started_at: $at, updated_at: $at}
         elif .phase == "COMPLETED" then
           {status: (.status | status), started_at: ($at | later(- $duration)), finished_at: $at, updated_at: $at}
         else fail("unknown_value"; "`build.phase` is `\($phase)`; it takes QUEUED, STARTED, COMPLETED, FINALIZED") end)
      + {url: pick(.full_url)}
      + code(.scm.url; .scm.branch; .scm.commit)
      | .marks = ((.marks // []) + ["pipeline:\($job)"])
    end;

def listed:
  need(.fullDisplayName; "fullDisplayName"; "it names the build.") as $display
  | need(.number; "number"; "it tells builds of one job apart.") as $number
  | ($display | rtrimstr(" #\($number)") | split(" » ") | join("/")) as $job
  | need(.timestamp | milliseconds; "timestamp"; "it says when the build began.") as $at
  | ([.actions[]? | select(.lastBuiltRevision?)] | first) as $git
  | .duration as $duration
  | ($at | later($duration)) as $end
  | run($job; $number)
  + (if .result == null then {status: "in_progress", started_at: $at, updated_at: $at}
     else {status: (.result | status), started_at: $at, finished_at: $end, updated_at: $end} end)
  + {url: pick(.url), actor: pick(.actions[]?.causes[]?.userId)}
  + code($git.remoteUrls[0]?; $git.lastBuiltRevision.branch[0].name?; $git.lastBuiltRevision.SHA1?)
  | .marks = ((.marks // []) + ["pipeline:\($job)"]);

if isarray then each(listed)
elif (.builds | isarray) then .builds | each(listed)
elif .build then phase
else listed end
