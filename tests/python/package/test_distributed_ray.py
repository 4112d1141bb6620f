"""The tests of test_distributed.py that run over a real Ray cluster, in a process of their own.

A driver of Ray ends its process at once, with status 1 and no exception, when the raylet or the control store of the
cluster is gone. Here that ends one test with all that was printed, not the whole run. Since it says nothing about our
code, a new cluster is tried once, and a warning tells.
"""
import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest

TESTS = Path(__file__).with_name("test_distributed.py")


def run(report):
    """What the tests printed. They leave the report if they come to their end."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", TESTS, "-k", "ray_cluster", "--junitxml", report, "-p", "no:cacheprovider"],
        env={**os.environ, "ASSAY_TEST_OVER_RAY": "1"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
    return done.stdout


def lost(report, printed):
    signs = ("LocalRayletDiedError", "no machine of the Ray cluster is alive")
    return not report.exists() or any(sign in printed for sign in signs)


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")
def test_over_ray(tmp_path):
    report = tmp_path / "report.xml"
    printed = run(report)
    if lost(report, printed):
        warnings.warn(f"the Ray cluster was lost; a new one is tried:\n{printed}", stacklevel=1)
        report.unlink(missing_ok=True)
        printed = run(report)
    assert report.exists(), printed
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert int(suite.get("tests")) >= 10, printed
    assert [suite.get(kind) for kind in ("failures", "errors", "skipped")] == ["0", "0", "0"], printed
