# A template of ours for monitors; bodies of the incident and DORA APIs. DORA's times are nanoseconds.
def tags: [.tags | if isarray then .[] else strings | split(",") | .[] end | word];
def tagged($name): [.[] | select(startswith($name + ":")) | ltrimstr($name + ":")] | first;

def monitor:
  tags as $tags | ($tags | tagged("service")) as $service
  | need(.cycle, .alert_cycle_key; "cycle"; "it is one alert from its beginning to its end.") as $cycle
  | need(.date | if isstring then tonumber else . end | moment; "date"; "it says when this happened.") as $at
  | (.transition | of({Triggered: "fires", "Re-Triggered": "fires", Renotify: "fires", Warn: "fires", "Re-Warn": "fires", "No Data": "fires",
      "Re-No Data": "fires", Recovered: "over", "Warn Recovered": "over", "No Data Recovered": "over"}; "transition")) as $goes
  | {type: "incident", id: $cycle, opened_at: $at, updated_at: $at, resolved_at: (if $goes == "over" then $at else null end),
     # Only the first word of it says when it began.
     forget: (if .transition == "Triggered" or .transition == "Warn" or .transition == "No Data" then [] else ["opened_at"] end),
     title: pick(.title | strings | if startswith("[") then split("] ")[1:] | join("] ") else . end),
     severity: (.priority | severity), severity_original: pick(.priority),
     component: pick($service, .monitor, .scope, "datadog"), environment: ($tags | tagged("env")), url: pick(.link),
     marks: marks(($service | mark("service")), ($tags | tagged("team") | mark("team")), ($tags | tagged("kube_namespace") | mark("namespace")),
       ($tags[] | mark("label")))};

def field($name): .fields[$name].value? | if isarray then .[] else . end | values;

def incident:
  need(.id; "id"; "it is the incident.") as $id | need(.attributes | objects; "attributes"; "it is what the incident is.")
  | [field("services") | word] as $services | pick(.severity, field("severity")) as $severity
  | if .is_test == true then ignore("a test") else
    {type: "incident", id: $id, opened_at: (need(.created; "created"; "it says when the incident was made.") | instant),
     detected_at: (.detected | instant), resolved_at: (.resolved | instant), updated_at: (.modified | instant),
     started_at: (.customer_impact_start // .customerImpactStart | instant), mitigated_at: (.customer_impact_end // .customerImpactEnd | instant),
     title: pick(.title), severity: ($severity | severity), severity_original: $severity, root_cause: pick(field("root_cause")),
     component: pick($services[], field("teams"), "datadog"), labels: {public_id: pick(.public_id, .publicId), state: pick(.state, field("state"))},
     marks: marks(($services[] | mark("service")), (field("teams") | mark("team")))} end;

def dora_deployment:
  .id as $id | .attributes
  | need(.service; "service"; "it is what was deployed.") as $service | (.finished_at | moment) as $end
  | {type: "deployment", id: pick($id, "\($service)@\(.finished_at // .started_at | tostring)"), component: $service,
     environment: pick(.env, "production"), environment_assumed: (if .env then null else true end),
     # Whoever reports a deployment there reports one that was made.
     status: (if $end then "succeeded" else "in_progress" end), status_assumed: (if $end then true else null end),
     started_at: (.started_at | moment), finished_at: $end, version: pick(.version), sha: pick(.git.commit_sha),
     repo: pick(.git.repository_url | repository), team: pick(.team),
     marks: marks(($service | mark("service")), (.git.repository_url | repository | mark("repository")))};

def dora_failure:
  .id as $id | .attributes | [.services[]? | word] as $services
  | {type: "incident", id: need($id, .id; "id"; "it is the incident."), opened_at: (need(.started_at; "started_at"; "it says when it began.") | moment),
     resolved_at: (.finished_at | moment), title: pick(.name), severity: (.severity | severity), severity_original: pick(.severity),
     component: pick($services[], .team, "datadog"), environment: pick(.env), version: pick(.version), marks: marks($services[] | mark("service"))};

def thing:
  if .type == "incidents" then incident
  elif .type == "dora_failure" or .type == "dora_incident" then dora_failure
  elif .type == "dora_deployment" or .attributes.git or .attributes.service then dora_deployment
  else .type | says_nothing end;

if .transition then monitor
elif .data | isarray then .data | if . == [] then ignore("an empty list") else each(thing) end
elif .data | isobject then .data | thing
else fail("missing_field"; "`transition` is missing: the webhook's payload is the one of the documentation.") end
