#!/usr/bin/env bash
# One run that annotates the change and decides, and one that writes SARIF. Arguments stand one a line, so that nothing in
# them is read by the shell.
set -euo pipefail

lines() {
  local line
  while IFS= read -r line; do
    if [ -n "$line" ]; then printf '%s\0' "$line"; fi
  done <<< "$1"
}

mapfile -d '' -t paths < <(lines "${MINIVET_PATH:-.}")
mapfile -d '' -t args < <(lines "${MINIVET_ARGS:-}")
program=${PROGRAM:-minivet}
common=(--lang "${MINIVET_LANG:-zh}" ${args[@]+"${args[@]}"})

if [ -n "${MINIVET_SARIF:-}" ]; then
  "$program" check "${paths[@]}" "${common[@]}" --fail-on never --format sarif --output "$MINIVET_SARIF"
fi
exec "$program" check "${paths[@]}" "${common[@]}" --fail-on "${MINIVET_FAIL_ON:-error}" --format github
