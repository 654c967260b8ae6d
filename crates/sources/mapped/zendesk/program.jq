# Events write words in capitals, the API in small letters.
def small: if isstring then ascii_downcase else null end;
def tells: (.type | small) == "problem" or ([.tags[]? | small | . == "incident" or . == "outage" or . == "sev1" or . == "sev2" or . == "sev3" or . == "sev4" or . == "sev5"] | any);

def ticket($at):
  (.status | small) as $status | (.updated_at | instant) as $updated | [.tags[]? | word] as $tags
  | ([$tags[] | select(startswith("component_") or startswith("service_")) | ltrimstr("component_") | ltrimstr("service_")] | first) as $component
  | ([$tags[] | select(startswith("sev"))] | first) as $tagged
  | pick($tagged, .priority) as $severity
  | if tells | not then ignore("the ticket is no problem, and no tag calls it an incident") else
    {type: "incident", id: need(.id; "detail.id"; "it is the ticket."), opened_at: (need(.created_at; "detail.created_at"; "it says when the ticket was made.") | instant),
     updated_at: ($at // $updated), title: pick(.subject),
     severity: ($severity | small | severity), severity_original: $severity,
     component: pick($component, .brand_id, "zendesk"),
     resolved_at: (if $status == "solved" or $status == "closed" then $at // $updated else null end),
     withdrawn: (if $status == "deleted" then true else null end),
     marks: marks((.group_id | mark("team")), ($tags[] | mark("label")))} end;

if (.tickets | isarray) then .tickets | each(ticket(null))
elif (.ticket | isobject) then .ticket | ticket(null)
else
  need(.type; "type"; "it names the event.") as $event
  | if $event | startswith("zen:event-type:ticket.") | not then $event | says_nothing
    else (.time | instant) as $at | need(.detail | objects; "detail"; "it is the ticket.")
      | ticket(if $event == "zen:event-type:ticket.status_changed" then $at else null end) end
end
