"""What is declared float16 or asked for in float16: nothing is rounded less, or leaves the range, unnoticed."""
import numpy as np
import onnx
import pytest
from coreml_judge import Judge, check_types, make, operations, read_spec
from onnx import helper

RANDOM = np.random.default_rng(8)
X = RANDOM.standard_normal((3, 8)).astype(np.float16)
W = RANDOM.standard_normal((8, 5)).astype(np.float16)
NODE = helper.make_node


@pytest.mark.parametrize(("nodes", "x"), [
    ([NODE("MatMul", ["x", "w"], ["h"]), NODE("Neg", ["h"], ["y"])], X),
    ([NODE("AveragePool", ["x"], ["h"], kernel_shape=[3]), NODE("MaxPool", ["h"], ["y"], kernel_shape=[2])], X[None]),
    ([NODE("ReduceMean", ["x"], ["h"]), NODE("Identity", ["h"], ["y"])], X),
    ([NODE("LRN", ["x"], ["y"], size=3)], X[None]),
], ids=["MatMul", "AveragePool", "ReduceMean", "LRN"])
def test_layers_round_to_float32_alone(assay, tmp_path, nodes, x):
    judge = Judge(assay, tmp_path)
    model = make(nodes, {"x": x}, ["y"], {"w": W})
    judge.refused(model, "neuralnetwork", f"{nodes[0].op_type} (1, first", "layers compute in float32, not in float16")
    judge.program(model, {"x": x}, oracle=False)


def test_layers_move_float16(assay, tmp_path):
    nodes = [NODE("Transpose", ["x"], ["t"]), NODE("Concat", ["t", "t"], ["y"], axis=0)]
    Judge(assay, tmp_path).network(make(nodes, {"x": X}, ["y"]), {"x": X})


def lowered(assay, tmp_path, model, feeds, kinds):
    """The output under float16, asked for; `kinds` are the operations that the program has, casts aside."""
    judge = Judge(assay, tmp_path)
    path, _ = judge.convert(model, "mlprogram", "--precision", "float16")
    spec, weights = read_spec(path)
    check_types(spec, weights)
    assert [k for k in operations(spec) if k != "cast"] == kinds
    return judge.run(path, feeds)["y"]


def test_softplus_keeps_large_numbers(assay, tmp_path):
    x = np.float32([-20, -1, 0, 3, 11.5, 40])
    model = make([NODE("Softplus", ["x"], ["y"])], {"x": x}, ["y"])
    got = lowered(assay, tmp_path, model, {"x": x}, ["softplus"])
    np.testing.assert_allclose(got, np.logaddexp(x.astype(np.float64), 0), rtol=2e-3, atol=1e-7)


def test_small_epsilons_do_not_vanish(assay, tmp_path):
    x = np.zeros((2, 4), np.float32)
    scale = np.float32([1, 2, 3, 4])
    model = make([NODE("LayerNormalization", ["x", "s", "b"], ["y"], epsilon=1e-12)], {"x": x}, ["y"],
                 {"s": scale, "b": scale})
    np.testing.assert_array_equal(lowered(assay, tmp_path, model, {"x": x}, ["layer_norm"]), [scale, scale])


@pytest.mark.parametrize("node", [NODE("MeanVarianceNormalization", ["x"], ["y"], axes=[2]),
                                  NODE("GlobalLpPool", ["x"], ["y"], p=3)], ids=lambda node: node.op_type)
def test_steps_that_leave_the_range_are_refused(assay, tmp_path, node):
    Judge(assay, tmp_path).refused(make([node], {"x": X[None]}, ["y"]), "mlprogram", "float16, whose range")


def test_norms_of_single_numbers_square_nothing(assay, tmp_path):
    x = np.float16([300, -1e-6, 0, -7])
    model = make([NODE("ReduceL2", ["x"], ["y"], noop_with_empty_axes=1)], {"x": x}, ["y"])
    judge = Judge(assay, tmp_path)
    judge.program(model, {"x": x}, ops=["abs"])


def test_integers_of_networks_are_warned_of(assay, tmp_path):
    k = np.int32([1, 2])
    onnx.save(make([NODE("Add", ["k", "k"], ["y"])], {"k": k}, ["y"]), tmp_path / "m.onnx")
    done = assay("convert", "m.onnx", "-o", "m.mlmodel", code=0)
    assert "exact up to 2^24 on the CPU, up to 2^11 on the GPU and the Neural Engine (1 Add)" in done.err
    assert "2^24" not in assay("convert", "m.onnx", "-o", "m.mlpackage", code=0).err


def test_cumulative_sums_over_the_first_axis(assay, tmp_path):
    x = X.astype(np.float32)
    model = make([NODE("CumSum", ["x", "a"], ["y"])], {"x": x}, ["y"], {"a": np.int64(-2)})
    Judge(assay, tmp_path).program(model, {"x": x}, ops=["cumsum"])
