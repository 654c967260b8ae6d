def named: if isobject then pick(.name, .slug) else pick(.) end;

def incident:
  [.services[]? | named | values] as $services | [.environments[]? | named | values] as $environments
  | (.severity | if isobject then pick(.slug, .name, .severity) else pick(.) end) as $severity
  | {type: "incident", id: need(.id; "incident.id"; "it is the incident."),
     opened_at: need((.created_at, .started_at | instant); "incident.started_at"; "it says when the incident began."),
     started_at: (.started_at | instant), detected_at: (.detected_at | instant), acknowledged_at: (.acknowledged_at | instant),
     mitigated_at: (.mitigated_at | instant), resolved_at: (.resolved_at | instant), closed_at: (.closed_at | instant),
     updated_at: (.updated_at | instant), title: pick(.title),
     severity: (if .severity | isobject then .severity | [.name, .slug, .severity | strings | severity | select(. != "unknown")] | first // "unknown" else $severity | severity end),
     severity_original: $severity, component: pick($services[], "rootly"), environment: $environments[0],
     withdrawn: (if .status == "cancelled" or .status == "canceled" then true else null end), url: pick(.url, .short_url),
     marks: marks(($services[] | mark("service")), (.groups[]? | named | mark("team")))};

if isarray then each(incident)
else
  (.event | if isobject then .type else . end) as $event
  | need($event; "event"; "it names what happened.") as $event
  | if $event | startswith("incident.") then
      need(.data, .incident | objects; "data"; "it is the incident.")
      | .kind as $kind
      | if ["test", "test_sub", "example", "scheduled"] | any(. == $kind) then ignore("an incident of the kind `\($kind)`")
        elif $event == "incident.deleted" then incident + {withdrawn: true}
        else incident end
    else $event | says_nothing end
end
