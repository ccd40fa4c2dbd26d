"""Holds minivet's reports and recipes against published schemas, with validators that are not minivet's own.

python3 tests/formats/check.py PROGRAM SARIF_SCHEMA: needs the packages `check-jsonschema` (which brings `jsonschema` and the
schemas of GitHub and GitLab) and `pre-commit`.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ["fixtures/packages/corner-shop", "fixtures/packages/book-club"]

# What GitLab documents for code quality: each of these must be there, and fingerprints are unique.
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 8},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}

# The parts of GitLab's security report that a scanner must fill.
TOOL = {
    "type": "object",
    "required": ["id", "name", "version", "vendor"],
    "properties": {"vendor": {"type": "object", "required": ["name"]}, "version": {"type": "string", "minLength": 1}},
}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"}
SAST = {
    "type": "object",
    "required": ["version", "scan", "vulnerabilities"],
    "properties": {
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "scan": {
            "type": "object",
            "required": ["analyzer", "scanner", "type", "start_time", "end_time", "status"],
            "properties": {
                "analyzer": TOOL,
                "scanner": TOOL,
                "type": {"const": "sast"},
                "status": {"enum": ["success", "failure"]},
                "start_time": TIME,
                "end_time": TIME,
            },
        },
        "vulnerabilities": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "identifiers", "location"],
                "properties": {
                    "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
                    "name": {"type": "string", "maxLength": 255},
                    "description": {"type": "string", "maxLength": 1048576},
                    "solution": {"type": "string", "maxLength": 7000},
                    "identifiers": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 20,
                        "items": {
                            "type": "object",
                            "required": ["type", "name", "value"],
                            "additionalProperties": {"type": "string", "minLength": 1},
                        },
                    },
                    "location": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"start_line": {"type": "integer"}, "end_line": {"type": "integer"}},
                    },
                },
            },
        },
    },
}


def report(program, *args):
    """What `minivet check` prints; findings are no fault here."""
    run = subprocess.run([program, "check", *args], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def junit(text):
    """JUnit has no schema of its own: what its readers agree on."""
    root = xml.fromstring(text.encode())
    assert root.tag == "testsuites", root.tag
    for suite in root:
        assert suite.tag == "testsuite" and suite.get("name"), suite.attrib
        cases = list(suite)
        assert all(case.tag == "testcase" and case.get("name") and case.get("classname") for case in cases)
        assert int(suite.get("tests")) == len(cases), suite.attrib
        for outcome in ("failure", "error"):
            found = sum(1 for case in cases if case.find(outcome) is not None)
            assert int(suite.get(outcome + "s", "0")) == found, (outcome, suite.attrib)


def main(program, schema):
    sarif = json.loads(pathlib.Path(schema).read_text())
    checker = jsonschema.validators.validator_for(sarif)(sarif)
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        known = f"{folder}/known.json"
        subprocess.run([program, "baseline", PACKAGES[1], "--output", known], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        variants = [[PACKAGES[0]], PACKAGES, [PACKAGES[1], "--baseline", known], [PACKAGES[1], "--diff-from", PACKAGES[0]]]
        for args in variants:
            log = json.loads(report(program, *args, "--format", "sarif"))
            errors = [f"{list(error.absolute_path)}: {error.message}" for error in checker.iter_errors(log)]
            assert not errors, errors
            count += sum(len(run["results"]) for run in log["runs"])
    quality = json.loads(report(program, *PACKAGES, "--format", "gitlab"))
    jsonschema.validate(quality, CODE_QUALITY)
    prints = [item["fingerprint"] for item in quality]
    assert len(set(prints)) == len(prints), "fingerprints of code quality are unique"
    jsonschema.validate(json.loads(report(program, *PACKAGES, "--format", "gitlab-sast")), SAST)
    junit(report(program, *PACKAGES, "--format", "junit"))

    def tool(*args):
        subprocess.run([sys.executable, "-m", *args], cwd=ROOT, check=True, timeout=300)

    tool("check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml")
    tool("check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", "ci/gitlab.yml")
    tool("pre_commit", "validate-manifest", ".pre-commit-hooks.yaml")
    print(f"formats: {count} SARIF results valid; code quality, SAST, JUnit, action, GitLab template and hook valid")


main(*sys.argv[1:])
