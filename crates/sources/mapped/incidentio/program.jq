# What the event is about stands below the event's own name.
def timestamp($names): [.incident_timestamp_values[]? | {name: (.incident_timestamp.name | strings | ascii_downcase), at: (.value | if isobject then .value else . end)}
  | .name as $name | select($names | any(. == $name)) | .at | instant | values] | first;

def services: [.custom_field_entries[]? | select(.custom_field.name | strings | ascii_downcase | contains("service"))
  | .values[]? | pick(.value_catalog_entry.name?, .value_option.value?, .value_text?) | values];

def over: . == "closed" or . == "learning";

def incident:
  services as $services | pick(.incident_status.category | strings | ascii_downcase) as $category
  | (.updated_at | instant) as $at
  | timestamp(["resolved at", "fixed at"]) as $resolved | timestamp(["closed at"]) as $closed
  | {type: "incident", id: need(.id; "incident.id"; "it is the incident."),
     opened_at: (need(.created_at; "incident.created_at"; "it says when the incident was made.") | instant), updated_at: $at,
     title: pick(.name), severity: (.severity.name | severity), severity_original: pick(.severity.name),
     component: pick($services[], .incident_type.name, "incident.io"), url: pick(.permalink),
     started_at: timestamp(["impact started at", "started at"]), detected_at: timestamp(["reported at", "detected at", "identified at"]),
     acknowledged_at: timestamp(["accepted at", "acknowledged at"]), mitigated_at: timestamp(["mitigated at", "stabilized at", "monitoring at"]),
     resolved_at: ($resolved // (if $category | over then $closed // $at else null end)), closed_at: $closed,
     withdrawn: (if ["declined", "merged", "canceled", "cancelled"] | any(. == $category) then true else null end),
     labels: {reference: pick(.reference), status: pick(.incident_status.name)},
     marks: marks($services[] | mark("service"))};

if isarray then each(incident)
elif (.incidents | isarray) then .incidents | each(incident)
else
  need(.event_type; "event_type"; "it names the event.") as $event
  | if $event | startswith("private_incident.") then ignore("a private incident: the webhook tells its id and nothing else")
    elif ["public_incident.incident_created_v2", "public_incident.incident_updated_v2", "public_incident.incident_status_updated_v2"] | any(. == $event) | not
    then $event | says_nothing
    else
      (.[$event] // .) | (if .incident | isobject then .incident else . end)
      | if .mode == "test" or .mode == "tutorial" then ignore("an incident of the mode `\(.mode)`") else incident end
    end
end
