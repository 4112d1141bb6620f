"""Types for which an operator has no meaning are refused by name; integers made of fractions are those of ONNX."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def model_of(kind, inputs, outputs, opset=19, **attributes):
    """One node on constants: what arrives need not be a type that files of arrays have."""
    names = [f"x{i}" if value is not None else "" for i, value in enumerate(inputs)]
    node = helper.make_node(kind, names, ["y"], **attributes)
    weights = [numpy_helper.from_array(np.asarray(v), n) for v, n in zip(inputs, names, strict=True) if n]
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("y", outputs, None)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


@pytest.fixture
def run(assay, tmp_path):
    def run(model, code=0):
        onnx.save(model, tmp_path / "m.onnx")
        done = assay("run", "m.onnx", "--output", "out.npz", code=code)
        if code:
            return done.err
        with np.load(tmp_path / "out.npz") as arrays:
            return arrays["y"]

    return run


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32])
def test_resized_integers_are_rounded_and_saturate(run, dtype, mode):
    r = np.random.default_rng([5, *dtype.__name__.encode()])
    bounds = np.iinfo(np.int8 if dtype == np.int32 else dtype)  # grids in float32 are too coarse for numbers of 32 bits
    x = r.integers(bounds.min, bounds.max, (1, 1, 5, 7), dtype=dtype, endpoint=True)
    x[0, 0, 0, :4] = [bounds.min, bounds.max, bounds.max, bounds.min]
    sizes = np.array([1, 1, 9, 11])
    model = model_of("Resize", [x, None, None, sizes], helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), mode=mode)
    want = ReferenceEvaluator(model).run(None, {})[0]
    np.testing.assert_array_equal(run(model), want)


def test_roots_of_sums_of_integers_saturate(run):
    x = np.full((1, 2), 2**31 - 1, np.int32)
    assert run(model_of("ReduceL2", [x, np.array([1])], TensorProto.INT32)) == 2**31 - 1


@pytest.mark.parametrize(("kind", "want"), [("ReduceL2", 2**63 + 2**62), ("ReduceLogSum", 44)])
def test_numbers_beyond_int64_are_numbers(run, kind, want):
    x = np.full((1, 1), 2**63 + 2**62, np.uint64)
    assert run(model_of(kind, [x, np.array([1])], TensorProto.UINT64)) == want


COMPLEX = np.array([1 + 2j, 3j], np.complex64)
TEXT = np.array(["a", "b"], object)
FIRST = np.array([0])


@pytest.mark.parametrize(("model", "words"), [
    (model_of("Cast", [COMPLEX], TensorProto.FLOAT, to=TensorProto.FLOAT), "complex64"),
    (model_of("Cast", [np.float32([1])], TensorProto.COMPLEX64, to=TensorProto.COMPLEX64), "complex"),
    (model_of("ScatterElements", [COMPLEX, FIRST, COMPLEX[:1]], TensorProto.COMPLEX64, reduction="add"), "complex64"),
    (model_of("ScatterElements", [TEXT, FIRST, TEXT[:1]], TensorProto.STRING, reduction="max"), "string"),
    (model_of("ScatterND", [TEXT, FIRST[None], TEXT[:1]], TensorProto.STRING, reduction="mul"), "string"),
    (model_of("Resize", [COMPLEX, None, None, np.array([4])], TensorProto.COMPLEX64, mode="linear"), "complex64"),
])  # fmt: skip
def test_types_without_arithmetic_are_refused(run, model, words):
    message = run(model, code=3)
    assert words in message and model.graph.node[0].op_type in message


def test_windows_beyond_the_input_are_refused(run):
    model = model_of("MaxPool", [np.ones((1, 1, 1), np.float32)], TensorProto.FLOAT, kernel_shape=[3])
    assert "axis 2 of the result would be negative: a window reaches over 3 values, and there are 1" in run(model, 3)


def test_negative_extents_are_no_matter_of_size(run):
    message = run(model_of("ConstantOfShape", [np.array([-1])], TensorProto.FLOAT), code=3)
    assert "A103" in message and "negative extent" in message


def test_a_permutation_of_other_axes_than_arrive(assay, tmp_path):
    """The rank is known at run time only, after sessions looked for transposes that move nothing."""
    node = helper.make_node("Transpose", ["x"], ["y"], perm=[2, 2, 0])
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", np.ones((1, 1), np.float32))
    message = assay("run", "m.onnx", "--input", "x.npy", code=3).err
    assert "Transpose" in message and "perm" in message
