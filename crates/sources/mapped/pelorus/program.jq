# A commit time and a deployment are about one image in one namespace: they are one deployment.
def id: "\(need(.app; "app"; "it is what is deployed."))/\(need(.namespace; "namespace"; "it says where it runs."))@\(need(.image_sha; "image_sha"; "it is what was built."))";

def deployment: {type: "deployment", id: id, component: .app, environment: "production", environment_assumed: true, version: .image_sha,
  marks: marks((.app | mark("application")), (.namespace | mark("namespace")))};

def at: need(.timestamp | moment; "timestamp"; "it says when this happened.");

def committed: at as $at | deployment + {sha: need(.commit_hash; "commit_hash"; "it is the commit."), commit_at: $at, updated_at: $at,
  # That it was built does not say that it was deployed.
  status: "in_progress", forget: ["status", "environment", "environment_assumed"]};

def deployed: at as $at | deployment + {status: "succeeded", status_assumed: true, finished_at: $at, updated_at: $at};

def failed: at as $at
  | (.failure_event | of({created: "created", resolved: "resolved"}; "failure_event")) as $event
  | {type: "incident", id: need(.failure_id; "failure_id"; "it is the failure."), component: need(.app; "app"; "it is what failed."), opened_at: $at, updated_at: $at,
     resolved_at: (if $event == "resolved" then $at else null end), forget: (if $event == "resolved" then ["opened_at"] else [] end),
     marks: marks(.app | mark("application"))};

$headers["x-pelorus-event"] as $event
| if $event == "committime" or ($event == null and .commit_hash) then committed
  elif $event == "failure" or ($event == null and .failure_id) then failed
  elif $event == "deploytime" or ($event == null and .image_sha) then deployed
  elif $event == "ping" then ignore("a ping")
  elif $event == null then fail("missing_field"; "`commit_hash`, `failure_id` or `image_sha` is missing: one of them says what happened.")
  else $event | says_nothing end
