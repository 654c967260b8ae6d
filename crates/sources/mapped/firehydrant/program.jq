def milestone($names): [.milestones[]? | .type as $type | select($names | any(. == $type)) | .occurred_at | instant | values] | first;

def incident:
  [.services[]?.name | word] as $services | [.environments[]?.name | word] as $environments
  | pick((.severity | strings | select(. != "UNSET")), .priority) as $severity
  | milestone(["started"]) as $started
  | {type: "incident", id: need(.id; "incident.id"; "it is the incident."),
     opened_at: (need(.created_at; "incident.created_at"; "it says when the incident was made.") | instant),
     started_at: ($started // (.started_at | instant)), detected_at: milestone(["detected"]), acknowledged_at: milestone(["acknowledged"]),
     mitigated_at: milestone(["mitigated"]), resolved_at: milestone(["resolved"]), closed_at: milestone(["closed"]),
     # Milestones are only ever added.
     updated_at: ([.created_at, .started_at, .milestones[]?.updated_at, .milestones[]?.occurred_at | instant | values] | max),
     title: pick(.name), severity: ($severity | severity), severity_original: $severity,
     component: pick($services[], .functionalities[]?.name, .organization.name, "firehydrant"), environment: $environments[0],
     url: pick(.incident_url), withdrawn: (if .discarded_at then true else null end),
     labels: (.labels | if isobject and . != {} then . else null end),
     marks: marks(($services[] | mark("service")), (.teams[]?.name | mark("team")), (.labels | objects | to_entries[] | "\(.key)=\(.value)" | mark("label")))};

if isarray then each(incident)
elif (.data | isarray) then .data | each(incident)
elif .data.incident then .data.incident | incident
elif .event.resource_type then .event.resource_type | says_nothing
elif .milestones then incident
else fail("missing_field"; "`data.incident` is missing: it is the incident.") end
