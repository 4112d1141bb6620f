"""Quantised operators in Core ML: between a quantisation and a dequantisation, as networks have them, with constant
parameters. What is written gives the bits of the ONNX model, or is refused with a reason."""
import numpy as np
import onnx
import pytest
from differential.harness import Case
from differential.quantised import CASES
from differential.random_values import Random
from onnx import TensorProto, helper, numpy_helper
from test_coreml_random import judge

ENDINGS = {"mlprogram": ".mlpackage", "neuralnetwork": ".mlmodel"}
ROUNDS = 8
# The operator's inputs that are data; the least number of cases of ROUNDS that convert.
DATA = {"MatMulInteger": ((0,), 2), "ConvInteger": ((0,), 4), "QLinearConv": ((0,), 4), "QLinearMatMul": ((0,), 2),
        "QLinearConv (com.microsoft)": ((0,), 4), "MatMulIntegerToFloat": ((0,), 2), "QGemm": ((0,), 4),
        "QLinearAdd": ((0, 3), 4), "QLinearMul": ((0, 3), 4), "QLinearSigmoid": ((0,), 6),
        "QLinearLeakyRelu": ((0,), 6), "QLinearSoftmax": ((0,), 3), "QLinearConcat": ((2, 5), 6),
        "QLinearGlobalAveragePool": ((0,), 6), "QLinearAveragePool": ((0,), 6), "QLinearWhere": ((1, 4), 4),
        "QLinearReduceMean": ((0,), 6),
        "DynamicQuantizeMatMul": ((0,), 2), "MatMulNBits": ((0,), 3)}


def qlinear_reduce_mean(r, kind):
    """Not one of CASES: ONNX Runtime declares the operator and has no kernel for it."""
    dtype = r.pick([np.uint8, np.int8])
    shape = (r.int(1, 3), r.int(1, 5), r.int(1, 6))
    x = r.rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    axes = r.pick([[0], [1], [-1], [0, 2], [2, 1]])
    inputs = [x, np.float32(0.03), np.array(3, dtype), np.float32(0.02), np.array(5, dtype)]
    return Case(kind, inputs, {"axes": axes, "keepdims": r.int(0, 1)}, domain="com.microsoft")


MAKERS = {**CASES, "QLinearReduceMean": qlinear_reduce_mean}


def wrapped(case, data):
    """The case as a model of floats, and what it is given: codes enter and leave as floats of the same numbers."""
    nodes, weights, names, inputs, feeds = [], {}, [], [], {}

    def constant(name, array):
        weights[name] = array
        return name

    for i, array in enumerate(case.inputs):
        if array is None:
            names.append("")
        elif i not in data:
            names.append(constant(f"w{i}", array))
        else:
            inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, array.shape))
            feeds[f"x{i}"] = array.astype(np.float32)
            if array.dtype == np.float32:
                names.append(f"x{i}")
                continue
            one, zero = constant(f"one{i}", np.float32(1)), constant(f"zero{i}", np.zeros((), array.dtype))
            nodes.append(helper.make_node("QuantizeLinear", [f"x{i}", one, zero], [f"codes{i}"]))
            names.append(f"codes{i}")
    nodes.append(helper.make_node(case.kind, names, ["result"], domain=case.domain, **case.attributes))
    codes = [a.dtype for a in case.inputs if a is not None and a.dtype in (np.int8, np.uint8)]
    kind = TensorProto.FLOAT
    if case.kind in ("MatMulInteger", "ConvInteger"):
        kind = TensorProto.INT32
    elif case.kind.startswith("QLinear") or (case.kind == "QGemm" and len(case.inputs) > 7):
        one, zero = constant("one", np.float32(1)), constant("zero", np.zeros((), codes[0]))
        nodes.append(helper.make_node("DequantizeLinear", ["result", one, zero], ["y"]))
    outputs = [helper.make_tensor_value_info("y" if nodes[-1].output[0] == "y" else "result", kind, None)]
    graph = helper.make_graph(nodes, "wrapped", inputs, outputs,
                              [numpy_helper.from_array(np.asarray(a), n) for n, a in weights.items()])
    imports = [helper.make_opsetid("", case.opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10), feeds


def outputs_of(assay, tmp_path, model):
    assay("run", model, "--input", "in.npz", "--output", "out.npz", "--profile", "strict-f32", code=0)
    with np.load(tmp_path / "out.npz") as arrays:
        return list(arrays.values())


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("name", DATA)
def test_same_bits(assay, tmp_path, name, kind):
    data, least = DATA[name]
    r = Random([11, *name.encode()])
    converted = 0
    for _ in range(ROUNDS):
        case = MAKERS[name](r, name.split(" ")[0])
        if case.inputs[0].dtype == np.float16:  # codes are written as float32 alone
            continue
        model, feeds = wrapped(case, data)
        onnx.save(model, tmp_path / "one.onnx")
        path = tmp_path / ("one" + ENDINGS[kind])
        done = assay("convert", "one.onnx", "-o", path, "--format", kind)
        if done.code:
            assert done.code == 3 and "A114" in done.err, f"{case}\n{done.err}"
            continue
        converted += 1
        judge(path)
        np.savez(tmp_path / "in.npz", **{n: np.atleast_1d(a) for n, a in feeds.items()})
        got = outputs_of(assay, tmp_path, path)
        np.savez(tmp_path / "in.npz", **feeds)
        want = outputs_of(assay, tmp_path, "one.onnx")
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a.reshape(b.shape).astype(b.dtype), b, err_msg=str(case))
    assert converted >= least


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_maxima_of_codes(assay, tmp_path, dtype, kind):
    r = Random([12])
    x = r.floats((1, 3, 6, 5), low=0, high=100)
    weights = {"scale": np.float32(1), "zero": np.array(3, dtype)}
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["codes"]),
             helper.make_node("MaxPool", ["codes"], ["largest"], kernel_shape=[3, 2], strides=[2, 1],
                              pads=[1, 0, 1, 1]),
             helper.make_node("DequantizeLinear", ["largest", "scale", "zero"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(a, n) for n, a in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "one.onnx")
    path = tmp_path / ("one" + ENDINGS[kind])
    assay("convert", "one.onnx", "-o", path, "--format", kind, code=0)
    judge(path)
    np.savez(tmp_path / "in.npz", x=x)
    for a, b in zip(outputs_of(assay, tmp_path, path), outputs_of(assay, tmp_path, "one.onnx"), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ENDINGS)
def test_sums_that_float32_does_not_hold(assay, tmp_path, kind):
    codes = np.full((1, 400), 200, np.uint8)
    case = Case("MatMulInteger", [codes, np.full((400, 2), 255, np.uint8)])
    onnx.save(wrapped(case, (0,))[0], tmp_path / "one.onnx")
    done = assay("convert", "one.onnx", "-o", "one" + ENDINGS[kind], "--format", kind, code=3)
    assert "2^24" in done.err
