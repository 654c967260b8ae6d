# One incident an alert and beginning: the fingerprint is that of its labels, the same whenever it fires again.
def alert:
  (.labels // {}) as $labels | (.annotations // {}) as $annotations
  | need(.startsAt | instant; "startsAt"; "it says when the alert began.") as $start
  | (if .status == "resolved" then .endsAt | instant else null end) as $end
  | need(.fingerprint; "fingerprint"; "it is the alert.") as $fingerprint
  | (.status | of({firing: "firing", resolved: "resolved"}; "status")) as $status
  | {type: "incident", id: "\($fingerprint)@\($start)", opened_at: $start, started_at: $start, resolved_at: $end,
     updated_at: ($end // $start), title: pick($annotations.summary, $labels.alertname),
     severity: ($labels.severity | severity), severity_original: pick($labels.severity),
     component: pick($labels.service, $labels.component, $labels.app, $labels.job, $labels.grafana_folder, $labels.alertname, "grafana"),
     environment: pick($labels.environment, $labels.env), url: pick(.generatorURL, .panelURL, .dashboardURL),
     marks: marks(($labels.service | mark("service")), ($labels.namespace | mark("namespace")), ($labels.cluster | mark("cluster")),
       ($labels.team | mark("team")), ($labels | objects | to_entries[] | "\(.key)=\(.value)" | mark("label")))};

need(.alerts | arrays; "alerts"; "they are what is told of.")
| if . == [] then ignore("no alert is told of") else each(alert) end
