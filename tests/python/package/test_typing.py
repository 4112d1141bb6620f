"""The package is typed: mypy and pyright agree with it, and with code that uses it as the documents say."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

import assay
import assay.pytest_plugin

PACKAGE = Path(assay.__file__).parent

USE = '''
import numpy as np
import assay

model = assay.load("model.onnx", threads=2)
outputs = model.run({"x": np.zeros((1, 4), np.float32)}, profile="coreml-nn-gpu")
result = assay.audit(model, {"x": np.zeros((1, 4))}, [1], decision="threshold:0.5", candidates=["coreml-nn-gpu"])
flips: int = result.candidates[0].verdict.flips
pair = assay.compare(None, "x.npz", ["strict-f32", lambda inputs: [inputs["x"]]]).pairs[0]
print(outputs["y"].shape, flips, pair.max_abs + 1.0, assay.formats.float16.next_up(0.5) + 1.0)
'''

WRONG = '''
import assay
assay.audit("m.onnx", "x.npz", decison="argmax", candidates="coreml-nn-gpu")
assay.load("m.onnx", threads="2")
assay.formats.float16.next_up("0.5")
'''


def mypy(*words, cwd):
    return subprocess.run([sys.executable, "-m", "mypy", "--strict", *words], cwd=cwd, capture_output=True, text=True,
                          check=False, env={**os.environ, "MYPYPATH": str(PACKAGE.parent)})


def pyright(*words, cwd):
    return subprocess.run([sys.executable, "-m", "pyright", "--pythonpath", sys.executable, *words], cwd=cwd,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_package_has_no_type_errors(checker):
    words = ["-p", "assay"] if checker is mypy else ["assay"]
    done = checker(*words, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_users_code_is_checked(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(WRONG)
    good = mypy("use.py", cwd=tmp_path)
    assert good.returncode == 0, good.stdout
    wrong = mypy("wrong.py", cwd=tmp_path)
    assert wrong.returncode == 1
    assert {line.split(":")[1] for line in wrong.stdout.splitlines() if ": error:" in line} == {"3", "4", "5"}


def test_everything_public_is_documented():
    for name in assay.__all__:
        thing = getattr(assay, name)
        assert name == "__version__" or thing.__doc__, f"assay.{name} has no docstring"
    for name in assay.backends.__all__:
        assert getattr(assay.backends, name).__doc__, f"assay.backends.{name} has no docstring"
    for module in (assay.formats, assay.pytest_plugin):
        for name, thing in vars(module).items():
            if callable(thing) and not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__:
                assert thing.__doc__, f"{module.__name__}.{name} has no docstring"
