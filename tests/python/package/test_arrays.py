"""Arrays go in and come out without copies, whatever framework made them; long work stops at Ctrl-C."""
import os
import signal
import threading
import time

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

import assay

TYPES = [
    (TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT16, np.float16),
    (TensorProto.BFLOAT16, ml_dtypes.bfloat16), (TensorProto.FLOAT8E4M3FN, ml_dtypes.float8_e4m3fn),
    (TensorProto.FLOAT8E4M3FNUZ, ml_dtypes.float8_e4m3fnuz), (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2),
    (TensorProto.FLOAT8E5M2FNUZ, ml_dtypes.float8_e5m2fnuz), (TensorProto.INT4, ml_dtypes.int4),
    (TensorProto.UINT4, ml_dtypes.uint4), (TensorProto.INT8, np.int8), (TensorProto.UINT8, np.uint8),
    (TensorProto.INT16, np.int16), (TensorProto.UINT16, np.uint16), (TensorProto.INT32, np.int32),
    (TensorProto.UINT32, np.uint32), (TensorProto.INT64, np.int64), (TensorProto.UINT64, np.uint64),
    (TensorProto.BOOL, np.bool_),
]  # fmt: skip


def unary(op, onnx_type, shape=("N", 3)):
    value = [helper.make_tensor_value_info(name, onnx_type, shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", value[:1], value[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize(("onnx_type", "dtype"), TYPES)
def test_every_type_goes_through(onnx_type, dtype):
    x = np.array([[0, 1, 2], [3, 1, 7]]).astype(dtype)
    if np.dtype(dtype).name in ("int4", "int8", "int16", "int32", "int64"):
        x = (-x).astype(dtype)
    y = assay.load(unary("Identity", onnx_type)).run({"x": x})["y"]
    assert y.dtype == x.dtype
    assert np.array_equal(y.astype(np.float64), x.astype(np.float64))


def test_text_goes_through():
    model = assay.load(unary("Identity", TensorProto.STRING))
    for x in (np.array([["a", "b", "ü"]]), np.array([["a", "b", "ü"]], object), [["a", "b", "ü"]]):
        assert model.run({"x": x})["y"].tolist() == [["a", "b", "ü"]]


def test_empty_scalar_and_strided_arrays():
    model = assay.load(unary("Neg", TensorProto.FLOAT))
    assert model.run({"x": np.zeros((0, 3), np.float32)})["y"].shape == (0, 3)
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    for x in (wide[:, ::2], wide[::-2, 3:], np.asfortranarray(wide[:, :3]), wide[:, ::-2]):
        assert np.array_equal(model.run({"x": x})["y"], -x)
    scalar = assay.load(unary("Neg", TensorProto.FLOAT, ()))
    assert scalar.run(2.5)["y"] == np.float32(-2.5)
    assert scalar.run(np.float32(2.5))["y"].shape == ()


def test_numbers_and_lists_take_the_declared_type():
    model = assay.load(unary("Neg", TensorProto.FLOAT))
    assert np.array_equal(model.run([[1, 2, 3]])["y"], np.array([[-1, -2, -3]], np.float32))


def test_memory_is_shared_with_functions():
    """What a function is given lies in the memory of what the caller gave."""
    x = np.ones((64, 3), np.float32)
    seen = []

    def negate(inputs):
        seen.append(inputs["x"])
        return [-inputs["x"]]

    assay.compare(unary("Neg", TensorProto.FLOAT), {"x": x}, ["strict-f32", assay.backends.callable(negate, "f")])
    assert all(np.shares_memory(part, x) for part in seen)
    assert sum(len(part) for part in seen) == 64


def test_outputs_outlive_the_model():
    y = assay.load(unary("Neg", TensorProto.FLOAT)).run({"x": np.ones((1000, 3), np.float32)})["y"]
    assert y.sum() == -3000
    y[0] = 5  # its own memory


def test_dlpack_of_another_framework():
    jax = pytest.importorskip("jax")
    model = assay.load(unary("Neg", TensorProto.FLOAT))
    assert np.array_equal(model.run({"x": jax.numpy.ones((2, 3))})["y"], -np.ones((2, 3), np.float32))


def test_what_is_no_array():
    model = assay.load(unary("Neg", TensorProto.FLOAT))
    with pytest.raises(assay.AssayError) as wrong:
        model.run({"x": np.array([["a", "b", "c"]])})
    assert wrong.value.code == "A303"
    with pytest.raises(TypeError, match=r"'x' .* holds what is no text"):
        model.run({"x": np.array([[object(), 1, 2]], object)})
    with pytest.raises(TypeError, match="element types that models have"):
        model.run({"x": np.zeros((2, 3), np.longdouble)})


@pytest.fixture
def product():
    size = [1500, 1500]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name in "xy"]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "x"], ["y"])], "g", ports[:1], ports[1:])
    model = assay.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10))
    return model, {"x": np.random.default_rng(1).standard_normal(size).astype(np.float32)}


def test_other_threads_go_on_while_a_model_runs(product):
    model, inputs = product
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    begin = time.monotonic()
    while time.monotonic() - begin < 0.2:
        model.run(inputs)
    end = time.monotonic()
    done.set()
    ticker.join()
    assert sum(begin < t < end for t in ticks) > 10


def test_several_threads_run_one_model(product):
    model, inputs = product
    expected = model.run(inputs)["y"]
    results = [None] * 4

    def run(i):
        results[i] = model.run(inputs)["y"]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(result, expected) for result in results)


def interrupt_soon():
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_stops_work_and_what_comes_after_runs(product):
    model, inputs = product
    before = signal.getsignal(signal.SIGINT)
    program = model.program("cuda-f16-volta")
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(10_000):
            program.run(inputs)
    assert signal.getsignal(signal.SIGINT) is before
    assert model.run(inputs)["y"].shape == (1500, 1500)


def test_ctrl_c_in_a_function_of_the_callers(product):
    model, inputs = product

    def slow(given):
        time.sleep(5)
        return [given["x"]]

    interrupt_soon()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        assay.compare(model, inputs, ["strict-f32", slow])
    assert time.monotonic() - begin < 4
    assert model.run(inputs)["y"].shape == (1500, 1500)


def test_what_a_function_raises_is_the_cause(product):
    model, inputs = product

    def broken(given):
        raise LookupError("no power")

    with pytest.raises(assay.AssayError) as failed:
        assay.compare(model, inputs, ["strict-f32", broken])
    assert failed.value.code == "A402"
    assert failed.value.where == "callable:broken"
    assert isinstance(failed.value.__cause__, LookupError)
    for returned in (None, [], {"z": inputs["x"]}, ["text"]):
        with pytest.raises(assay.AssayError) as failed:
            assay.compare(model, inputs, ["strict-f32", lambda given, returned=returned: returned])
        assert failed.value.code == "A402"


def test_what_a_function_is_given_cannot_be_written_to():
    x = np.ones((4, 3), np.float32)

    def careless(given):
        given["x"] -= 1
        return [given["x"]]

    with pytest.raises(assay.AssayError, match="read-only"):
        assay.compare(unary("Neg", TensorProto.FLOAT), {"x": x}, ["strict-f32", careless])
    assert x.all()


def test_outputs_may_lie_in_memory_that_is_used_again():
    x = np.random.default_rng(1).standard_normal((8, 3)).astype(np.float32)
    buffer = np.empty((1, 3), np.float32)

    def into(scale):
        def run(given):
            np.multiply(given["x"], scale, out=buffer)
            return [buffer]
        return run

    model = unary("Identity", TensorProto.FLOAT, (1, 3))
    result = assay.compare(model, {"x": x}, [into(np.float32(1)), into(np.float32(0))])
    assert result.pairs[0].equal == 0
    one_by_one = assay.backends.callable(into(np.float32(1)), batch=1)
    result = assay.compare(None, {"x": x}, [lambda given: [given["x"]], one_by_one])
    assert result.pairs[0].equal == 24


@pytest.mark.parametrize("returned", [np.array([["a", "b", "c"]]), np.zeros((1, 3), np.complex64),
                                      np.zeros((1, 3), np.int64), np.zeros((1, 3), np.bool_)])
def test_numbers_of_another_nature_are_no_output(returned):
    with pytest.raises(assay.AssayError) as wrong:
        assay.compare(unary("Neg", TensorProto.FLOAT), {"x": np.ones((1, 3), np.float32)},
                      ["strict-f32", lambda given: [returned]])
    assert wrong.value.code == "A303"


def test_other_byte_orders_and_fields():
    model = assay.load(unary("Neg", TensorProto.FLOAT))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(model.run({"x": x.astype(">f4")})["y"], -x)
    records = np.zeros((2, 3), [("a", "u1"), ("b", "f4")])
    records["b"] = x
    assert np.array_equal(model.run({"x": records["b"]})["y"], -x)


def test_numbers_take_types_that_numpy_lacks():
    types = ((TensorProto.BFLOAT16, ml_dtypes.bfloat16), (TensorProto.FLOAT8E5M2, ml_dtypes.float8_e5m2))
    for onnx_type, dtype in types:
        assert assay.load(unary("Identity", onnx_type)).run({"x": [[1, 2, 3]]})["y"].dtype == dtype


def test_ctrl_c_while_progress_is_told(product):
    model, inputs = product

    def told(*_):
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pass

    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        assay.compare(model, inputs, ["strict-f32", "cpu-f32"], progress=told)
    assert model.run(inputs)["y"].shape == (1500, 1500)
