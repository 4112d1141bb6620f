#!/usr/bin/env python3
"""Writes docs/ops.md: what `assay ops --markdown` says, then the versions of each operator and the tests that cover it.

usage: make_ops.py [--assay PATH] [--stdout]
"""
import argparse
import importlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/python"))
import onnx
from differential.random_cases import MODULES, random_cases
from exact.table import ROWS

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "build/inputs/onnx-cases"
EXCLUSIONS = ROOT / "tests/conformance/exclusions.txt"

TEXT = """
## Versions and tests

*Versions* are those of the operator's definition that models may name: all that ONNX has, older ones by upgrades.
*ONNX's cases*: how many of ONNX's own backend tests that we pass hold the operator (`make conformance`). *Random
cases*: the modules of `tests/python/differential` whose random cases of it are compared with ONNX Runtime, and, where
the table above names operations or layers, converted, loaded and type-checked by coremltools. *Exact*: the modules of
`tests/python/exact` that hold it to exact arithmetic in float16 and bfloat16. Operators that ONNX Runtime's CPU
provider does not have are compared with their steps (`tests/python/test_microsoft.py`, `src/ops/*_test.cc`). Rows of
the domains `coreml` and `assay` come from Core ML models and rewrites alone: the tests named nn_lift, mil and lower
cover them, and `exact/layers.py`.

| operator | versions | ONNX's cases | random cases | exact |
|---|---|---|---|---|
"""


def versions_of():
    """Domain and name -> the versions of its definition."""
    out = defaultdict(set)
    for schema in onnx.defs.get_all_schemas_with_history():
        out[schema.domain, schema.name].add(schema.since_version)
    return out


def operators(graph):
    for node in graph.node:
        yield node.domain if node.domain != "ai.onnx" else "", node.op_type
        for attribute in node.attribute:
            for nested in (attribute.g, *attribute.graphs):
                yield from operators(nested)


def cases_of():
    """Domain and name -> in how many cases it occurs."""
    excluded = {line.split(":")[0] for line in EXCLUSIONS.read_text().splitlines() if not line.startswith("#")}
    out = Counter()
    for path in CASES.glob("**/*.onnx"):
        if path.parent.name not in excluded:
            out.update(set(operators(onnx.load(path, load_external_data=False).graph)))
    return out


def random_modules():
    """Domain and name -> the modules with random cases of it."""
    out = defaultdict(set)
    for name in MODULES:
        for case in random_cases(name, 0, 1):
            out[case.domain, case.kind].add(name)
            for value in case.attributes.values():
                if isinstance(value, onnx.GraphProto):
                    for inner in operators(value):
                        out[inner].add(name)
    return out


def exact_modules():
    """Full name -> the modules with its steps."""
    for path in sorted((ROOT / "tests/python/exact").glob("[a-z]*.py")):
        importlib.import_module(f"exact.{path.stem}")
    out = defaultdict(set)
    for row in ROWS.values():
        out[row.name].add(row.steps.__module__.removeprefix("exact."))
    return out


def table(rows):
    versions, cases, modules, exact = versions_of(), cases_of(), random_modules(), exact_modules()
    for row in rows:
        key = row["domain"], row["name"]
        full = ".".join(filter(None, key))
        of = sorted(versions[key] | {row["since"]})
        yield (f"| {full} | {', '.join(map(str, of))} | {cases[key] or ''} | {', '.join(sorted(modules[key]))} "
               f"| {', '.join(sorted(exact[full]))} |\n")


def document(assay):
    def run(*words):
        return subprocess.run([assay, "ops", *words], check=True, capture_output=True, text=True).stdout

    first = run("--markdown").replace("`assay ops --markdown`", "`tools/make_ops.py`")
    return first + TEXT + "".join(table(json.loads(run("--json"))["result"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assay", default=str(ROOT / "build/dev/assay"))
    parser.add_argument("--stdout", action="store_true", help="print it instead of writing docs/ops.md")
    args = parser.parse_args()
    text = document(args.assay)
    if args.stdout:
        print(text, end="")
    else:
        (ROOT / "docs/ops.md").write_text(text)


if __name__ == "__main__":
    main()
