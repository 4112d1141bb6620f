"""Nodes as older operator sets wrote them, whose meaning takes several of today's operators."""
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

F32 = np.float32


def run_node(run_arrays, folder, node, opset, inputs, outputs, weights=()):
    """Outputs of a model of one node, in order; `outputs` are (name, type)."""
    values = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
              for n, a in inputs.items() if n not in weights]
    held = [numpy_helper.from_array(inputs[n], n) for n in weights]
    results = [helper.make_tensor_value_info(n, t, None) for n, t in outputs]
    graph = helper.make_graph([node], "older", values, results, held)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4), folder / "m.onnx")
    got, _ = run_arrays(folder / "m.onnx", **{n: a for n, a in inputs.items() if n not in weights})
    return [got[n] for n, _ in outputs]


@pytest.fixture
def run(run_arrays, tmp_path):
    return lambda *args, **more: run_node(run_arrays, tmp_path, *args, **more)


def batch(shape, parameters, seed=1):
    r = np.random.default_rng(seed)
    names = ("scale", "bias", "mean", "var")
    return {"x": r.normal(size=shape).astype(F32)} | {n: r.uniform(0.5, 2, parameters).astype(F32) for n in names}


@pytest.mark.parametrize("opset", [1, 6, 7, 9, 13])
def test_batch_normalization_trained_when_it_had_more_outputs(run, opset):
    v = batch((4, 3, 5), (3,))
    outputs = ["y", "m", "v", "sm", "sv"]
    more = {"consumed_inputs": [0, 0, 0, 1, 1]} if opset == 1 else {}
    node = helper.make_node("BatchNormalization", list(v), outputs, momentum=0.8, **more)
    y, m, var, saved_mean, saved_var = run(node, opset, v, [(n, TensorProto.FLOAT) for n in outputs])
    mean, square = v["x"].mean((0, 2), np.float64), v["x"].astype(np.float64).var((0, 2))
    np.testing.assert_allclose(saved_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(saved_var, square, rtol=1e-5)
    np.testing.assert_allclose(m, v["mean"] * 0.8 + mean * 0.2, rtol=1e-5)
    np.testing.assert_allclose(var, v["var"] * 0.8 + square * 0.2, rtol=1e-5)
    column = (slice(None), np.newaxis)
    want = (v["x"] - mean[column]) / np.sqrt(square[column] + 1e-5) * v["scale"][column] + v["bias"][column]
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_batch_normalization_of_single_features(run, training):
    v = batch((6, 3, 2, 2), (3, 2, 2))
    outputs = ["y", "m", "v"] if training else ["y"]
    node = helper.make_node("BatchNormalization", list(v), outputs, spatial=0)
    got = run(node, 7, v, [(n, TensorProto.FLOAT) for n in outputs])
    mean, square = (v["x"].mean(0), v["x"].var(0)) if training else (v["mean"], v["var"])
    np.testing.assert_allclose(got[0], (v["x"] - mean) / np.sqrt(square + 1e-5) * v["scale"] + v["bias"], rtol=1e-4,
                               atol=1e-5)
    if training:
        np.testing.assert_allclose(got[1], v["mean"] * 0.9 + mean * 0.1, rtol=1e-5)
        np.testing.assert_allclose(got[2], v["var"] * 0.9 + square * 0.1, rtol=1e-5)


@pytest.mark.parametrize("opset", [6, 7, 10])
def test_dropout_masks_had_the_type_of_the_data(run, opset):
    x = np.arange(6, dtype=F32).reshape(2, 3)
    more = {"is_test": 1} if opset == 6 else {}
    mask_type = TensorProto.BOOL if opset == 10 else TensorProto.FLOAT
    y, mask = run(helper.make_node("Dropout", ["x"], ["y", "mask"], ratio=0.5, **more), opset, {"x": x},
                  [("y", TensorProto.FLOAT), ("mask", mask_type)])
    np.testing.assert_array_equal(y, x)
    assert mask.dtype == helper.tensor_dtype_to_np_dtype(mask_type)
    assert mask.all()


@pytest.mark.parametrize("weights", [(), ("tiles", "axis")])
@pytest.mark.parametrize("dtype", [F32, np.int64])
def test_tile_repeated_one_axis(run, weights, dtype):
    x = np.arange(6, dtype=F32).reshape(2, 3)
    inputs = {"x": x, "tiles": np.array([2], dtype), "axis": np.array([1], dtype)}
    y, = run(helper.make_node("Tile", list(inputs), ["y"]), 1, inputs, [("y", TensorProto.FLOAT)], weights=weights)
    np.testing.assert_array_equal(y, np.tile(x, (1, 2)))


def test_split_had_its_sizes_as_any_numbers(run):
    x = np.arange(10, dtype=F32)
    node = helper.make_node("Split", ["x", "sizes"], ["a", "b"], axis=0)
    a, b = run(node, 1, {"x": x, "sizes": np.array([3, 7], F32)}, [("a", TensorProto.FLOAT), ("b", TensorProto.FLOAT)])
    np.testing.assert_array_equal(a, x[:3])
    np.testing.assert_array_equal(b, x[3:])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_erf_of_integers(run, dtype):
    x, kind = np.array([0, 1, 6], dtype), helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    y, = run(helper.make_node("Erf", ["x"], ["y"]), 9, {"x": x}, [("y", kind)])
    np.testing.assert_array_equal(y, [0, 0, 1])


def test_dft_had_its_axis_as_an_attribute(run):
    x = np.random.default_rng(1).normal(size=(2, 3, 8, 1)).astype(F32)
    y, = run(helper.make_node("DFT", ["x"], ["y"], axis=2), 17, {"x": x}, [("y", TensorProto.FLOAT)])
    want = np.fft.fft(x[..., 0].astype(np.float64), axis=2)
    np.testing.assert_allclose(y[..., 0] + 1j * y[..., 1], want, atol=1e-6)
