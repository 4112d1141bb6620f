"""Arrays against a model's inputs: defaults that they replace, arrays that nobody reads, numbers of samples."""
import numpy as np
import onnx
import pytest
from conftest import make_model
from onnx import TensorProto as T
from onnx import helper

NODES = [helper.make_node("Mul", ["x", "w"], ["y"])]
W = np.array([1, 2], np.float32)
X = np.array([[1, 1], [2, 2], [3, 3]], np.float32)


@pytest.fixture
def with_default(save_model):
    """A model whose weight w is listed among its inputs: a default that callers may replace."""
    return save_model("default.onnx", NODES, {"x": (T.FLOAT, ["N", 2]), "w": (T.FLOAT, [2])},
                      {"y": (T.FLOAT, ["N", 2])}, {"w": W})


def outputs(assay, tmp_path, model, *words, **arrays):
    np.savez(tmp_path / "in.npz", **arrays)
    done = assay("run", model, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz", *words, code=0)
    with np.load(tmp_path / "out.npz") as out:
        return out["y"], done.err


def test_arrays_replace_defaults(assay, tmp_path, with_default):
    y, err = outputs(assay, tmp_path, with_default, x=X)
    assert np.array_equal(y, X * W) and err == ""
    mine = np.array([5, -1.0001], np.float32)
    y, err = outputs(assay, tmp_path, with_default, x=X, w=mine)
    assert np.array_equal(y, X * mine) and err == ""
    y, _ = outputs(assay, tmp_path, with_default, "--profile", "f16-storage", x=X, w=mine)
    half = (X * mine.astype(np.float16).astype(np.float32)).astype(np.float16).astype(np.float32)
    assert np.array_equal(y, half)


def test_a_default_that_gave_shapes_may_be_replaced(assay, tmp_path, save_model):
    model = save_model("shape.onnx", [helper.make_node("Reshape", ["x", "s"], ["y"])],
                       {"x": (T.FLOAT, [4]), "s": (T.INT64, [2])}, {"y": (T.FLOAT, None)},
                       {"s": np.array([2, 2], np.int64)})
    x = np.arange(4, dtype=np.float32)
    assert outputs(assay, tmp_path, model, x=x)[0].shape == (2, 2)
    assert outputs(assay, tmp_path, model, x=x, s=np.array([4, 1], np.int64))[0].shape == (4, 1)


def test_audits_and_comparisons_take_them_too(assay, tmp_path, with_default):
    np.savez(tmp_path / "in.npz", x=X, w=np.array([1, 1.0001], np.float32))
    result = assay("audit", with_default, "--data", tmp_path / "in.npz", "--decision", "argmax", "--candidate",
                   "f16-storage", "--json", code=1).result
    assert result["samples"] == 3 and len(result["candidates"][0]["flips"]) == 3  # 1.0001 ties with 1 in float16
    words = ["compare", with_default, "--input", tmp_path / "in.npz", "--program", "strict-f32", "--program"]
    assert assay(*words, "f16-storage", "--max-abs", "0").code == 1
    assay(*words, "cpu-f32", "--max-abs", "0", code=0)


def test_a_replacement_must_fit_its_declared_type(assay, tmp_path, with_default):
    for w, code in ((np.ones(3, np.float32), "A302"), (np.ones(2), "A303")):
        np.savez(tmp_path / "in.npz", x=X, w=w)
        assert code in assay("run", with_default, "--input", tmp_path / "in.npz", code=3).err


def test_arrays_that_nobody_reads_are_named(assay, tmp_path, save_model):
    plain = save_model("plain.onnx", NODES, {"x": (T.FLOAT, ["N", 2])}, {"y": (T.FLOAT, ["N", 2])}, {"w": W})
    old = tmp_path / "ir3.onnx"  # IR 3 lists all initializers: constants, not defaults
    onnx.save(make_model(NODES, {"x": (T.FLOAT, ["N", 2]), "w": (T.FLOAT, [2])}, {"y": (T.FLOAT, ["N", 2])}, {"w": W},
                         opset=8, ir_version=3), old)
    for model in (plain, old):
        y, err = outputs(assay, tmp_path, model, x=X, w=W + 1)
        assert np.array_equal(y, X * W)
        assert "warning A310: the data has w, " in err and "its inputs are x" in err
        for words in (["audit", "--data", tmp_path / "in.npz", "--decision", "argmax", "--candidate", "cpu-f32"],
                      ["compare", "--input", tmp_path / "in.npz", "--program", "f64", "--program", "cpu-f32"]):
            assert assay(*words, model, code=0).err.count("A310") == 1


def test_one_symbol_is_one_number_of_samples(assay, tmp_path, save_model):
    model = save_model("two.onnx", [helper.make_node("Add", ["x", "z"], ["y"])],
                       {"x": (T.FLOAT, ["N", 2]), "z": (T.FLOAT, ["N", 2])}, {"y": (T.FLOAT, ["N", 2])})
    np.savez(tmp_path / "in.npz", x=X, z=np.concatenate([X, X]))
    for words in (["run", model, "--input"], ["audit", model, "--decision", "argmax", "--candidate", "f64", "--data"]):
        err = assay(*words, tmp_path / "in.npz", code=3).err
        assert "error A302" in err and "'z' has the shape [6,2]" in err and "'x' has the shape [3,2]" in err


@pytest.mark.parametrize("shape", [[2], [1], [1, 2]])
def test_arrays_of_a_fixed_shape_go_to_every_sample(assay, tmp_path, save_model, shape):
    model = save_model("fixed.onnx", [helper.make_node("Add", ["x", "z"], ["y"])],
                       {"x": (T.FLOAT, ["N", 2]), "z": (T.FLOAT, shape)}, {"y": (T.FLOAT, ["N", 2])})
    z = np.full(shape, 7, np.float32)
    y, _ = outputs(assay, tmp_path, model, x=X, z=z)
    assert np.array_equal(y, X + z)
    audit = ["audit", model, "--decision", "argmax", "--candidate", "f64", "--data", tmp_path / "in.npz"]
    assert assay(*audit, "--json", code=0).result["samples"] == 3
    symbols = save_model("symbols.onnx", [helper.make_node("Add", ["x", "z"], ["y"])],
                         {"x": (T.FLOAT, ["N", 2]), "z": (T.FLOAT, ["M", *shape[1:]])}, {"y": (T.FLOAT, ["N", 2])})
    err = assay("audit", symbols, *audit[2:], code=3).err  # three samples are never judged as one
    assert "error A302: input 'z'" in err


@pytest.mark.parametrize("kind", ["Div", "Mod"])
def test_integers_over_zero_are_an_error_where_they_run(assay, tmp_path, save_model, kind):
    node = helper.make_node(kind, ["x", "z"], ["y"], name="over")
    one = (T.INT32, [2])
    model = save_model("div.onnx", [node], {"x": one, "z": one}, {"y": one})
    np.savez(tmp_path / "in.npz", x=np.array([-2**31, 3], np.int32), z=np.array([-1, 0], np.int32))
    err = assay("run", model, "--input", tmp_path / "in.npz", code=3).err
    assert "error A309" in err and f"{kind} 'over'" in err and "element 1 of the divisor is 0" in err
    y, _ = outputs(assay, tmp_path, model, x=np.array([-2**31, 3], np.int32), z=np.array([-1, 2], np.int32))
    assert list(y) == ([-2**31, 1] if kind == "Div" else [0, 1])


def test_constants_over_zero_are_an_error_where_they_run(assay, tmp_path, save_model):
    nodes = [helper.make_node("Div", ["five", "zero"], ["d"], name="over"), helper.make_node("Add", ["x", "d"], ["y"])]
    one = (T.INT64, [1])
    model = save_model("div.onnx", nodes, {"x": one}, {"y": one},
                       {"five": np.array([5], np.int64), "zero": np.array([0], np.int64)})
    assay("inspect", model, code=0)
    np.savez(tmp_path / "in.npz", x=np.array([1], np.int64))
    err = assay("run", model, "--input", tmp_path / "in.npz", code=3).err
    assert "error A309" in err and "Div 'over'" in err


@pytest.mark.parametrize(("x", "scale"), [(T.FLOAT16, T.FLOAT), (T.FLOAT, T.FLOAT16), (T.DOUBLE, T.FLOAT)])
def test_scales_of_another_type_than_the_input(assay, tmp_path, save_model, x, scale):
    types = helper.tensor_dtype_to_np_dtype
    model = save_model("rms.onnx", [helper.make_node("RMSNormalization", ["x", "s"], ["y"])], {"x": (x, [2, 2])},
                       {"y": (scale, [2, 2])}, {"s": np.array([1, 2], types(scale))}, opset=23, ir_version=11)
    assert outputs(assay, tmp_path, model, x=X[:2].astype(types(x)))[0].dtype == types(scale)
    half = {"b": scale, "m": T.FLOAT, "v": T.FLOAT}
    model = save_model("bn.onnx", [helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])],
                       {"x": (x, [2, 2])}, {"y": (x, [2, 2])},
                       {"s": np.ones(2, types(scale)), **{n: np.ones(2, types(t)) for n, t in half.items()}})
    assert outputs(assay, tmp_path, model, x=X[:2].astype(types(x)))[0].dtype == types(x)


def test_declared_output_types_may_not_contradict(assay, tmp_path):
    model = make_model([helper.make_node("Relu", ["x"], ["y"])], {"x": (T.FLOAT, [2])}, {"y": (T.FLOAT, [2])})
    model.graph.output[0].type.tensor_type.elem_type = T.FLOAT16
    onnx.save(model, tmp_path / "lies.onnx")
    err = assay("inspect", tmp_path / "lies.onnx", code=3).err
    assert "error A103: is declared float16, but Relu (writes 'y') gives it float32" in err
    assert "graph output 'y'" in err and "cast to float16" in err


def test_nodes_out_of_order_are_named(assay, tmp_path):
    nodes = [helper.make_node("Relu", ["a"], ["y"], name="second"), helper.make_node("Neg", ["x"], ["a"], name="first")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [2])],
                              [helper.make_tensor_value_info("y", T.FLOAT, [2])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "o.onnx")
    err = assay("inspect", tmp_path / "o.onnx", code=3).err
    assert "error A103: reads 'a', which Neg 'first' writes only after it" in err and "Relu 'second'" in err


def test_a_recording_of_another_nature_is_refused(assay, tmp_path, save_model):
    model = save_model("r.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": (T.FLOAT, ["N", 2])},
                       {"y": (T.FLOAT, ["N", 2])})
    np.savez(tmp_path / "x.npz", x=X)
    np.savez(tmp_path / "ints.npz", y=X.astype(np.int32))
    np.savez(tmp_path / "halves.npz", y=X.astype(np.float16))
    words = ["audit", model, "--data", tmp_path / "x.npz", "--decision", "argmax", "--candidate"]
    done = assay(*words, f"recorded:{tmp_path / 'ints.npz'}", code=3)
    assert "A303" in done.err and "int32" in done.err
    assay(*words, f"recorded:{tmp_path / 'halves.npz'}", code=0)
