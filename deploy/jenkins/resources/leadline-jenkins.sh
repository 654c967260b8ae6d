#!/bin/sh
# What a build of Jenkins knows of the deployment it made, told by .leadline.sh (deploy/curl/leadline.sh). Fields given to the
# step stand in LEADLINE_FIELDS, one name=value a line, and go before these.
set -eu

case ${LEADLINE_RESULT:-} in
# Unstable is what came after: it is deployed.
SUCCESS | UNSTABLE) status=succeeded ;;
ABORTED | NOT_BUILT) status=cancelled ;;
*) status=failed ;;
esac
started=
if [ -n "${LEADLINE_STARTED_MS:-}" ]; then
    seconds=$((LEADLINE_STARTED_MS / 1000))
    started=$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$seconds" +%Y-%m-%dT%H:%M:%SZ)
fi
# https://host/owner/name.git and git@host:owner/name.git are owner/name, as pushes call it.
repo=$(printf '%s' "${GIT_URL:-}" | sed -e 's|^[a-z+]*://[^/]*/||' -e 's|^[^/@]*@[^:/]*:||' -e 's|\.git/*$||')
branch=${BRANCH_NAME:-${GIT_BRANCH:-}}

set -- "id=$JOB_NAME#$BUILD_NUMBER" "component=${repo:-$JOB_NAME}" "status=$status" "started_at=$started" \
    "sha=${GIT_COMMIT:-}" "repo=$repo" "branch=${branch#origin/}" "url=${BUILD_URL:-}" "labels.job=$JOB_NAME"
# The last of two fields by one name counts.
while IFS= read -r field; do
    [ -z "$field" ] || set -- "$@" "$field"
done <<FIELDS
${LEADLINE_FIELDS:-}
FIELDS
LEADLINE_SOFT=1 sh .leadline.sh deployment "$@"
