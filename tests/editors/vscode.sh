#!/usr/bin/env bash
# A real VS Code in a real browser with the extension of editors/vscode: code-server from npm, Debian's Chromium, pictures.
# Usage: tests/editors/vscode.sh PROGRAM [FOLDER]; not a part of every run, since code-server builds native modules for minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
MINIVET=$(realpath "$1")
folder=${2:-$root/target/vscode}
tools=${VSCODE_TOOLS:-$root/target/vscode-tools}
mkdir -p "$folder" "$tools"
chromium=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$chromium" ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk > /dev/null
    chromium=$(command -v chromium)
fi
if [ ! -e "$tools/ready" ]; then
    # Headers of a native module that code-server brings.
    [ -e /usr/include/gssapi/gssapi.h ] || apt-get install -y -qq libkrb5-dev > /dev/null
    (cd "$tools" && { [ -e package.json ] || npm init -y > /dev/null; } && npm_config_unsafe_perm=true npm install --silent code-server playwright-core)
    touch "$tools/ready"
fi
(cd "$root/editors/vscode" && npm ci --silent && npm test --silent && npm run --silent package)

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT
cp -r "$root/fixtures/packages/corner-shop" "$work/shop"
cp "$root/tests/lsp/index.js" "$work/shop/pages/index/index.js"
mkdir -p "$work/user/User"
printf '{ "minivet.path": "%s", "minivet.lang": "en", "security.workspace.trust.enabled": false, "workbench.startupEditor": "none", "chat.disableAIFeatures": true }\n' \
    "$MINIVET" > "$work/user/User/settings.json"
code=("$tools/node_modules/.bin/code-server" --config "$work/config.yaml" --user-data-dir "$work/user" --extensions-dir "$work/extensions")
touch "$work/config.yaml"
"${code[@]}" --install-extension "$root/editors/vscode/minivet.vsix"
port=${PORT:-18437}
"${code[@]}" --auth none --bind-addr "127.0.0.1:$port" --disable-telemetry --disable-update-check "$work/shop" > "$work/log" 2>&1 &
server=$!
NODE_PATH=$tools/node_modules node "$here/vscode.cjs" "$chromium" "http://127.0.0.1:$port/?folder=$work/shop" "$folder" "$work/shop" || { tail -20 "$work/log"; exit 1; }
