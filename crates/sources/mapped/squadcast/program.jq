# `0001-01-01` means that it has not happened.
def named: if isobject then pick(.name, .slug) else pick(.) end;

def incident($event):
  (.service | named) as $service
  | (.created_at // .triggered_at // .createdAt | instant) as $at
  | (.acknowledged_at // .acknowledgedAt | instant) as $taken | (.resolved_at // .resolvedAt | instant) as $resolved
  | pick(.priority, .severity) as $severity
  | {type: "incident", id: need(.id, .incident_id, ._id; "id"; "it is the incident."), opened_at: need($at; "created_at"; "it says when the incident was made."),
     acknowledged_at: $taken, resolved_at: $resolved, updated_at: ([$at, $taken, $resolved, (.updated_at | instant)] | map(values) | max),
     title: pick(.title, .message), severity: ($severity | severity), severity_original: $severity,
     component: pick($service, (.alert_source | named), "squadcast"), url: pick(.url, .incident_url),
     withdrawn: (if .status == "suppressed" then true else null end),
     labels: (if .tags | isobject then .tags | with_entries(.value |= if isobject then pick(.value) else . end) else null end),
     marks: marks($service | mark("service"))};

if isarray then each(incident(null))
elif (.incidents | isarray) then .incidents | each(incident(null))
elif .event_type then
  .event_type as $event
  | if $event | isstring and startswith("incident") then (if .incident | isobject then .incident else . end) | incident($event) else $event | says_nothing end
elif (.incident | isobject) then .incident | incident(null)
else incident(null) end
