#!/usr/bin/env python3
"""Types into a real page and measures: time from `didChange` to the diagnostics of that version, a burst of keys, memory.

Usage: bench.py PROGRAM PACKAGE PAGE [KEYS [EDITS]]; PAGE is a script below PACKAGE, KEYS are timed one by one (200), EDITS
are sent in bursts of 100 for the memory (0; 10000 for the full run), which must stay flat. Nothing in PACKAGE is changed.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import time

program, package, page = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
keys = int(sys.argv[4]) if len(sys.argv) > 4 else 200
edits = int(sys.argv[5]) if len(sys.argv) > 5 else 0

server = subprocess.Popen([program, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def send(method, params, ident=None):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if ident is not None:
        message["id"] = ident
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    server.stdin.flush()


def receive():
    length = 0
    while True:
        line = server.stdout.readline().strip()
        if not line:
            break
        name, value = line.split(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(server.stdout.read(length))


def answer(ident):
    while True:
        message = receive()
        if message.get("id") == ident and "method" not in message:
            return message.get("result")


uri = (package / page).as_uri()
text = (package / page).read_text(encoding="utf-8")
folders = [{"uri": package.as_uri(), "name": "package"}]
capabilities = {"general": {"positionEncodings": ["utf-8"]}}
start = time.perf_counter()
send("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities, "workspaceFolders": folders}, 1)
answer(1)
send("initialized", {})
send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "javascript", "version": 1, "text": text}})
version = 1


def until(wanted):
    while True:
        message = receive()
        params = message.get("params") or {}
        if message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri:
            assert params["version"] <= version
            if params["version"] == wanted:
                return


until(1)
first = time.perf_counter() - start


def change(line, character, new, replaced=0):
    global version
    version += 1
    span = {"start": {"line": line, "character": character}, "end": {"line": line, "character": character + replaced}}
    document = {"uri": uri, "version": version}
    send("textDocument/didChange", {"textDocument": document, "contentChanges": [{"range": span, "text": new}]})


def memory():
    for line in pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


lines = text.split("\n")
line = next((at for at, one in enumerate(lines) if one.rstrip().endswith("{")), 0)
column = len(lines[line].rstrip("\r").encode())
typed = " const 地址 = swan.getStorageSync('address'); console.log(地址);"
times = []
at = column
for key in range(keys):
    letter = typed[key % len(typed)]
    began = time.perf_counter()
    change(line, at, letter)
    until(version)
    times.append((time.perf_counter() - began) * 1000)
    at += len(letter.encode())
times.sort()
pick = lambda share: times[min(len(times) - 1, int(len(times) * share))] if times else 0.0

began = time.perf_counter()
for letter in "x" * 40:
    change(line, at, letter)
until(version)
burst = (time.perf_counter() - began) * 1000

before = memory()
random.seed(1)
sent = 0
while sent < edits:
    for _ in range(100):
        change(line, column, random.choice("abc;() "), 1)
        sent += 1
    until(version)
    if sent % 2000 == 0:
        print(f"  after {sent} edits: {memory():.0f} MiB", flush=True)
after = memory()
send("shutdown", None, 2)
answer(2)
send("exit", None)
print(
    f"{os.path.basename(package)}: first {first * 1000:.0f} ms; {len(times)} keys: p50 {pick(0.5):.1f} ms, "
    f"p95 {pick(0.95):.1f} ms, most {times[-1] if times else 0:.1f} ms; burst of 40: {burst:.0f} ms; "
    f"memory {before:.0f} MiB" + (f", after {edits} edits {after:.0f} MiB" if edits else "")
)
server.wait(10)
# Allocators keep some of what a burst needed; what is kept for each edit would be far more.
if after > before * 1.25 + 16:
    sys.exit(f"memory grew with the edits: {before:.0f} to {after:.0f} MiB")
