#!/usr/bin/env python3
"""Kills workers and the server midway, and checks that every package has exactly one result, and the right one.

    drill.py --minivet target/release/minivet [--packages 2000]

Needs `pip install -r requirements.txt`. Everything runs on loopback, in a temporary folder.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent / "fixtures"
ADAPTER = [sys.executable, str(HERE / "minivet_nats.py")]


def cases(most):
    """The smallest packages of the fixtures."""
    found = []
    for app in FIXTURES.rglob("app.json"):
        files = [path for path in app.parent.rglob("*") if path.is_file()]
        found.append((sum(path.stat().st_size for path in files), app.parent, files))
    found.sort()
    return found[:most]


def pack(path, files, comment):
    """An archive; the comment makes its hash its own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
        archive.comment = comment.encode()


def make(folder, count):
    base = []
    for _, root, files in cases(100):
        base.append([(str(path.relative_to(root)), path.read_bytes()) for path in files])
    app = [("app.json", b'{"pages": []}')]
    odd = {
        "minivet-test-abort": app + [("app.js", b"App({a: 1})")],
        "minivet-test-hang": app + [("app.js", b"App({a: 2})")],
        "bomb": app + [("a.js", b" " * (8 << 20))],
    }
    jobs = []
    for index in range(count):
        path = folder / f"p{index:05}.zip"
        pack(path, base[index % len(base)], str(index))
        jobs.append({"id": path.name, "path": str(path)})
    for name, files in odd.items():
        path = folder / f"{name}.zip"
        pack(path, files, name)
        jobs.insert(len(jobs) // 2, {"id": path.name, "path": str(path)})
    cut = folder / "cut.zip"
    cut.write_bytes((folder / "p00000.zip").read_bytes()[:-40])
    jobs.insert(count // 3, {"id": cut.name, "path": str(cut)})
    # The same bytes under another name: one job, two results.
    twin = folder / "twin.zip"
    shutil.copy(folder / "p00001.zip", twin)
    jobs.append({"id": twin.name, "path": str(twin)})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(job) + "\n" for job in jobs))
    return manifest, [job["id"] for job in jobs], len(base)


def shape(result):
    return result["verdict"], sorted(finding["rule"] for finding in result["findings"]), bool(result.get("engine_error"))


def alone(minivet, folder, count):
    """What a worker says of the packages without any queue."""
    lines = "".join(json.dumps({"id": str(at), "path": str(folder / f"p{at:05}.zip")}) + "\n" for at in range(count))
    done = subprocess.run([minivet, "worker"], input=lines, capture_output=True, text=True, check=True, timeout=600)
    return [shape(json.loads(line)) for line in done.stdout.splitlines()]


class Drill:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.config = folder / "server.conf"
        self.config.write_text(
            f'listen: "127.0.0.1:{self.port}"\nmax_payload: 8MB\n'
            f'jetstream {{ store_dir: "{folder}/data", sync_interval: always }}\n'
        )
        self.server, self.workers = None, []

    def adapter(self, *more):
        return ADAPTER + ["--server", f"nats://127.0.0.1:{self.port}", "--ack-wait", "10"] + list(more)

    def start_server(self):
        binary = shutil.which("nats-server", path=os.path.dirname(sys.executable)) or shutil.which("nats-server")
        log = open(self.folder / "server.log", "ab")
        self.server = subprocess.Popen([binary, "-c", str(self.config)], stdout=log, stderr=log)

    def start_worker(self):
        command = self.adapter("work", "--drain", "--minivet", self.args.minivet, "--", "--timeout", "10")
        self.workers.append(subprocess.Popen(command, env={**os.environ, "MINIVET_TEST_HOOKS": "1"}))

    def status(self):
        done = subprocess.run(self.adapter("status"), capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def end(self):
        for process in self.workers + [self.server]:
            if process and process.poll() is None:
                process.kill()
                process.wait()


def run(args, folder):
    start = time.monotonic()
    manifest, ids, different = make(folder, args.packages)
    expected = alone(args.minivet, folder, min(different, args.packages))
    drill = Drill(args, folder)
    kills = collections.Counter()
    try:
        drill.start_server()
        subprocess.run(drill.adapter("submit", str(manifest)), check=True, timeout=300)
        for _ in range(2):
            drill.start_worker()
        rounds = 0
        while True:
            time.sleep(1)
            rounds += 1
            told = drill.status()
            if told["MINIVET_JOBS"] == 0:
                break
            done = told["MINIVET_RESULTS"] / len(ids)
            if kills["worker"] < 4 and done > 0.15 * (kills["worker"] + 1):
                victim = random.choice([worker for worker in drill.workers if worker.poll() is None])
                victim.send_signal(signal.SIGKILL)
                kills["worker"] += 1
                drill.start_worker()
            if kills["server"] < 2 and done > 0.3 * (kills["server"] + 1):
                drill.server.send_signal(signal.SIGKILL)
                drill.server.wait()
                kills["server"] += 1
                time.sleep(0.5)
                drill.start_server()
            assert rounds < 600, told
        # Submitting again sends nothing.
        again = subprocess.run(drill.adapter("submit", str(manifest)), capture_output=True, text=True, timeout=300)
        assert again.stderr.startswith("0 jobs sent"), again.stderr
        done = subprocess.run(drill.adapter("export", str(manifest)), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        told = drill.status()
    finally:
        drill.end()
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["id"] for result in results] == ids, "each package has exactly one result"
    assert told["MINIVET_RESULTS"] == len(ids) - 1, told
    for result in results:
        name = result["id"]
        assert len(result["sha256"]) == 64, name
        if name.startswith("p"):
            wanted = expected[int(name[1:6]) % different]
            assert shape(result) == wanted, (name, shape(result), wanted, result.get("engine_error"))
    by_id = {result["id"]: result for result in results}
    assert by_id["twin.zip"]["same_as"] == "p00001.zip"
    assert "signal 6" in by_id["minivet-test-abort.zip"]["engine_error"]
    assert "timeout" in by_id["minivet-test-hang.zip"]["engine_error"]
    assert by_id["bomb.zip"]["unseen"] == ["a.js: ratio"]
    assert "broken" in by_id["cut.zip"]["engine_error"]
    assert all(by_id[name]["verdict"] != "pass" for name in by_id if not name.startswith(("p", "twin")))
    assert kills["server"] >= 1 and kills["worker"] >= 1, kills
    seconds = time.monotonic() - start
    print(f"{len(ids)} packages, each exactly one result, none wrong; killed: {dict(kills)}; {told}; {seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minivet", required=True)
    parser.add_argument("--packages", type=int, default=2_000)
    args = parser.parse_args()
    args.minivet = os.path.abspath(args.minivet)
    with tempfile.TemporaryDirectory(prefix="minivet-drill-") as folder:
        run(args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
