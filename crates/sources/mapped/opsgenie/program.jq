# A webhook's `createdAt` is milliseconds and its `updatedAt` nanoseconds; the API writes texts.
def priority: if isnumber then "P\(.)" else pick(.) end;

def of_alert:
  {title: pick(.message), severity: (.priority | priority | severity), severity_original: (.priority | priority),
   labels: labels(.tags[]?)};

def hook:
  . as $hook | .alert
  | need(.alertId; "alert.alertId"; "it is the alert.") as $id
  | ((.updatedAt | moment) // (.createdAt | moment)) as $at
  | [.teams[]? | if isstring then . else .name? end] as $teams
  | {type: "incident", id: $id, opened_at: (need(.createdAt; "alert.createdAt"; "it says when the alert was made.") | moment),
     updated_at: $at,
     component: pick(.details.service?, .entity, $hook.integrationName, "opsgenie"),
     marks: marks((.details.service?, .entity | mark("service")), ($teams[] | mark("team")), (.tags[]? | mark("label")))}
  + of_alert
  + ($hook.action
     | if . == "Acknowledge" then {acknowledged_at: $at}
       elif . == "Close" then {resolved_at: $at}
       elif . == "Delete" then {withdrawn: true}
       else {} end);

def listed_alert:
  (.createdAt | instant) as $at | .report as $report
  | {type: "incident", id: need(.id; "id"; "it is the alert."), opened_at: need($at; "createdAt"; "it says when the alert was made."),
     updated_at: (.updatedAt | instant),
     component: pick(.details.service?, .entity, .integration.name, "opsgenie"),
     acknowledged_at: (if $report.ackTime then $report.ackTime as $ms | $at | later($ms) else null end),
     resolved_at: (if .status == "closed" then $report.closeTime as $ms | if $ms then $at | later($ms) else null end else null end),
     marks: marks((.details.service?, .entity | mark("service")), (.tags[]? | mark("label")))}
  + of_alert;

def listed_incident:
  (.links.web | strings | split("/") | .[2] | split(".") | first) as $account
  | (.impactEndDate | instant) as $end
  | {type: "incident", id: need(.id; "id"; "it is the incident."),
     opened_at: (need(.createdAt; "createdAt"; "it says when the incident was made.") | instant), updated_at: (.updatedAt | instant),
     started_at: (.impactStartDate | instant), mitigated_at: $end,
     resolved_at: (if .status == "resolved" or .status == "closed" then $end else null end),
     component: pick(.impactedServices[]?, .ownerTeam, $account), url: pick(.links.web),
     marks: marks((.impactedServices[]? | mark("service")), (.ownerTeam | mark("team")), (.tags[]? | mark("label")))}
  + of_alert;

def listed: if has("impactedServices") then .links = (.links // {web: "//opsgenie."}) | listed_incident else listed_alert end;

if isarray then each(listed)
elif (.data | isarray) then .data | each(listed)
elif .data then .data | listed
elif .alert then
  need(.action; "action"; "it says what became of the alert.") as $action
  | if ["Create", "Acknowledge", "Close", "Delete", "UpdatePriority", "UpdateMessage"] | any(. == $action) then hook
    else ignore("the action `\($action | shown)` says nothing of how the alert goes") end
elif .createdAt then listed
else fail("missing_field"; "`alert` is missing: it is what the webhook is about.") end
