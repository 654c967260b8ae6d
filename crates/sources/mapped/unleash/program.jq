def change: of({"feature-environment-enabled": "enabled", "feature-environment-disabled": "disabled", "feature-strategy-add": "strategy added",
  "feature-strategy-update": "strategy changed", "feature-strategy-remove": "strategy removed", "feature-environment-variants-updated": "variants changed",
  "feature-archived": "archived", "feature-revived": "revived", "feature-created": "created", "feature-deleted": "deleted",
  "feature-enabled": "enabled", "feature-disabled": "disabled"}; "type");
def known: isstring and ((try change catch null) != null);

def event:
  need(.type; "type"; "it names the event.") as $event
  | if $event | known | not then $event | says_nothing else
    ($event | change) as $to
    | {type: "flag_change", id: need(.id; "id"; "it is the change."), flag: need(.featureName, .data.name?; "featureName"; "it is the flag."),
       at: (need(.createdAt; "createdAt"; "it says when it was changed.") | moment), component: pick(.project, "default"), environment: pick(.environment),
       from: (if $to == "enabled" then "disabled" elif $to == "disabled" then "enabled" else null end), to: $to, actor: pick(.createdBy),
       marks: marks(.project | mark("project"))} end;

if (.events | isarray) then .events | each(event) else event end
