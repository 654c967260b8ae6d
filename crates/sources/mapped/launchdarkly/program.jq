# An entry of the audit log. Resources are `proj/shop:env/production:flag/new-cart`, each part with tags after a semicolon.
def part($resource; $kind): [$resource | strings | split(":")[] | split(";")[0] | select(startswith($kind + "/")) | ltrimstr($kind + "/")] | first;

def entry:
  if .kind != "flag" then .kind | says_nothing else
    pick(.target.resources[]?, .accesses[]?.resource) as $resource | (.titleVerb | if isstring then . else "" end) as $verb
    | part($resource; "env") as $environment | need(part($resource; "proj"); "target.resources"; "they name the flag's project.") as $project
    | {type: "flag_change", id: need(._id; "_id"; "it is the change."), flag: need(part($resource; "flag"), .name; "target.resources"; "they name the flag."),
       at: (need(.date; "date"; "it says when it was changed.") | moment), component: $project,
       environment: (if $environment == "*" then null else $environment end), actor: pick(.member.email),
       from: ($verb | if startswith("turned on") then "off" elif startswith("turned off") then "on" else null end),
       to: ($verb | if startswith("turned on") then "on" elif startswith("turned off") then "off" else pick(.) end),
       marks: marks($project | mark("project"))}
  end;

if (.items | isarray) then .items | each(entry)
elif .kind then entry
else fail("missing_field"; "`kind` is missing: it says what was changed.") end
