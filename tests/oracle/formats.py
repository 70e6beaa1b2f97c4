"""What other programs make of whimbrel's reports: sarif-tools, junitparser, html5lib, jsonschema (all from PyPI).

    python tests/oracle/formats.py WHIMBREL FOLDER SCHEMA

Prints the number of findings that each of them sees, and exits with 1 where they differ or something is not read.
"""

import io
import json
import subprocess
import sys
import tempfile
import tomllib

import html5lib
import jsonschema
import junitparser
from sarif import loader

whimbrel, folder, schema = sys.argv[1:]


def report(name):
    ran = subprocess.run([whimbrel, "check", "--exit-zero", "--format", name, folder], capture_output=True, text=True, check=True)
    return ran.stdout


findings = json.loads(report("json"))["findings"]
expected = len(findings)
seen = {}
with tempfile.NamedTemporaryFile("w", suffix=".sarif") as file:
    file.write(report("sarif"))
    file.flush()
    read = loader.load_sarif_file(file.name)
    seen["sarif-tools"] = read.get_result_count()
junit = junitparser.JUnitXml.fromstring(report("junit").encode())
failures = sum(1 for suite in junit for case in suite for result in case.result if isinstance(result, junitparser.Failure))
# A file is a case, and fails by its errors.
assert failures == len({finding["file"] for finding in findings if finding["severity"] == "error"}), failures
# GitLab's fields (docs.gitlab.com, "Code Quality report format").
gitlab = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "location", "severity"],
        "properties": {
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "fingerprint": {"type": "string", "minLength": 1},
            "location": {"required": ["path"], "anyOf": [
                {"required": ["lines"], "properties": {"lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}}}},
                {"required": ["positions"]},
            ]},
        },
    },
}
issues = json.loads(report("gitlab"))
jsonschema.validate(issues, gitlab)
assert len({issue["fingerprint"] for issue in issues}) == len(issues), "fingerprints repeat"
seen["gitlab"] = len(issues)
# reviewdog's DiagnosticResult (proto/rdf).
rdjson = {
    "required": ["source", "diagnostics"],
    "properties": {"diagnostics": {"items": {
        "required": ["message", "location"],
        "properties": {
            "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
            "location": {"required": ["path", "range"], "properties": {"range": {"required": ["start"], "properties": {
                "start": {"required": ["line"], "properties": {"line": {"minimum": 1}, "column": {"minimum": 1}}}}}}},
            "suggestions": {"items": {"required": ["range", "text"]}},
        },
    }}},
}
diagnostics = json.loads(report("rdjson"))
jsonschema.validate(diagnostics, rdjson)
seen["rdjson"] = len(diagnostics["diagnostics"])
seen["github"] = sum(1 for line in report("github").splitlines() if line.startswith(("::error ", "::warning ", "::notice ")))
parser = html5lib.HTMLParser(strict=True, tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
page = parser.parse(io.StringIO(report("html")))
seen["html5lib"] = sum(1 for _ in page.iter("article"))
# The configuration file's schema takes what --show-settings writes, and nothing else.
rules = json.load(open(schema, encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(rules)
settings = subprocess.run([whimbrel, "check", "--show-settings", folder], capture_output=True, text=True, check=True)
jsonschema.validate(tomllib.loads(settings.stdout), rules)
try:
    jsonschema.validate({"severty": {}}, rules)
    sys.exit("the schema takes a key that is not known")
except jsonschema.ValidationError:
    pass
print(expected, seen)
sys.exit(0 if set(seen.values()) == {expected} else 1)
