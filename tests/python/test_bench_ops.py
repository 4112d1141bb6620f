"""`assay bench ops`: results are checked before they are timed; times are positive and nothing more."""
from pathlib import Path

import onnxruntime
import pytest

LIBRARY = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.*"))


@pytest.fixture
def bench(assay):
    def run(*words, library=LIBRARY, code=0, **env):
        env = {"ASSAY_ORT_LIBRARY": str(library), **env}
        return assay("bench", "ops", "--repeat", 1, *words, code=code, env=env)

    return run


def test_both_are_timed(bench):
    result = bench("--op", "^(Softmax|com.microsoft.QLinearAdd|TopK|ai.onnx.ml.Scaler)$", "--json").result
    names = [row["name"] for row in result["operators"]]
    assert names == ["TopK", "Softmax", "ai.onnx.ml.Scaler", "com.microsoft.QLinearAdd"]
    assert (result["threads"], result["clock"], result["ort"]) == (1, "processor", onnxruntime.__version__)
    assert result["processor"]
    for row in result["operators"]:
        assert (row["status"], row["why"]) == ("timed", "")
        assert len(row["ms"]) == len(row["ort_ms"]) == 1
        assert row["ratio"] == row["median_ms"] / row["ort_median_ms"] > 0


def test_several_threads_are_timed_by_the_wall(bench):
    result = bench("--op", "^Relu$", "--threads", 2, "--json").result
    assert (result["threads"], result["clock"]) == (2, "wall")


def test_what_onnx_runtime_lacks_is_skipped(bench):
    (row,) = bench("--op", "com.microsoft.BiasAdd", "--json").result["operators"]
    assert row["status"] == "skipped"
    assert "BiasAdd" in row["why"]
    assert row["median_ms"] > 0
    assert row["ratio"] is row["ort_median_ms"] is None


def test_drawn_numbers_are_compared_by_type(bench):
    (row,) = bench("--op", "^RandomUniformLike$", "--json").result["operators"]
    assert row["status"] == "timed"


def test_the_table(bench):
    out = bench("--op", "^(Relu|Clip)$").out
    assert "1 thread(s)" in out
    assert "2 timed" in out
    assert "0 wrong" in out


def test_without_onnx_runtime_our_times_alone(bench, tmp_path):
    done = bench("--op", "^Relu$", "--json", library="", VIRTUAL_ENV="", PATH=str(tmp_path))
    (row,) = done.result["operators"]
    assert done.result["ort"] is None
    assert (row["status"], row["why"]) == ("skipped", "there is no ONNX Runtime here")
    assert row["median_ms"] > 0
    assert [warning["code"] for warning in done.json["warnings"]] == ["A401"]


@pytest.mark.parametrize("words", [["--op", "NoSuchOperator"], ["--op", "("], ["--op", "^Relu$", "--repeat", 0],
                                   ["model.onnx"], ["--profile", "coreml-nn-gpu"], ["--size", 64]])
def test_wrong_words(assay, words):
    assert "A001" in assay("bench", "ops", *words, code=2).err
