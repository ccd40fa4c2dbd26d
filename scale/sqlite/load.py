#!/usr/bin/env python3
"""Keeps results of the gate in SQLite, to be asked with SQL: load.py results.jsonl results.db

A row for each id and key; what is there already is left, so that loading again, and loading several runs, is safe. The key is
made of bytes, tool, rule packs, configuration, submission and baseline.
"""

import json
import sqlite3
import sys

SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    id TEXT NOT NULL, key TEXT NOT NULL, sha256 TEXT NOT NULL, tool TEXT NOT NULL, rules_digest TEXT NOT NULL,
    config_digest TEXT NOT NULL, verdict TEXT NOT NULL, engine_error TEXT, same_as TEXT, answer TEXT NOT NULL,
    PRIMARY KEY (id, key)
);
CREATE INDEX IF NOT EXISTS by_package ON results (sha256, tool, rules_digest, config_digest);
CREATE VIEW IF NOT EXISTS findings AS
    SELECT results.id, results.key, results.verdict, finding.value ->> 'rule' AS rule, finding.value ->> 'severity' AS severity,
        finding.value ->> 'file' AS file, finding.value ->> 'message' AS message
    FROM results, json_each(results.answer, '$.findings') AS finding;
"""


def rows(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            # The last line of a gate that was killed may be cut off.
            if line.endswith("\n"):
                one = json.loads(line)
                names = ("id", "key", "sha256", "tool", "rules_digest", "config_digest", "verdict", "engine_error", "same_as")
                yield tuple(one.get(name) for name in names) + (line,)


def main():
    results, database = sys.argv[1:]
    with sqlite3.connect(database) as store:
        store.executescript(SCHEMA)
        before = store.execute("SELECT count(*) FROM results").fetchone()[0]
        store.executemany("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows(results))
        after = store.execute("SELECT count(*) FROM results").fetchone()[0]
    print(f"{after - before} results added, {after} in all")


if __name__ == "__main__":
    main()
