"""The wheel in dist/ (`make wheel`): small, self-contained, and what the documents say once it is installed."""
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel():
    found = sorted((ROOT / "dist").glob("assay-*.whl"), key=lambda path: path.stat().st_mtime)
    if not found and os.environ.get("CI"):
        pytest.fail("dist/ holds no wheel: `make wheel` builds one")
    if not found:
        pytest.skip("dist/ holds no wheel: `make wheel` builds one")
    return found[-1]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A virtual environment with the wheel, its dependency, ml_dtypes and pytest alone."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, wheel, "ml_dtypes", "pytest"], check=True)
    return folder


def call(*words, cwd):
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    return subprocess.run([*map(str, words)], cwd=cwd, capture_output=True, text=True, check=False, env=clean)


def test_it_is_small_and_complete(wheel):
    assert wheel.stat().st_size < 8_000_000
    assert "linux_" in wheel.name
    assert "manylinux" in wheel.name, "shared libraries were not put into it"
    names = zipfile.ZipFile(wheel).namelist()
    sources = ROOT / "python"
    for source in [*sources.glob("assay/**/*.py"), sources / "assay/py.typed"]:
        name = str(source.relative_to(sources))
        same = name in names and zipfile.ZipFile(wheel).read(name) == source.read_bytes()
        assert same, f"{name}: the wheel is older than the package: make wheel"
    assert "assay/_assay.pyi" in names
    entries = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    assert {line for line in entries.splitlines() if "=" in line} == {
        "assay = assay.__main__:main", "assay-record = assay.record:main", "assay = assay.pytest_plugin"}
    assert any(name.startswith("assay/_assay.") and name.endswith(".so") for name in names)
    assert not [name for name in names if "/test" in name or name.endswith((".cc", ".h", ".a"))]
    metadata = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra" not in line] == [
        "Requires-Dist: numpy>=1.23"]


def test_the_article_without_anything_else(installed, tmp_path):
    code = (
        "import assay, numpy as np\n"
        f"x = dict(np.load({str(ROOT / 'examples/article/input.npz')!r}))\n"
        f"print(assay.load({str(ROOT / 'examples/article/mlp.onnx')!r}).run(x, 'coreml-nn-gpu')['output'])\n"
    )
    done = call(installed / "bin/python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[[", "0.6484375", "-0.34033203", "1.4326172", "]]"]


def test_the_command_is_installed(installed, tmp_path):
    done = call(installed / "bin/assay", "fingerprint", "nothing.npz", cwd=tmp_path)
    assert done.returncode == 3
    assert "A101" in done.stderr
    for words in (["--version"], ["profiles"]):
        done = call(installed / "bin/assay", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == call(installed / "bin/python", "-m", "assay", *words, cwd=tmp_path).stdout


def test_the_packages_tests_pass_on_it(installed, tmp_path):
    shutil.copy(ROOT / "tests/python/package/test_formats.py", tmp_path)
    done = call(installed / "bin/python", "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
