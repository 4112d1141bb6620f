"""What is declared float16 or asked for in float16: nothing is rounded less, or leaves the range, unnoticed."""
import numpy as np
import onnx
import pytest
from coreml_judge import Judge, check_types, main_block, make, operations, read_spec
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


@pytest.mark.parametrize("node", [
    NODE("MeanVarianceNormalization", ["x"], ["y"], axes=[2]), NODE("GlobalLpPool", ["x"], ["y"], p=3),
    NODE("LayerNormalization", ["x", "s", "b"], ["y"]), NODE("LayerNormalization", ["x", "s"], ["y"]),
    NODE("LayerNormalization", ["x", "v"], ["y"], axis=1), NODE("RMSNormalization", ["x", "s"], ["y"]),
    NODE("GroupNormalization", ["x", "c", "d"], ["y"], num_groups=2)],
    ids=lambda node: " ".join([*node.input, node.op_type]))
def test_moments_and_powers_of_declared_float16_are_float32(assay, tmp_path, node):
    """Squares of these numbers leave float16's range; the result is rounded once."""
    x = np.float16(300) * RANDOM.standard_normal((2, 4, 8)).astype(np.float16)
    pool = {"s": (8,), "b": (8,), "v": (4, 1), "c": (4,), "d": (4,)}
    constants = {k: RANDOM.standard_normal(pool[k]).astype(np.float16) for k in node.input if k in pool}
    model = make([node], {"x": x}, ["y"], constants)
    judge = Judge(assay, tmp_path)
    path, _ = judge.convert(model, "mlprogram")
    spec, weights = read_spec(path)
    check_types(spec, weights)
    got, want = judge.run(path, {"x": x})["y"], judge.run(judge.save(model), {"x": x})["y"]
    assert got.dtype == want.dtype == np.float16 and np.isfinite(got).all()
    np.testing.assert_array_max_ulp(got, want, 1)


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


def kept(assay, tmp_path, model, feeds, *words):
    """The output under float16, asked for; the program's types of results by operation; what was said."""
    judge = Judge(assay, tmp_path)
    path, done = judge.convert(model, "mlprogram", "--precision", "float16", *words)
    spec, weights = read_spec(path)
    check_types(spec, weights)
    widths = {op.type: {10: "float16", 11: "float32"}.get(op.outputs[0].type.tensorType.dataType)
              for op in main_block(spec).operations if op.type not in ("const", "cast", "squeeze")}
    return judge.run(path, feeds)["y"], widths, done.err


def test_arithmetic_of_indices_stays_float32(assay, tmp_path):
    """2999 is no float16 number."""
    x, table = np.float32([1000, 900]), np.arange(4000, dtype=np.float32)[::-1].copy()
    nodes = [NODE("Mul", ["x", "three"], ["m"]), NODE("Sub", ["m", "one"], ["s"]),
             NODE("Cast", ["s"], ["i"], to=onnx.TensorProto.INT64),
             NODE("Gather", ["table", "i"], ["g"]), NODE("Abs", ["x"], ["n"]), NODE("Add", ["n", "x"], ["z"]),
             NODE("Add", ["g", "z"], ["y"])]
    model = make(nodes, {"x": x}, ["y"], {"table": table, "three": np.float32(3), "one": np.float32(1)})
    y, widths, err = kept(assay, tmp_path, model, {"x": x})
    np.testing.assert_array_equal(y, [3000, 3100])
    assert widths["mul"] == widths["sub"] == "float32" and widths["add"] == "float16"
    assert "Mul (1, first Mul (writes 'm')): its numbers become integers" in err and "Cast (" not in err


MASKED = [NODE("Mul", ["m", "lowest"], ["h"]), NODE("Add", ["x", "h"], ["s"]), NODE("Softmax", ["s"], ["y"])]


@pytest.mark.parametrize("lowest", [-1e9, np.finfo(np.float32).min, 65520], ids=str)
def test_operations_with_constants_beyond_float16_stay_float32(assay, tmp_path, lowest):
    x, m = np.float32([[1, 2, 3]]), np.float32([[0, 0, 1]])
    model = make(MASKED, {"x": x, "m": m}, ["y"], {"lowest": np.float32(lowest)})
    y, widths, err = kept(assay, tmp_path, model, {"x": x, "m": m})
    assert widths == {"mul": "float32", "add": "float16", "softmax": "float16"}
    assert "warning A209: these operations stay float32" in err
    assert err.count("A209") == 1 and f"Mul (1, first Mul (writes 'h')): {lowest:g} in 'lowest' would be" in err
    if lowest < 0:
        np.testing.assert_allclose(y, [[0.26894, 0.73106, 0]], atol=1e-3)


@pytest.mark.parametrize("constant", [65519, -65504, np.inf, -np.inf], ids=str)
def test_what_float16_reaches_is_float16(assay, tmp_path, constant):
    x = np.float32([[1, -2]])
    model = make([NODE("Min", ["x", "c"], ["y"])], {"x": x}, ["y"], {"c": np.float32(constant)})
    y, widths, err = kept(assay, tmp_path, model, {"x": x})
    assert widths == {"minimum": "float16"} and "A209" not in err
    np.testing.assert_array_equal(y, np.minimum(x, np.float16(constant).astype(np.float32)))


def test_attributes_and_nested_constants_beyond_float16(assay, tmp_path):
    x, flag = np.float32([1, 1e5]), np.array(True)
    big = helper.make_tensor("big", onnx.TensorProto.FLOAT, [2], [1e6, 2e6])
    branch = [helper.make_graph([node], name, [], [onnx.ValueInfoProto(name=out)]) for node, name, out in (
        (NODE("Constant", [], ["big"], value=big), "then", "big"),
        (NODE("Neg", ["x"], ["negative"]), "else", "negative"))]
    nodes = [NODE("LeakyRelu", ["x"], ["h"], alpha=1e6),
             NODE("If", ["flag"], ["i"], then_branch=branch[0], else_branch=branch[1]), NODE("Add", ["h", "i"], ["y"])]
    _, widths, err = kept(assay, tmp_path, make(nodes, {"x": x, "flag": flag}, ["y"]), {"x": x, "flag": flag})
    assert widths == {"leaky_relu": "float32", "cond": "float32", "add": "float16"}
    assert "alpha of 1e+06 would be infinite" in err and "2 numbers in 'big' would be infinite" in err


@pytest.mark.parametrize("node", [NODE("RMSNormalization", ["x", "s"], ["y"]),
                                  NODE("MeanVarianceNormalization", ["x"], ["y"], axes=[1])],
                         ids=lambda node: node.op_type)
def test_steps_that_square_stay_float32(assay, tmp_path, node):
    x = np.float32([[300, 400, -500, 600]])
    model = make([node], {"x": x}, ["y"], {"s": np.ones(4, np.float32)} if len(node.input) > 1 else None)
    y, widths, err = kept(assay, tmp_path, model, {"x": x})
    assert set(widths.values()) == {"float32"} and "float16 holds no squares of numbers above 255" in err
    np.testing.assert_array_equal(y, Judge(assay, tmp_path).run(tmp_path / "m.onnx", {"x": x})["y"])


def test_mixed_files_ask_in_vain_for_what_float16_does_not_reach(assay, tmp_path):
    (tmp_path / "p.toml").write_text('[[operation]]\ntype = "Mul"\nprecision = "float16"\n')
    x = np.float32([[0, 1]])
    model = make([NODE("Mul", ["x", "c"], ["y"])], {"x": x}, ["y"], {"c": np.float32([1e9])})
    done = Judge(assay, tmp_path).convert(model, "mlprogram", "--precision", f"mixed:{tmp_path / 'p.toml'}")[1]
    assert "A209" in done.err and "first Mul" in done.err
    assert Judge(assay, tmp_path).convert(
        model, "mlprogram", "--precision", "float16", "--strict", code=1)[1].err.count("A206") == 1


def test_constants_that_vanish_are_counted(assay, tmp_path):
    x = np.float32([[0, 4]])
    weights = {"eps": np.float32(1e-12), "w": np.float32([[1e-9, 1], [-1e-10, 0]])}
    nodes = [NODE("MatMul", ["x", "w"], ["h"]), NODE("Add", ["h", "eps"], ["a"]), NODE("Sqrt", ["a"], ["y"])]
    y, _, err = kept(assay, tmp_path, make(nodes, {"x": x}, ["y"], weights), {"x": x})
    assert "note A210: 2 numbers of 1 constant become 0 in float16; 1 constant of one element becomes" in err
    assert (y > 0).all()
