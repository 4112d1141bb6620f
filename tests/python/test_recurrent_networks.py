"""Recurrent layers on: a NeuralNetwork that has them becomes an ML Program, and ONNX, of the same numbers."""
import numpy as np
import pytest
from coreml_judge import Judge, check_types, make, operations, read_spec
from onnx import helper

RANDOM = np.random.default_rng(5)
X = RANDOM.standard_normal((5, 1, 4)).astype(np.float32)


def model(kind, gates):
    constants = {"w": RANDOM.standard_normal((1, 3 * gates, 4)), "r": RANDOM.standard_normal((1, 3 * gates, 3)),
                 "b": RANDOM.standard_normal((1, 6 * gates))}
    node = helper.make_node(kind, ["x", "w", "r", "b"], ["y", "h"], hidden_size=3)
    return make([node], {"x": X}, ["y", "h"], {k: a.astype(np.float32) for k, a in constants.items()})


@pytest.mark.parametrize(("kind", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_onward(assay, tmp_path, kind, gates):
    judge = Judge(assay, tmp_path)
    network, _ = judge.convert(model(kind, gates), "neuralnetwork")
    want = judge.run(tmp_path / "m.onnx", {"x": X})
    for name in ("on.mlpackage", "on.onnx"):
        assay("convert", network, "-o", name, code=0)
        got = judge.run(tmp_path / name, {"x": X})
        for key, array in want.items():
            np.testing.assert_array_equal(got[key], array, err_msg=f"{key} of {name}")
    spec, weights = read_spec(tmp_path / "on.mlpackage")
    check_types(spec, weights)
    assert kind.lower() in operations(spec)


def test_cells_stay_limited(assay, tmp_path):
    """The limit of a network's cells goes along: into another network, and into an ML Program."""
    judge = Judge(assay, tmp_path)
    network, _ = judge.convert(model("LSTM", 4), "neuralnetwork")
    spec, _ = read_spec(network)
    layer = next(la for la in spec.neuralNetwork.layers if la.WhichOneof("layer") == "uniDirectionalLSTM")
    layer.uniDirectionalLSTM.params.cellClipThreshold = 0.25
    (tmp_path / "limited.mlmodel").write_bytes(spec.SerializeToString())
    want = judge.run(tmp_path / "limited.mlmodel", {"x": X})
    assert np.abs(want["h"]).max() <= np.tanh(0.25) < np.abs(judge.run(network, {"x": X})["h"]).max()
    for name in ("on.mlpackage", "on.mlmodel"):
        assay("convert", "limited.mlmodel", "-o", name, code=0)
        got = judge.run(tmp_path / name, {"x": X})
        for key, array in want.items():
            np.testing.assert_array_equal(got[key], array, err_msg=f"{key} of {name}")
    check_types(*read_spec(tmp_path / "on.mlpackage"))
