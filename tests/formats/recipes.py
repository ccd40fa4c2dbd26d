"""Runs what docs/gate.md tells of the gate's results: python3 tests/formats/recipes.py PROGRAM"""

import pathlib
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        out, base = pathlib.Path(work) / "out", pathlib.Path(work) / "results.db"
        shops = [ROOT / "fixtures/packages/corner-shop", ROOT / "fixtures/packages/book-club"]
        subprocess.run([program, "gate", *shops, "--out", out, "--jobs", "1"], stderr=subprocess.DEVNULL, check=False)
        load = [sys.executable, ROOT / "scale/sqlite/load.py", out / "results.jsonl", base]
        told = [subprocess.run(load, check=True, capture_output=True, text=True).stdout for _ in range(2)]
        assert told == ["2 results added, 2 in all\n", "0 results added, 2 in all\n"], told
        store = sqlite3.connect(base)
        verdicts = dict(store.execute("SELECT id, verdict FROM results"))
        assert set(verdicts) == {str(shop) for shop in shops}, verdicts
        rules = {rule for (rule,) in store.execute("SELECT rule FROM findings")}
        assert "privacy/plaintext-storage" in rules, rules
    print("results in SQLite: ok")


if __name__ == "__main__":
    main()
