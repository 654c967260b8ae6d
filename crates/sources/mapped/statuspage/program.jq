def scheduled: .impact == "maintenance" or .scheduled_for != null
  or (["scheduled", "in_progress", "verifying", "completed"] as $of | .status as $status | $of | any(. == $status));

def incident($page):
  [.components[]?.name | word] as $components
  | [.incident_updates[]? | select(.status == "resolved") | .display_at // .created_at | instant | values] as $resolved
  | if scheduled then ignore("maintenance that was scheduled") else
    {type: "incident", id: need(.id; "incident.id"; "it is the incident."),
     opened_at: (need(.created_at; "incident.created_at"; "it says when the incident was made.") | instant),
     started_at: (.started_at | instant), updated_at: (.updated_at | instant), mitigated_at: (.monitoring_at | instant),
     resolved_at: ((.resolved_at | instant) // ($resolved | min)), title: pick(.name),
     severity: (.impact | severity), severity_original: pick(.impact),
     component: pick($components[], $page.name, .page_id, $page.id, "statuspage"), url: pick(.shortlink),
     postmortem_url: (if .postmortem_published_at then pick(.shortlink) else null end),
     marks: marks(($components[] | mark("service")), (pick(.page_id, $page.id) | mark("project")))} end;

if isarray then each(incident({}))
elif .incident then .page as $page | .incident | incident($page // {})
elif (.incidents | isarray) then
  .page as $page | if .incidents == [] then ignore("the page has no incident now") else .incidents | each(incident($page // {})) end
elif .component_update then ignore("a component changed its status: its incident tells why")
elif .incident_updates then incident({})
else fail("missing_field"; "`incident` is missing: it is what the webhook is about.") end
