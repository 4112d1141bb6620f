"""The Python package under test: $ASSAY_PACKAGE (a folder that holds `assay`, or "installed"), else the dev build's."""
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = os.environ.get("ASSAY_PACKAGE", str(ROOT / "build/dev/python"))
if PACKAGE != "installed":
    sys.path.insert(0, PACKAGE)

# The package under test lies beside no onnxruntime: as in an environment that is activated.
os.environ.setdefault("VIRTUAL_ENV", sys.prefix)

collect_ignore_glob = []
if PACKAGE != "installed" and not list(Path(PACKAGE).glob("assay/_assay*.so")) and not os.environ.get("CI"):
    collect_ignore_glob = ["test_*.py"]
    print("the Python package is not built: run `make test`")


@pytest.fixture(scope="session")
def mlp():
    """The article's one-layer network."""
    return str(ROOT / "examples/article/mlp.onnx")


@pytest.fixture(scope="session")
def article_input():
    return dict(np.load(ROOT / "examples/article/input.npz"))


ARTICLE = {
    "strict-f32": [0.6480752, -0.34015813, 1.4329923],
    "coreml-nn-gpu": [0.6484375, -0.34033203, 1.4326172],
    "f16-throughout": [0.6479492, -0.34033203, 1.4335938],
}


@pytest.fixture(scope="session")
def article_outputs():
    """What the article's network gives, by profile."""
    return {name: np.array([values], np.float32) for name, values in ARTICLE.items()}


@pytest.fixture(scope="session")
def assay_cli():
    """assay_cli("audit", ...) runs the package's command line and returns what it printed."""

    def run(*words):
        done = subprocess.run([sys.executable, "-m", "assay", *map(str, words)], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONPATH": "" if PACKAGE == "installed" else PACKAGE})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
