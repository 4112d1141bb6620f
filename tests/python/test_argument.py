"""What `make article` prints and writes: every claim about the article's network holds."""
import json
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def argument(root, assay_path):
    done = subprocess.run([sys.executable, root / "tools/article.py", "--assay", assay_path, "--only", "mlp"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_claim_holds(argument):
    assert argument.count("- holds: ") == 15
    assert "DOES NOT HOLD" not in argument


def test_the_numbers_name_their_policy(argument):
    assert "explained bit for bit by float16 storage, float32 accumulation" in argument
    assert "coreml-nn-ane/m1-tiles" in argument  # the same bits on this input


def test_results_are_written(argument, root):
    out = root / "build/article"
    assert argument.rstrip() == (out / "argument.md").read_text(encoding="utf-8").rstrip()
    audit = json.loads((out / "mlp-audit.json").read_text(encoding="utf-8"))["result"]
    assert [c["verdict"]["flips"] for c in audit["candidates"]] == [0] * 6
    on_gpu = np.load(out / "mlp-coreml-nn-gpu.npz")["output"]
    assert on_gpu.ravel().tolist() == [0.6484375, -0.34033203125, 1.4326171875]
    assert (out / "report.html").stat().st_size > 10_000
