#!/bin/sh
# Tells Leadline one thing from any pipeline or script that has a shell and curl:
#
#   leadline.sh deployment id=42 component=cart environment=production status=succeeded version=1.2.3 sha="$(git rev-parse HEAD)"
#   leadline.sh incident id=INC-7 component=cart opened_at=2025-03-01T10:00:00Z severity=high
#
# Fields are those of native events; labels.NAME=VALUE is a label. Values are sent as texts, empty ones are left out, and of
# two by one name the last counts. A deployment that is not in progress and has no finished_at ended now. Sending the same
# id again is an update.
#
#   LEADLINE_URL         https://leadline.example.com
#   LEADLINE_TOKEN       a token with the scope ingest, or
#   LEADLINE_TOKEN_FILE  a file with it
#   LEADLINE_SOFT=1      says what is wrong and ends with 0: a pipeline does not fail because of what measures it
set -eu

fail() {
    echo "leadline: $1" >&2
    [ "${LEADLINE_SOFT:-}" = 1 ] && exit 0
    exit 1
}

# A text as JSON.
quoted() {
    tab=$(printf '\t')
    printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\010\013-\037\177' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$tab/\\\\t/g" | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }')"
}

[ $# -ge 1 ] || fail "usage: leadline.sh deployment|incident|pipeline_run|… name=value …"
[ -n "${LEADLINE_URL:-}" ] || fail "LEADLINE_URL is not set: the address of the server, such as https://leadline.example.com"
token=${LEADLINE_TOKEN:-}
if [ -z "$token" ] && [ -n "${LEADLINE_TOKEN_FILE:-}" ]; then
    token=$(cat "$LEADLINE_TOKEN_FILE") || fail "LEADLINE_TOKEN_FILE cannot be read"
fi
[ -n "$token" ] || fail "LEADLINE_TOKEN is not set: make one with leadline token create NAME --scope ingest"

event="{\"type\":$(quoted "$1")"
kind=$1
shift
labels=
status=
finished=
for pair in "$@"; do
    shift
    name=${pair%%=*}
    value=${pair#*=}
    [ "$name" != "$pair" ] || fail "'$pair' is not name=value"
    for later in "$@"; do
        [ "${later%%=*}" != "$name" ] || value=
    done
    [ -n "$value" ] || continue
    case $name in
    labels.*) labels="$labels,$(quoted "${name#labels.}"):$(quoted "$value")" ;;
    *) event="$event,$(quoted "$name"):$(quoted "$value")" ;;
    esac
    case $name in
    status) status=$value ;;
    finished_at) finished=$value ;;
    esac
done
if [ "$kind" = deployment ] && [ -n "$status" ] && [ "$status" != in_progress ] && [ -z "$finished" ]; then
    event="$event,\"finished_at\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
fi
[ -z "$labels" ] || event="$event,\"labels\":{${labels#,}}"
event="$event}"

# The token goes in by a pipe: arguments are for everybody on the machine to see. The last line is the status. Asked again
# when the server cannot be reached, is too busy or restarts; the same event twice is one.
answer=$(printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --config - --silent --show-error --max-time 30 --retry 4 --retry-delay 2 --retry-connrefused \
        --request POST --header 'Content-Type: application/json' --data-binary "$event" \
        --write-out '\n%{http_code}' "${LEADLINE_URL%/}/api/v1/events") || fail "the server could not be reached"
case ${answer##*
} in
2*) ;;
*) fail "not taken: $answer" ;;
esac
