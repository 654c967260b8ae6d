# The header names what it is about and when it was sent; the body says what happened to it.
def sent: $headers["sentry-hook-timestamp"] | seconds;

def issue($action):
  sent as $sent | need(.issue | objects; "data.issue"; "it is what the webhook is about.")
  | (.lastSeen | instant) as $seen | ($sent // $seen) as $at
  | {type: "incident", id: "issue-\(need(.id; "data.issue.id"; "it is the issue."))",
     opened_at: (need(.firstSeen; "data.issue.firstSeen"; "it says when the issue was first seen.") | instant), updated_at: $at,
     title: pick(.title), severity: (.level | severity), severity_original: pick(.level),
     component: need(.project.slug, .project.name; "data.issue.project"; "the issue belongs to one."), url: pick(.web_url, .permalink),
     marks: marks((.project.slug | mark("project")))}
  + (if $action == "assigned" then {acknowledged_at: $at}
     elif $action == "resolved" then {resolved_at: $at}
     elif $action == "ignored" or $action == "archived" then {withdrawn: true}
     elif $action == "unresolved" then {reopened_at: $at, withdrawn: false}
     else {} end);

def event_alert:
  sent as $sent | .issue_alert as $alert | need(.event | objects; "data.event"; "it is what the alert is about.")
  | [.url // "" | split("/projects/") | .[1] // empty | split("/") | .[1]] as $project
  | need(.datetime | moment; "data.event.datetime"; "it says when this happened.") as $at
  | {type: "incident", id: "issue-\(need(.issue_id; "data.event.issue_id"; "it is the issue."))", opened_at: $at, updated_at: ($sent // $at),
     title: pick(.title), severity: (.level | severity), severity_original: pick(.level), environment: pick(.environment),
     component: pick($project[], $alert.title, "sentry"), url: pick(.web_url),
     marks: marks($project[] | mark("project"))};

def metric_alert($action):
  sent as $sent | need(.metric_alert | objects; "data.metric_alert"; "it is what the webhook is about.")
  | (.date_started // .date_detected // .date_created | instant) as $start
  | ((.date_closed | instant) // $sent) as $closed
  | need($start, $sent; "sentry-hook-timestamp"; "the header says when this happened.") as $at
  | {type: "incident", id: "metric-\(need(.id; "data.metric_alert.id"; "it is the alert."))", opened_at: $at,
     # The end alone does not say when it began.
     forget: (if $start == null and $action == "resolved" then ["opened_at"] else [] end),
     detected_at: (.date_detected | instant), updated_at: ($sent // $at), title: pick(.title, .alert_rule.name),
     severity: (if $action == "resolved" then null else $action | severity end), environment: pick(.alert_rule.environment),
     component: pick(.projects[]?, .alert_rule.projects[]?, .alert_rule.name, "sentry"),
     resolved_at: (if $action == "resolved" then $closed else null end),
     marks: marks((.projects[]?, .alert_rule.projects[]?) | mark("project"))};

need($headers["sentry-hook-resource"]; "sentry-hook-resource"; "the header names what it is about.") as $resource
| if ["issue", "event_alert", "metric_alert"] | any(. == $resource) | not then $resource | says_nothing
  else
    need(.action; "action"; "it says what happened.") as $action
    | if $resource == "issue" and (["created", "assigned", "resolved", "ignored", "archived", "unresolved"] | any(. == $action) | not)
      then "issue.\($action)" | says_nothing
      else
        need(.data | objects; "data"; "it is what the webhook is about.")
        | if $resource == "issue" then issue($action) elif $resource == "event_alert" then event_alert else metric_alert($action) end
      end
  end
