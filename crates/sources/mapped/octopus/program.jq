# A subscription tells what happened to which documents; the message has their names, each at its place.
def names: .Message as $message
  | [.MessageReferences[]? | {(.ReferencedDocumentId): (.StartIndex as $at | .Length as $n | $message[$at:($at + $n)])}] | add // {};
def document($prefix): [.RelatedDocumentIds[]? | select(startswith($prefix + "-"))] | first;

def event:
  need(.Category; "Payload.Event.Category"; "it says what happened.") as $category
  | if $category | startswith("Deployment") | not then $category | says_nothing
    else
      need(document("Deployments"); "Payload.Event.RelatedDocumentIds"; "one of them is the deployment.") as $id
      | ($category | of({DeploymentQueued: "in_progress", DeploymentStarted: "in_progress", DeploymentResumed: "in_progress",
          DeploymentSucceeded: "succeeded", DeploymentFailed: "failed"}; "Payload.Event.Category")) as $status
      | names as $names | document("Projects") as $project | document("Environments") as $environment | document("Releases") as $release
      | need(.Occurred | instant; "Payload.Event.Occurred"; "it says when it happened.") as $at
      | ($environment | $names[. // ""] // $environment) as $to
      | {type: "deployment", id: $id, component: need($names[$project // ""], $project; "Payload.Event.RelatedDocumentIds"; "one of them is the project."),
         environment: need($to; "Payload.Event.RelatedDocumentIds"; "one of them is the environment."), status: $status,
         version: $names[$release // ""], updated_at: $at, actor: pick(.Username),
         started_at: (if $category == "DeploymentStarted" then $at else null end),
         finished_at: (if $status == "in_progress" then null else $at end),
         marks: marks($project | ., $names[. // ""] | mark("project"))}
    end;

def deployment:
  (.Created | instant) as $at
  | {type: "deployment", id: need(.Id; "Id"; "it is the deployment."), component: need(.ProjectId; "ProjectId"; "it is what is deployed."),
     environment: pick((.Name | strings | select(startswith("Deploy to ")) | ltrimstr("Deploy to ")), .EnvironmentId),
     # How it went is its task's to tell, and the subscription's.
     status: "in_progress", started_at: $at, updated_at: $at, version: ([.Changes[]?.Version | word] | last), actor: pick(.DeployedBy),
     instance: pick(.TenantId), marks: marks(.ProjectId | mark("project"))};

def thing: if .ReleaseId then deployment elif .Assembled then ignore("a release: it is deployed by deployments of it") else fail("missing_field"; "`ReleaseId` is missing: it is what a deployment is of.") end;

if isarray then each(thing)
elif (.Items | isarray) then .Items | each(thing)
elif .Payload then need(.Payload.Event | objects; "Payload.Event"; "it is what happened.") | event
elif .EventType then .EventType | says_nothing
else thing end
