"""In continuous integration nothing that a test meets may be missing: a test that is left out there proves nothing."""
import importlib.metadata
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

if not os.environ.get("CI"):
    pytest.skip("outside of continuous integration tests are left out for what is not installed",
                allow_module_level=True)


def test_every_package_is_there():
    for line in (ROOT / "tools/requirements-test.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert importlib.metadata.version(name) == version


def test_pytorch_and_xnnpack_are_there():
    subprocess.run(["/usr/bin/python3", "-c", "import torch"], check=True)
    tests = subprocess.run(["ctest", "--preset", "dev", "-N", "-L", "xnnpack"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout
    assert "Total Tests: 0" not in tests
