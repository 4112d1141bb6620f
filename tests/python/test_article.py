"""The article's network under every policy of the demo's table, to the last digit, through the command line."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("demo", ROOT / "tools/demo.py")
demo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo)


@pytest.mark.parametrize(("profile", "expected"), [row[:2] for row in demo.ARTICLE_ROWS],
                         ids=[row[0] for row in demo.ARTICLE_ROWS])
def test_row(assay, tmp_path, profile, expected):
    article = ROOT / "examples/article"
    out = tmp_path / "out.npz"
    assay("run", article / "mlp.onnx", "--input", article / "input.npz", "--output", out, "--profile", profile,
          *demo.policy_file(profile), code=0)
    assert " ".join(str(v) for v in np.load(out)["output"].ravel()) == expected


def test_the_round_trip_test_tells_the_gpu_from_the_cpu(assay, tmp_path):
    article = ROOT / "examples/article"
    found = {}
    for profile in ("strict-f32", "coreml-nn-gpu"):
        assay("run", article / "mlp.onnx", "--input", article / "input.npz", "--output", f"{profile}.npz",
              "--profile", profile, code=0)
        found[profile] = assay("fingerprint", f"{profile}.npz", "--json", code=0).result["arrays"][0]
    assert (found["coreml-nn-gpu"]["format"], found["coreml-nn-gpu"]["evidence_bits"]) == ("float16", 39)
    assert found["strict-f32"]["format"] == "float32"
